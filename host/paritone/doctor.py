"""What this machine has and lacks for the whole job, with the line that mends it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from paritone import boards
from paritone.device import runners, st_link
from paritone.link import discovery
from paritone.link.port import GROUP_LINE

VERSION_TIMEOUT_S = 20


@dataclass(frozen=True)
class Finding:
    """One tool: where and which it is, or what installs it."""

    name: str
    use: str
    path: str | None
    version: str | None
    mend: str

    @property
    def ok(self) -> bool:
        """Whether it is there and runs."""
        return self.version is not None


_USES = {
    "cc": ("native C", "apt-get install gcc"),
    "arm-none-eabi-gcc": ("firmware", boards.TOOLS["arm-none-eabi-gcc"]),
    "cmake": ("firmware", boards.TOOLS["cmake"]),
    "ninja": ("firmware", boards.TOOLS["ninja"]),
    "qemu-system-arm": ("emulated boards", boards.TOOLS["qemu-system-arm"]),
    "gdb-multiarch": ("flashing", boards.TOOLS["gdb-multiarch"]),
}


def examine() -> list[Finding]:
    """Look for every tool and ask each for its version."""
    found = [_tool(name, use, mend) for name, (use, mend) in _USES.items()]
    return [*found, _sound()]


PORT, PROBE, PROBE_TOOL = "serial port", "debug probe", "flashing probes"


@dataclass(frozen=True)
class Attached:
    """What a board of silicon is reached by: a probe's tool, a probe, a serial port.

    Attributes
    ----------
    permitted : whether this user may use it; `text` has the line that mends it
    """

    name: str
    use: str
    text: str
    permitted: bool = True


def attached(sysfs: Path = st_link.SYSFS, nodes: Path = st_link.NODES) -> list[Attached]:
    """Everything for boards of silicon; emulated ones need none of it."""
    return [*_runners(), *probes(sysfs, nodes), *_ports()]


def _runners() -> Iterator[Attached]:
    installed = [runner for runner in runners.RUNNERS if runner.found]
    for runner in installed:
        path = shutil.which(runner.program) or ""
        yield Attached(runner.name, PROBE_TOOL, _version(path) or path)
    if not installed:
        first, *others = (f"{runner.install}" for runner in runners.RUNNERS)
        yield Attached(
            "probe tools", PROBE_TOOL, f"none; for a real board: {first} (or {'; '.join(others)})"
        )


def probes(sysfs: Path, nodes: Path) -> Iterator[Attached]:
    """Every ST-Link on the USB; a line that says so where there is none."""
    plugged_in = list(st_link.on_usb(sysfs, nodes))
    for device in plugged_in:
        number = f"serial number {device.serial_number}"
        mend = "" if device.permitted else f"; NO PERMISSION, type: {runners.UDEV_LINE}"
        yield Attached("ST-Link", PROBE, f"{number}{mend}", device.permitted)
    if not plugged_in:
        yield Attached("ST-Links", PROBE, "none is plugged in")


def _ports() -> Iterator[Attached]:
    from serial.tools import list_ports

    found = sorted(list_ports.comports())
    for port in found:
        permitted = port.vid is None or os.access(port.device, os.R_OK | os.W_OK)
        usb = f", USB {port.vid:04x}:{port.pid:04x}" if port.vid is not None else ""
        own = port.vid == discovery.ST_VENDOR and port.pid in discovery.ST_LINKS
        use = f": --port {port.device}" if own else ""
        mend = "" if permitted else f"; NO PERMISSION, type: {GROUP_LINE}"
        text = f"{port.description}{usb}{f', of an ST-Link{use}' if own else ''}{mend}"
        yield Attached(port.device, PORT, text, permitted)
    if not found:
        yield Attached("serial ports", PORT, "none")


def _tool(name: str, use: str, mend: str) -> Finding:
    program = os.environ.get("CC", "cc") if name == "cc" else name
    path = shutil.which(program)
    return Finding(program, use, path, _version(path) if path else None, mend)


def _version(path: str) -> str | None:
    try:
        done = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=VERSION_TIMEOUT_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = (done.stdout.strip() or done.stderr.strip()).splitlines()
    return lines[0] if done.returncode == 0 and lines else None


def _sound() -> Finding:
    mend = "apt-get install libsndfile1"
    try:
        import soundfile
    except (ImportError, OSError):
        return Finding("libsndfile", "reading clips", None, None, mend)
    version: str = soundfile.__libsndfile_version__
    return Finding("libsndfile", "reading clips", soundfile.__file__, version, mend)
