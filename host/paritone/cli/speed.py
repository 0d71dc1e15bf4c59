"""How fast this machine computes what a board would: `speed`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from paritone.cli import app, findings
from paritone.cli.findings import JsonFile


@app.command()
def speed(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MODEL]... [KEY=VALUE]...",
            help="Models (default: general.model_path) and Hydra's overrides.",
            show_default=False,
        ),
    ] = None,
    config_file: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="Configuration (default: the example's)."),
    ] = None,
    patches: Annotated[int, typer.Option(min=1, help="Patches of its test clips, at most.")] = 60,
    json_file: JsonFile = None,
) -> None:
    """Features beside librosa, models beside TensorFlow Lite's reference kernels, on one core."""
    from paritone import project
    from paritone.speed import engine, frontend

    config, models = project.given(arguments or [], config_file)
    folder = Path("build") / "speed"
    files = [(path, project.quantized(path, config, folder / path.stem)) for path in models]
    found = [frontend.measure(config, files[0][1])]
    typer.echo(found[0])
    for path, file in files:
        found.append(engine.measure(file, config, str(path), patches))
        typer.echo(found[-1])
    findings.write(json_file, {"schema": 1, "speed": [item.record() for item in found]})
