"""Poolings, MEAN, SUM and REDUCE_MAX."""

from __future__ import annotations

import math
from collections.abc import Sequence

from paritone.engine import arithmetic, params
from paritone.engine.lowering.operands import (
    MAX_RANK,
    Operands,
    Step,
    activation_range,
    four,
    int8,
    nhwc,
    same_quantization,
    shape4,
    step_of,
    strides,
)
from paritone.engine.lowering.window import window_over
from paritone.errors import ModelError


def pool_2d(o: Operands) -> Step:
    """Step of AVERAGE_POOL_2D or MAX_POOL_2D."""
    source, output = int8(o.activation(0)), int8(o.output)
    same_quantization(source, output)
    kernel = (o.op.options["height"], o.op.options["width"])
    window = window_over(o, source, kernel, nhwc(source)[2])
    limits = activation_range(o)
    step: params.Params = params.Pool2D(window, *limits)
    if o.op.kind == "MAX_POOL_2D":
        step = params.MaxPool2D(window, *limits, o.op.options.get("pad_value", -128))
    return step_of(o, o.op.kind, step, by_rows=True)


def _axes(o: Operands, rank: int) -> list[int]:
    axes = sorted({a + rank if a < 0 else a for a in o.integers(1)})
    if axes and not 0 <= axes[0] <= axes[-1] < rank:
        raise ModelError(f"axes {o.integers(1)} do not fit {rank} axes")
    return axes


def reduce(o: Operands) -> Step:
    """Step of MEAN, SUM or REDUCE_MAX.

    SUM is what tflite-micro and arithmetic make of it: TensorFlow Lite 2.21 reads its int8 values
    as unsigned bytes, which is right only where no stored value, sums included, is negative.
    """
    source, output = int8(o.activation(0)), int8(o.output)
    shape = shape4(source)
    axes = [a + MAX_RANK - len(source.shape) for a in _axes(o, len(source.shape))]
    kept = [1 if a in axes else n for a, n in enumerate(shape)]
    reduced = [n if a in axes else 1 for a, n in enumerate(shape)]
    count = math.prod(reduced)
    if output.size != math.prod(kept) or count >= 1 << 23:
        raise ModelError(f"output has shape {output.shape}, reducing {source.shape} over {axes}")
    if o.op.kind == "REDUCE_MAX":
        same_quantization(source, output)
        if kept[:3] == [1, 1, 1] and reduced[3] == 1:
            pool = params.MaxPool2D(_whole_image(shape), -128, 127, -128)
            return step_of(o, "MAX_POOL_2D", pool, by_rows=True)
    ratio = source.scale / output.scale
    summing = o.op.kind == "SUM"
    factor = arithmetic.quantize_multiplier(ratio) if summing else _mean_factor(ratio, count)
    stride = strides(shape)
    sizes, apart = _merged(reduced, stride)
    step = params.Reduce(
        four(kept, 1), four(stride, 0), four(sizes, 1), four(apart, 0),
        -source.zero_point * count, output.zero_point, *factor,
    )  # fmt: skip
    return step_of(o, "MEAN" if summing else o.op.kind, step)


def _merged(sizes: Sequence[int], stride: Sequence[int]) -> tuple[list[int], list[int]]:
    """Sizes and strides of the same values in as few axes as will do."""
    found: list[tuple[int, int]] = []
    for size, apart in zip(sizes, stride, strict=True):
        if size > 1 and found and found[-1][1] == size * apart:
            found[-1] = found[-1][0] * size, apart
        elif size > 1:
            found.append((size, apart))
    return [size for size, _ in found], [apart for _, apart in found]


def _whole_image(shape: Sequence[int]) -> params.Window:
    """A window over all there is: images one below the other."""
    images, height, width, channels = shape
    height *= images
    return params.Window(
        height, width, channels, 1, 1, channels, height, width, height, width, 1, 1, 0, 0
    )


def _mean_factor(ratio: float, count: int) -> tuple[int, int]:
    """Factor ratio / count: the division is folded into the multiplier, losing as few bits.

    Source: reference_ops ``QuantizedMeanOrSum``.
    """
    multiplier, shift = arithmetic.quantize_multiplier(ratio)
    extra = min(count.bit_length() - 1, 32, 31 + shift)
    return (multiplier << extra) // count, shift - extra
