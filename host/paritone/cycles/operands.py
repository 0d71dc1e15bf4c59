"""Which core registers an instruction reads, and whether it needs the pipeline's last stage.

By the encodings of the ARMv7-M Architecture Reference Manual (DDI 0403), chapters A5 and A6.
Registers that an address is made of are not among them: `paritone.cycles.thumb` has those.
"""

from __future__ import annotations

from dataclasses import dataclass

_SP, _NONE = 13, 15


@dataclass(frozen=True)
class Operands:
    """Sets of core registers, bit r for r.

    Attributes
    ----------
    reads : all of them
    sums : those that a multiplication only adds to its product
    late : multiplication, division, saturation, parallel arithmetic
    """

    reads: int = 0
    sums: int = 0
    late: bool = False


NOTHING = Operands()


def _set(*registers: int) -> int:
    """Where a field holds 15 there is no operand."""
    return sum(1 << r for r in set(registers) if r != _NONE)


def of(one: int, two: int) -> Operands:
    """Operands of an instruction by its halfwords; of a narrow one, the first."""
    if one >> 11 not in (0b11101, 0b11110, 0b11111):
        return Operands(_narrow(one), late=one & 0xFFC0 == 0x4340)
    if one & 0xFE00 == 0xEA00:  # shifted register
        return Operands(_set(one & 15, two & 15))
    if one & 0xF800 == 0xF000 and two >> 15 == 0:
        return _immediate(one, two)
    if one & 0xFF00 == 0xFA00:
        return Operands(_set(one & 15, two & 15), late=_is_parallel(one, two))
    if one & 0xFF00 == 0xFB00:
        return _product(one, two)
    return Operands(_stored(one, two))


# --------------------------------------------------------------- Of 16 bits


def _narrow(op: int) -> int:
    if op >> 13 == 0:
        by_register = op >> 10 == 0b000110
        return _set(op >> 3 & 7, op >> 6 & 7 if by_register else op >> 3 & 7)
    if op >> 13 == 1:
        return 0 if op >> 11 & 3 == 0 else _set(op >> 8 & 7)
    if op >> 10 == 0b010000:
        alone = op >> 6 & 15 in (9, 15)  # RSB and MVN take one
        return _set(op >> 3 & 7, op >> 3 & 7 if alone else op & 7)
    if op >> 10 == 0b010001:
        moves = op >> 8 & 3 >= 2
        return _set(op >> 3 & 15, op >> 3 & 15 if moves else op & 7 | op >> 4 & 8)
    if op >> 12 == 0b1011:
        return _narrow_miscellaneous(op)
    if op >> 12 == 0b1010:
        return _set(_SP) if op >> 11 & 1 else 0
    return _narrow_stored(op)


def _narrow_stored(op: int) -> int:
    if op >> 12 == 0b0101:
        return _set(op & 7) if op >> 9 & 7 < 3 else 0
    if op >> 11 in (0b01100, 0b01110, 0b10000):
        return _set(op & 7)
    if op >> 11 == 0b10010:
        return _set(op >> 8 & 7)
    return op & 0xFF if op >> 11 == 0b11000 else 0


def _narrow_miscellaneous(op: int) -> int:
    if op & 0xFF00 == 0xB000:
        return _set(_SP)
    if op & 0xF500 == 0xB100:  # CBZ, CBNZ
        return _set(op & 7)
    if op & 0xFF00 in (0xB200, 0xBA00):
        return _set(op >> 3 & 7)
    return op & 0xFF | op << 6 & 1 << 14 if op & 0xFE00 == 0xB400 else 0


# --------------------------------------------------------------- Of 32 bits


def _immediate(one: int, two: int) -> Operands:
    source, target = one & 15, two >> 8 & 15
    if one >> 9 & 1 == 0:
        return Operands(_set(source))
    operation = one >> 4 & 31
    if operation == 0b00100:  # MOVW
        return NOTHING
    if operation == 0b01100:  # MOVT
        return Operands(_set(target))
    if operation == 0b10110:  # BFI, BFC
        return Operands(_set(source, target))
    return Operands(_set(source), late=operation in (0b10000, 0b10010, 0b11000, 0b11010))


def _is_parallel(one: int, two: int) -> bool:
    """Parallel or saturating addition; not shifts, extensions, reversals, SEL and CLZ."""
    if one >> 7 & 1 == 0:
        return False
    return two >> 7 & 1 == 0 or (two >> 6 & 3 == 2 and one >> 4 & 7 == 0)


def _product(one: int, two: int) -> Operands:
    factors = one & 15, two & 15
    if one >> 7 & 1 == 0:
        addend = _set(two >> 12)
        return Operands(_set(*factors) | addend, addend, late=True)
    accumulates = one >> 4 & 7 in (4, 5, 6)
    addend = _set(two >> 12, two >> 8 & 15) if accumulates else 0
    return Operands(_set(*factors) | addend, addend, late=True)


def _stored(one: int, two: int) -> int:
    if one & 0xFF10 == 0xF800:
        return _set(two >> 12)
    if one & 0xFE50 == 0xE840:
        both = one >> 8 & 1 or one >> 5 & 1
        return _set(two >> 12, two >> 8 & 15 if both else two >> 12)
    return two & 0x7FFF if one & 0xFE50 == 0xE800 else 0
