"""Flashing through GDB: an emulated board, or any GDB server of a real probe."""

from __future__ import annotations

import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from paritone.boards import tool
from paritone.errors import CheckFailedError, ToolMissingError

TIMEOUT_S = 120
CONNECT_TIMEOUT_S = 5
ANSWER_TIMEOUT_S = 30
"""For each answer of the server: GDB's own 2 s are too few for a loaded machine."""
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
        f"set tcp connect-timeout {CONNECT_TIMEOUT_S}",
        f"set remotetimeout {ANSWER_TIMEOUT_S}",
        "set architecture armv7",
        f"target extended-remote {gdb}",
        "load",
        "compare-sections",
        f"monitor {reset}",
        "detach",
    ]
    # A script stops at its first error; commands given by -ex would go on.
    with tempfile.NamedTemporaryFile("w", suffix=".gdb") as file:
        file.write("\n".join(script) + "\n")
        file.flush()
        command = [tool("gdb-multiarch"), "-nx", "-batch", "-x", file.name, str(elf)]
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
        text = re.sub(r"^\S+\.gdb:\d+: Error in sourced command file:\s*", "", reason[0])
        raise ToolMissingError(f"cannot flash through the GDB server at {gdb}: {text}")
    sizes = [line.split("load size ")[1] for line in output.splitlines() if "load size " in line]
    return Flashed(len(matched), int(sizes[-1].split()[0]) if sizes else 0)
