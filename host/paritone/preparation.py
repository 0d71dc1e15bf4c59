"""Everything that can be known to be wrong before the first long step, checked before it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paritone import boards, datasets, evaluation, progress, quantization, quiet, tracking
from paritone import config as configuration
from paritone import task as tasks
from paritone.config import STEPS, Config, need
from paritone.datasets import Dataset, distributed
from paritone.datasets.clips import ClipStore
from paritone.errors import ConfigError, ModelError, ToolMissingError
from paritone.evaluation import prediction, scoring, thresholds
from paritone.link import discovery
from paritone.quantization import device_model


@dataclass(frozen=True)
class Prepared:
    """A configuration whose inputs have been read and fit each other.

    Attributes
    ----------
    board : the name of the board that steps b and d work on
    test, calibration : the data sets of the steps; None where no step needs them or there are none
    store : the clips of all three data sets, preprocessed
    left_out : why nothing is done on the board although a step would; None: it is
    validation : clips to choose the thresholds of several labels on; None as of the others
    """

    config: Config
    board: str
    test: Dataset | None
    calibration: Dataset | None
    store: ClipStore
    left_out: str | None = None
    validation: Dataset | None = None


def prepare(config: Config, *, host_only: bool = False) -> Prepared:
    """Check a configuration, its data, its model and its tools; cheap checks come first.

    Parameters
    ----------
    host_only : leave the board's part out when its tools are missing, rather than refuse

    Raises
    ------
    ParitoneError
        What does not fit.
    """
    tracking.check(config)
    if config.execution.engine == "ray":
        distributed.require_ray()
    steps, board = STEPS[config.operation_mode], config.board or boards.DEFAULT
    left_out = _check_board(config, board, host_only) if set("bd") & set(steps) else None
    _check_target(config)
    training, test, calibration = _data(config, steps)
    validation = _of_thresholds(config, steps)
    if training is not None:
        _check_training(config, steps, len(training.class_names))
    else:
        _check_model(config, steps, _classes(config, test or calibration))
    store = ClipStore(config)
    titles = ("test clips", "quantization clips", "validation clips")
    for dataset, title in zip((test, calibration, validation), titles, strict=True):
        if dataset is not None:
            store.load(dataset, title)
    # Last: a configuration that is refused is one line.
    for text in (*_notices(config, board, left_out), *_threshold_notes(config, test, validation)):
        progress.notice(text)
    return Prepared(config, board, test, calibration, store, left_out, validation)


def _check_board(config: Config, name: str, host_only: bool) -> str | None:
    """Check what the board's steps need: features it can compute, a known board, its tools."""
    from paritone.features.limits import device_limits

    limits = device_limits(config.feature_extraction, config.preprocessing.target_rate)
    if limits:
        raise ConfigError("\n".join(limits))
    board = boards.get(name)
    try:
        boards.require_tools(board, config.port, run=board.emulator is not None)
    except ToolMissingError as error:
        if not host_only:
            raise
        return str(error)
    return None


def _check_target(config: Config) -> None:
    """Check the clips of a prediction, and what predicts or is evaluated."""
    from paritone.features.limits import device_limits

    port = config.evaluation.port
    if STEPS[config.operation_mode] == "p":
        prediction.clips(config)
        port = need(config.prediction, "prediction").port
    name = configuration.target(config)
    if name == "host":
        return
    if name != "native":
        boards.require_tools(scoring.board(name), port)
    limits = device_limits(config.feature_extraction, config.preprocessing.target_rate)
    if limits:
        raise ConfigError("\n".join(limits))


def _notices(config: Config, board: str, left_out: str | None) -> list[str]:
    found = configuration.unused(config)
    if set("bd") & set(STEPS[config.operation_mode]):
        found += configuration.device_warnings(config)
        found += _not_plugged_in(config, board)
    if left_out is not None:
        found.append(f"nothing is done on {board}: {left_out}")
    return found


def _not_plugged_in(config: Config, board: str) -> Iterator[str]:
    """A long run ends with the board: what is not there yet is said before it."""
    silicon = boards.get(board).emulator is None
    if silicon and config.port is None and not discovery.usb_ports():
        yield f"no board is plugged in: {board} is wanted once its firmware is built"


