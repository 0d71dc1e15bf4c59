"""Flashing through GDB: an emulated board, or any GDB server of a real probe."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from paritone.boards import tool
from paritone.errors import CheckFailedError, ToolMissingError

TIMEOUT_S = 120
EMULATOR_RESET = "system_reset"
PROBE_RESET = "reset"
"""What OpenOCD, pyOCD and ST's server call it."""


@dataclass(frozen=True)
class Flashed:
    """What was written and read back: sections, and their bytes in all."""

    sections: int
    size: int


def flash(elf: Path, gdb: str, reset: str = PROBE_RESET, timeout_s: float = TIMEOUT_S) -> Flashed:
    """Load `elf` through the GDB server at ``HOST:PORT``, compare it, reset and let it run.

    Raises
    ------
    ToolMissingError
        No GDB, or no server at that address.
    CheckFailedError
        What was read back differs.
    """
    script = [
        "set confirm off",
        "set architecture armv7",
        f"target extended-remote {gdb}",
        "load",
        "compare-sections",
        f"monitor {reset}",
        "detach",
    ]
    command = [tool("gdb-multiarch"), "-nx", "-batch", str(elf)]
    for line in script:
        command += ["-ex", line]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s)
    except subprocess.TimeoutExpired as error:
        raise ToolMissingError(
            f"the GDB server at {gdb} does not answer within {timeout_s:g} s"
        ) from error
    return _outcome(done.stdout, done.stderr, gdb)


def _outcome(output: str, errors: str, gdb: str) -> Flashed:
    matched = [line for line in output.splitlines() if line.endswith(": matched.")]
    wrong = [line for line in output.splitlines() if "MIS-MATCHED" in line]
    if wrong:
        raise CheckFailedError(f"flashing failed, read back differently: {wrong[0].strip()}")
    if not matched:
        reason = errors.strip().splitlines()[-1:] or ["no section was loaded"]
        raise ToolMissingError(f"cannot flash through the GDB server at {gdb}: {reason[0]}")
    sizes = [line.split("load size ")[1] for line in output.splitlines() if "load size " in line]
    return Flashed(len(matched), int(sizes[-1].split()[0]) if sizes else 0)
