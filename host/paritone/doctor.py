"""What this machine has and lacks for the whole job, with the line that mends it."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass

from paritone import boards

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


def ports() -> list[tuple[str, str]]:
    """Serial ports of this machine: device, description."""
    from serial.tools import list_ports

    return [(port.device, port.description) for port in sorted(list_ports.comports())]


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
    lines = done.stdout.strip().splitlines()
    return lines[0] if done.returncode == 0 and lines else None


def _sound() -> Finding:
    mend = "apt-get install libsndfile1"
    try:
        import soundfile
    except (ImportError, OSError):
        return Finding("libsndfile", "reading clips", None, None, mend)
    version: str = soundfile.__libsndfile_version__
    return Finding("libsndfile", "reading clips", soundfile.__file__, version, mend)
