"""Requantization in two instructions: constants that give the reference's output, proven exact.

The reference rounds an accumulator twice (``multiply_by_quantized_multiplier`` of fixed_point.h).
Where no output lies below the zero point, as after a ReLU, one SMMLA and one SSAT of a Cortex-M4
can give the same 255 steps:

    out = sat8((((dot + lanes * 2^20 + start) * factor >> 32)
                + base + addend - lanes * (factor >> 12)) >> shift)

`dot` is the sum of raw int8 inputs times weights. `lanes` is how often the kernel adds LANE_START
to it, which the addend takes away again but for the fraction. Both sides are monotone in dot, so
they are equal for every dot if they step at the same places: two linear inequalities in factor and
constant for each of the 255 steps. What is left is to write the constant as start * factor +
(base + addend) * 2^32 + lanes * (factor % 2^12) * 2^20, in the few bits that are stored.

Below the zero point the reference's ties round the other way, and its steps lie on no one line.
Layers with outputs there take five instructions, exact without a search (``RoundedTwice``):

    twice = 2 * (dot + lanes * 2^20) + correction              # add
    rest  = half + (twice >> 31)                               # add
    out   = sat8((twice * multiplier + rest * 2^32 + 2^31 >> 32) >> right)   # smmlar, asr, ssat

where half = (2 * zero point + 1) * 2^(right - 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Int64s = NDArray[np.int64]

MAX_SHIFT = 6
LANE_START = 1 << 20
USUAL_SHIFT = 4
"""Found for almost every layer; the kernels are fastest with it."""
_SHIFTS = (USUAL_SHIFT, 5, 6, 3, 2, 1, 0)
STEPS = np.arange(-127, 128)
"""The outputs that a step leads up to."""
_HIGH = 1 << 32
_ADDENDS = 1 << 16
_TRIES = 1024
_SEARCHES = ((64, 16), (64, 160), (64, _TRIES), (4096, 256))
"""Factors on each side of the widest, and addends."""
_PATIENCE = 1 << 18
"""Pairs of factor and addend that a channel may cost on average, in a layer of many."""
_NEVER = 1 << 60


@dataclass(frozen=True, eq=False)
class Layer:
    """What a layer's channels ask for; arrays are int64 [N].

    Attributes
    ----------
    multiplier, exponent : TensorFlow Lite's factor, multiplier * 2^(exponent - 31)
    bias : of the accumulator, the input's offset folded in: bias + input_offset * sum(weights)
    lowest, highest : bounds of dot, raw int8 inputs
    lanes : how often LANE_START is added to it
    start_low, start_high : range that `start` may have, within int16; it comes out near start_low
    zero_point : of the output
    """

    multiplier: Int64s
    exponent: Int64s
    bias: Int64s
    lowest: Int64s
    highest: Int64s
    lanes: Int64s
    start_low: Int64s
    start_high: Int64s
    zero_point: int

    def _content(self) -> bytes:
        return b"".join(np.asarray(v, np.int64).tobytes() for v in vars(self).values())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Layer) and self._content() == other._content()

    def __hash__(self) -> int:
        return hash(self._content())


@dataclass(frozen=True, eq=False)
class Requantization:
    """Constants of a layer: of each channel, and `base` and `shift`, 0 .. MAX_SHIFT, of all."""

    start: NDArray[np.int16]
    factor: NDArray[np.int32]
    addend: NDArray[np.uint16]
    base: int
    shift: int


@dataclass
class _Patience:
    """Pairs that may still be tried for a layer: with damaged scales every channel is hard."""

    left: int

    def bears(self, pairs: int) -> bool:
        """Whether so many more may be."""
        self.left -= pairs
        return self.left >= 0


@lru_cache(maxsize=256)  # one model is planned many times
def solve(layer: Layer) -> Requantization | None:
    """Constants that are exact for every dot in range; None when none were found."""
    reach = np.maximum(np.abs(layer.lowest + layer.bias), np.abs(layer.highest + layer.bias))
    if np.any(reach << np.maximum(layer.exponent, 0) >= 1 << 31):
        return None  # the reference would wrap: no longer monotone
    real = layer.multiplier * 2.0 ** (layer.exponent - 31)
    most = int(np.floor(-1 - np.log2(max(real.max(), 2.0**-40) * 1.001)))
    at = _steps_of_reference(layer)
    patience = _Patience((64 + len(real)) * _PATIENCE)
    for shift in (s for s in _SHIFTS if s <= most):
        scaled = real * 2.0 ** (32 + shift)
        found = _solve_with(layer, _Lines(layer, at, shift), scaled, shift, patience)
        if found is not None:
            return found
    return None


@dataclass(frozen=True, eq=False)
class RoundedTwice:
    """Constants of a layer that rounds as the reference does; arrays are [N].

    Attributes
    ----------
    correction : 2 * (bias - lanes * 2^20)
    right : shift of the second rounding, 1 .. 20
    """

    correction: NDArray[np.int32]
    multiplier: NDArray[np.int32]
    right: NDArray[np.uint8]
    zero_point: int


def rounded_twice(layer: Layer) -> RoundedTwice | None:
    """Constants, of which `start` is none; None when a shift or sum is too large."""
    right = -layer.exponent
    start = layer.lanes * LANE_START
    correction = 2 * (layer.bias - start)
    sums = (layer.lowest + layer.bias, layer.highest + layer.bias, start, correction)
    if np.any((right < 1) | (right > 20)) or any(np.any(np.abs(s) >= 1 << 30) for s in sums):
        return None
    return RoundedTwice(
        correction.astype(np.int32), layer.multiplier.astype(np.int32), right.astype(np.uint8),
        layer.zero_point,
    )  # fmt: skip


def apply_twice(constants: RoundedTwice, channel: int, accumulator: Int64s) -> Int64s:
    """What the kernels compute from ``dot + lanes * LANE_START``; int8 values as int64."""
    twice = 2 * accumulator + int(constants.correction[channel])
    right = int(constants.right[channel])
    rest = ((2 * constants.zero_point + 1) << (right - 1)) + (twice >> 31)
    product = (twice * int(constants.multiplier[channel]) + rest * _HIGH + (1 << 31)) >> 32
    return np.clip(product >> right, -128, 127)


def apply(constants: Requantization, channel: int, dot: Int64s, lanes: int) -> Int64s:
    """What the kernels compute from `dot`; int8 values as int64."""
    factor = int(constants.factor[channel])
    start = lanes * LANE_START + int(constants.start[channel])
    addend = constants.base + int(constants.addend[channel]) - lanes * (factor >> 12)
    high = ((dot + start) * factor >> 32) + addend
    return np.clip(high >> constants.shift, -128, 127)


def reference(accumulator: Int64s, multiplier: Int64s, exponent: Int64s) -> Int64s:
    """``multiply_by_quantized_multiplier`` of fixed_point.h, where nothing wraps."""
    right = np.maximum(-exponent, 0)
    product = ((accumulator << np.maximum(exponent, 0)) * multiplier + (1 << 30)) >> 31
    mask = (np.int64(1) << right) - 1
    return (product >> right) + ((product & mask) > (mask >> 1) + (product < 0))


def _steps_of_reference(layer: Layer) -> Int64s:
    """Smallest dot that reaches each of STEPS, [N, 255]; highest + 1 where none does."""
    below = np.broadcast_to((layer.lowest - 1)[:, None], (len(layer.bias), len(STEPS))).copy()
    reached = np.broadcast_to((layer.highest + 1)[:, None], below.shape).copy()
    multiplier, exponent, bias = (
        a[:, None] for a in (layer.multiplier, layer.exponent, layer.bias)
    )
    while np.any(reached - below > 1):
        middle = (below + reached) >> 1
        there = reference(middle + bias, multiplier, exponent) + layer.zero_point >= STEPS
        is_open = reached - below > 1
        reached = np.where(is_open & there, middle, reached)
        below = np.where(is_open & ~there, middle, below)
    return reached


class _Lines:
    """Bounds of the constant, linear in the factor: one line for each side of each step."""

    def __init__(self, layer: Layer, at: Int64s, shift: int) -> None:
        lowest, highest = layer.lowest[:, None], layer.highest[:, None]
        target = STEPS.astype(np.int64) << (32 + shift)
        # factor * dot + constant >= target at the step, < target just before it.
        self._at = np.maximum(at, lowest)
        self._low = np.where(at <= highest, target, -_NEVER)
        self._before = np.minimum(at, highest + 1) - 1
        self._beyond = np.where(at > lowest, target, _NEVER)
        self._most = np.int64(256) << (32 + shift)  # where no step bounds it
        self._lanes = layer.lanes

    def constants(self, factor: Int64s) -> tuple[Int64s, Int64s]:
        """Least constant and the one beyond the largest, of every channel's own factor."""
        low = (self._low - self._at * factor[:, None]).max(axis=1)
        beyond = (self._beyond - self._before * factor[:, None]).min(axis=1)
        return self._bounded(low, beyond, self._lanes * (factor % 4096))

    def of_channel(self, channel: int, factor: Int64s) -> tuple[Int64s, Int64s]:
        """The same of one channel, for many factors."""
        low = _highest(self._low[channel], self._at[channel], factor)
        beyond = -_highest(-self._beyond[channel], -self._before[channel], factor)
        return self._bounded(low, beyond, self._lanes[channel] * (factor % 4096))

    def _bounded(self, low: Int64s, beyond: Int64s, fraction: Int64s) -> tuple[Int64s, Int64s]:
        low = np.maximum(low, beyond - self._most)
        beyond = np.minimum(beyond, low + self._most)
        return low - fraction * LANE_START, beyond - fraction * LANE_START

    def widest(self, real: NDArray[np.float64]) -> Int64s:
        """Factor of each channel that leaves the most constants: the room is concave in it."""
        first = np.maximum(np.round(real * 0.999), 1).astype(np.int64)
        last = np.minimum(np.round(real * 1.001) + 2, (1 << 31) - 1).astype(np.int64)
        while np.any(last - first > 2):
            a, b = first + (last - first) // 3, last - (last - first) // 3
            at_a, at_b = self.constants(a), self.constants(b)
            better_a = at_a[1] - at_a[0] >= at_b[1] - at_b[0]
            first, last = np.where(better_a, first, a), np.where(better_a, b, last)
        return (first + last) >> 1


