"""Square root and logarithm of the integer frontend as tables of straight lines."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from paritone.config import FeatureExtraction
from paritone.features.log_mel import LOG_OFFSET

LN_FRACTION_BITS = 24
DB_FRACTION_BITS = 20
"""Decibels reach further from 0 than nats: up to 2048 either way."""
AMIN = {1: 1e-5, 2: 1e-10}
"""Least magnitude and power of librosa's amplitude_to_db and power_to_db."""
RANGE_DB = 80.0


def root_table() -> npt.NDArray[np.uint32]:
    """Words of the square root in frontend_magnitude.c: uint32 [257].

    Word i serves i * 2^23 <= s < (i + 1) * 2^23; 2^14 sqrt(s) is approximately
    word + floor(s * slope / 2^16), slope being the word's low half. The pair that errs least
    (relatively) is searched for near the chord's slope. Words 1 to 31 are not read, word 0 for
    a sum of 0 alone.
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
    """ln(1 + i / 256) in q24: int32 [257], see `_log_table`."""
    return _log_table(1.0, 0.0, LN_FRACTION_BITS)


def db_table(power: int, reference: float) -> npt.NDArray[np.int32]:
    """Decibels of 1 + i / 256 above `reference`, in q20: int32 [257], see `_log_table`.

    Of a magnitude (power 1) or of a power (power 2), as `reference` is.
    """
    scale = 10 * (2 if power == 1 else 1) / math.log(10)
    return _log_table(scale, scale * math.log(reference), DB_FRACTION_BITS)


def _log_table(scale: float, zero: float, fraction_bits: int) -> npt.NDArray[np.int32]:
    """Table of scale * ln(1 + i / 256) - zero, raised by half the largest error of a chord."""
    x = 1 + np.arange(257) / 256
    raised = np.log(x) + (1 / 256) ** 2 / 16
    return np.rint(np.ldexp(scale * raised - zero, fraction_bits)).astype(np.int32)


@dataclass(frozen=True, eq=False)
class Curve:
    """The logarithm: of v + offset, or of v where it is above floor; v a mel value."""

    table: npt.NDArray[np.int32]
    bits: int
    offset: float
    floor: float


def curve_of(features: FeatureExtraction) -> Curve:
    """ln(v + 1e-4), or librosa's decibels above a fixed reference, 80 below it at least."""
    if not features.to_db:
        return Curve(ln_table(), LN_FRACTION_BITS, LOG_OFFSET, 0.0)
    assert features.db_reference is not None
    power = int(features.power)
    reference = max(features.db_reference, AMIN[power])
    floor = reference * 10 ** (-RANGE_DB / (20 / power))
    return Curve(db_table(power, reference), DB_FRACTION_BITS, 0.0, max(floor, AMIN[power]))
