"""Live: `monitor`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paritone.cli import INTERRUPTED, app, findings
from paritone.cli.device import Arguments, ConfigFile, Out, Port
from paritone.cli.findings import JsonFile

if TYPE_CHECKING:
    from paritone.monitor.sources import Source
    from paritone.project import Project


@app.command()
def monitor(
    arguments: Arguments = None,
    config: ConfigFile = None,
    board: Annotated[
        str | None,
        typer.Option("--board", metavar="BOARD|native", help="native: its C on this machine."),
    ] = None,
    port: Port = None,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="CLIP", help="Hear a clip, in real time.")
    ] = None,
    fast: Annotated[
        bool, typer.Option("--fast", help="The clip as fast as the board takes it.")
    ] = False,
    microphone: Annotated[
        bool, typer.Option("--microphone", help="Hear this machine's microphone.")
    ] = False,
    device: Annotated[
        str | None, typer.Option("--device", metavar="NAME", help="Which microphone, of several.")
    ] = None,
    board_stream: Annotated[
        bool, typer.Option("--board-stream", help="The board's own microphone; none has a driver.")
    ] = False,
    record: Annotated[
        Path | None, typer.Option("--record", metavar="DIR", help="Keep all of it in a new folder.")
    ] = None,
    replay: Annotated[
        Path | None,
        typer.Option("--replay", metavar="DIR", help="Compare a recording, heard anew."),
    ] = None,
    out: Out = None,
    json_file: JsonFile = None,
) -> None:
    """Hear a clip or a microphone live on a board: log-mel, classes, latency, link.

    Ctrl-C ends it with a summary. --replay runs a recording again and says whether the bits are
    the same.
    """
    from paritone.errors import ConfigError

    chosen = [
        name
        for name, given in (
            ("--file", file),
            ("--microphone", microphone),
            ("--board-stream", board_stream),
            ("--replay", replay),
        )
        if given
    ]
    if len(chosen) != 1:
        raise ConfigError(
            "expected one of --file CLIP, --microphone and --replay DIR, got "
            + (" and ".join(chosen) or "none of them")
        )
    if board_stream:
        raise ConfigError(
            "--board-stream is not there yet: no board here has a driver of a microphone; "
            "--microphone and --file stream PCM to it"
        )
    if (fast and file is None) or (device is not None and not microphone):
        raise ConfigError("--fast goes with --file, --device with --microphone")
    if replay is not None:
        if arguments or config is not None or record is not None:
            raise ConfigError("--replay takes model and configuration from the recording")
        _replay(replay, board, port, out, json_file)
        return
    project, native = _project(arguments, config, board, port, out)
    _listen(project, _source(file, device, project, fast=fast), port, record, json_file, native)


def _project(
    arguments: list[str] | None,
    config: Path | None,
    board: str | None,
    port: str | None,
    out: Path | None,
) -> tuple[Project, bool]:
    """What listens, and whether that is this machine."""
    from paritone import project as projects
    from paritone.monitor import ears

    if board == ears.NATIVE:
        folder = out or Path("build") / "boards" / board
        return projects.of_model(arguments or [], config, None, folder), True
    return projects.find(arguments or [], config, board, out, port=port), False


def _source(file: Path | None, device: str | None, project: Project, *, fast: bool) -> Source:
    from paritone.monitor import sources

    rate = project.config.preprocessing.target_rate
    if file is None:
        return sources.microphone(device, rate)
    return sources.file(file, rate, fast=fast)


def _listen(
    project: Project,
    source: Source,
    port: str | None,
    record: Path | None,
    json_file: Path | None,
    native: bool,
) -> None:
    from paritone import monitor as live

    found = live.monitor(project, source, port, native=native, record=record)
    live.show(found)
    findings.write(json_file, found.record())
    if found.interrupted:
        raise typer.Exit(INTERRUPTED)


def _replay(
    folder: Path, board: str | None, port: str | None, out: Path | None, json_file: Path | None
) -> None:
    import tempfile

    from paritone.monitor import replay

    with tempfile.TemporaryDirectory(prefix="paritone-") as build_in:
        found = replay.replay(folder, board, port, out or Path(build_in))
    replay.show(found)
    findings.write(json_file, found.record())
    found.require_equal()
