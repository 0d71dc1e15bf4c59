"""CONV_2D and FULLY_CONNECTED: sums of products with constant weights."""

from __future__ import annotations

import numpy as np

from paritone.engine import params
from paritone.engine.lowering.operands import (
    Operands,
    Step,
    activation_range,
    int8,
    step_of,
)
from paritone.engine.lowering.packed import packed
from paritone.engine.lowering.weights import (
    bias_of,
    channel_factors,
    check_accumulator,
    dense_factors,
    weights_of,
)
from paritone.engine.lowering.window import window_over
from paritone.errors import ModelError


def conv_2d(o: Operands) -> Step:
    """Step of CONV_2D."""
    source, output, weights = int8(o.activation(0)), int8(o.output), weights_of(o, 4, 0)
    channels, height, width, depth = weights.shape
    window = window_over(o, source, (height, width), channels)
    groups = window.in_channels // depth
    if groups * depth != window.in_channels or channels % groups:
        raise ModelError(f"weights {weights.shape} do not fit {window.in_channels} channels")
    check_accumulator(height * width * depth)
    step = params.Conv2D(
        window, groups, -source.zero_point, output.zero_point, *activation_range(o),
        np.asarray(weights.data), bias_of(o, channels),
        *channel_factors(source, weights, output, channels),
    )  # fmt: skip
    macs = output.size * height * width * depth
    products = packed(step)
    if products is not None:
        in_place = _pixel_over_pixel(window)
        return step_of(o, "PRODUCTS", products, macs, by_rows=True, in_place=in_place)
    return step_of(o, "CONV_2D", step, macs, by_rows=True)


def _pixel_over_pixel(window: params.Window) -> bool:
    """Whether each pixel may be written over the one it is made of, or one before that.

    Pixels are packed in threes before they are written; what is left over of a call is computed
    again with pixels before it, which are gone then.
    """
    alone = (window.height, window.width, window.stride_height, window.stride_width) == (1,) * 4
    inside = not (window.pad_top or window.pad_left)
    whole = window.out_height * window.out_width % 3 == 0
    return alone and inside and whole and window.out_channels <= window.in_channels


def fully_connected(o: Operands) -> Step:
    """Step of FULLY_CONNECTED."""
    source, output, weights = int8(o.activation(0)), int8(o.output), weights_of(o, 2, 0)
    outputs, depth = weights.shape
    if o.op.options["weights_format"] != 0:
        raise ModelError("shuffled weights are not supported")
    rows = source.size // depth
    if rows * depth != source.size or output.size != rows * outputs:
        raise ModelError(f"weights {weights.shape} do not fit {source.shape} -> {output.shape}")
    check_accumulator(depth)
    bias = bias_of(o, outputs)
    step = params.FullyConnected(
        rows, depth, outputs, -source.zero_point, output.zero_point, *activation_range(o),
        np.asarray(weights.data), bias,
        *dense_factors(source, weights, output, bias),
    )  # fmt: skip
    return step_of(o, "FULLY_CONNECTED", step, rows * depth * outputs)
