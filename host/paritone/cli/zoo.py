"""The model-zoo services: `run` a configuration, `check` one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from paritone.cli import app

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
    config_path: ConfigPath = Path("."),
    config_name: ConfigName = "user_config.yaml",
    multirun: Annotated[
        bool, typer.Option("--multirun", "-m", help="Run every combination of the sweeps.")
    ] = False,
    host_only_ok: Annotated[
        bool,
        typer.Option("--host-only-ok", help="Leave the board's part out if its tools are missing."),
    ] = False,
) -> None:
    """Run the service or chain that operation_mode names, as Hydra runs it."""
    from paritone import hydra_job

    hydra_job.run(
        config_path, config_name, overrides or [], multirun=multirun, host_only=host_only_ok
    )
