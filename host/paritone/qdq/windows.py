"""Convolutions, pooling and padding: windows over [batch, height, width, channels]."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paritone.errors import ModelError
from paritone.qdq.source import Constant, Node, Params
from paritone.qdq.translation import Translation
from paritone.qdq.values import CHANNELS_LAST, Value

SAME, VALID = 0, 1
_LOWEST = -128


@dataclass(frozen=True)
class _Window:
    """Sizes, steps and paddings over height and width."""

    size: tuple[int, int]
    strides: tuple[int, int]
    dilations: tuple[int, int]
    before: tuple[int, int]
    after: tuple[int, int]

    def outputs(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """Places of the window over [batch, channels, height, width]."""
        found = [
            (n + b + a - (d * (k - 1) + 1)) // s + 1
            for n, k, s, d, b, a in zip(
                shape[2:], self.size, self.strides, self.dilations, self.before, self.after,
                strict=True,
            )
        ]  # fmt: skip
        return found[0], found[1]

    def same(self, shape: tuple[int, ...]) -> bool:
        """Whether the paddings are those that TensorFlow Lite calls SAME."""
        wanted = [
            _same(n, k, s, d)
            for n, k, s, d in zip(shape[2:], self.size, self.strides, self.dilations, strict=True)
        ]
        return list(zip(self.before, self.after, strict=True)) == wanted

    @property
    def padded(self) -> bool:
        """Whether the window goes beyond the values."""
        return any((*self.before, *self.after))

    def options(self, padding: int) -> dict[str, Any]:
        """Fields of an options table."""
        return {"padding": padding, "strideH": self.strides[0], "strideW": self.strides[1]}


def _same(n: int, size: int, stride: int, dilation: int) -> tuple[int, int]:
    total = max((-(-n // stride) - 1) * stride + dilation * (size - 1) + 1 - n, 0)
    return total // 2, total - total // 2


def _window(node: Node, value: Value, size: list[int]) -> _Window:
    if len(value.shape) != 4 or len(size) != 2:
        raise ModelError(f"{node}: expected windows over height and width, got {value.shape}")
    attributes = node.attributes
    strides = attributes.get("strides") or [1, 1]
    dilations = attributes.get("dilations") or [1, 1]
    automatic = attributes.get("auto_pad", "NOTSET")
    pads = attributes.get("pads") or [0, 0, 0, 0]
    if automatic in ("SAME_UPPER", "SAME_LOWER"):
        both = [
            _same(*each) for each in zip(value.shape[2:], size, strides, dilations, strict=True)
        ]
        if automatic == "SAME_LOWER":
            both = [(after, before) for before, after in both]
        pads = [both[0][0], both[1][0], both[0][1], both[1][1]]
    return _Window(
        (size[0], size[1]), (strides[0], strides[1]), (dilations[0], dilations[1]),
        (pads[0], pads[1]), (pads[2], pads[3]),
    )  # fmt: skip


def _laid(
    state: Translation, node: Node, value: Value, window: _Window, fill: int | None = None
) -> tuple[Value, int]:
    """Channels last, padded where TensorFlow Lite has no name for the paddings.

    Parameters
    ----------
    fill : what stands beyond the values; None: real zero
    """
    value = state.make.ordered(value, CHANNELS_LAST, node.outputs[0])
    if not window.padded:
        return value, VALID
    if window.same(value.shape):
        return value, SAME
    pads = [(0, 0), (0, 0), *zip(window.before, window.after, strict=True)]
    return _padded(state, node.outputs[0], value, pads, fill), VALID


def _padded(
    state: Translation, name: str, value: Value, pads: list[tuple[int, int]], fill: int | None
) -> Value:
    """Pad a value; `pads` go by ONNX's axes."""
    amounts = state.make.integers(f"{name}/pads", [pads[axis] for axis in value.order])
    shape = [n + sum(pad) for n, pad in zip(value.shape, pads, strict=True)]
    inputs: tuple[int, ...] = (value.tensor, amounts)
    kind, options = "PAD", "PadOptions"
    if fill is not None:
        data = np.array([fill], np.int8)
        inputs += (state.builder.constant(f"{name}/fill", data, value.params),)
        kind, options = "PADV2", "PadV2Options"
    order, params = value.order, value.params
    return state.make.operate(kind, inputs, f"{name}/padded", shape, order, params, options)


def padding(state: Translation, node: Node) -> None:
    """Translate a Pad with zeros."""
    value, fill = state.value(node, 0), state.constant(node, 2)
    amounts = state.integers(node, 1, "pads")
    rank = len(value.shape)
    other = fill is not None and bool(np.any(_real(fill)))
    if node.attributes.get("mode", "constant") != "constant" or other or len(node.inputs) > 3:
        raise ModelError(f"{node}: only padding with zeros, of all axes, is supported")
    if amounts is None or len(amounts) != 2 * rank or min(amounts) < 0:
        raise ModelError(f"{node}: expected {2 * rank} paddings of 0 or more, got {amounts}")
    pads = list(zip(amounts[:rank], amounts[rank:], strict=True))
    state.keep(node, _padded(state, node.outputs[0], value, pads, None))


