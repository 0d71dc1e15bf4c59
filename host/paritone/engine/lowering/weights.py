"""Constant weights of convolutions and dense layers: bias, scales and what a sum may hold."""

from __future__ import annotations

import numpy as np

from paritone.engine import arithmetic, params
from paritone.engine.lowering.operands import Operands
from paritone.engine.tflite import TensorInfo
from paritone.errors import ModelError

# Below it no sum of (int8 + offset) * int8 can leave 32 bits.
MAX_ACCUMULATED = 65_000


def bias_of(o: Operands, channels: int) -> params.Int32s:
    """Bias of each channel; zeros when the operator has none."""
    if o.optional(2) is None:
        return np.zeros(channels, np.int32)
    bias = o.constant(2)
    if bias.dtype != np.int32 or bias.size != channels:
        raise ModelError(f"bias is {bias.dtype} of {bias.size}, expected int32 of {channels}")
    return bias.reshape(-1).astype(np.int32)


def weights_of(o: Operands, rank: int, channel_axis: int) -> TensorInfo:
    """The constant weights, checked: int8 without zero point, scales by channel or one."""
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


def channel_factors(
    source: TensorInfo, weights: TensorInfo, output: TensorInfo, channels: int
) -> tuple[params.Int32s, params.Int8s]:
    """Multiplier and shift of each channel: input scale * weight scale / output scale."""
    factors = [
        arithmetic.quantize_multiplier(source.scale * s / output.scale) for s in weights.scales
    ]
    return _tables(factors * (channels // len(factors)))


def dense_factors(
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


def check_accumulator(values: int) -> None:
    """ModelError when a sum of so many products could leave 32 bits."""
    if values >= MAX_ACCUMULATED:
        raise ModelError(f"one output sums {values} products, fewer than {MAX_ACCUMULATED} work")
