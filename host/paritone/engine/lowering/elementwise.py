"""ADD, SUB, MUL, MAXIMUM, MINIMUM and PRELU: one output for each pair of values."""

from __future__ import annotations

import numpy as np

from paritone.engine import arithmetic, params
from paritone.engine.lowering import sums
from paritone.engine.lowering.operands import (
    Operands,
    Step,
    activation_range,
    four,
    int8,
    same_quantization,
    shape4,
    step_of,
    strides,
)
from paritone.engine.tflite import TensorInfo
from paritone.errors import ModelError

ADD_LEFT_SHIFT = 20


def _broadcast_stride(shape: params.Four, output: params.Four) -> params.Four:
    if any(n not in (1, m) for n, m in zip(shape, output, strict=True)):
        raise ModelError(f"operand {shape} does not broadcast to {output}")
    dense = strides(shape)
    return four([0 if n == 1 else s for n, s in zip(shape, dense, strict=True)], 0)


def binary(o: Operands) -> Step:
    """Step of ADD, SUB or MUL."""
    scale = _mul_scaling if o.op.kind == "MUL" else _add_scaling
    scaling = scale(int8(o.input(0)), int8(o.input(1)), int8(o.output))
    return _step(o, scaling, activation_range(o))


def extremum(o: Operands) -> Step:
    """Step of MAXIMUM or MINIMUM, which compare stored values."""
    for i in (0, 1):
        same_quantization(int8(o.input(i)), int8(o.output))
    return _step(o, ((0, 0), (0, 0), 0, (0, 0)), (-128, 127))


def prelu(o: Operands) -> Step:
    """Step of PRELU: a factor above zero, another one below, where the slope comes in too.

    Source: prelu.cc's ``Prepare``, in float32 as there; tflite-micro has doubles.
    """
    source, slope, output = (np.float32(int8(t).scale) for t in (o.input(0), o.input(1), o.output))
    above = arithmetic.quantize_multiplier(float(source / output))
    below = arithmetic.quantize_multiplier(float(source * slope / output))
    if shape4(o.input(0)) != shape4(o.output):
        raise ModelError(f"slopes of shape {o.input(1).shape} do not fit {o.input(0).shape}")
    return _step(o, ((above[0], 0), (above[1], 0), 0, below), (-128, 127))


def _step(o: Operands, scaling: _BinaryScaling, limits: params.Pair) -> Step:
    a, b, output = int8(o.input(0)), int8(o.input(1)), int8(o.output)
    if a.data is not None and b.data is not None:
        raise ModelError("both operands are constant")
    shape = shape4(output)
    larger = [max(n, m) for n, m in zip(shape4(a), shape4(b), strict=True)]
    if list(shape) != larger:
        raise ModelError(f"output has shape {shape}, operands make {tuple(larger)}")
    constants = [None if t.data is None else t.data.reshape(-1) for t in (a, b)]
    step = params.Binary(
        shape, (_broadcast_stride(shape4(a), shape), _broadcast_stride(shape4(b), shape)),
        (constants[0], constants[1]), (-a.zero_point, -b.zero_point), *scaling[:3],
        output.zero_point, *scaling[3], *limits,
    )  # fmt: skip
    computed = [t for t in (a, b) if t.data is None]
    alike = len(computed) == 2 and shape4(a) == shape4(b)
    sign = {"ADD": 1, "SUB": -1}.get(o.op.kind)
    weighted = sums.weighted_sum(step, sign) if alike and sign else None
    if weighted is not None:
        return step_of(o, "WEIGHTED_SUM", weighted, by_rows=True, in_place=True)
    by_rows = shape[0] == 1 and all(shape4(t) == shape for t in computed)
    return step_of(
        o, o.op.kind, step, output.size if o.op.kind == "MUL" else 0,
        by_rows=by_rows, in_place=a.data is None and shape4(a) == shape,
    )  # fmt: skip


_BinaryScaling = tuple[params.Pair, params.Pair, int, params.Pair]


def _add_scaling(a: TensorInfo, b: TensorInfo, output: TensorInfo) -> _BinaryScaling:
    """Both inputs to twice the larger scale after a left shift; add.cc's ``Prepare``."""
    twice_larger = 2 * max(a.scale, b.scale)
    first = arithmetic.quantize_multiplier(a.scale / twice_larger)
    second = arithmetic.quantize_multiplier(b.scale / twice_larger)
    whole = arithmetic.quantize_multiplier(twice_larger / ((1 << ADD_LEFT_SHIFT) * output.scale))
    if whole[1] > 0:
        raise ModelError("the sum's scale is out of range")
    return (first[0], second[0]), (first[1], second[1]), ADD_LEFT_SHIFT, whole


def _mul_scaling(a: TensorInfo, b: TensorInfo, output: TensorInfo) -> _BinaryScaling:
    """mul.cc's ``Prepare``, in float32 as there."""
    product = np.float32(a.scale) * np.float32(b.scale)
    factor = arithmetic.quantize_multiplier(float(product / np.float32(output.scale)))
    return (0, 0), (0, 0), 0, factor