def _highest(target: Int64s, slope: Int64s, factor: Int64s) -> Int64s:
    """Highest of the lines target - slope * factor at each factor, which are in order."""
    first, last = target - slope * factor[0], target - slope * factor[-1]
    # A line that is below another at both ends is below it everywhere.
    able = np.maximum(first, last) >= np.minimum(first, last).max()
    return (target[able, None] - slope[able, None] * factor).max(axis=0)


def _solve_with(
    layer: Layer, lines: _Lines, real: NDArray[np.float64], shift: int, patience: _Patience
) -> Requantization | None:
    factor = lines.widest(real)
    low, beyond = lines.constants(factor)
    if np.any(low >= beyond):
        return None
    # The larger the addend, the smaller the start.
    most = (low // 2 + beyond // 2 - layer.start_low * factor) >> 32
    base = int(most.min()) - _TRIES
    if not -1 << 30 < base < 1 << 30:
        return None
    found = []
    for channel in range(len(factor)):
        largest = min(int(most[channel]), base + _ADDENDS - 1)
        addends = range(base, largest + 1)
        split = _split(layer, lines, channel, int(factor[channel]), addends, patience)
        if split is None:
            return None
        found.append(split)
    start, factors, addend = (np.array(column) for column in zip(*found, strict=True))
    return Requantization(
        start.astype(np.int16), factors.astype(np.int32), (addend - base).astype(np.uint16),
        base, shift,
    )  # fmt: skip


def _split(
    layer: Layer, lines: _Lines, channel: int, widest: int, addends: range, patience: _Patience
) -> tuple[int, int, int] | None:
    """Start, factor and addend (base included) of one channel.

    Few factors do for most; for a channel whose 2^32 / factor is nearly whole, start and addend
    move the constant by the same steps, and only factors further away help.
    """
    limits = int(layer.start_low[channel]), int(layer.start_high[channel])
    addend = np.array(addends[: -_TRIES - 1 : -1], np.int64)
    for reach, tries in _SEARCHES:
        if not patience.bears(2 * reach * tries):
            return None
        factor = np.arange(max(widest - reach, 1), min(widest + reach, 1 << 31))
        low, beyond = lines.of_channel(channel, factor)
        able = low < beyond
        found = _search(factor[able], low[able], beyond[able], addend[:tries, None], limits)
        if found is not None:
            return found
    return None


def _search(
    factor: Int64s, low: Int64s, beyond: Int64s, addend: Int64s, limits: tuple[int, int]
) -> tuple[int, int, int] | None:
    start = np.maximum(-((addend * _HIGH - low) // factor), limits[0])
    good = (start * factor + addend * _HIGH < beyond) & (start <= limits[1])
    if not good.any():
        return None
    i, j = np.unravel_index(int(good.argmax()), good.shape)
    return int(start[i, j]), int(factor[j]), int(addend[i, 0])