def _real(constant: Constant) -> NDArray[Any]:
    params = constant.params
    return constant.data if params is None else constant.data - np.array(params.zero)


def convolution(state: Translation, node: Node) -> None:
    """Translate a Conv, plain or depthwise."""
    value, kernel = state.value(node, 0), state.constant(node, 1)
    if kernel is None or kernel.data.ndim != 4:
        raise ModelError(f"{node}: expected constant weights over height and width")
    channels, depth, *size = kernel.data.shape
    window, groups = _window(node, value, size), int(node.attributes.get("group", 1))
    depthwise = groups > 1 and groups == value.shape[1] and depth == 1
    if groups != 1 and not depthwise:
        raise ModelError(f"{node}: {groups} groups are not supported: one, or one a channel")
    axes, axis = ((1, 2, 3, 0), 3) if depthwise else ((0, 2, 3, 1), 0)
    packed, params = weights(node, kernel.data.transpose(axes), kernel.params, 0, axis)
    out = (value.shape[0], channels, *window.outputs(value.shape))
    laid, pad = _laid(state, node, value, window)
    operands = (
        laid.tensor,
        state.builder.constant(node.inputs[1], packed, params),
        bias(state, node, state.constant(node, 2), value.params, params, channels),
    )
    fields = window.options(pad)
    fields |= {"dilationHFactor": window.dilations[0], "dilationWFactor": window.dilations[1]}
    kind, options = "CONV_2D", "Conv2DOptions"
    if depthwise:
        kind, options = "DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions"
        fields["depthMultiplier"] = channels // groups
    state.give(node, kind, operands, out, CHANNELS_LAST, options, **fields)


def weights(
    node: Node, data: NDArray[Any], params: Params | None, given: int, axis: int
) -> tuple[NDArray[np.int8], Params]:
    """Return int8 weights with their scales along `axis`; `given` is that axis in the file."""
    if params is None or data.dtype != np.int8:
        raise ModelError(f"{node}: its weights are not quantized to int8")
    if any(params.zeros):
        raise ModelError(
            f"{node}: its weights have a zero point other than 0; TensorFlow Lite and the device "
            "need symmetric weights (quantization.extra_options.WeightSymmetric True)"
        )
    if len(params.scales) > 1 and params.axis % data.ndim != given:
        raise ModelError(f"{node}: its weights have scales along another axis than its outputs")
    return np.ascontiguousarray(data), Params(params.scales, params.zeros, axis)


def bias(
    state: Translation, node: Node, given: Constant | None, source: Params, by: Params, count: int
) -> int:
    """Add a bias in steps of input scale times weight scale, as TensorFlow Lite wants it."""
    name = node.inputs[2] if given is not None else f"{node.outputs[0]}/bias"
    steps = np.float32(source.scale) * np.array(by.scales, np.float32)
    if given is None:
        data = np.zeros(count, np.int32)
    elif given.params is None:
        data = np.rint(given.data.reshape(-1) / steps.astype(np.float64)).astype(np.int32)
    else:
        scales = np.array(given.params.scales, np.float32)
        data = given.data.reshape(-1).astype(np.int32)
        if not np.allclose(scales, steps, rtol=1e-6, atol=0):
            data = np.rint(data * scales.astype(np.float64) / steps).astype(np.int32)
    params = Params(tuple(steps.tolist()), (0,) * len(steps))
    return state.builder.constant(name, data, params)


def pooling(state: Translation, node: Node) -> None:
    """Translate an AveragePool or MaxPool."""
    value, size = state.value(node, 0), [int(n) for n in node.attributes["kernel_shape"]]
    window = _window(node, value, size)
    average = node.kind == "AveragePool"
    out = (*value.shape[:2], *window.outputs(value.shape))
    if window.dilations != (1, 1):
        raise ModelError(f"{node}: dilations are not supported")
    counted = bool(node.attributes.get("count_include_pad", 0))
    if average and window.padded and not counted and not window.same(value.shape):
        raise ModelError(f"{node}: these paddings, which are not counted, are not supported")
    if average and counted and window.padded:
        laid, pad = _filled(state, node, value, window), VALID
    else:
        laid, pad = _laid(state, node, value, window, None if average else _LOWEST)
    fields = {**window.options(pad), "filterHeight": size[0], "filterWidth": size[1]}
    kind = "AVERAGE_POOL_2D" if average else "MAX_POOL_2D"
    state.expect(node, out)
    # Both keep their input's scale; what follows gives the other one, where there is one.
    state.keep(
        node,
        state.make.operate(kind, (laid.tensor,), node.outputs[0], out, CHANNELS_LAST,
                           value.params, "Pool2DOptions", **fields),
    )  # fmt: skip


def _filled(state: Translation, node: Node, value: Value, window: _Window) -> Value:
    """Pad with zeros that count."""
    value = state.make.ordered(value, CHANNELS_LAST, node.outputs[0])
    pads = [(0, 0), (0, 0), *zip(window.before, window.after, strict=True)]
    return _padded(state, node.outputs[0], value, pads, None)
