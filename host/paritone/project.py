"""What the board commands work on: a quantized model, its configuration, a board, a folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from paritone import boards, build, sources
from paritone.boards import Board
from paritone.build import Firmware
from paritone.errors import ConfigError, ModelError

if TYPE_CHECKING:
    from paritone.config import Config
    from paritone.features.tables import FrontendTables


CONFIG_NAME = "user_config.yaml"


@dataclass(frozen=True)
class Project:
    """One model on one board.

    Attributes
    ----------
    model : quantized, ``.tflite``
    folder : of generated C, firmware and a model quantized on the way
    cmsis_dsp : folder of genuine CMSIS-DSP that the frontend is to run on; None: on our own code
    """

    config: Config
    model: Path
    board: Board
    folder: Path
    cmsis_dsp: Path | None = None

    def build(self) -> Firmware:
        """Generate the C and build the firmware."""
        return build.prepare(self.model, self.config, self.board, self.folder, self.cmsis_dsp)

    def tables(self) -> FrontendTables:
        """The frontend's tables for this model's input."""
        from paritone.engine import plan
        from paritone.generate import frontend_tables

        return frontend_tables(plan.of_file(self.model, self.config.optimization), self.config)


def find(
    arguments: Sequence[str],
    config_file: Path | None,
    board: str | None,
    folder: Path | None = None,
    *,
    port: str | None = None,
    run: bool = True,
    cmsis_dsp: Path | None = None,
) -> Project:
    """Make a project of a command's arguments.

    Parameters
    ----------
    arguments : MODEL.tflite, or none for ``general.model_path``; and KEY=VALUE overrides
    config_file : None: ``./user_config.yaml``, or the shipped example's
    run : whether the firmware is to run as well, so that the tools for that are needed too
    cmsis_dsp : as `Project`'s

    Raises
    ------
    ConfigError, ModelError
        What cannot be used.
    ToolMissingError
        A tool that this board needs is not there: found out first.
    """
    config, model = _given_one(arguments, config_file)
    chosen = boards.get(board or config.board or boards.DEFAULT)
    boards.require_tools(chosen, port, run=run)
    build.require_cmsis_dsp(cmsis_dsp)
    out = folder or Path("build") / "boards" / chosen.name
    return Project(config, quantized(model, config, out), chosen, out, cmsis_dsp)


def of_model(
    arguments: Sequence[str], config_file: Path | None, board: str | None, folder: Path
) -> Project:
    """Make a project as `find` does; what a board needs is not asked for before it is built."""
    config, model = _given_one(arguments, config_file)
    chosen = boards.get(board or config.board or boards.DEFAULT)
    return Project(config, quantized(model, config, folder), chosen, folder)


def _given_one(arguments: Sequence[str], config_file: Path | None) -> tuple[Config, Path]:
    config, models = given(arguments, config_file)
    if len(models) > 1:
        raise ConfigError(f"one model is expected, got {', '.join(map(str, models))}")
    return config, models[0]


def given(arguments: Sequence[str], config_file: Path | None) -> tuple[Config, list[Path]]:
    """Configuration and models of a command's arguments, as `find` takes them.

    Raises
    ------
    ConfigError
        The configuration cannot be used, or there is no model.
    """
    from paritone import config as configuration

    overrides = [text for text in arguments if "=" in text and not Path(text).exists()]
    models = [Path(text) for text in arguments if text not in overrides]
    config = configuration.load_sections(config_file or default_config(), overrides)
    if not models:
        if config.general.model_path is None:
            raise ConfigError("no model: name a .tflite file or set general.model_path")
        models = [config.general.model_path]
    return config, models


def default_config() -> Path:
    """``./user_config.yaml`` where there is one, else the shipped example's."""
    for path in (Path(CONFIG_NAME), sources.root() / "examples" / CONFIG_NAME):
        if path.is_file():
            return path
    raise ConfigError(f"no {CONFIG_NAME} here: give --config FILE")


def quantized(path: Path, config: Config, folder: Path) -> Path:
    """The model itself, or what quantization makes of a float one, in `folder`.

    Raises
    ------
    ConfigError, ModelError, AudioError
        The model is not there or cannot be quantized; a clip that cannot be used.
    """
    from paritone import evaluation, progress, quantization
    from paritone.quantization import device_model

    if not path.is_file():
        raise ModelError(f"{path}: no such model")
    if path.suffix == ".tflite":
        return path
    folder.mkdir(parents=True, exist_ok=True)
    if evaluation.is_quantized(path):
        return device_model.write(path, config, folder)
    general = config.general.model_copy(update={"model_path": path})
    config = config.model_copy(update={"general": general})
    with progress.stage(f"Quantizing {path.name}"):
        made = quantization.quantize(config, folder / quantization.file_name(config))
    return device_model.write(made, config, folder)
