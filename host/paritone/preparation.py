"""Everything that can be known to be wrong before the first long step, checked before it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from paritone import config as configuration
from paritone import datasets, evaluation, progress, quantization
from paritone.clips import ClipStore
from paritone.config import STEPS, Config, need
from paritone.datasets import Dataset
from paritone.errors import ConfigError, ModelError, ToolMissingError

DEFAULT_BOARD = "stm32f405"


@dataclass(frozen=True)
class Prepared:
    """A configuration whose inputs have been read and fit each other.

    Attributes
    ----------
    test, calibration : the data sets of the steps; None where no step needs them or there are none
    device_problem : why the device cannot compute these features, None if it can
    left_out : step letter -> why it is left out
    store : the clips of both data sets, preprocessed
    """

    config: Config
    board: str
    test: Dataset | None
    calibration: Dataset | None
    device_problem: str | None
    store: ClipStore
    left_out: Mapping[str, str] = field(default_factory=dict)


def prepare(config: Config, *, host_only: bool = False) -> Prepared:
    """Check a configuration, its data, its model and its tools; cheap checks come first.

    Parameters
    ----------
    host_only : leave the board's steps out when their tools are missing, rather than refuse

    Raises
    ------
    ParitoneError
        What does not fit.
    """
    configuration.require_supported(config)
    steps = STEPS[config.operation_mode]
    for text in configuration.unused(config):
        progress.notice(text)
    problem = _device_problem(config)
    left_out = _board_steps(config, steps, problem, host_only=host_only)
    test, calibration = _data(config, steps)
    _check_model(config, steps, test or calibration)
    store = ClipStore(config)
    for dataset, title in ((test, "test clips"), (calibration, "quantization clips")):
        if dataset is not None:
            store.load(dataset, title)
    board = config.board or DEFAULT_BOARD
    return Prepared(config, board, test, calibration, problem, store, left_out)


def _device_problem(config: Config) -> str | None:
    from paritone.features.tables import device_limits

    if config.feature_extraction is None or config.preprocessing is None:
        return "sections feature_extraction and preprocessing are not there"
    limits = device_limits(config.feature_extraction, config.preprocessing.target_rate)
    return "; ".join(limits) or None


def _board_steps(
    config: Config, steps: str, problem: str | None, *, host_only: bool
) -> dict[str, str]:
    """Check what the board's steps need: a known board, features it can compute, tools."""
    from paritone import boards

    letters = [letter for letter in "bd" if letter in steps]
    if not letters:
        return {}
    if problem is not None:
        raise ConfigError(f"operation_mode {config.operation_mode}: {problem}")
    for text in configuration.device_warnings(config):
        progress.notice(text)
    board = boards.get(config.board or DEFAULT_BOARD)
    try:
        boards.require_tools(board)
    except ToolMissingError as error:
        if not host_only:
            raise
        progress.notice(f"the board's part is left out: {error}")
        return {letter: f"{TITLES[letter]} on {board.name}: {error}" for letter in letters}
    return {}


TITLES = {"b": "benchmark and validation", "d": "deployment and validation"}


def _data(config: Config, steps: str) -> tuple[Dataset | None, Dataset | None]:
    used = configuration.splits_used(config)
    if config.preprocessing is None or config.feature_extraction is None:
        return None, None
    test = datasets.load(config, "test") if "test" in used and steps != "t" else None
    calibration = datasets.load(config, "quantization") if "quantization" in used else None
    if test and calibration and test.class_names != calibration.class_names:
        raise ConfigError(
            f"dataset: the test set's classes ({', '.join(test.class_names)}) are not the "
            f"quantization set's ({', '.join(calibration.class_names)}); give dataset.class_names"
        )
    return test, calibration


def _check_model(config: Config, steps: str, dataset: Dataset | None) -> None:
    if steps.startswith("t"):
        return
    path = need(config.general.model_path, "general.model_path")
    names = dataset.class_names if dataset is not None else config.dataset.class_names
    if config.feature_extraction is not None:
        evaluation.check_fits(path, config, len(names) if names else None)
    if steps[0] in "bd":
        if not evaluation.is_quantized(path):
            raise ModelError(
                f"{path}: not a quantized model; the device runs int8 .tflite models: "
                "quantize it first (operation_mode chain_qb or chain_qd)"
            )
        _check_engine(path)
    elif "q" in steps and {"b", "d"} & set(steps):
        _check_convertible(path, config)


def _check_convertible(path: Path, config: Config) -> None:
    """Convert on random patches: an operator that the engine lacks is told before long work."""
    from paritone.models.load import load_keras

    model = load_keras(path)
    patches = quantization.random_patches(model.input_shape[1:], 0)[:2]
    types = config.quantization
    content = quantization.convert(
        model, patches, types.quantization_input_type, types.quantization_output_type
    )
    with tempfile.TemporaryDirectory(prefix="paritone-") as folder:
        trial = Path(folder) / path.with_suffix(".tflite").name
        trial.write_bytes(content)
        _check_engine(trial)


def _check_engine(path: Path) -> None:
    from paritone.engine import plan, tflite

    plan.plan(tflite.read(path))
