"""The model-zoo services: `run` a configuration, `check` one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from paritone.cli import app, findings
from paritone.cli.findings import JsonFile

ConfigPath = Annotated[
    Path, typer.Option("--config-path", help="Folder of the configuration.", metavar="DIR")
]
ConfigName = Annotated[
    str, typer.Option("--config-name", help="Its file, with or without .yaml.", metavar="FILE")
]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(metavar="[KEY=VALUE]...", help="Hydra's overrides.", show_default=False),
]


@app.command()
def run(
    overrides: Overrides = None,
    config_path: ConfigPath = Path(),
    config_name: ConfigName = "user_config.yaml",
    multirun: Annotated[
        bool, typer.Option("--multirun", "-m", help="Run every combination of the sweeps.")
    ] = False,
    on: Annotated[
        str | None,
        typer.Option(
            "--on", metavar="host|native|BOARD", help="What predicts or is evaluated: .target."
        ),
    ] = None,
    port: Annotated[
        str | None,
        typer.Option(
            "--port", metavar="PORT", help="The board's: .port of the sections that name one."
        ),
    ] = None,
    host_only_ok: Annotated[
        bool,
        typer.Option("--host-only-ok", help="Leave the board's part out if its tools are missing."),
    ] = False,
) -> None:
    """Run the service or chain that operation_mode names, as Hydra runs it."""
    from paritone import hydra_job, sweep

    options = [f"++{section}.target={on}" for section in ("prediction", "evaluation") if on]
    with_port = ("prediction", "evaluation", "benchmarking")
    options += [f"++{section}.port={port}" for section in with_port if port]
    start = sweep.run if multirun else hydra_job.run
    start(config_path, config_name, [*(overrides or []), *options], host_only=host_only_ok)


@app.command()
def check(
    overrides: Overrides = None,
    config_path: ConfigPath = Path(),
    config_name: ConfigName = "user_config.yaml",
    json_file: JsonFile = None,
) -> None:
    """Validate a configuration without running it: what would run on what."""
    from rich.console import Console

    from paritone import boards, preview
    from paritone import config as configuration

    config = configuration.load(config_path, config_name, overrides or [])
    found = preview.preview(config, boards.DEFAULT)
    preview.show(found, Console(soft_wrap=not sys.stdout.isatty()))
    findings.write(json_file, found.record())
