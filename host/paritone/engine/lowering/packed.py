"""CONV_2D by packed products: lanes of 21 bits that hold every sum, and their constants.

One multiplication serves three pixels and two channels: firmware/src/products.h. It works while
each lane stays within 0 .. 2^21 - 1, so a window is split into chunks that are short enough for
sums that start at 2^20.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TypedDict, TypeVar

import numpy as np
from numpy.typing import NDArray

from paritone.engine import params, requantization
from paritone.engine.params import GROUP, LANE_BITS, TRIPLE
from paritone.engine.requantization import LANE_START

Int64s = NDArray[np.int64]
Number = TypeVar("Number", bound=np.generic)

SCRATCH_BYTES = 16 * 1024
"""Packed values of a block, unless a planner decides otherwise."""
START_ROOM = 1 << 13
"""On either side of each lane, for the requantization to choose a start from."""
MAX_CHUNKS = 255
MAX_BLOCK = (1 << 16) - 1


def packed(conv: params.Conv2D) -> params.Products | None:
    """`conv` by packed products; None where it has groups or no constants were found."""
    if conv.groups != 1:
        return None
    weights = conv.weights.reshape(len(conv.weights), -1).astype(np.int64)
    filled = np.pad(weights, ((0, -len(weights) % GROUP), (0, 0)))
    chunks, low, high = _chunks(filled)
    if chunks.max() > MAX_CHUNKS:
        return None
    constants = _constants(conv, weights, chunks, low, high)
    if constants is None:
        return None
    window = conv.window
    found = params.Products(
        window=window,
        depth=weights.shape[1],
        block=1,
        padding=-conv.input_offset,
        padded=int(window.leaves_input),
        minimum=conv.minimum,
        maximum=conv.maximum,
        weights=_words(filled),
        wide=None,
        coded=None,
        chunks=chunks.astype(np.uint8) if chunks.max() > 1 else None,
        **constants,
    )
    return with_block(found, (SCRATCH_BYTES - found.scratch_bytes) // found.triple_bytes + 1)


def with_block(products: params.Products, block: int) -> params.Products:
    """The same with `block` triples of pixels packed at once, at least one, no more than all."""
    pixels = products.window.out_height * products.window.out_width
    return replace(products, block=max(1, min(block, -(-pixels // TRIPLE), MAX_BLOCK)))


def with_pairs(products: params.Products) -> params.Products | None:
    """The same by pairs of channels; None where the depth is no multiple of four."""
    if products.depth % 4 or products.weights is None:
        return None
    return replace(products, pairs=1)


def with_widened(products: params.Products) -> params.Products:
    """The same with weights stored as the multiplications take them: twice the bytes."""
    if products.weights is None:
        return products
    unpacked = np.ascontiguousarray(products.weights).view(np.int8).astype(np.int32)
    pairs = unpacked.reshape(*products.weights.shape, 2, 2)
    wide = pairs[..., 0] + (pairs[..., 1] << LANE_BITS)
    if products.pairs:
        wide = wide.transpose(0, 2, 1)
    return replace(products, weights=None, wide=wide.astype(np.int32))


def _words(weights: Int64s) -> params.Int32s:
    """[groups, depth] words of four channels' weights."""
    grouped = weights.astype(np.int8).reshape(-1, GROUP, weights.shape[1]).transpose(0, 2, 1)
    return np.ascontiguousarray(grouped).view("<i4")[..., 0].astype(np.int32)


def _chunks(weights: Int64s) -> tuple[Int64s, Int64s, Int64s]:
    """Chunks of each group of channels [4 * groups, depth], as few as will do.

    And the range [4 * groups] that the last one's start may have beside LANE_START.
    """
    counts, low, high = [], [], []
    for group in weights.reshape(-1, GROUP, weights.shape[1]):
        lowest, highest = (limit(-128 * group, 127 * group) for limit in (np.minimum, np.maximum))
        count, room = 1, _room(lowest, highest, 1)
        while room is None:
            count += 1
            room = _room(lowest, highest, count)
        counts.append(count)
        low.append(room[0])
        high.append(room[1])
    return np.array(counts), np.concatenate(low), np.concatenate(high)


def _room(lowest: Int64s, highest: Int64s, count: int) -> tuple[Int64s, Int64s] | None:
    """What the last of `count` chunks may start with beside LANE_START; None if too little."""
    depth = lowest.shape[1]
    edges = [depth * i // count // 4 * 4 for i in range(count)]
    least = -LANE_START - np.add.reduceat(lowest, edges, axis=1)
    most = LANE_START - 1 - np.add.reduceat(highest, edges, axis=1)
    if np.any(least > 0) or np.any(most < 0):
        return None
    low, high = least[:, -1], most[:, -1]
    if np.any(low > -START_ROOM) or np.any(high < START_ROOM):
        return None
    return low, high


class _Constants(TypedDict):
    """The fields of Products that hold its requantization."""

    start: params.Int16s | None
    factor: params.Int32s
    addend: params.UInt16s | None
    correction: params.Int32s | None
    right: params.UInt8s | None
    base: int
    shift: int


def _constants(
    conv: params.Conv2D, weights: Int64s, chunks: Int64s, low: Int64s, high: Int64s
) -> _Constants | None:
    channels = len(weights)
    layer = requantization.Layer(
        multiplier=conv.multiplier.astype(np.int64),
        exponent=conv.shift.astype(np.int64),
        bias=conv.bias.astype(np.int64) + conv.input_offset * weights.sum(axis=1),
        lowest=np.minimum(-128 * weights, 127 * weights).sum(axis=1),
        highest=np.maximum(-128 * weights, 127 * weights).sum(axis=1),
        lanes=np.repeat(chunks, GROUP)[:channels],
        start_low=np.maximum(low[:channels], -(1 << 15)),
        start_high=np.minimum(high[:channels], (1 << 15) - 1),
        zero_point=conv.output_offset,
    )
    line = requantization.solve(layer)
    if line is not None:
        return {
            "start": _filled(line.start), "factor": _filled(line.factor),
            "addend": _filled(line.addend), "correction": None, "right": None,
            "base": line.base, "shift": line.shift,
        }  # fmt: skip
    twice = requantization.rounded_twice(layer)
    if twice is None:
        return None
    return {
        "start": None, "factor": _filled(twice.multiplier), "addend": None,
        "correction": _filled(twice.correction), "right": _filled(twice.right, 1),
        "base": twice.zero_point, "shift": 0,
    }  # fmt: skip


def _filled(values: NDArray[Number], value: int = 0) -> NDArray[Number]:
    """[4 * groups]: `value` for the channels that fill up the last group."""
    rest = math.ceil(len(values) / GROUP) * GROUP - len(values)
    return np.pad(values, (0, rest), constant_values=value)
