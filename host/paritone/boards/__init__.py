"""Boards that the firmware is built for; a board's memory is read from its linker script."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from paritone import sources
from paritone.errors import ConfigError, ToolMissingError

TOOLS = {
    "arm-none-eabi-gcc": "apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi",
    "cmake": "apt-get install cmake",
    "ninja": "apt-get install ninja-build",
    "qemu-system-arm": "apt-get install qemu-system-arm",
    "gdb-multiarch": "apt-get install gdb-multiarch",
}
"""Programs that a board needs, and the line that installs each."""

DEFAULT = "stm32f405"
"""The board where neither command nor configuration names one."""

BUILD_TOOLS = ("arm-none-eabi-gcc", "cmake", "ninja")
RUN_TOOLS = ("qemu-system-arm", "gdb-multiarch")


@dataclass(frozen=True)
class Memory:
    """What the linker script gives the firmware, in bytes."""

    flash_bytes: int
    ram_bytes: int
    stack_bytes: int


@dataclass(frozen=True)
class Board:
    """One folder of ``firmware/board``.

    Attributes
    ----------
    title : for `paritone boards`
    machine : QEMU's name for it, started when no port is given
    systick_hz : rate of the counter on the emulator, in its virtual time
    icount_shift : the emulator executes one instruction in 2^shift ns of virtual time
    on_silicon : whether the firmware can also be flashed to a real board
    """

    name: str
    title: str
    machine: str
    systick_hz: int
    icount_shift: int
    on_silicon: bool

    @property
    def folder(self) -> Path:
        """Where its sources lie."""
        return sources.root() / "firmware" / "board" / self.name

    @property
    def memory(self) -> Memory:
        """Flash, RAM and stack, from link.ld."""
        return read_memory((self.folder / "link.ld").read_text())

    def instructions(self, ticks: int) -> float:
        """Instructions executed while the emulator's counter advanced by `ticks`.

        One instruction takes 2^icount_shift ns of virtual time (QEMU, -icount).
        """
        return ticks / (self.systick_hz * 1e-9 * 2**self.icount_shift)


_BOARDS = (
    Board(
        name="stm32f405",
        title="STM32F405, Cortex-M4F, 168 MHz; USART1 on PA9/PA10, 460800 baud",
        machine="netduinoplus2",
        systick_hz=168_000_000,
        icount_shift=2,
        on_silicon=True,
    ),
    Board(
        name="mps2-an386",
        title="Arm MPS2 AN386, Cortex-M4F with 16 MB, emulated only",
        machine="mps2-an386",
        systick_hz=25_000_000,
        icount_shift=5,
        on_silicon=False,
    ),
)


def names() -> list[str]:
    """Names of all boards."""
    return [board.name for board in _BOARDS]


def all_boards() -> tuple[Board, ...]:
    """Every board, in the order in which they are listed."""
    return _BOARDS


def get(name: str) -> Board:
    """Board of that name; ConfigError naming those that exist."""
    for board in _BOARDS:
        if board.name == name:
            return board
    raise ConfigError(f"board {name!r} is not known: choose one of {', '.join(names())}")


def tool(name: str) -> str:
    """Path of a program; ToolMissingError with the line that installs it."""
    found = shutil.which(name)
    if found is None:
        raise ToolMissingError(f"{name} not found: install it ({TOOLS[name]})")
    return found


def require_tools(board: Board, port: str | None = None, *, run: bool = True) -> None:
    """ToolMissingError unless the firmware can be built and, to `run` without a port, emulated."""
    emulate = run and port is None
    for name in (*BUILD_TOOLS, *(RUN_TOOLS if emulate else ())):
        tool(name)
    if emulate:
        from paritone.boards import qemu

        qemu.require_machine(board.machine)


_UNITS = {"": 1, "K": 1024, "M": 1024**2}


def read_memory(script: str) -> Memory:
    """Sizes that a linker script gives FLASH, RAM and the stack."""

    def size(pattern: str) -> int:
        found = re.search(pattern + r"\s*=\s*(\d+)([KM]?)\b", script)
        if found is None:
            raise ValueError(f"no {pattern} in the linker script")
        return int(found[1]) * _UNITS[found[2]]

    return Memory(size(r"FLASH[^\n]*LENGTH"), size(r"(?m)^\s*RAM[^\n]*LENGTH"), size("STACK_BYTES"))
