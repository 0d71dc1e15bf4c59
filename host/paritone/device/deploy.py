"""A firmware onto its board, wherever that is: emulated, behind an ST-Link, or on another machine.

A board without a port is emulated where it can be. One of silicon is flashed through the ST-Link
that is plugged in and reached by that ST-Link's serial port.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from paritone import device
from paritone.boards import Board
from paritone.build import Firmware
from paritone.device import Device, runners
from paritone.errors import ConfigError, ToolMissingError
from paritone.link import discovery


@dataclass(frozen=True)
class StLink:
    """A debug probe of ST's that is plugged in, and its serial port, which the board talks by."""

    serial_number: str | None
    port: str


def st_links() -> list[StLink]:
    """Every ST-Link with a serial port here, by its USB id."""
    ports = discovery.usb_ports()
    return [StLink(port.serial_number, port.device) for port in ports if port.st_link]


def choose(
    found: Sequence[StLink], port: str | None, serial_number: str | None, board: str
) -> StLink | None:
    """Return the ST-Link to flash through; None for a named port that is none's.

    Raises
    ------
    ConfigError
        Several are plugged in and neither port nor serial number was named.
    ToolMissingError
        None is plugged in, or not that one.
    """
    if port is not None:
        own = [link for link in found if _same(link.port, port)]
        return own[0] if own else None
    named = [link for link in found if serial_number in (None, link.serial_number)]
    if len(named) == 1:
        return named[0]
    here = ", ".join(f"{link.serial_number} ({link.port})" for link in found)
    if named:
        raise ConfigError(
            f"{len(named)} ST-Links are plugged in: choose one by "
            f"deployment.hardware_setup.stlink_serial_number or its --port: {here}"
        )
    asked = f" with serial number {serial_number}" if serial_number is not None else ""
    raise ToolMissingError(
        f"no serial port of an ST-Link{asked} is here{f', only {here}' if here else ''}: plug "
        f"{board} in at its ST-Link's USB connector, with a cable that carries data; `paritone "
        "doctor` lists what is seen; a board on another machine is named by --port"
    )


def port_flashed(found: Sequence[StLink], serial_number: str | None) -> str | None:
    """Port of the board that was flashed through a probe; None where that is not known.

    Parameters
    ----------
    serial_number : of the probe; None: the only one. Without an ST-Link that has a port, it is
        the only port on USB: a probe without one and an adapter
    """
    own = [link.port for link in found if serial_number in (None, link.serial_number)]
    others = [] if found else [port.device for port in discovery.usb_ports()]
    known = own or others
    return known[0] if len(known) == 1 else None


def _same(one: str, other: str) -> bool:
    """Whether two names are of one port: /dev/serial/by-id holds links."""
    return one == other or ("://" not in other and Path(one).resolve() == Path(other).resolve())


@contextmanager
def deployed(
    board: Board,
    firmware: Firmware,
    folder: Path,
    port: str | None = None,
    serial_number: str | None = None,
) -> Iterator[Device]:
    """Bring `firmware` onto its board and greet it.

    Parameters
    ----------
    folder : gets the image that a probe's tool is given
    port : of the board. That of an ST-Link here: the board is flashed through it; any other: it
        runs the firmware already, which is checked; None: the emulator, or the one ST-Link here
    serial_number : of the ST-Link, of several

    Raises
    ------
    ToolMissingError
        No ST-Link, no tool for it, or nobody answers: says where the firmware lies.
    CheckFailedError
        The board cannot be flashed, or runs another firmware.
    """
    if port is None and board.emulator is not None:
        with device.open(board, firmware) as opened:
            yield opened
        return
    try:
        link = choose(st_links(), port, serial_number, board.name)
        if link is not None:
            flash(board, firmware, folder, link)
    except ToolMissingError as error:
        raise ToolMissingError(f"the firmware is built, {firmware.elf}, but {error}") from error
    with device.open(board, firmware, link.port if link is not None else port) as opened:
        yield opened


def flash(board: Board, firmware: Firmware, folder: Path, link: StLink) -> int:
    """Flash a board through an ST-Link by the first tool installed; returns the bytes written."""
    target = runners.target(board, link.serial_number)
    job = runners.plan(target, firmware.elf, folder)
    return runners.flash(runners.find(), job)
