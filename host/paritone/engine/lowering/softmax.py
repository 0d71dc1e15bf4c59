"""SOFTMAX."""

from __future__ import annotations

import math

from paritone.engine import arithmetic, params
from paritone.engine.lowering.operands import (
    Operands,
    Step,
    int8,
    step_of,
)
from paritone.errors import ModelError


def softmax(o: Operands) -> Step:
    """Step of SOFTMAX."""
    source, output = int8(o.activation(0)), int8(o.output)
    beta = o.op.options["beta"]
    if not 0 < beta < math.inf:
        raise ModelError(f"a beta of {beta} is not supported")
    if (output.scale, output.zero_point) != (1 / 256, -128) or output.shape != source.shape:
        raise ModelError("the output's scale must be 1/256, its zero point -128")
    depth = source.shape[-1] if source.shape else 1
    if depth >= 4096:
        raise ModelError(f"{depth} classes, fewer than 4096 work")
    step = params.Softmax(source.size // depth, depth, *_softmax_scaling(beta * source.scale))
    return step_of(o, "SOFTMAX", step, in_place=True)


def _softmax_scaling(scale: float) -> tuple[int, int, int]:
    """Multiplier, left shift and smallest distance; ``PreprocessSoftmaxScaling``, Q5.26."""
    real = min(scale * (1 << 26), float((1 << 31) - 1))
    multiplier, left_shift = arithmetic.quantize_multiplier(real) if real < 2**30 else _top(real)
    if left_shift < 0 or real <= 1:
        raise ModelError(f"the input's scale {scale:g} is too small")
    return multiplier, left_shift, -math.floor(31 * (1 << 26) / (1 << left_shift))


def _top(real: float) -> tuple[int, int]:
    """`quantize_multiplier` for 2^30 <= real < 2^31."""
    fraction, shift = math.frexp(real)
    return min(arithmetic.round_half_away(fraction * (1 << 31)), (1 << 31) - 1), shift
