"""Square root and logarithm of the integer frontend as tables of straight lines."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

LOG_FRACTION_BITS = 24


def root_table() -> npt.NDArray[np.uint32]:
    """Words of the square root in frontend_magnitude.c: uint32 [257].

    Word i serves i * 2^23 <= s < (i + 1) * 2^23; 2^14 sqrt(s) is approximately
    word + floor(s * slope / 2^16), slope being the word's low half. The pair that errs least
    (relatively) is searched for near the chord's slope. Words below 32 are not used but for 0.
    """
    table = np.zeros(257, np.uint32)
    for i in range(32, 256):
        table[i] = _root_word(i)
    table[256] = round(2**14 * math.sqrt(2**31) / 2**16) << 16  # one value, slope 0
    return table


def _root_word(i: int) -> int:
    s = (np.linspace(i, i + 1, 33) * 2**23).astype(np.int64)
    exact = np.ldexp(np.sqrt(s.astype(float)), 14)
    chord = (exact[-1] - exact[0]) / 2**23 * 2**16
    slopes = np.clip(round(chord) + np.arange(-128, 129), 0, 2**15 - 1)[:, None]
    line = slopes + (s * slopes >> 16)
    rest = exact - line
    high = np.rint((rest.max(axis=1) + rest.min(axis=1)) / 2**17).astype(np.int64)[:, None]
    error = np.abs(line + high * 2**16 - exact) / exact
    best = int(np.argmin(error.max(axis=1)))
    return int(high[best, 0]) << 16 | int(slopes[best, 0])


def ln_table() -> npt.NDArray[np.int32]:
    """ln(1 + i / 256) in q24, raised by half the largest error of a chord: int32 [257]."""
    x = 1 + np.arange(257) / 256
    raised = np.log(x) + (1 / 256) ** 2 / 16
    table = np.rint(np.ldexp(raised, LOG_FRACTION_BITS)).astype(np.int32)
    return table
