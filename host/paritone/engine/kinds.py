"""Kinds of layers by what they cost a multiply-accumulate."""

from __future__ import annotations

from paritone.engine import params
from paritone.engine.lowering import Step

POINTWISE = "pointwise"
DEPTHWISE = "depthwise"
FEW_CHANNELS = "few-channel"
CONVOLUTION = "convolution"
REST = "rest"
KINDS = (POINTWISE, DEPTHWISE, FEW_CHANNELS, CONVOLUTION, REST)
"""Convolutions of one point; of each channel by itself; of at most 4 channels; others; no such."""

_FEW = 4


def kind_of(step: Step) -> str:
    """One of `KINDS`."""
    window = getattr(step.params, "window", None)
    if not isinstance(window, params.Window) or step.macs == 0:
        return REST
    if step.kernel.startswith("DEPTHWISE"):
        return DEPTHWISE
    if window.height == window.width == 1:
        return POINTWISE
    channels = window.in_channels // getattr(step.params, "groups", 1)
    return FEW_CHANNELS if channels <= _FEW else CONVOLUTION
