"""ST-Links as the kernel sees them on the USB, and whether this user may open them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from paritone.link import discovery

SYSFS, NODES = Path("/sys/bus/usb/devices"), Path("/dev/bus/usb")


@dataclass(frozen=True)
class UsbDevice:
    """An ST-Link on the USB.

    Attributes
    ----------
    node : what a probe's tool opens
    permitted : whether this user may
    """

    serial_number: str | None
    node: Path
    permitted: bool


def on_usb(sysfs: Path = SYSFS, nodes: Path = NODES) -> Iterator[UsbDevice]:
    """Every ST-Link that the kernel sees; none where it does not say so (no Linux)."""
    for device in sorted(sysfs.glob("*")):
        text = {name: _read(device / name) for name in ("idVendor", "idProduct", "serial")}
        ids = (f"{discovery.ST_VENDOR:04x}", {f"{product:04x}" for product in discovery.ST_LINKS})
        place = (_read(device / "busnum"), _read(device / "devnum"))
        if text["idVendor"] == ids[0] and text["idProduct"] in ids[1] and None not in place:
            node = nodes.joinpath(*(f"{int(number or 0):03d}" for number in place))
            yield UsbDevice(text["serial"], node, os.access(node, os.R_OK | os.W_OK))


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return None
