"""The ``paritone`` command: parses, calls and reports errors; no logic of its own.

Each module of this package adds the commands of one part of the pipeline to `app`.
"""

from __future__ import annotations

import os
import sys
import traceback
from typing import Any

import typer

from paritone import __version__, quiet
from paritone.errors import outcome

# Typer carries its own copy of click since 0.16: its usage errors are reached through Typer.
UsageProblem: Any = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")

app = typer.Typer(
    name="paritone",
    help="An audio-event model on an STM32 that is provably the model on your desk.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _options(
    debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error."),
) -> None:
    if debug:
        os.environ["PARITONE_DEBUG"] = "1"


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


INTERRUPTED = 130
"""The exit status of a command that Ctrl-C ended, as shells have it."""


def main(arguments: list[str] | None = None) -> None:
    """Run one command and exit: 0 done, 1 a check failed, 2 bad input, 3 a tool is missing."""
    quiet.set_tensorflow_up()
    from paritone.cli import (  # noqa: F401 - they add their commands
        device,
        frontend,
        inventory,
        model,
        monitor,
        silence,
        speed,
        zoo,
    )

    try:
        status = app(args=arguments, standalone_mode=False)
    except UsageProblem as error:
        error.show()
        status = 2
    except (typer.Abort, KeyboardInterrupt):
        status = INTERRUPTED
    except Exception as error:
        status = _report(error)
    if status == INTERRUPTED:  # typer returns it, or raises
        print("paritone: interrupted", file=sys.stderr)
    sys.exit(status if isinstance(status, int) else 0)


def _report(error: Exception) -> int:
    status, text = outcome(error)
    if os.environ.get("PARITONE_DEBUG"):
        traceback.print_exception(error)
    print(f"paritone: {text}", file=sys.stderr)
    return status
