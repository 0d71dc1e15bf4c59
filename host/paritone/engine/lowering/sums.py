"""ADD and SUB of two tensors of one shape as one weighted sum, proven for every pair of values.

The reference scales both operands, adds them and scales the sum, rounding each time. The kernel
computes ``start + floor(a * w0) + floor(b * w1)`` with 16 fractional bits and saturates. There are
65,536 pairs of int8 values: the constants are searched until no pair differs.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from paritone.engine import params, requantization

Int64s = NDArray[np.int64]

VALUES = np.arange(-128, 128, dtype=np.int64)
FRACTION = 16
WEIGHT_FRACTION = 24
_ONE = 1 << FRACTION
_REACH = 1 << 31
# The bias of a saturation to unsigned bytes, and one more for safety.
_ROOM = 256 << FRACTION
# Bounds further than this from the tightest cannot become it: weights move by less.
_MARGIN = _ONE >> 5
_ROUNDS = 60
_CANDIDATES = (16, 256)
"""At least and at most, so that a round tries about `_TRIED` sums."""
_TRIED = 1 << 20


@dataclass(frozen=True)
class _Scales:
    """What the reference scales by: the fields of `params.Binary`."""

    input_offset: params.Pair
    input_multiplier: params.Pair
    input_shift: params.Pair
    left_shift: int
    output_offset: int
    multiplier: int
    shift: int


def weighted_sum(binary: params.Binary, sign: int) -> params.WeightedSum | None:
    """Constants equal to ``a + sign * b`` as `binary` says; None when there are none.

    Parameters
    ----------
    binary
        of two computed operands of one shape
    """
    if (binary.minimum, binary.maximum) != (-128, 127):
        return None
    return _found(_Scales(**{f.name: getattr(binary, f.name) for f in fields(_Scales)}), sign)


@lru_cache(maxsize=256)  # one model is planned many times
def _found(scales: _Scales, sign: int) -> params.WeightedSum | None:
    wanted = _reference(scales, sign)
    nearest = np.array([_real(scales, 0), sign * _real(scales, 1)]) * 2.0**WEIGHT_FRACTION
    if np.abs(nearest).max() >= _REACH / 2 or np.ptp(wanted) == 0:
        return None
    weights = _search(wanted, np.rint(nearest).astype(np.int64))
    sums = weigh(weights[0], VALUES)[:, None] + weigh(weights[1], VALUES)
    low, high = _bounds(wanted, sums)
    if low.max() > high.min():
        return None
    start = (int(low.max()) + int(high.min())) // 2
    if np.abs(sums).max() + abs(start) + _ROOM >= _REACH:
        return None
    return params.WeightedSum((int(weights[0]), int(weights[1])), start)


def weigh(weight: Int64s, value: Int64s) -> Int64s:
    """Product in 2^-FRACTION, floored: what the kernel computes."""
    return weight * (value << (WEIGHT_FRACTION - FRACTION)) >> FRACTION


def _real(p: _Scales, index: int) -> float:
    """Real weight of operand `index`."""
    exponent = p.input_shift[index] + p.shift + p.left_shift
    return p.input_multiplier[index] / 2.0**31 * p.multiplier / 2.0**31 * 2.0**exponent


def _reference(p: _Scales, sign: int) -> Int64s:
    """Output for every pair of values, [256, 256]: ``add_row`` of elementwise.c."""
    a, b = (
        requantization.reference(
            (VALUES + p.input_offset[i]) << p.left_shift,
            np.array(p.input_multiplier[i]),
            np.array(p.input_shift[i]),
        )
        for i in (0, 1)
    )
    sums = a[:, None] + sign * b
    scaled = requantization.reference(sums, np.array(p.multiplier), np.array(p.shift))
    return np.clip(scaled + p.output_offset, -128, 127)


def _bounds(wanted: Int64s, sums: Int64s) -> tuple[Int64s, Int64s]:
    """Least and largest start that each pair allows."""
    low = np.where(wanted > -128, wanted * _ONE - sums, -_REACH)
    high = np.where(wanted < 127, (wanted + 1) * _ONE - 1 - sums, _REACH)
    return low, high


def _search(wanted: Int64s, nearest: Int64s) -> Int64s:
    """Weights near `nearest` that leave `start` as much room as was found, by random steps.

    Where one scale is a simple multiple of another nearly every pair is tight: fewer are tried.
    """
    low, high = _bounds(wanted, weigh(nearest[0], VALUES)[:, None] + weigh(nearest[1], VALUES))
    if low.max() <= high.min():
        return nearest
    tight = (low > low.max() - _MARGIN) | (high < high.min() + _MARGIN)
    a, b = (VALUES[i] for i in np.nonzero(tight))
    candidates = int(np.clip(_TRIED // len(a), *_CANDIDATES))
    rng = np.random.default_rng(0)
    best, room, radius = nearest, -_REACH, 64.0
    for _ in range(_ROUNDS):
        spread = radius * rng.choice([2.0, 0.25, 0.03], (candidates, 1))
        steps = np.rint(rng.normal(0, spread, (candidates, 2))).astype(np.int64)
        steps[0] = 0
        tried = best + steps
        sums = weigh(tried[:, :1], a) + weigh(tried[:, 1:], b)
        lows, highs = _bounds(wanted[tight], sums)
        rooms = highs.min(axis=1) - lows.max(axis=1)
        if rooms.max() > room:
            best, room = tried[rooms.argmax()], rooms.max()
        else:
            radius *= 0.7
        if room >= 0:
            break
    return best
