"""Logarithm and quantization in one table: the code of a mel sum from its leading bits.

A cell is an octave's part of equal mantissas. The code of the plain way (`plain_code`) rises with
the mel sum; a cell holds the mantissa from which it is one more, and the code before.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

MANTISSA_BITS = 23
MOST_CELL_BITS = 7


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


def code_cells(
    table: npt.NDArray[np.int32], quantizer: Quantizer, octaves: range, exponent: int
) -> tuple[int, npt.NDArray[np.uint32]] | None:
    """Cells for mel sums of 2^octaves: (cell bits, words threshold << 8 | code), octave by octave.

    As few cells as hold one step of the code each; None where 2^7 an octave do not.
    `exponent` : a sum m stands for m * 2^-exponent
    """

    def plain_code(octave: Ints, fraction: Ints) -> Ints:
        return quantizer(log_of(table, octave - exponent, fraction))

    for bits in range(MOST_CELL_BITS + 1):
        size = 1 << (MANTISSA_BITS - bits)
        octave, first = (
            grid.ravel()
            for grid in np.meshgrid(octaves, np.arange(1 << bits) * size, indexing="ij")
        )
        start, end = plain_code(octave, first), plain_code(octave, first + size - 1)
        if (end - start <= 1).all():
            break
    else:
        return None
    low, high = first, first + size - 1  # the step is after low, at high or before
    while (high - low > 1).any():
        middle = (low + high) // 2
        above = plain_code(octave, middle) > start
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    threshold = np.where(end > start, high + (1 << MANTISSA_BITS), 0)
    code = np.where(end > start, start, start - 1)
    return bits, (threshold << 8 | code & 0xFF).astype(np.uint32)
