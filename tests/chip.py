"""The firmware of a board of silicon, run from reset in Unicorn's core over a chip's registers.

The registers remember what is written; what a chip does by itself (a PLL that locks, a clock that
switches) is a rule of its family, taken from its reference manual. Every write is kept, in order.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from elftools.elf.elffile import ELFFile

from paritone.link.protocol import Decoder, Frame

PERIPHERALS = (0x40000000, 0x20000000)
CORE = (0xE0000000, 0x100000)
TIMEOUT_US = 60_000_000
CCSIDR, DCISW, CYCCNT = 0xE000ED80, 0xE000EF60, 0xE0001004
FOUR_WAYS_OF_128_SETS = 127 << 13 | 3 << 3

Registers = dict[int, int]
Rule = Callable[[Registers], int]


@dataclass(frozen=True)
class Family:
    """What one family's chips do.

    Attributes
    ----------
    reset : registers that are not 0 at reset
    rules : reads that follow from other registers
    status, data : of the serial port, from its base; bit 7 of the one: room for a byte in the other
    """

    reset: Registers
    rules: dict[int, Rule]
    status: int
    data: int


@dataclass
class Chip:
    """Registers of a running chip.

    Attributes
    ----------
    writes : address and value, in order
    frames : what the serial port sent
    core : Unicorn's
    """

    family: Family
    serial: int
    registers: Registers = field(default_factory=dict)
    writes: list[tuple[int, int]] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    decoder: Decoder = field(default_factory=Decoder)
    cycles: int = 0
    core: Any = None

    def read(self, address: int) -> int:
        """What the core reads."""
        if address == CYCCNT:
            self.cycles += 10
            return self.cycles
        if address == self.serial + self.family.status:
            return 0xC0
        rule = self.family.rules.get(address)
        return self[address] | (rule(self.registers) if rule else 0)

    def write(self, address: int, value: int) -> None:
        """What the core writes."""
        self.writes.append((address, value))
        self.registers[address] = value
        if address == self.serial + self.family.data:
            self.frames += self.decoder.feed(bytes([value & 0xFF]))

    def __getitem__(self, address: int) -> int:
        return self.registers.get(address, 0)

    def first(self, address: int, mask: int, value: int) -> int:
        """Place among the writes at which a register's bits first became `value`."""
        return next(
            i for i, (at, word) in enumerate(self.writes) if at == address and word & mask == value
        )

    def before(self, place: int, address: int) -> int:
        """A register as it stood before a write."""
        found = [word for at, word in self.writes[:place] if at == address]
        return found[-1] if found else self.family.reset.get(address, 0)


def run(elf: Path, family: Family, serial: int, cpu: str) -> Chip:
    """Run an ELF from its vector table until it has sent its first frame."""
    from unicorn import UC_ARCH_ARM, UC_MODE_MCLASS, UC_MODE_THUMB, Uc, arm_const

    chip = Chip(family, serial, dict(family.reset))
    core = Uc(UC_ARCH_ARM, UC_MODE_THUMB | UC_MODE_MCLASS)
    core.ctl_set_cpu_model(getattr(arm_const, f"UC_CPU_ARM_{cpu.upper().replace('-', '_')}"))

    def region(base: int, size: int) -> None:
        def write(uc: Uc, offset: int, _size: int, value: int, _data: object) -> None:
            chip.write(base + offset, value)
            if chip.frames:
                uc.emu_stop()

        core.mmio_map(base, size, lambda _u, at, _s, _d: chip.read(base + at), None, write, None)

    region(*PERIPHERALS)
    region(*CORE)
    _load(core, elf)
    chip.core = core
    stack, start = struct.unpack("<II", core.mem_read(vectors(elf), 8))
    core.reg_write(arm_const.UC_ARM_REG_SP, stack)
    core.emu_start(start | 1, 0xFFFFFFFF, timeout=TIMEOUT_US)
    return chip


def call(chip: Chip, elf: Path, function: str, argument: int) -> int:
    """Have a chip that ran run one function of the ELF more: what it returns."""
    from unicorn import arm_const

    with elf.open("rb") as file:
        [symbol] = ELFFile(file).get_section_by_name(".symtab").get_symbol_by_name(function)
    core, back = chip.core, vectors(elf)
    chip.frames.clear()
    core.reg_write(arm_const.UC_ARM_REG_R0, argument)
    core.reg_write(arm_const.UC_ARM_REG_LR, back | 1)
    core.emu_start(symbol["st_value"] | 1, back, timeout=TIMEOUT_US)
    return int(core.reg_read(arm_const.UC_ARM_REG_R0))


def vectors(elf: Path) -> int:
    """Address of the vector table."""
    with elf.open("rb") as file:
        return int(ELFFile(file).get_section_by_name(".text")["sh_addr"])


def _load(core: object, elf: Path) -> None:
    """Map what the image takes and RAM that it clears; write what it brings along."""
    with elf.open("rb") as file:
        read = ELFFile(file)
        for section in read.iter_sections():
            if section["sh_flags"] & 2:
                _map(core, section["sh_addr"], section["sh_size"])
        for segment in read.iter_segments("PT_LOAD"):
            _map(core, segment["p_paddr"], segment["p_filesz"])
            core.mem_write(segment["p_paddr"], segment.data())


def _map(core: object, start: int, size: int) -> None:
    page = 0x1000
    for at in range(start // page * page, start + size, page):
        if not any(first <= at <= last for first, last, _ in core.mem_regions()):
            core.mem_map(at, page)
