"""The silence gate: `calibrate` it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from paritone.cli import app, findings
from paritone.cli.findings import JsonFile


@app.command()
def calibrate(
    model: Annotated[Path, typer.Argument(metavar="MODEL.tflite", help="Quantized model.")],
    config_file: Annotated[Path, typer.Option("--config", metavar="FILE", help="Configuration.")],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE]...", help="Hydra's overrides.", show_default=False),
    ] = None,
    json_file: JsonFile = None,
    plot_file: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE.png", help="Draw accuracy against the threshold."),
    ] = None,
) -> None:
    """Find the silence gate's threshold on the training clips, streamed whole.

    Prints accuracy without and with the gate, and the line to configure it.

    Any labelled clips do but the test set's: +dataset.training_folds=[1,2,3,4]
    of one CSV. Those that the model was not trained on tell more. Without a
    training set, the quantization set is taken.
    """
    from paritone import config as configuration
    from paritone import quiet
    from paritone.errors import ConfigError, ModelError
    from paritone.evaluation import calibration

    if plot_file is not None and not plot_file.absolute().parent.is_dir():
        raise ConfigError(f"{plot_file}: there is no folder {plot_file.parent}")
    config = configuration.load_sections(config_file, overrides or [])
    if not model.is_file():
        raise ModelError(f"{model}: no such model")
    if model.suffix != ".tflite":
        raise ModelError(f"{model}: expected a quantized model (.tflite), which the device runs")
    quiet.import_tensorflow()
    found = calibration.calibrate(model, config)
    calibration.show(found, model.name)
    findings.write(json_file, found.record())
    if plot_file is not None:
        calibration.plot(found, plot_file)
