"""LOGISTIC, TANH, HARD_SWISH, LEAKY_RELU, RELU and its kin on their own: tables of 256 values.

Each table holds what the reference kernel computes for every stored value, in its arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from paritone.engine import arithmetic, params
from paritone.engine.lowering.operands import Operands, Step, quantized, step_of
from paritone.engine.tflite import TensorInfo
from paritone.errors import ModelError

Floats = NDArray[np.float32]

# Numbers of the fused activations that also stand on their own.
_RELUS = {"RELU": 1, "RELU_N1_TO_1": 2, "RELU6": 3}


def lookup(o: Operands) -> Step:
    """Step of an activation."""
    source, output = quantized(o.activation(0)), quantized(o.output)
    if source.dtype != output.dtype:
        raise ModelError(f"{source.dtype} to {output.dtype} is not supported")
    o.expect_output(source.shape)
    limits = np.iinfo(source.dtype)
    stored = range(int(limits.min), int(limits.max) + 1)
    values = np.array(_TABLES[o.op.kind](o, source, stored)).clip(limits.min, limits.max)
    # Indexed by the stored byte: a negative value lies in the upper half.
    table = np.roll(values.astype(source.dtype).view(np.uint8), stored[0])
    return step_of(o, "LOOKUP", params.Lookup(table), by_rows=True, in_place=True)


def _by_float(function: Callable[[Floats], Floats], o: Operands, stored: range) -> list[int]:
    """``PopulateLookupTable`` of activations.cc: in float32, rounded half away from zero."""
    source, output = o.input(0), o.output
    centred = np.array(stored, np.float32) - np.float32(source.zero_point)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        made = function(np.float32(source.scale) * centred)
        inverse = np.float32(1) / np.float32(output.scale)
        scaled = np.clip(made * inverse, -(2.0**20), 2.0**20)
    if np.isnan(scaled).any():
        raise ModelError(f"scales {source.scale:g} -> {output.scale:g} are out of range")
    return [arithmetic.round_half_away(float(v)) + output.zero_point for v in scaled]


def _logistic_of(x: Floats) -> Floats:
    # A double's exponential, rounded: the float one's, but for its last error.
    return np.float32(1) / (np.float32(1) + np.exp(-x.astype(np.float64)).astype(np.float32))


def _tanh_of(x: Floats) -> Floats:
    return np.tanh(x.astype(np.float64)).astype(np.float32)


def _logistic(o: Operands, source: TensorInfo, stored: range) -> list[int]:
    if (o.output.scale, o.output.zero_point) != (1 / 256, stored[0]):
        raise ModelError(f"the output's scale must be 1/256, its zero point {stored[0]}")
    return _by_float(_logistic_of, o, stored)


def _tanh(o: Operands, source: TensorInfo, stored: range) -> list[int]:
    return _by_float(_tanh_of, o, stored)


def _relu(o: Operands, source: TensorInfo, stored: range) -> list[int]:
    """``QuantizedReluX`` of activations.cc."""
    output = o.output
    ratio = float(np.float32(source.scale) / np.float32(output.scale))
    factor = arithmetic.quantize_multiplier(ratio)
    low, high = arithmetic.activation_range(
        _RELUS[o.op.kind], output.scale, output.zero_point, output.dtype
    )
    scaled = [
        arithmetic.multiply_by_quantized_multiplier(v - source.zero_point, *factor) for v in stored
    ]
    return [min(max(arithmetic.wrap(v + output.zero_point, 32), low), high) for v in scaled]


def _leaky_relu(o: Operands, source: TensorInfo, stored: range) -> list[int]:
    """``QuantizeLeakyRelu`` of leaky_relu.h: a factor of its own below zero."""
    output, alpha = o.output, np.float32(o.op.options["alpha"])
    if not np.isfinite(alpha):
        raise ModelError(f"an alpha of {alpha} is not supported")
    in_scale, out_scale = np.float32(source.scale), np.float32(output.scale)
    identity = arithmetic.quantize_multiplier(float(in_scale / out_scale))
    with np.errstate(over="ignore"):  # what is infinite is refused below
        slope = float(in_scale * alpha / out_scale)
    multiplier, shift = arithmetic.quantize_multiplier(abs(slope))
    below = (multiplier if slope > 0 else -multiplier, shift)

    def value(centred: int) -> int:
        factor = identity if centred >= 0 else below
        return arithmetic.multiply_by_quantized_multiplier(centred, *factor)

    return [arithmetic.wrap(value(v - source.zero_point) + output.zero_point, 32) for v in stored]


def _hard_swish(o: Operands, source: TensorInfo, stored: range) -> list[int]:
    """``HardSwish`` of hard_swish.h: x * relu6(x + 3) / 6 in 16-bit fixed point."""
    hires = np.float32(1 / 128) * np.float32(source.scale)
    to_output = _multiplier_16(float(hires / np.float32(o.output.scale)))
    to_reluish = _multiplier_16(float(hires / np.float32(3 / 32768)))
    # Beyond 15 the reference shifts 16-bit values by more than they hold.
    if not -15 <= to_output[1] <= 0 or not -15 <= to_reluish[1] <= 15:
        raise ModelError(f"scales {source.scale:g} -> {o.output.scale:g} are out of range")
    return [
        _hard_swish_of(v - source.zero_point, to_output, to_reluish) + o.output.zero_point
        for v in stored
    ]


def _multiplier_16(real: float) -> tuple[int, int]:
    """``quantize_multiplier`` with 15 bits of multiplier, the largest at most."""
    multiplier, shift = arithmetic.quantize_multiplier(real)
    return min((multiplier + (1 << 15)) >> 16, (1 << 15) - 1), shift


def _hard_swish_of(centred: int, to_output: params.Pair, to_reluish: params.Pair) -> int:
    hires = arithmetic.wrap(centred << 7, 16)
    on_output = arithmetic.doubling_high_mul(hires, to_output[0], 16)
    multiplier, shift = to_reluish
    # Saturating in two shifts, the last bit after the product, as the reference does.
    reluish = arithmetic.saturate(hires << max(shift - 1, 0), 16)
    reluish = arithmetic.doubling_high_mul(reluish, multiplier, 16)
    if shift > 0:
        reluish = arithmetic.saturate(reluish << 1, 16)
    reluish = arithmetic.rounding_divide_by_pot(reluish, max(-shift, 0))
    reluish = (reluish + (1 << 15)) >> 1
    product = reluish * on_output
    truncated = abs(product) >> 15
    preshift = truncated if product >= 0 else -truncated
    return arithmetic.rounding_divide_by_pot(preshift, -to_output[1])


_TABLES: dict[str, Callable[[Operands, TensorInfo, range], list[int]]] = {
    "LOGISTIC": _logistic,
    "TANH": _tanh,
    "HARD_SWISH": _hard_swish,
    "LEAKY_RELU": _leaky_relu,
    **dict.fromkeys(_RELUS, _relu),
}
KINDS = tuple(_TABLES)
