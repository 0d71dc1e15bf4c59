"""DEPTHWISE_CONV_2D: by lines where the shape allows it, by the general kernel elsewhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from paritone.engine import params, requantization
from paritone.engine.lowering.operands import Operands, Step, activation_range, int8, step_of
from paritone.engine.lowering.weights import (
    bias_of,
    channel_factors,
    check_accumulator,
    weights_of,
)
from paritone.engine.lowering.window import window_over
from paritone.errors import ModelError

SCRATCH_BYTES = 8 * 1024
"""The more rows are computed at a time, the less often their lines move: as many as fit."""


def depthwise_conv_2d(o: Operands) -> Step:
    """Step of DEPTHWISE_CONV_2D."""
    source, output, weights = int8(o.activation(0)), int8(o.output), weights_of(o, 4, 3)
    one, height, width, channels = weights.shape
    window = window_over(o, source, (height, width), channels)
    multiplier = channels // window.in_channels
    if one != 1 or multiplier * window.in_channels != channels:
        raise ModelError(f"weights {weights.shape} do not fit {window.in_channels} channels")
    check_accumulator(height * width)
    step = params.DepthwiseConv2D(
        window, multiplier, -source.zero_point, output.zero_point, *activation_range(o),
        np.asarray(weights.data), bias_of(o, channels),
        *channel_factors(source, weights, output, channels),
    )  # fmt: skip
    macs = output.size * height * width
    lines = _by_lines(step)
    if lines is not None:
        return step_of(o, "DEPTHWISE_LINES", lines, macs, by_rows=True, in_place=True)
    return step_of(o, "DEPTHWISE_CONV_2D", step, macs, by_rows=True)


def _fits_lines(window: params.Window) -> bool:
    """Whether lines with one column of padding on either side hold all that is read."""
    read = (window.out_width - 1) * window.stride_width + window.width
    return (
        (window.height, window.width) == (3, 3)
        and (window.dilation_height, window.dilation_width) == (1, 1)
        and window.out_channels % 4 == 0
        and window.stride_height == window.stride_width <= 2
        and window.pad_left <= 1
        and read <= window.pad_left + window.in_width + 1
    )


def _by_lines(step: params.DepthwiseConv2D) -> params.DepthwiseLines | None:
    if step.depth_multiplier != 1 or not _fits_lines(step.window):
        return None
    weights = step.weights.reshape(9, -1).T.astype(np.int64)
    positive, negative = np.maximum(weights, 0).sum(axis=1), np.minimum(weights, 0).sum(axis=1)
    channels = len(weights)
    layer = requantization.Layer(
        multiplier=step.multiplier.astype(np.int64),
        exponent=step.shift.astype(np.int64),
        bias=step.bias.astype(np.int64) + step.input_offset * weights.sum(axis=1),
        lowest=-128 * positive + 127 * negative,
        highest=127 * positive - 128 * negative,
        lanes=np.zeros(channels, np.int64),
        start_low=np.full(channels, -(1 << 15)),
        start_high=np.full(channels, (1 << 15) - 1),
        zero_point=step.output_offset,
    )
    constants = requantization.solve(layer)
    if constants is None or not _stays_in_32_bits(layer, constants):
        return None
    lines = params.DepthwiseLines(
        window=step.window, rows=1, input_zero_point=-step.input_offset,
        base=constants.base, shift=constants.shift,
        minimum=step.minimum, maximum=step.maximum,
        weights=weights.astype(np.int8).reshape(-1, 3, 3),
        start=constants.start, factor=constants.factor, addend=constants.addend,
    )  # fmt: skip
    return with_scratch(lines, SCRATCH_BYTES)


def with_scratch(lines: params.DepthwiseLines, limit: int) -> params.DepthwiseLines:
    """`lines` with as many rows at a time as `limit` bytes of scratch memory hold, or one."""
    height = lines.window.out_height
    most = 1
    while most < height and replace(lines, rows=most + 1).scratch_bytes <= limit:
        most += 1
    turns = -(-height // most)
    return replace(lines, rows=-(-height // turns))


def _stays_in_32_bits(
    layer: requantization.Layer, constants: requantization.Requantization
) -> bool:
    """Whether the kernel's two sums do, scaled by 2^(6 - shift)."""
    scale = 1 << (requantization.MAX_SHIFT - constants.shift)
    factor, addend = constants.factor.astype(np.int64), constants.addend + np.int64(constants.base)
    for bound in (layer.lowest, layer.highest):
        total = (constants.start + bound) * scale
        # Bounds first: the product is taken only of what fits.
        if np.any(np.abs(total) >= 1 << 31) or np.any(np.abs(addend) * scale >= 1 << 31):
            return False
        if np.any(np.abs((total * factor >> 32) + addend * scale) >= 1 << 31):
            return False
    return True
