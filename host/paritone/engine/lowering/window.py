"""The window of convolutions and poolings."""

from __future__ import annotations

from paritone.engine import arithmetic, params
from paritone.engine.lowering.operands import (
    Operands,
    nhwc,
)
from paritone.engine.tflite import TensorInfo
from paritone.errors import ModelError

SAME, VALID = 0, 1
MAX_SIDE = (1 << 16) - 1
FOLDED = ("pad_top", "pad_bottom", "pad_left", "pad_right")


def window_over(
    o: Operands, source: TensorInfo, kernel: tuple[int, int], out_c: int
) -> params.Window:
    """Window over `source`; checks the output's shape."""
    in_h, in_w, in_c = nhwc(source)
    if max(in_h, in_w, in_c, *o.output.shape) > MAX_SIDE:
        raise ModelError(f"shapes {source.shape} and {o.output.shape} are over {MAX_SIDE} wide")
    options = o.op.options
    stride = (options["stride_height"], options["stride_width"])
    dilation = (options.get("dilation_height", 1), options.get("dilation_width", 1))
    if options["padding"] not in (SAME, VALID):
        raise ModelError(f"padding number {options['padding']} is not supported")
    if min(*stride, *dilation, *kernel) < 1 or max(*stride, *dilation, *kernel) > 4096:
        raise ModelError(f"window {kernel}, stride {stride} or dilation {dilation} out of range")
    pad = arithmetic.same_padding if options["padding"] == SAME else arithmetic.valid_padding
    # What a PAD before it adds: fold_pads of fusions.py.
    above, below, before, behind = (options.get(name, 0) for name in FOLDED)
    out_h, top = pad(in_h + above + below, kernel[0], stride[0], dilation[0])
    out_w, left = pad(in_w + before + behind, kernel[1], stride[1], dilation[1])
    o.expect_output((1, out_h, out_w, out_c))
    pads = (top + above, left + before)
    return params.Window(
        in_h, in_w, in_c, out_h, out_w, out_c, *kernel, *stride, *dilation, *pads
    )  # fmt: skip
