"""Quantization parameters as TensorFlow Lite computes them: the only floats behind a kernel."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from paritone.errors import ModelError

OUTPUT_REACH = 256  # an int8 output less its zero point, and one beyond
MULTIPLIER_SEARCH = 8

# Fused activations, TensorFlow Lite's numbers: the real range that they clip to.
ACTIVATIONS: dict[int, tuple[float | None, float | None]] = {
    0: (None, None),  # NONE
    1: (0.0, None),  # RELU
    2: (-1.0, 1.0),  # RELU_N1_TO_1
    3: (0.0, 6.0),  # RELU6
}


def quantize_multiplier(real: float) -> tuple[int, int]:
    """``(multiplier, shift)`` with real = multiplier * 2^(shift - 31).

    real >= 0; multiplier 0 or 2^30 .. 2^31 - 1, shift -31 .. 30. Under 2^-32 the factor becomes
    0. Source: ``QuantizeMultiplier`` of quantization_util.cc. ModelError from 2^30 up.
    """
    if real == 0.0:
        return 0, 0
    # Absurd scales multiplied can be infinite.
    fraction, shift = math.frexp(min(real, 2.0**31))
    multiplier = round_half_away(fraction * (1 << 31))
    if multiplier == 1 << 31:
        multiplier //= 2
        shift += 1
    if shift < -31:
        return 0, 0
    if shift > 30:
        raise ModelError(f"a rescaling by {real:g} is out of range: the model's scales are absurd")
    return multiplier, shift


def exact_multiplier(real: float, reach: int) -> tuple[int, int]:
    """``(multiplier, shift)`` that reproduces ``round(accumulator * real)`` in double precision.

    Holds for accumulators within +-`reach` whose product lies within +-OUTPUT_REACH, rounding once
    and ties away from zero: every threshold is compared. The nearest multiplier nearly always
    does; with thresholds near 2^31 there may be none, and the nearest has to serve.
    """
    nearest, shift = quantize_multiplier(real)
    wanted = _thresholds(real, reach)
    for distance in range(MULTIPLIER_SEARCH):
        for candidate in {nearest + distance, nearest - distance}:
            if 0 <= candidate < 1 << 31 and _reproduces(candidate, shift, wanted):
                return candidate, shift
    return nearest, shift


def _thresholds(real: float, reach: int) -> list[int]:
    """Smallest accumulator up to `reach` that gives each output of 1 .. OUTPUT_REACH.

    Rounding is odd about zero: the negative half follows.
    """
    found: list[int] = []
    while real > 0 and len(found) < OUTPUT_REACH:
        bound = len(found) + 0.5
        at = math.floor(bound / real) - 1
        # Checked first too: far beyond, a double does not tell neighbours apart.
        while at <= reach and at * real < bound:  # in double precision, as the reference multiplies
            at += 1
        if at > reach:
            break
        found.append(at)
    return found


def _reproduces(multiplier: int, shift: int, thresholds: Sequence[int]) -> bool:
    """Whether ``multiply_rounding_once`` of fixed_point.h steps at the same accumulators."""
    right = 31 - shift
    half = 1 << (right - 1)
    return all(
        (at * multiplier + half) >> right >= output > ((at - 1) * multiplier + half) >> right
        for output, at in enumerate(thresholds, 1)
    )


def round_half_away(value: float) -> int:
    """To the nearest integer, ties away from zero: C's ``round``."""
    floor = math.floor(abs(value))
    rounded = floor + (abs(value) - floor >= 0.5)
    return int(math.copysign(1, value)) * rounded


def wrap(value: int, bits: int) -> int:
    """`value` modulo 2^bits, in two's complement."""
    half = 1 << (bits - 1)
    return (value + half) % (1 << bits) - half


def saturate(value: int, bits: int) -> int:
    """`value` within `bits` bits, in two's complement."""
    half = 1 << (bits - 1)
    return min(max(value, -half), half - 1)


def doubling_high_mul(a: int, b: int, bits: int) -> int:
    """Product of q(bits - 1) numbers: a * b / 2^(bits - 1), ties up, saturating."""
    return saturate((a * b + (1 << (bits - 2))) >> (bits - 1), bits)


def rounding_divide_by_pot(value: int, exponent: int) -> int:
    """Quotient value / 2^exponent to the nearest, ties away from zero."""
    rounded = (abs(value) + ((1 << exponent) >> 1)) >> exponent
    return rounded if value >= 0 else -rounded


def multiply_by_quantized_multiplier(value: int, multiplier: int, shift: int) -> int:
    """Rescaled `value`: what fixed_point.h computes under the same name."""
    product = doubling_high_mul(wrap(value << max(shift, 0), 32), multiplier, 32)
    return rounding_divide_by_pot(product, max(-shift, 0))


def activation_range(
    activation: int, scale: float, zero_point: int, dtype: str = "int8"
) -> tuple[int, int]:
    """Stored values of `dtype` that a fused activation clips to.

    Source: ``CalculateActivationRangeQuantizedImpl`` of kernel_util.cc: the bound is divided by
    the scale in float32.
    """
    if activation not in ACTIVATIONS:
        raise ModelError(f"fused activation number {activation} is not supported")
    low, high = ACTIVATIONS[activation]
    limits = np.iinfo(dtype)
    minimum, maximum = int(limits.min), int(limits.max)
    if low is not None:
        minimum = max(minimum, _stored(low, scale, zero_point))
    if high is not None:
        maximum = min(maximum, _stored(high, scale, zero_point))
    if minimum > maximum:
        raise ModelError("a fused activation leaves no value: the model's zero point is absurd")
    return minimum, maximum


def _stored(real: float, scale: float, zero_point: int) -> int:
    quotient = float(np.float32(real) / np.float32(scale))
    if not abs(quotient) < 2**30:
        raise ModelError(f"scale {scale:g} is too small for a fused activation")
    return zero_point + round_half_away(quotient)


def same_padding(size: int, window: int, stride: int, dilation: int) -> tuple[int, int]:
    """``(output size, padding before)`` of TensorFlow's SAME; the smaller half comes first."""
    effective = (window - 1) * dilation + 1
    out = -(-size // stride)
    return out, max((out - 1) * stride + effective - size, 0) // 2


def valid_padding(size: int, window: int, stride: int, dilation: int) -> tuple[int, int]:
    """``(output size, 0)`` of TensorFlow's VALID; the output size may come out as 0 or less."""
    effective = (window - 1) * dilation + 1
    return (size - effective + stride) // stride, 0
