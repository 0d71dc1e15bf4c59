"""QUANTIZE and DEQUANTIZE: changes of type and scale."""

from __future__ import annotations

import numpy as np

from paritone.engine import arithmetic, params
from paritone.engine.lowering.operands import (
    Operands,
    Step,
    quantized,
    step_of,
)
from paritone.errors import ModelError


def quantize(o: Operands) -> Step:
    """Step of QUANTIZE."""
    source, output = o.activation(0), quantized(o.output)
    o.expect_output(source.shape)
    if source.dtype == "float32":
        step = params.Affine(params.enum_name(output.dtype), output.scale, output.zero_point)
        return step_of(o, "QUANTIZE", step, by_rows=True, in_place=True)
    quantized(source)
    limits = np.iinfo(output.dtype)
    factor = arithmetic.quantize_multiplier(source.scale / output.scale)
    rescale = params.Requantize(
        params.enum_name(source.dtype), params.enum_name(output.dtype),
        -source.zero_point, output.zero_point, *factor, int(limits.min), int(limits.max),
    )  # fmt: skip
    return step_of(o, "REQUANTIZE", rescale, by_rows=True, in_place=True)


def dequantize(o: Operands) -> Step:
    """Step of DEQUANTIZE."""
    source, output = quantized(o.activation(0)), o.output
    if output.dtype != "float32":
        raise ModelError(f"{source.dtype} to {output.dtype} is not supported")
    o.expect_output(source.shape)
    step = params.Affine(params.enum_name(source.dtype), source.scale, source.zero_point)
    return step_of(o, "DEQUANTIZE", step, by_rows=True)
