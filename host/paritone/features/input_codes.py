"""Logarithm and quantization by tables: the code of a mel sum from its leading bits.

A sum is read as a word that rises with it, octave << 23 | fraction, as in a float. A cell is the
words of equal leading bits, and is few enough words that the code steps up once at most within
it. One table holds the code of each cell's first word, another the word from which a code is over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

MANTISSA_BITS = 23
MOST_CELL_BITS = 7
NO_END = 2**32 - 1


@dataclass(frozen=True)
class Quantizer:
    """code = clip(floor(log * multiplier / 2^shift + 1/2) + zero_point) in int8 or uint8."""

    dtype: str
    multiplier: int
    shift: int
    zero_point: int

    def __call__(self, log: Ints) -> Ints:
        """Codes of logarithms, |log| < 2^31."""
        scaled = (log * self.multiplier + (1 << (self.shift - 1))) >> self.shift
        limits = np.iinfo(self.dtype)
        return np.clip(scaled + self.zero_point, limits.min, limits.max)


def log_of(table: npt.NDArray[np.int32], octaves: Ints, fraction: Ints) -> Ints:
    """Logarithm of 2^octaves * (1 + fraction / 2^23), a line through each 1/256 of an octave."""
    lines = table.astype(np.int64)
    index, part = fraction >> 15, fraction & 0x7FFF
    along = ((lines[index + 1] - lines[index]) * part) >> 15
    return lines[index] + along + octaves * (lines[256] - lines[0])


@dataclass(frozen=True, eq=False)
class CodeTables:
    """As in ``paritone_frontend_t``; codes as they are stored, in a uint8.

    cell_bits : an octave has 2^cell_bits cells
    codes : uint8, of each cell's first word, octave by octave
    ends : uint32 [256], by code: the first word with a higher one; `NO_END` where there is none
    """

    cell_bits: int
    codes: npt.NDArray[np.uint8]
    ends: npt.NDArray[np.uint32]


def code_tables(
    table: npt.NDArray[np.int32], quantizer: Quantizer, octaves: range, exponent: int
) -> CodeTables | None:
    """Tables for mel sums of 2^octaves; words count from the first of these octaves.

    As few cells as hold one step of the code each; None where 2^7 an octave do not.
    `exponent` : a sum m stands for m * 2^-exponent
    """

    def plain_code(word: Ints) -> Ints:
        octave, fraction = word >> MANTISSA_BITS, word & ((1 << MANTISSA_BITS) - 1)
        return quantizer(log_of(table, octaves.start + octave - exponent, fraction))

    for bits in range(MOST_CELL_BITS + 1):
        size = 1 << (MANTISSA_BITS - bits)
        first = np.arange(len(octaves) << bits) * size
        start, end = plain_code(first), plain_code(first + size - 1)
        if (end - start <= 1).all():
            break
    else:
        return None
    ends = np.full(256, NO_END, np.uint32)
    held = np.unique(start)
    ends[held & 0xFF] = _ends(plain_code, held, len(octaves) << MANTISSA_BITS)
    return CodeTables(bits, (start & 0xFF).astype(np.uint8), ends)


def _ends(plain_code: Callable[[Ints], Ints], codes: Ints, words: int) -> Ints:
    """The first of so many words whose code is above each of `codes`; `NO_END` without one."""
    low, high = np.zeros_like(codes), np.full_like(codes, words)  # the end is in [low, high]
    while (low < high).any():
        middle = (low + high) // 2
        above = plain_code(middle) > codes
        low, high = np.where(above, low, middle + 1), np.where(above, middle, high)
    return np.where(low < words, low, NO_END)
