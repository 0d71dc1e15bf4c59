"""The device side: `build`, `flash`, `validate`, `latency`, `bench`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from paritone.cli import app, findings
from paritone.cli.findings import JsonFile

if TYPE_CHECKING:
    from paritone.device import Device
    from paritone.project import Project

Arguments = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[MODEL.tflite] [KEY=VALUE]...",
        help="The model (default: general.model_path) and Hydra's overrides.",
        show_default=False,
    ),
]
ConfigFile = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Configuration.")]
ConfigPath = Annotated[
    Path | None, typer.Option("--config-path", metavar="DIR", help="Its folder, as for `run`.")
]
ConfigName = Annotated[
    str, typer.Option("--config-name", metavar="FILE", help="Its file in that folder.")
]
BoardName = Annotated[
    str | None, typer.Option("--board", metavar="BOARD", help="See `paritone boards`.")
]
Port = Annotated[
    str | None,
    typer.Option(
        "--port",
        metavar="PORT",
        help="Serial device or pyserial URL; without it an emulator, or the board's ST-Link.",
    ),
]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Default: build/boards/BOARD.")
]
CmsisDsp = Annotated[
    Path | None,
    typer.Option(
        "--cmsis-dsp", metavar="DIR", help="Frontend on genuine CMSIS-DSP from DIR: the same bits."
    ),
]


def _file(config: Path | None, folder: Path | None, name: str) -> Path | None:
    return folder / name if config is None and folder is not None else config


@app.command()
def build(
    arguments: Arguments = None,
    config: ConfigFile = None,
    config_path: ConfigPath = None,
    config_name: ConfigName = "user_config.yaml",
    board: BoardName = None,
    out: Out = None,
    cmsis_dsp: CmsisDsp = None,
    json_file: JsonFile = None,
) -> None:
    """Generate the C of a model and build the firmware of a board."""
    from paritone import project as projects

    file = _file(config, config_path, config_name)
    project = projects.find(arguments or [], file, board, out, run=False, cmsis_dsp=cmsis_dsp)
    firmware = project.build()
    _show_map(firmware.manifest)
    typer.echo(f"{firmware.elf}: for {project.board.name}")
    for name, size in firmware.memory.items():
        title = name.removesuffix("_bytes").replace("_", " ")
        typer.echo(f"  {title:<15} {size:>10,} B")
    typer.echo(f"  deepest calls, bytes of each: {firmware.stack}")
    findings.write(json_file, {"board": project.board.name, "memory": firmware.memory})


def _show_map(manifest: Mapping[str, Any]) -> None:
    from paritone.engine import memory_map

    found = [memory_map.Region(**region) for region in manifest["memory"]]
    arena, calls = manifest["arena_bytes"], len(manifest["calls"])
    memory_map.show(found, arena, manifest["optimization"], calls)


@app.command()
def flash(
    arguments: Arguments = None,
    config: ConfigFile = None,
    config_path: ConfigPath = None,
    config_name: ConfigName = "user_config.yaml",
    board: BoardName = None,
    port: Port = None,
    out: Out = None,
    runner: Annotated[
        str | None,
        typer.Option(
            "--runner",
            metavar="NAME",
            help="Tool of a real board's probe: pyocd, openocd, st-flash, cubeprogrammer; "
            "default: the first that is installed.",
        ),
    ] = None,
    serial_number: Annotated[
        str | None, typer.Option("--serial-number", metavar="SN", help="The probe, of several.")
    ] = None,
    gdb: Annotated[
        str | None,
        typer.Option(
            "--gdb", metavar="HOST:PORT", help="GDB server of a probe, in place of a tool."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the commands of a real board's probe.")
    ] = False,
    json_file: JsonFile = None,
) -> None:
    """Build, flash, read back, start, and ask the board who it is.

    An emulated board is flashed through GDB; one of silicon through its probe, where the board has
    no emulator or any of --port, --runner, --serial-number, --dry-run is given.
    """
    from paritone import boards as supported
    from paritone import device as devices
    from paritone import project as projects
    from paritone.device import deploy, runners
    from paritone.device import flash as flashing

    file = _file(config, config_path, config_name)
    probe = any((port, runner, serial_number, dry_run)) and gdb is None
    probe = probe or (gdb is None and board is not None and supported.get(board).emulator is None)
    tool = runners.find(runner) if probe else None
    links = deploy.st_links() if probe else []
    serials = [link.serial_number for link in links if link.serial_number]
    own = [link.serial_number for link in links if link.port == port]
    serial = runners.choose_probe(serials, serial_number or (own[0] if own else None))
    if tool is not None and board is not None and not dry_run:
        # Nobody waits for a build to hear that there is no probe.
        runners.require_chip(tool, runners.target(supported.get(board), serial))
    project = projects.find(
        arguments or [], file, board, out, port=port or gdb, run=tool is None and gdb is None
    )
    firmware = project.build()
    if tool is not None:
        target = runners.target(project.board, serial)
        job = runners.plan(target, firmware.elf, project.folder)
        if dry_run:
            typer.echo("\n".join(runners.commands(tool, job)))
            return
        size = runners.flash(tool, job)
        typer.echo(f"flashed {size:,} B by {tool.name}, read back and equal")
        port = port or deploy.port_flashed(links, serial)
        if port is None:
            typer.echo(
                "who it is was not asked, as its serial port is not known: `paritone doctor` "
                f"lists those here, `paritone validate --board {project.board.name} --port PORT` "
                "asks by one"
            )
    if gdb is not None:
        size = flashing.flash(firmware.elf, gdb).size
        typer.echo(f"flashed {size:,} B, read back and equal")
    if port is not None or (tool is None and gdb is None):
        with devices.open(project.board, firmware, port) as opened:
            _greet(opened, emulated=port is None)
    findings.write(json_file, {"board": project.board.name, "memory": firmware.memory})


def _greet(device: Device, *, emulated: bool) -> None:
    where = "emulated, flashed through GDB, read back and equal" if emulated else "answers"
    hello = device.hello
    typer.echo(f"{hello.board}: {where}; {hello.clock_hz / 1e6:g} MHz")
    typer.echo(f"  model    {hello.model_sha256[:16]}")
    typer.echo(f"  frontend {hello.frontend_sha256[:16]}")


@app.command()
def validate(
    arguments: Arguments = None,
    config: ConfigFile = None,
    config_path: ConfigPath = None,
    config_name: ConfigName = "user_config.yaml",
    board: BoardName = None,
    port: Port = None,
    out: Out = None,
    clips: Annotated[
        int | None, typer.Option("--clips", min=1, help="Of the test set, at most; default all.")
    ] = None,
    cmsis_dsp: CmsisDsp = None,
    json_file: JsonFile = None,
) -> None:
    """Stream the test clips to the board and compare every feature and every score."""
    from paritone import device as devices
    from paritone import validate as validation

    file = _file(config, config_path, config_name)
    project = _project(arguments, file, board, port, out, cmsis_dsp)
    firmware = project.build()
    chosen = validation.clips_of(project.config, clips)
    with devices.open(project.board, firmware, port) as opened:
        found = validation.validate(opened, chosen, project.tables(), project.model)
    validation.show(found, len(chosen))
    drawn = found.draw(project.folder)
    if drawn is not None:
        typer.echo(f"{drawn}: where they differ, drawn")
    spread = {"spread": found.spread.record(), "picture": str(drawn) if drawn else None}
    record = {"schema": 1, "board": project.board.name, "parity": found.record(), **spread}
    findings.write(json_file, record)
    found.require_equal()


@app.command()
def latency(
    arguments: Arguments = None,
    config: ConfigFile = None,
    config_path: ConfigPath = None,
    config_name: ConfigName = "user_config.yaml",
    board: BoardName = None,
    port: Port = None,
    out: Out = None,
    inferences: Annotated[
        int, typer.Option("--inferences", min=1, help="And runs of every layer; on real patches.")
    ] = 10,
    cmsis_dsp: CmsisDsp = None,
    json_file: JsonFile = None,
) -> None:
    """Measure frontend, layers, CPU load and memory on the board, over many inferences.

    Cycles on silicon; instructions on an emulator, with cycles as an estimate. Least, median, most.
    """
    from paritone import validate as validation
    from paritone.latency import measuring, table
    from paritone.report import figures

    file = _file(config, config_path, config_name)
    project = _project(arguments, file, board, port, out, cmsis_dsp)
    firmware = project.build()
    pcm = validation.clips_of(project.config, 1)[0][1]
    found = measuring.on_board(firmware, port, pcm, project.tables(), inferences)
    table.show(found, f"{project.model.name} on {project.board.name}")
    record = found.record()
    path = project.folder / "latency.png"
    drawn = figures.latency(record["layers"], record["unit"], path)
    typer.echo(f"{drawn}: the layers, drawn")
    sections = {"latency": record, "memory": found.memory}
    findings.write(json_file, {"schema": 1, "board": project.board.name, **sections})


@app.command()
def bench(
    arguments: Arguments = None,
    config: ConfigFile = None,
    config_path: ConfigPath = None,
    config_name: ConfigName = "user_config.yaml",
    board: BoardName = None,
    port: Port = None,
    out: Out = None,
    cmsis_dsp: CmsisDsp = None,
    functions: Annotated[
        bool, typer.Option("--functions", help="An inference by function too (emulated only).")
    ] = False,
    annotate: Annotated[
        list[str] | None,
        typer.Option("--annotate", metavar="FUNCTION", help="Its instructions, counted."),
    ] = None,
    json_file: JsonFile = None,
) -> None:
    """Instructions and modelled cycles of frame and layers, flash, RAM, stack; of the example."""
    file = _file(config, config_path, config_name)
    project = _project(arguments, file, board, port, out, cmsis_dsp)
    _bench(project, port, json_file, functions=functions, annotated=annotate or [])


def _bench(
    project: Project,
    port: str | None,
    json_file: Path | None,
    *,
    functions: bool = False,
    annotated: Sequence[str] = (),
) -> None:
    from paritone import bench as benching

    found = benching.bench(project, port)
    benching.show(found, functions=functions, annotated=annotated)
    findings.write(json_file, found.record())


def _project(
    arguments: list[str] | None,
    file: Path | None,
    board: str | None,
    port: str | None,
    out: Path | None,
    cmsis_dsp: Path | None,
) -> Project:
    from paritone import project as projects

    return projects.find(arguments or [], file, board, out, port=port, cmsis_dsp=cmsis_dsp)
