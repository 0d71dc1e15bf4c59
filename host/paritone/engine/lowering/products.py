"""CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED: sums of products with constant weights."""

from __future__ import annotations

import numpy as np

from paritone.engine import arithmetic, params
from paritone.engine.lowering.operands import (
    Operands,
    Step,
    activation_range,
    int8,
    step_of,
)
from paritone.engine.lowering.window import window_over
from paritone.engine.tflite import TensorInfo
from paritone.errors import ModelError

# Below it no sum of (int8 + offset) * int8 can leave 32 bits.
MAX_ACCUMULATED = 65_000


def _bias(o: Operands, channels: int) -> params.Int32s:
    if o.optional(2) is None:
        return np.zeros(channels, np.int32)
    bias = o.constant(2)
    if bias.dtype != np.int32 or bias.size != channels:
        raise ModelError(f"bias is {bias.dtype} of {bias.size}, expected int32 of {channels}")
    return bias.reshape(-1).astype(np.int32)


def _weights(o: Operands, rank: int, channel_axis: int) -> TensorInfo:
    weights = o.input(1)
    o.constant(1)
    if weights.dtype != "int8" or len(weights.shape) != rank:
        raise ModelError(
            f"weights are {weights.dtype} of shape {weights.shape}, expected int8 with {rank} axes"
        )
    if any(weights.zero_points):
        raise ModelError("weights have a zero point other than 0")
    channels = weights.shape[channel_axis]
    if len(weights.scales) not in (1, channels):
        raise ModelError(f"weights have {len(weights.scales)} scales for {channels} channels")
    if len(weights.scales) > 1 and weights.quantized_axis != channel_axis:
        raise ModelError(f"weights are quantized along axis {weights.quantized_axis}")
    return weights


def _channel_factors(
    source: TensorInfo, weights: TensorInfo, output: TensorInfo, channels: int
) -> tuple[params.Int32s, params.Int8s]:
    """Multiplier and shift of each channel: input scale * weight scale / output scale."""
    factors = [
        arithmetic.quantize_multiplier(source.scale * s / output.scale) for s in weights.scales
    ]
    return _tables(factors * (channels // len(factors)))


def _dense_factors(
    source: TensorInfo, weights: TensorInfo, output: TensorInfo, bias: params.Int32s
) -> tuple[params.Int32s, params.Int8s]:
    """The same for FULLY_CONNECTED, which rounds once: exact for all sums that can occur."""
    products = np.abs(np.asarray(weights.data, np.int64)).sum(axis=1) * 255
    reach = products + np.abs(bias.astype(np.int64))
    scales = weights.scales
    if len(scales) == 1:
        reach = reach.max(keepdims=True)
    factors = [
        arithmetic.exact_multiplier(source.scale * s / output.scale, int(r))
        for s, r in zip(scales, reach, strict=True)
    ]
    return _tables(factors * (len(bias) // len(factors)))


def _tables(factors: list[tuple[int, int]]) -> tuple[params.Int32s, params.Int8s]:
    return (
        np.array([m for m, _ in factors], np.int32),
        np.array([s for _, s in factors], np.int8),
    )


def _check_accumulator(values: int) -> None:
    if values >= MAX_ACCUMULATED:
        raise ModelError(f"one output sums {values} products, fewer than {MAX_ACCUMULATED} work")


def conv_2d(o: Operands) -> Step:
    """Step of CONV_2D."""
    source, output, weights = int8(o.activation(0)), int8(o.output), _weights(o, 4, 0)
    channels, height, width, depth = weights.shape
    window = window_over(o, source, (height, width), channels)
    groups = window.in_channels // depth
    if groups * depth != window.in_channels or channels % groups:
        raise ModelError(f"weights {weights.shape} do not fit {window.in_channels} channels")
    _check_accumulator(height * width * depth)
    step = params.Conv2D(
        window, groups, -source.zero_point, output.zero_point, *activation_range(o),
        np.asarray(weights.data), _bias(o, channels),
        *_channel_factors(source, weights, output, channels),
    )  # fmt: skip
    return step_of(o, "CONV_2D", step, output.size * height * width * depth, by_rows=True)


def depthwise_conv_2d(o: Operands) -> Step:
    """Step of DEPTHWISE_CONV_2D."""
    source, output, weights = int8(o.activation(0)), int8(o.output), _weights(o, 4, 3)
    one, height, width, channels = weights.shape
    window = window_over(o, source, (height, width), channels)
    multiplier = channels // window.in_channels
    if one != 1 or multiplier * window.in_channels != channels:
        raise ModelError(f"weights {weights.shape} do not fit {window.in_channels} channels")
    _check_accumulator(height * width)
    step = params.DepthwiseConv2D(
        window, multiplier, -source.zero_point, output.zero_point, *activation_range(o),
        np.asarray(weights.data), _bias(o, channels),
        *_channel_factors(source, weights, output, channels),
    )  # fmt: skip
    macs = output.size * height * width
    return step_of(o, "DEPTHWISE_CONV_2D", step, macs, by_rows=True)


def fully_connected(o: Operands) -> Step:
    """Step of FULLY_CONNECTED."""
    source, output, weights = int8(o.activation(0)), int8(o.output), _weights(o, 2, 0)
    outputs, depth = weights.shape
    if o.op.options["weights_format"] != 0:
        raise ModelError("shuffled weights are not supported")
    rows = source.size // depth
    if rows * depth != source.size or output.size != rows * outputs:
        raise ModelError(f"weights {weights.shape} do not fit {source.shape} -> {output.shape}")
    _check_accumulator(depth)
    bias = _bias(o, outputs)
    step = params.FullyConnected(
        rows, depth, outputs, -source.zero_point, output.zero_point, *activation_range(o),
        np.asarray(weights.data), bias,
        *_dense_factors(source, weights, output, bias),
    )  # fmt: skip
    return step_of(o, "FULLY_CONNECTED", step, rows * depth * outputs)
