"""What there is: `boards`, `doctor`."""

from __future__ import annotations

import typer

from paritone.cli import app, findings
from paritone.cli.findings import JsonFile

_WIDE = 120
"""Characters, where nobody says how many fit."""


@app.command()
def boards(json_file: JsonFile = None) -> None:
    """List the boards that the firmware is built for."""
    from rich.console import Console
    from rich.table import Column, Table

    from paritone import boards as supported

    table = Table(
        *(Column(name, no_wrap=True) for name in ("board", "flash", "RAM", "QEMU", "silicon")),
        Column("what it is", overflow="fold"),
        box=None,
        padding=(0, 2, 0, 0),
    )
    records = []
    for board in supported.all_boards():
        memory = board.memory
        sizes = [_size(size) for size in (memory.flash_bytes, memory.ram_bytes)]
        machine = board.emulator.machine if board.emulator else None
        silicon = "not run yet" if board.probe else "-"
        table.add_row(board.name, *sizes, machine or "-", silicon, board.title)
        records.append(
            {
                "name": board.name,
                "title": board.title,
                "flash_bytes": memory.flash_bytes,
                "ram_bytes": memory.ram_bytes,
                "core": board.core,
                "clock_hz": board.clock_hz,
                "machine": machine,
                "on_silicon": board.probe is not None,
            }
        )
    console = Console()
    (console if console.is_terminal else Console(width=_WIDE)).print(table)
    findings.write(json_file, records)


def _size(size: int) -> str:
    whole = size // 1024
    return f"{whole} KB" if whole % 1024 else f"{whole // 1024} MB"


@app.command()
def doctor(json_file: JsonFile = None) -> None:
    """Say what this machine has and lacks, and the line that mends it."""
    from dataclasses import asdict

    from paritone import doctor as examination
    from paritone.errors import ToolMissingError

    found, attached = examination.examine(), examination.attached()
    for item in found:
        state = item.version if item.ok else f"MISSING: {item.mend}"
        typer.echo(f"{item.name:<18} {item.use:<16} {state}")
    for line in attached:
        typer.echo(f"{line.name:<18} {line.use:<16} {line.text}")
    ports = [(line.name, line.text) for line in attached if line.use == examination.PORT]
    record = {"tools": [asdict(item) for item in found], "ports": ports}
    findings.write(json_file, {**record, "attached": [asdict(line) for line in attached]})
    missing = [item.name for item in found if not item.ok]
    missing += [f"permission for {line.name}" for line in attached if not line.permitted]
    if missing:
        raise ToolMissingError(f"missing: {', '.join(missing)}; see the lines above")
