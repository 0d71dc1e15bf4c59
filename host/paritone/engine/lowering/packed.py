"""CONV_2D by packed products: lanes of 21 bits that hold every sum, and their constants.

One multiplication serves three pixels and two channels: firmware/src/products.h. It works while
each lane stays within 0 .. 2^21 - 1, so a window is split into chunks that are short enough, and
each chunk of each channel starts at a value that no input can drag below 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TypedDict, TypeVar

import numpy as np
from numpy.typing import NDArray

from paritone.engine import params, requantization
from paritone.engine.params import GROUP, LANE_BITS, TRIPLE

Int64s = NDArray[np.int64]
Number = TypeVar("Number", bound=np.generic)

SCRATCH_BYTES = 16 * 1024
"""Packed values of a block, unless a planner decides otherwise."""
MIN_CHUNK = 8
START_ROOM = 1 << 14
"""Of each lane, for the requantization to choose from."""
LEAST_SHIFT = 2
"""The kernels know shifts of this to requantization.MAX_SHIFT."""


def packed(conv: params.Conv2D) -> params.Products | None:
    """`conv` by packed products; None where it has groups or no constants were found."""
    if conv.groups != 1:
        return None
    weights = conv.weights.reshape(len(conv.weights), -1).astype(np.int64)
    filled = np.pad(weights, ((0, -len(weights) % GROUP), (0, 0)))
    lanes = _lanes(filled)
    if lanes is None:
        return None
    constants = _constants(conv, weights, lanes)
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
        chunks=lanes.chunks,
        **constants,
    )
    return with_block(found, (SCRATCH_BYTES - found.scratch_bytes) // found.triple_bytes + 1)


def with_block(products: params.Products, block: int) -> params.Products:
    """The same with `block` triples of pixels packed at once, at least one, no more than all."""
    pixels = products.window.out_height * products.window.out_width
    return replace(products, block=max(1, min(block, -(-pixels // TRIPLE))))


def with_widened(products: params.Products) -> params.Products:
    """The same with weights stored as the multiplications take them: twice the bytes."""
    if products.weights is None:
        return products
    unpacked = np.ascontiguousarray(products.weights).view(np.int8).astype(np.int32)
    pairs = unpacked.reshape(*products.weights.shape, 2, 2)
    wide = pairs[..., 0] + (pairs[..., 1] << LANE_BITS)
    return replace(products, weights=None, wide=wide.astype(np.int32))


def _words(weights: Int64s) -> params.Int32s:
    """[groups, depth] words of four channels' weights."""
    grouped = weights.astype(np.int8).reshape(-1, GROUP, weights.shape[1]).transpose(0, 2, 1)
    return np.ascontiguousarray(grouped).view("<i4")[..., 0].astype(np.int32)


@dataclass(frozen=True, eq=False)
class _Lanes:
    """Chunks of each group; of each chunk and channel the least start and what it may exceed it.

    Attributes
    ----------
    chunks : [groups + 1], where each group's chunks begin
    least, room : [chunks, 4]
    """

    chunks: NDArray[np.uint16]
    least: Int64s
    room: Int64s

    def of_channels(self, per_chunk: Int64s) -> Int64s:
        """Sum over each group's chunks: [4 * groups]."""
        return np.add.reduceat(per_chunk, self.chunks[:-1].astype(np.int64), axis=0).reshape(-1)

    def starts(self, start: Int64s) -> params.Int32s:
        """Start of every chunk [chunks, 4], where those of a channel add up to `start`."""
        extra = (start - self.of_channels(self.least)).reshape(-1, GROUP)
        found = self.least.copy()
        for group, left in enumerate(extra):
            for chunk in range(self.chunks[group], self.chunks[group + 1]):
                part = np.minimum(left, self.room[chunk])
                found[chunk] += part
                left = left - part
        return found.astype(np.int32)


def _lanes(weights: Int64s) -> _Lanes | None:
    """Lanes of channels [4 * groups, depth]; None where even short chunks overflow."""
    counts: list[int] = []
    least: list[Int64s] = []
    room: list[Int64s] = []
    for group in weights.reshape(-1, GROUP, weights.shape[1]):
        chunks = _chunks_of(group)
        if chunks is None:
            return None
        counts.append(len(chunks[0]))
        least.append(chunks[0])
        room.append(chunks[1])
    edges = np.concatenate([[0], np.cumsum(counts)])
    if edges[-1] >= 1 << 16:
        return None
    return _Lanes(edges.astype(np.uint16), np.concatenate(least), np.concatenate(room))


def _chunks_of(group: Int64s) -> tuple[Int64s, Int64s] | None:
    """Least start and room of as few chunks as will do, [chunks, 4] each."""
    depth = group.shape[1]
    lowest = np.minimum(-128 * group, 127 * group)
    reach = 255 * np.abs(group)
    for count in range(1, max(1, depth // MIN_CHUNK) + 1):
        edges = [depth * i // count for i in range(count)]
        room = (1 << LANE_BITS) - 1 - np.add.reduceat(reach, edges, axis=1)
        if np.all(room >= START_ROOM):
            return -np.add.reduceat(lowest, edges, axis=1).T, room.T
    return None


class _Constants(TypedDict):
    """The fields of Products that hold its requantization."""

    start: params.Int32s
    factor: params.Int32s
    addend: params.UInt16s | None
    correction: params.Int32s | None
    half: params.Int32s | None
    right: params.UInt8s | None
    base: int
    shift: int


def _constants(conv: params.Conv2D, weights: Int64s, lanes: _Lanes) -> _Constants | None:
    channels = len(weights)
    least, room = lanes.of_channels(lanes.least), lanes.of_channels(lanes.room)
    layer = requantization.Layer(
        multiplier=conv.multiplier.astype(np.int64),
        exponent=conv.shift.astype(np.int64),
        bias=conv.bias.astype(np.int64) + conv.input_offset * weights.sum(axis=1),
        lowest=np.minimum(-128 * weights, 127 * weights).sum(axis=1),
        highest=np.maximum(-128 * weights, 127 * weights).sum(axis=1),
        start_low=least[:channels],
        start_high=(least + room)[:channels],
        zero_point=conv.output_offset,
    )
    line = requantization.solve(layer)
    if line is not None and line.shift >= LEAST_SHIFT:
        start = np.concatenate([line.start.astype(np.int64), least[channels:]])
        return {
            "start": lanes.starts(start), "factor": _filled(line.factor),
            "addend": _filled(line.addend), "correction": None, "half": None, "right": None,
            "base": line.base, "shift": line.shift,
        }  # fmt: skip
    twice = requantization.rounded_twice(layer, least[:channels])
    if twice is None:
        return None
    return {
        "start": lanes.starts(least), "factor": _filled(twice.multiplier), "addend": None,
        "correction": _filled(twice.correction), "half": _filled(twice.half),
        "right": _filled(twice.right), "base": 0, "shift": 0,
    }  # fmt: skip


def _filled(values: NDArray[Number]) -> NDArray[Number]:
    """[4 * groups]: zeros for the channels that fill up the last group."""
    return np.pad(values, (0, math.ceil(len(values) / GROUP) * GROUP - len(values)))
