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
    if source.size != output.size:
        raise ModelError(f"shapes differ: {source.shape} and {output.shape}")
    if source.dtype == "float32":
        step = params.Affine(
            output.size, params.enum_name(output.dtype), output.scale, output.zero_point
        )
        return step_of(o, "QUANTIZE", step)
    quantized(source)
    limits = np.iinfo(output.dtype)
    factor = arithmetic.quantize_multiplier(source.scale / output.scale)
    rescale = params.Requantize(
        output.size, params.enum_name(source.dtype), params.enum_name(output.dtype),
        -source.zero_point, output.zero_point, *factor, int(limits.min), int(limits.max),
    )  # fmt: skip
    return step_of(o, "REQUANTIZE", rescale)


def dequantize(o: Operands) -> Step:
    """Step of DEQUANTIZE."""
    source, output = quantized(o.activation(0)), o.output
    if output.dtype != "float32" or source.size != output.size:
        raise ModelError(f"{source.dtype} to {output.dtype} is not supported")
    step = params.Affine(
        output.size, params.enum_name(source.dtype), source.scale, source.zero_point
    )
    return step_of(o, "DEQUANTIZE", step)
