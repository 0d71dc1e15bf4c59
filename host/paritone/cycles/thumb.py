"""Thumb-2 code -> what the timing of an instruction depends on: its kind and its registers.

By the encodings of the ARMv7-M Architecture Reference Manual (DDI 0403), chapters A5 and A6. Only
what `paritone.cycles.pipeline` tells apart is told apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum, auto

from paritone.cycles import operands

PC = 15
SP = 13
_FLOAT = 16  # s0 is bit 16 of a set of registers


class Kind(Enum):
    """What the core does with an instruction; the kinds of one cost lie together."""

    COMPUTE = auto()
    """Data processing, of which multiplication, saturation and parallel arithmetic."""
    DIVIDE = auto()
    LOAD = auto()
    STORE = auto()
    LOAD_MANY = auto()
    STORE_MANY = auto()
    BRANCH = auto()
    """To an address in the instruction itself, conditional or not, with link or without."""
    BRANCH_REGISTER = auto()
    TABLE_BRANCH = auto()
    SYSTEM = auto()
    """Access to special registers; calls for help."""
    BARRIER = auto()
    FLOAT = auto()
    FLOAT_ACCUMULATE = auto()
    FLOAT_DIVIDE = auto()
    FLOAT_MOVE = auto()
    """Between core and floating-point unit."""
    UNKNOWN = auto()


@dataclass(frozen=True)
class Instruction:
    """One instruction.

    Attributes
    ----------
    size : in bytes, 2 or 4
    words : loaded or stored, or moved
    to_pc : loads the program counter
    updates_base : of a load or store
    indexed : a load or store at base plus register
    address, writes, reads : sets of registers, bit r for r0 to r15, bit 16 + s for s0 to s31: those
        that the address is made of, the results, and the operands of floating-point arithmetic
    sources, sums, late : `paritone.cycles.operands`: core registers that are read beside the
        address; those only added to a product; whether it takes the pipeline's last stage
    """

    size: int
    kind: Kind
    words: int = 1
    to_pc: bool = False
    updates_base: bool = False
    indexed: bool = False
    address: int = 0
    writes: int = 0
    reads: int = 0
    sources: int = 0
    sums: int = 0
    late: bool = False


def instructions(code: bytes) -> Iterator[Instruction]:
    """Decode little-endian code from its beginning to its end."""
    at = 0
    while at < len(code):
        decoded = decode(code[at : at + 4])
        yield decoded
        at += decoded.size


def decode(code: bytes) -> Instruction:
    """Decode the instruction at the beginning of `code`, which holds at least that."""
    first, second = (int.from_bytes(code[i : i + 2], "little") for i in (0, 2))
    narrow = first >> 11 not in (0b11101, 0b11110, 0b11111)
    found = _narrow(first) if narrow else _wide(first, second)
    used = operands.of(first, second)
    return replace(found, sources=used.reads, sums=used.sums, late=used.late)


def _bit(register: int) -> int:
    return 1 << register


# --------------------------------------------------------------- Of 16 bits


def _narrow(op: int) -> Instruction:
    top = op >> 12
    if top in (0b0000, 0b0001):
        return _compute(2, op & 7)
    if top in (0b0010, 0b0011):
        return _compute(2, op >> 8 & 7, compares=op >> 11 & 3 == 1)
    if top == 0b0100:
        return _narrow_mixed(op)
    if top == 0b0101:
        return _access(2, op >> 9 & 7 >= 3, op & 7, _bit(op >> 3 & 7) | _bit(op >> 6 & 7), True)
    if top in (0b0110, 0b0111, 0b1000):
        return _access(2, op >> 11 & 1 == 1, op & 7, _bit(op >> 3 & 7))
    if top == 0b1001:
        return _access(2, op >> 11 & 1 == 1, op >> 8 & 7, _bit(SP))
    if top == 0b1010:
        return _compute(2, op >> 8 & 7)
    if top == 0b1011:
        return _narrow_miscellaneous(op)
    if top == 0b1100:
        return _many(2, op >> 11 & 1 == 1, op >> 8 & 7, op & 0xFF)
    if top == 0b1101 and op >> 8 & 15 >= 14:
        return Instruction(2, Kind.SYSTEM)  # SVC, UDF
    return Instruction(2, Kind.BRANCH)


def _narrow_mixed(op: int) -> Instruction:
    if op >> 10 == 0b010000:
        return _compute(2, op & 7, compares=op >> 6 & 15 in (8, 10, 11))
    if op >> 11 == 0b01001:
        return _access(2, True, op >> 8 & 7, 0)
    if op >> 8 == 0b01000111:
        return Instruction(2, Kind.BRANCH_REGISTER)
    return _compute(2, op >> 4 & 8 | op & 7, compares=op >> 8 & 3 == 1)


def _narrow_miscellaneous(op: int) -> Instruction:
    if op & 0xF500 == 0xB100:
        return Instruction(2, Kind.BRANCH)
    if op & 0xFF00 == 0xB000:
        return _compute(2, SP)
    if op & 0xFE00 == 0xB400:
        return _many(2, False, SP, op & 0xFF | op << 6 & _bit(14))
    if op & 0xFE00 == 0xBC00:
        return _many(2, True, SP, op & 0xFF | op << 7 & _bit(PC))
    if op & 0xFF00 in (0xB200, 0xBA00):
        return _compute(2, op & 7)
    if op & 0xFF00 == 0xBF00 or op & 0xFFE8 == 0xB660:
        return Instruction(2, Kind.COMPUTE)  # IT and hints; CPS
    return Instruction(2, Kind.SYSTEM if op >> 8 == 0xBE else Kind.UNKNOWN)  # BKPT


# --------------------------------------------------------------- Of 32 bits


def _wide(one: int, two: int) -> Instruction:
    if one & 0xEC00 == 0xEC00:
        return _coprocessor(one, two)
    if one & 0xFE40 == 0xE800:
        return _many(4, one >> 4 & 1 == 1, one & 15, two, updates=one >> 5 & 1 == 1)
    if one & 0xFE40 == 0xE840:
        return _dual_or_exclusive(one, two)
    if one & 0xFE00 == 0xEA00:
        return _compute(4, two >> 8 & 15)
    if one & 0xF800 == 0xF000:
        return _compute(4, two >> 8 & 15) if two >> 15 == 0 else _wide_branch(one, two)
    if one & 0xFE00 == 0xF800:
        return _wide_access(one, two)
    if one & 0xFF80 == 0xFB80:
        return _long_multiply(one, two)
    return _compute(4, two >> 8 & 15)  # by registers, parallel, multiplications


def _wide_access(one: int, two: int) -> Instruction:
    load, base, target = one >> 4 & 1 == 1, one & 15, two >> 12
    if one & 0xFE10 == 0xF810 and target == PC and one >> 5 & 3 != 2:
        return Instruction(4, Kind.COMPUTE)  # preload hints
    if base == PC:
        return _access(4, load, target, 0)
    if one >> 7 & 1 == 1:
        return _access(4, load, target, _bit(base))
    if two >> 11 & 1 == 0:
        return _access(4, load, target, _bit(base) | _bit(two & 15), True)
    return _access(4, load, target, _bit(base), updates=two >> 8 & 1 == 1)


def _dual_or_exclusive(one: int, two: int) -> Instruction:
    base = _bit(one & 15)
    if one & 0xFFF0 == 0xE8D0 and two & 0xFFE0 == 0xF000:
        return Instruction(4, Kind.TABLE_BRANCH, address=base | _bit(two & 15))
    if one >> 8 & 1 == 0 and one >> 5 & 1 == 0:
        load = one >> 4 & 1 == 1
        target = two >> 12 if load else two >> 8 & 15 if one & 0x80 == 0 else two & 15
        return Instruction(4, Kind.LOAD, address=base, writes=_bit(target))
    both = _bit(two >> 12) | _bit(two >> 8 & 15)
    return _many(4, one >> 4 & 1 == 1, one & 15, both, updates=one >> 5 & 1 == 1)


def _wide_branch(one: int, two: int) -> Instruction:
    if two & 0x5000 != 0 or one >> 7 & 7 != 7:
        return Instruction(4, Kind.BRANCH)
    if one & 0xFFF0 == 0xF3B0:
        return Instruction(4, Kind.BARRIER)
    if one & 0xFFE0 in (0xF380, 0xF3E0):
        return Instruction(4, Kind.SYSTEM, writes=_bit(two >> 8 & 15) if one & 0x20 else 0)
    return Instruction(4, Kind.COMPUTE if one & 0xFFF0 == 0xF3A0 else Kind.UNKNOWN)


def _long_multiply(one: int, two: int) -> Instruction:
    if one & 0xFFD0 == 0xFB90:
        return Instruction(4, Kind.DIVIDE, writes=_bit(two >> 8 & 15))
    return Instruction(4, Kind.COMPUTE, writes=_bit(two >> 8 & 15) | _bit(two >> 12))


# ------------------------------------------------------------ Floating point


def _coprocessor(one: int, two: int) -> Instruction:
    if two >> 8 & 14 != 10:
        return Instruction(4, Kind.UNKNOWN)
    if one & 0xFF00 == 0xEE00:
        return _float_compute(one, two) if two & 16 == 0 else _float_move(one, two)
    if one & 0xFFE0 == 0xEC40:
        core = _bit(two >> 12) | _bit(one & 15) if one >> 4 & 1 else 0
        return Instruction(4, Kind.FLOAT_MOVE, words=2, writes=core)
    if one & 0xFE00 == 0xEC00:
        return _float_access(one, two)
    return Instruction(4, Kind.UNKNOWN)


def _single(high: int, low: int) -> int:
    return _bit(_FLOAT + (high << 1 | low))


def _float_access(one: int, two: int) -> Instruction:
    load, base = one >> 4 & 1 == 1, one & 15
    first = two >> 12 << 1 | one >> 6 & 1
    alone = one >> 8 & 1 == 1 and one >> 5 & 1 == 0  # VLDR or VSTR, not VLDM or VSTM
    words = 1 + (two >> 8 & 1) if alone else two & 0xFF
    updates = not alone and one >> 5 & 1 == 1
    single = alone and words == 1
    kinds = (Kind.STORE, Kind.LOAD) if single else (Kind.STORE_MANY, Kind.LOAD_MANY)
    target = ((1 << words) - 1) << (_FLOAT + first) if load else 0
    address = 0 if base == PC else _bit(base)
    return Instruction(4, kinds[load], words, False, updates, False, address, target)


def _float_compute(one: int, two: int) -> Instruction:
    target = _single(two >> 12, one >> 6 & 1)
    left, right = _single(one & 15, two >> 7 & 1), _single(two & 15, two >> 5 & 1)
    operation = one >> 4 & 11  # bits 7, 5 and 4 of the first halfword
    if operation in (0, 1, 9, 10):  # VMLA and VMLS, VNMLA and VNMLS, VFNMA, VFMA
        return Instruction(4, Kind.FLOAT_ACCUMULATE, writes=target, reads=left | right | target)
    if operation == 8:
        return Instruction(4, Kind.FLOAT_DIVIDE, writes=target, reads=left | right)
    if operation in (2, 3):
        return Instruction(4, Kind.FLOAT, writes=target, reads=left | right)
    if one & 15 == 1 and two & 0xC0 == 0xC0:
        return Instruction(4, Kind.FLOAT_DIVIDE, writes=target, reads=right)  # VSQRT
    if one & 14 == 4:
        return Instruction(4, Kind.FLOAT, reads=target | right)  # VCMP writes flags only
    return Instruction(4, Kind.FLOAT, writes=target, reads=right if two & 0x40 else 0)


def _float_move(one: int, two: int) -> Instruction:
    if one >> 4 & 1 == 1:
        return Instruction(4, Kind.FLOAT_MOVE, writes=_bit(two >> 12))
    return Instruction(4, Kind.FLOAT_MOVE, writes=_single(one & 15, two >> 7 & 1))


# -------------------------------------------------------------- Three shapes


def _compute(size: int, target: int, *, compares: bool = False) -> Instruction:
    if compares:
        return Instruction(size, Kind.COMPUTE)
    if target == PC and size == 2:
        return Instruction(size, Kind.BRANCH_REGISTER)
    # A comparison of 32 bits names the program counter as its result: there is none.
    return Instruction(size, Kind.COMPUTE, writes=_bit(target) & ~_bit(PC))


def _access(
    size: int, load: bool, target: int, address: int, indexed: bool = False, updates: bool = False
) -> Instruction:
    kind = Kind.LOAD if load else Kind.STORE
    to_pc = load and target == PC
    writes = _bit(target) if load else 0
    return Instruction(size, kind, 1, to_pc, updates, indexed, address, writes)


def _many(size: int, load: bool, base: int, registers: int, *, updates: bool = True) -> Instruction:
    kind = Kind.LOAD_MANY if load else Kind.STORE_MANY
    words = registers.bit_count()
    to_pc = load and registers >> PC & 1 == 1
    writes = registers if load else 0
    return Instruction(size, kind, words, to_pc, updates, False, _bit(base), writes)
