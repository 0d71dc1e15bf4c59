"""Finding a board's serial port by its USB id: an ST-Link first, then any USB serial adapter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from paritone.errors import ConfigError, ToolMissingError

ST_VENDOR = 0x0483
ST_LINKS = frozenset((0x3748, 0x374B, 0x374D, 0x374E, 0x374F, 0x3752, 0x3753, 0x3754, 0x3757))


@dataclass(frozen=True)
class UsbPort:
    """A serial port on USB: its device, who it says it is, and whether it is an ST-Link's."""

    device: str
    title: str
    serial_number: str | None
    st_link: bool

    def __str__(self) -> str:
        number = f", serial number {self.serial_number}" if self.serial_number else ""
        return f"{self.device} ({self.title}{number})"


def usb_ports() -> list[UsbPort]:
    """Every serial port on USB here, by name; a computer's built-in ones lead to no board."""
    from serial.tools import list_ports

    return [
        UsbPort(
            port.device,
            port.product or port.description or "USB",
            port.serial_number,
            port.vid == ST_VENDOR and port.pid in ST_LINKS,
        )
        for port in sorted(list_ports.comports())
        if port.vid is not None
    ]


def choose(found: Sequence[UsbPort], board: str) -> UsbPort:
    """Return the port to reach a board by: that of the only ST-Link, or the only one there is.

    Raises
    ------
    ConfigError
        Several are plugged in: lists them.
    ToolMissingError
        None is.
    """
    likely = [port for port in found if port.st_link] or list(found)
    if len(likely) == 1:
        return likely[0]
    if likely:
        raise ConfigError(
            f"{len(likely)} serial ports may lead to {board}: choose one by --port: "
            + ", ".join(map(str, likely))
        )
    raise ToolMissingError(
        f"no USB serial port is here: plug {board} in at its ST-Link's USB connector, with a cable "
        "that carries data, or name its port by --port (a device, or socket://HOST:PORT, "
        "rfc2217://HOST:PORT of another machine); `paritone doctor` lists what is seen"
    )


def find(board: str) -> str:
    """Device of the port that leads to `board`; raises as `choose`."""
    return choose(usb_ports(), board).device
