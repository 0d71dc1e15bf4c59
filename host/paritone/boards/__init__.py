"""Boards that the firmware is built for; a board's memory is read from its linker script."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

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


class Probe(BaseModel):
    """What tools of debug probes call a board's chip.

    Attributes
    ----------
    pyocd : its target
    openocd : its script
    device_id : DEV_ID of the chip, 12 bits
    device_id_at : address of DBGMCU_IDCODE, which holds it
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pyocd: str
    openocd: str
    device_id: int = Field(ge=0, lt=1 << 12)
    device_id_at: int = Field(ge=0, lt=1 << 32)


class Emulator(BaseModel):
    """How QEMU emulates a board.

    Attributes
    ----------
    machine : QEMU's name for it, started when no port is given
    icount_shift : it executes one instruction in 2^shift ns of virtual time
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    machine: str
    icount_shift: int = Field(ge=0, le=10)


class Board(BaseModel):
    """One folder of ``firmware/board``, as its board.yaml describes it.

    Attributes
    ----------
    title : for `paritone boards`
    core : the name that compilers have for it
    clock_hz : of the core once the board has started
    emulator : None for a board that exists on silicon alone
    probe : how a debug probe knows its chip; None for a board that is emulated alone
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: str
    core: str
    clock_hz: int = Field(ge=1)
    emulator: Emulator | None = None
    probe: Probe | None = None

    @property
    def folder(self) -> Path:
        """Where its sources lie."""
        return _folder() / self.name

    @property
    def emulated(self) -> Emulator:
        """How it is emulated; ConfigError for a board that exists on silicon alone."""
        if self.emulator is None:
            raise ConfigError(f"no emulator has the board {self.name}: name its port (--port)")
        return self.emulator

    @property
    def memory(self) -> Memory:
        """Flash, RAM and stack, from link.ld."""
        return read_memory((self.folder / "link.ld").read_text())

    def instructions(self, ticks: int) -> float:
        """Instructions executed while the emulator's counter advanced by `ticks`.

        The counter runs at the clock of the core in virtual time, in which one instruction takes
        2^icount_shift ns (QEMU, -icount).
        """
        return ticks / (self.clock_hz * 1e-9 * 2**self.emulated.icount_shift)


def _folder() -> Path:
    return sources.root() / "firmware" / "board"


@cache
def all_boards() -> tuple[Board, ...]:
    """Every folder of ``firmware/board`` with a board.yaml; the default first, then emulated ones.

    Raises
    ------
    ConfigError
        A board.yaml that is not one, naming the file and what is wrong.
    """
    found = [_read(path) for path in sorted(_folder().glob("*/board.yaml"))]
    return tuple(sorted(found, key=lambda b: (b.name != DEFAULT, b.emulator is None, b.name)))


def _read(path: Path) -> Board:
    try:
        record = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Board.model_validate({"name": path.parent.name, **record})
    except (OSError, TypeError, yaml.YAMLError, ValidationError) as error:
        raise ConfigError(f"{path} does not describe a board: {error}") from error


def names() -> list[str]:
    """Names of all boards."""
    return [board.name for board in all_boards()]


def get(name: str) -> Board:
    """Board of that name, however it is written; ConfigError naming those that exist.

    The zoo has them in capitals: ``B-U585I-IOT02A``.
    """
    plain = name.strip().lower().replace("_", "-")
    for board in all_boards():
        if board.name == plain:
            return board
    raise ConfigError(f"board {name!r} is not known: choose one of {', '.join(names())}")


def tool(name: str) -> str:
    """Path of a program; ToolMissingError with the line that installs it."""
    found = shutil.which(name)
    if found is None:
        raise ToolMissingError(f"{name} not found: install it ({TOOLS[name]})")
    return found


def require_tools(board: Board, port: str | None = None, *, run: bool = True) -> None:
    """Raise unless the firmware can be built and, to `run` without a port, emulated or found.

    Raises
    ------
    ToolMissingError
        A program is not there, or no serial port that may lead to a board of silicon.
    ConfigError
        Several ports may.
    """
    emulate = run and port is None and board.emulator is not None
    if run and port is None and board.emulator is None:
        from paritone.link import discovery

        discovery.find(board.name)
    machine = board.emulated.machine if emulate else ""
    for name in (*BUILD_TOOLS, *(RUN_TOOLS if emulate else ())):
        tool(name)
    if emulate:
        from paritone.boards import qemu

        qemu.require_machine(machine)


_UNITS = {"": 1, "K": 1024, "M": 1024**2}


def read_memory(script: str) -> Memory:
    """Sizes that a linker script gives FLASH, RAM and the stack."""

    def size(pattern: str) -> int:
        found = re.search(pattern + r"\s*=\s*(\d+)([KM]?)\b", script)
        if found is None:
            raise ValueError(f"no {pattern} in the linker script")
        return int(found[1]) * _UNITS[found[2]]

    return Memory(size(r"FLASH[^\n]*LENGTH"), size(r"(?m)^\s*RAM[^\n]*LENGTH"), size("STACK_BYTES"))