def _data(config: Config, steps: str) -> tuple[Dataset | None, Dataset | None, Dataset | None]:
    """Training (read again by the training itself), test and calibration clips."""
    used = configuration.splits_used(config)
    training = datasets.load(config, "training") if "t" in steps else None
    test = datasets.load(config, "test") if "test" in used else None
    calibration = datasets.load(config, "quantization") if "quantization" in used else None
    return training, test, calibration


def _of_thresholds(config: Config, steps: str) -> Dataset | None:
    """Clips to choose the thresholds of several labels a clip on; None where nothing asks."""
    if not config.dataset.multi_label or not set("tebd") & set(steps):
        return None
    tasks.of(config, datasets.class_names(config))
    asked = config.class_thresholds is None
    return datasets.load(config, "validation") if asked else None


def _threshold_notes(
    config: Config, test: Dataset | None, validation: Dataset | None
) -> Iterator[str]:
    """Say what is not as it should be about thresholds."""
    wanted = set("tebpd") & set(STEPS[config.operation_mode])
    if not (config.dataset.multi_label and wanted) or config.class_thresholds is not None:
        return
    if validation is None:
        yield (
            f"no thresholds and no validation set to choose them on: {tasks.DEFAULT_THRESHOLD:g} "
            f"for every class; a run that has one leaves {thresholds.FILE_NAME}, which "
            "deployment.class_thresholds takes"
        )
    elif test is not None and {c.path for c in test.clips} & {c.path for c in validation.clips}:
        yield (
            "thresholds are chosen on clips that accuracy is measured on, where F1 and the share "
            "of clips that are right look better than they are: keep a test set of its own"
        )


def _classes(config: Config, dataset: Dataset | None) -> int | None:
    """How many outputs the model must have; None where neither data nor configuration tell."""
    if dataset is not None:
        return len(dataset.class_names)
    return len(datasets.class_names(config)) if config.dataset.class_names is not None else None


def _check_model(config: Config, steps: str, classes: int | None) -> None:
    path = need(config.general.model_path, "general.model_path")
    if "feature_extraction" in config.model_fields_set or steps != "q":
        evaluation.check_fits(path, config, classes)
    target = configuration.target(config)
    if steps == "b" and evaluation.is_float(path):
        _check_convertible(quantization.load_float(path), config, target)
    elif steps[0] in "bd" or (target != "host" and steps in ("p", "e")):
        if not evaluation.is_quantized(path):
            raise ModelError(
                f"{path}: not a quantized model; the device runs int8 models (.tflite, .onnx): "
                "quantize it first (operation_mode chain_qb or chain_qd)"
            )
        _check_device(path, config, target)
    elif set("bd") & set(steps) or target != "host":
        _check_convertible(quantization.load_float(path), config, target)


def _check_training(config: Config, steps: str, classes: int) -> None:
    """Build the model and all that trains it; untrained, it must fit the device already."""
    quiet.import_tensorflow()
    from paritone import training

    model, target = training.check(config, classes), configuration.target(config)
    if set("bd") & set(steps):
        _check_convertible(model, config, "host")
    elif target != "host":
        _check_convertible(model, config, target)


def _check_convertible(model: Any, config: Config, target: str) -> None:
    """Quantize on random patches, and check what the device would run."""
    with tempfile.TemporaryDirectory(prefix="paritone-") as folder:
        path = quantization.write_trial(model, config, Path(folder) / "model")
        _check_device(path, config, target)


def _check_device(path: Path, config: Config, target: str) -> None:
    """Operators, shapes and memory: all that generating C and the board's size can refuse."""
    from paritone import build, generate
    from paritone.generate import manifest

    with tempfile.TemporaryDirectory(prefix="paritone-") as folder:
        generate.generate(device_model.write(path, config, Path(folder)), config, folder)
        record = manifest.read(Path(folder))
    if target == "host":
        target = config.board or boards.DEFAULT
    if target != "native":
        build.require_fit(record, boards.get(target))
