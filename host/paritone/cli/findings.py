"""What a command measured, as one JSON document: the file of ``--json``, whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from paritone.errors import ConfigError


def _can_be_written(path: Path | None) -> Path | None:
    """Ask before anything is measured, not when all of it is."""
    if path is not None and path.is_dir():
        raise ConfigError(f"--json {path}: expected a file, this is a folder")
    if path is not None and not path.absolute().parent.is_dir():
        raise ConfigError(f"--json {path}: there is no folder {path.parent}")
    return path


JsonFile = Annotated[
    Path | None,
    typer.Option(
        "--json", metavar="FILE", help="Write the findings here too.", callback=_can_be_written
    ),
]


def write(path: Path | None, record: Any) -> None:
    """Write a record to the file that was asked for, if one was."""
    if path is None:
        return
    text = json.dumps(record, indent=2) + "\n"
    if path.exists() and not path.is_file():  # /dev/stdout
        path.write_text(text, encoding="utf-8")
        return
    partial = path.with_name(f"{path.name}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
