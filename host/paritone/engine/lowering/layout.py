"""TRANSPOSE and PAD: values move, none changes."""

from __future__ import annotations

import numpy as np

from paritone.engine import params
from paritone.engine.lowering.operands import (
    Operands,
    Step,
    four,
    same_quantization,
    shape4,
    step_of,
    strides,
)
from paritone.engine.tflite import TensorInfo
from paritone.errors import ModelError


def _element_bytes(source: TensorInfo, output: TensorInfo) -> int:
    if source.dtype not in ("int8", "uint8", "float32"):
        raise ModelError(f"tensor {source.name!r} is {source.dtype}")
    same_quantization(source, output)
    return np.dtype(source.dtype).itemsize


def transpose(o: Operands) -> Step:
    """Step of TRANSPOSE."""
    source, output = o.activation(0), o.output
    rank, order = len(source.shape), o.integers(1)
    shape4(source)
    if sorted(order) != list(range(rank)):
        raise ModelError(f"order {order} does not permute {rank} axes")
    o.expect_output([source.shape[a] for a in order])
    dense = strides(source.shape)
    step = params.Transpose(
        _element_bytes(source, output), four(output.shape, 1), four([dense[a] for a in order], 0)
    )
    return step_of(o, "TRANSPOSE", step)


def pad(o: Operands) -> Step:
    """Step of PAD."""
    source, output = o.activation(0), o.output
    rank, amounts = len(source.shape), o.integers(1)
    shape = shape4(source)
    if len(amounts) != 2 * rank or min(amounts, default=0) < 0:
        raise ModelError(f"paddings {amounts} do not fit {rank} axes")
    before, after = amounts[0::2], amounts[1::2]
    o.expect_output([b + n + a for b, n, a in zip(before, source.shape, after, strict=True)])
    size = _element_bytes(source, output)
    step = params.Pad(size, shape, four(before, 0), four(after, 0), _pad_value(o, source))
    return step_of(o, "PAD", step)


def _pad_value(o: Operands, source: TensorInfo) -> params.Four:
    """Bytes of one element: PADV2's constant, or real zero."""
    if o.op.kind == "PADV2":
        same_quantization(o.input(2), source)
        raw = o.constant(2).reshape(-1)[:1].tobytes()
    else:
        raw = np.array([source.zero_point], source.dtype).tobytes()
    return four(list(raw[::-1]), 0)[::-1]
