"""An emulated board at the far end of a bad line, which may press its reset button too."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from board_projects import Built
from paritone.boards.qemu import Emulator
from paritone.device import flash
from serial_faults import BadLine, Faults


@contextmanager
def bad_line(built: Built, faults: Faults, seed: int) -> Iterator[BadLine]:
    """The line; its `url` is the port of the board, which runs `built`."""
    with Emulator(built.project.board) as emulator:
        flash.flash(built.firmware.elf, emulator.gdb, flash.EMULATOR_RESET)
        with BadLine(emulator.serial_url, faults, seed, lambda: press_reset(emulator)) as line:
            yield line


def press_reset(emulator: Emulator) -> None:
    command = ["gdb-multiarch", "-nx", "-batch", "-ex", "set architecture armv7"]
    for text in (
        f"target extended-remote {emulator.gdb}",
        f"monitor {flash.EMULATOR_RESET}",
        "detach",
    ):
        command += ["-ex", text]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
