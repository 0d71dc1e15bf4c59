"""One operator of a graph becomes one step: shapes checked, every parameter computed.

The formulas are those of TensorFlow Lite's reference kernels, in the same precision.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paritone.engine import arithmetic, params
from paritone.engine.tflite import Graph, Op, TensorInfo
from paritone.errors import ModelError

MAX_RANK = 4
SAME, VALID = 0, 1
ADD_LEFT_SHIFT = 20
# Below it no sum of (int8 + offset) * int8 can leave 32 bits.
MAX_ACCUMULATED = 65_000


@dataclass(frozen=True)
class Step:
    """One kernel call: `inputs` are the operands in the arena, by tensor index."""

    kernel: str
    name: str
    inputs: tuple[int, ...]
    output: int
    params: params.Params
    macs: int = 0

    @property
    def weights_bytes(self) -> int:
        """Weights, biases and constant operands; per-channel scales are not counted."""
        counted = ("weights", "bias", "constant_0", "constant_1")
        return sum(a.nbytes for n, a in params.arrays(self.params) if n in counted)


class Operands:
    """Typed access to one operator's tensors; every misfit is a ModelError."""

    def __init__(self, graph: Graph, op: Op) -> None:
        self.graph, self.op = graph, op
        if len(op.outputs) != 1:
            raise ModelError(f"{op.kind} has {len(op.outputs)} outputs, 1 is supported")
        self.output = graph.tensors[op.outputs[0]]

    def input(self, i: int) -> TensorInfo:
        """Input `i`, which must be there."""
        found = self.optional(i)
        if found is None:
            raise ModelError(f"input {i} is missing")
        return found

    def optional(self, i: int) -> TensorInfo | None:
        """Input `i`, or None."""
        inputs = self.op.inputs
        return self.graph.tensors[inputs[i]] if i < len(inputs) and inputs[i] >= 0 else None

    def activation(self, i: int) -> TensorInfo:
        """Input `i`, which is computed, not constant."""
        found = self.input(i)
        if found.data is not None:
            raise ModelError(f"input {i} is constant, which is not supported here")
        return found

    def constant(self, i: int) -> NDArray[Any]:
        """Values of the constant input `i`."""
        found = self.input(i)
        if found.data is None:
            raise ModelError(f"input {i} ({found.name}) must be constant")
        return found.data

    def integers(self, i: int) -> list[int]:
        """Values of the constant integer input `i`, flattened."""
        values = self.constant(i)
        if values.dtype not in (np.int32, np.int64):
            raise ModelError(f"input {i} is {values.dtype}, expected int32")
        return [int(v) for v in values.reshape(-1)]

    def expect_output(self, shape: Sequence[int]) -> None:
        """Check the output's declared shape."""
        if self.output.shape != tuple(shape):
            raise ModelError(f"output has shape {self.output.shape}, computed {tuple(shape)}")


def _int8(tensor: TensorInfo) -> TensorInfo:
    """`tensor`, when it is int8 with one scale and a zero point in range."""
    return _quantized(tensor, ("int8",))


def _quantized(tensor: TensorInfo, dtypes: Sequence[str] = ("int8", "uint8")) -> TensorInfo:
    if tensor.dtype not in dtypes:
        raise ModelError(
            f"tensor {tensor.name!r} is {tensor.dtype}, expected {' or '.join(dtypes)}: "
            "quantize the model to int8"
        )
    limits = np.iinfo(tensor.dtype)
    if len(tensor.scales) != 1 or not tensor.scale > 0:
        raise ModelError(f"tensor {tensor.name!r} has no single positive scale")
    if not limits.min <= tensor.zero_point <= limits.max:
        raise ModelError(f"tensor {tensor.name!r} has the zero point {tensor.zero_point}")
    return tensor


def _same_quantization(a: TensorInfo, b: TensorInfo) -> None:
    if (a.dtype, a.scales, a.zero_points) != (b.dtype, b.scales, b.zero_points):
        raise ModelError(f"input {a.name!r} and output {b.name!r} differ in quantization")


def _shape4(tensor: TensorInfo) -> params.Four:
    """Shape with ones in front up to four axes."""
    if len(tensor.shape) > MAX_RANK:
        raise ModelError(f"tensor {tensor.name!r} has {len(tensor.shape)} axes, at most 4 work")
    return four(tensor.shape, 1)


def four(values: Sequence[int], filler: int) -> params.Four:
    """`values` with `filler` in front up to four."""
    a, b, c, d = [filler] * (MAX_RANK - len(values)) + list(values)
    return a, b, c, d


def strides(shape: Sequence[int]) -> list[int]:
    """Elements between neighbours along each axis of a dense tensor."""
    return [math.prod(shape[i + 1 :]) for i in range(len(shape))]


def _nhwc(tensor: TensorInfo) -> tuple[int, int, int]:
    if len(tensor.shape) != 4 or tensor.shape[0] != 1:
        raise ModelError(f"tensor {tensor.name!r} has shape {tensor.shape}, expected (1, h, w, c)")
    return tensor.shape[1:]


def _window(o: Operands, source: TensorInfo, kernel: tuple[int, int], out_c: int) -> params.Window:
    """Window over `source`; checks the output's shape."""
    in_h, in_w, in_c = _nhwc(source)
    options = o.op.options
    stride = (options["stride_height"], options["stride_width"])
    dilation = (options.get("dilation_height", 1), options.get("dilation_width", 1))
    if options["padding"] not in (SAME, VALID):
        raise ModelError(f"padding number {options['padding']} is not supported")
    if min(*stride, *dilation, *kernel) < 1 or max(*stride, *dilation, *kernel) > 4096:
        raise ModelError(f"window {kernel}, stride {stride} or dilation {dilation} out of range")
    pad = arithmetic.same_padding if options["padding"] == SAME else arithmetic.valid_padding
    out_h, top = pad(in_h, kernel[0], stride[0], dilation[0])
    out_w, left = pad(in_w, kernel[1], stride[1], dilation[1])
    o.expect_output((1, out_h, out_w, out_c))
    return params.Window(
        in_h, in_w, in_c, out_h, out_w, out_c, *kernel, *stride, *dilation, top, left
    )  # fmt: skip


def _bias(o: Operands, channels: int) -> params.Int32s:
    if o.optional(2) is None:
        return np.zeros(channels, np.int32)
    bias = o.constant(2)
    if bias.dtype != np.int32 or bias.size != channels:
        raise ModelError(f"bias is {bias.dtype} of {bias.size}, expected int32 of {channels}")
    return bias.reshape(-1).astype(np.int32)


def _weights(o: Operands, rank: int, channel_axis: int) -> TensorInfo:
    weights = o.input(1)
    o.constant(1)
    if weights.dtype != "int8" or len(weights.shape) != rank:
        raise ModelError(
            f"weights are {weights.dtype} of shape {weights.shape}, expected int8 with {rank} axes"
        )
    if any(weights.zero_points):
        raise ModelError("weights have a zero point other than 0")
    channels = weights.shape[channel_axis]
    if len(weights.scales) not in (1, channels):
        raise ModelError(f"weights have {len(weights.scales)} scales for {channels} channels")
    if len(weights.scales) > 1 and weights.quantized_axis != channel_axis:
        raise ModelError(f"weights are quantized along axis {weights.quantized_axis}")
    return weights


def _channel_factors(
    source: TensorInfo, weights: TensorInfo, output: TensorInfo, channels: int
) -> tuple[params.Int32s, params.Int8s]:
    """Multiplier and shift of each channel: input scale * weight scale / output scale."""
    scales = weights.scales if len(weights.scales) > 1 else weights.scales * channels
    factors = [arithmetic.quantize_multiplier(source.scale * s / output.scale) for s in scales]
    return (
        np.array([m for m, _ in factors], np.int32),
        np.array([s for _, s in factors], np.int8),
    )


def _activation_range(o: Operands) -> tuple[int, int]:
    return arithmetic.activation_range(
        o.op.options["activation"], o.output.scale, o.output.zero_point
    )


def _check_accumulator(values: int) -> None:
    if values >= MAX_ACCUMULATED:
        raise ModelError(f"one output sums {values} products, fewer than {MAX_ACCUMULATED} work")


def _conv_2d(o: Operands) -> Step:
    source, output, weights = _int8(o.activation(0)), _int8(o.output), _weights(o, 4, 0)
    channels, height, width, depth = weights.shape
    window = _window(o, source, (height, width), channels)
    groups = window.in_channels // depth
    if groups * depth != window.in_channels or channels % groups:
        raise ModelError(f"weights {weights.shape} do not fit {window.in_channels} channels")
    _check_accumulator(height * width * depth)
    step = params.Conv2D(
        window, groups, -source.zero_point, output.zero_point, *_activation_range(o),
        np.asarray(weights.data), _bias(o, channels),
        *_channel_factors(source, weights, output, channels),
    )  # fmt: skip
    return _step(o, "CONV_2D", step, output.size * height * width * depth)


def _depthwise_conv_2d(o: Operands) -> Step:
    source, output, weights = _int8(o.activation(0)), _int8(o.output), _weights(o, 4, 3)
    one, height, width, channels = weights.shape
    window = _window(o, source, (height, width), channels)
    multiplier = channels // window.in_channels
    if one != 1 or multiplier * window.in_channels != channels:
        raise ModelError(f"weights {weights.shape} do not fit {window.in_channels} channels")
    _check_accumulator(height * width)
    step = params.DepthwiseConv2D(
        window, multiplier, -source.zero_point, output.zero_point, *_activation_range(o),
        np.asarray(weights.data), _bias(o, channels),
        *_channel_factors(source, weights, output, channels),
    )  # fmt: skip
    return _step(o, "DEPTHWISE_CONV_2D", step, output.size * height * width)


def _fully_connected(o: Operands) -> Step:
    source, output, weights = _int8(o.activation(0)), _int8(o.output), _weights(o, 2, 0)
    outputs, depth = weights.shape
    if o.op.options["weights_format"] != 0:
        raise ModelError("shuffled weights are not supported")
    rows = source.size // depth
    if rows * depth != source.size or output.size != rows * outputs:
        raise ModelError(f"weights {weights.shape} do not fit {source.shape} -> {output.shape}")
    _check_accumulator(depth)
    step = params.FullyConnected(
        rows, depth, outputs, -source.zero_point, output.zero_point, *_activation_range(o),
        np.asarray(weights.data), _bias(o, outputs),
        *_channel_factors(source, weights, output, outputs),
    )  # fmt: skip
    return _step(o, "FULLY_CONNECTED", step, rows * depth * outputs)


def _pool_2d(o: Operands) -> Step:
    source, output = _int8(o.activation(0)), _int8(o.output)
    _same_quantization(source, output)
    kernel = (o.op.options["height"], o.op.options["width"])
    window = _window(o, source, kernel, _nhwc(source)[2])
    return _step(o, o.op.kind, params.Pool2D(window, *_activation_range(o)))


def _axes(o: Operands, rank: int) -> list[int]:
    axes = sorted({a + rank if a < 0 else a for a in o.integers(1)})
    if axes and not 0 <= axes[0] <= axes[-1] < rank:
        raise ModelError(f"axes {o.integers(1)} do not fit {rank} axes")
    return axes


def _reduce(o: Operands) -> Step:
    source, output = _int8(o.activation(0)), _int8(o.output)
    shape = _shape4(source)
    axes = [a + MAX_RANK - len(source.shape) for a in _axes(o, len(source.shape))]
    kept = [1 if a in axes else n for a, n in enumerate(shape)]
    reduced = [n if a in axes else 1 for a, n in enumerate(shape)]
    count = math.prod(reduced)
    if output.size != math.prod(kept) or count >= 1 << 23:
        raise ModelError(f"output has shape {output.shape}, reducing {source.shape} over {axes}")
    if o.op.kind == "REDUCE_MAX":
        _same_quantization(source, output)
    multiplier, shift = _mean_factor(source.scale / output.scale, count)
    stride = four(strides(shape), 0)
    step = params.Reduce(
        four(kept, 1), stride, four(reduced, 1), stride,
        -source.zero_point * count, output.zero_point, multiplier, shift,
    )  # fmt: skip
    return _step(o, o.op.kind, step)


def _mean_factor(ratio: float, count: int) -> tuple[int, int]:
    """Factor ratio / count: the division is folded into the multiplier, losing as few bits.

    Source: reference_ops ``QuantizedMeanOrSum``.
    """
    multiplier, shift = arithmetic.quantize_multiplier(ratio)
    extra = min(count.bit_length() - 1, 32, 31 + shift)
    return (multiplier << extra) // count, shift - extra


def _broadcast_stride(shape: params.Four, output: params.Four) -> params.Four:
    if any(n not in (1, m) for n, m in zip(shape, output, strict=True)):
        raise ModelError(f"operand {shape} does not broadcast to {output}")
    dense = strides(shape)
    return four([0 if n == 1 else s for n, s in zip(shape, dense, strict=True)], 0)


def _binary(o: Operands) -> Step:
    a, b, output = _int8(o.input(0)), _int8(o.input(1)), _int8(o.output)
    if a.data is not None and b.data is not None:
        raise ModelError("both operands are constant")
    shape = _shape4(output)
    larger = [max(n, m) for n, m in zip(_shape4(a), _shape4(b), strict=True)]
    if list(shape) != larger:
        raise ModelError(f"output has shape {shape}, operands make {tuple(larger)}")
    scaling = _add_scaling(a, b, output) if o.op.kind == "ADD" else _mul_scaling(a, b, output)
    constants = [None if t.data is None else t.data.reshape(-1) for t in (a, b)]
    step = params.Binary(
        shape, (_broadcast_stride(_shape4(a), shape), _broadcast_stride(_shape4(b), shape)),
        (constants[0], constants[1]), (-a.zero_point, -b.zero_point), *scaling[:3],
        output.zero_point, *scaling[3], *_activation_range(o),
    )  # fmt: skip
    return _step(o, o.op.kind, step, output.size if o.op.kind == "MUL" else 0)


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


def _softmax(o: Operands) -> Step:
    source, output = _int8(o.activation(0)), _int8(o.output)
    if not o.op.options["beta_is_one"]:
        raise ModelError("a beta other than 1 is not supported")
    if (output.scale, output.zero_point) != (1 / 256, -128) or output.shape != source.shape:
        raise ModelError("the output's scale must be 1/256, its zero point -128")
    depth = source.shape[-1] if source.shape else 1
    if depth >= 4096:
        raise ModelError(f"{depth} classes, fewer than 4096 work")
    step = params.Softmax(source.size // depth, depth, *_softmax_scaling(source.scale))
    return _step(o, "SOFTMAX", step)


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


def _quantize(o: Operands) -> Step:
    source, output = o.activation(0), _quantized(o.output)
    if source.size != output.size:
        raise ModelError(f"shapes differ: {source.shape} and {output.shape}")
    if source.dtype == "float32":
        step = params.Affine(
            output.size, params.enum_name(output.dtype), output.scale, output.zero_point
        )
        return _step(o, "QUANTIZE", step)
    _quantized(source)
    limits = np.iinfo(output.dtype)
    factor = arithmetic.quantize_multiplier(source.scale / output.scale)
    return _requantize(o, "REQUANTIZE", source, factor, (int(limits.min), int(limits.max)))


def _requantize(
    o: Operands, kernel: str, source: TensorInfo, factor: params.Pair, limits: params.Pair
) -> Step:
    output = o.output
    step = params.Requantize(
        output.size, params.enum_name(source.dtype), params.enum_name(output.dtype),
        -source.zero_point, output.zero_point, *factor, *limits,
    )  # fmt: skip
    return _step(o, kernel, step)


def _dequantize(o: Operands) -> Step:
    source, output = _quantized(o.activation(0)), o.output
    if output.dtype != "float32" or source.size != output.size:
        raise ModelError(f"{source.dtype} to {output.dtype} is not supported")
    step = params.Affine(
        output.size, params.enum_name(source.dtype), source.scale, source.zero_point
    )
    return _step(o, "DEQUANTIZE", step)


def _relu(o: Operands) -> Step:
    source, output = _int8(o.activation(0)), _int8(o.output)
    if source.size != output.size:
        raise ModelError(f"shapes differ: {source.shape} and {output.shape}")
    ratio = float(np.float32(source.scale) / np.float32(output.scale))
    number = {"RELU": 1, "RELU6": 3}[o.op.kind]
    limits = arithmetic.activation_range(number, output.scale, output.zero_point)
    return _requantize(o, "RELU", source, arithmetic.quantize_multiplier(ratio), limits)


def _element_bytes(source: TensorInfo, output: TensorInfo) -> int:
    if source.dtype not in ("int8", "uint8", "float32"):
        raise ModelError(f"tensor {source.name!r} is {source.dtype}")
    _same_quantization(source, output)
    return np.dtype(source.dtype).itemsize


def _transpose(o: Operands) -> Step:
    source, output = o.activation(0), o.output
    rank, order = len(source.shape), o.integers(1)
    _shape4(source)
    if sorted(order) != list(range(rank)):
        raise ModelError(f"order {order} does not permute {rank} axes")
    o.expect_output([source.shape[a] for a in order])
    dense = strides(source.shape)
    step = params.Transpose(
        _element_bytes(source, output), four(output.shape, 1), four([dense[a] for a in order], 0)
    )
    return _step(o, "TRANSPOSE", step)


def _pad(o: Operands) -> Step:
    source, output = o.activation(0), o.output
    rank, amounts = len(source.shape), o.integers(1)
    shape = _shape4(source)
    if len(amounts) != 2 * rank or min(amounts, default=0) < 0:
        raise ModelError(f"paddings {amounts} do not fit {rank} axes")
    before, after = amounts[0::2], amounts[1::2]
    o.expect_output([b + n + a for b, n, a in zip(before, source.shape, after, strict=True)])
    size = _element_bytes(source, output)
    step = params.Pad(size, shape, four(before, 0), four(after, 0), _pad_value(o, source))
    return _step(o, "PAD", step)


def _pad_value(o: Operands, source: TensorInfo) -> params.Four:
    """Bytes of one element: PADV2's constant, or real zero."""
    if o.op.kind == "PADV2":
        _same_quantization(o.input(2), source)
        raw = o.constant(2).reshape(-1)[:1].tobytes()
    else:
        raw = np.array([source.zero_point], source.dtype).tobytes()
    return four(list(raw[::-1]), 0)[::-1]


def _step(o: Operands, kernel: str, parameters: params.Params, macs: int = 0) -> Step:
    # Only operands that are computed live in the arena; constants are in the parameters.
    count = 2 if kernel in ("ADD", "MUL") else 1
    return Step(kernel, o.output.name, o.op.inputs[:count], o.op.outputs[0], parameters, macs)


_LOWERINGS: dict[str, Callable[[Operands], Step]] = {
    "CONV_2D": _conv_2d,
    "DEPTHWISE_CONV_2D": _depthwise_conv_2d,
    "FULLY_CONNECTED": _fully_connected,
    "AVERAGE_POOL_2D": _pool_2d,
    "MAX_POOL_2D": _pool_2d,
    "MEAN": _reduce,
    "REDUCE_MAX": _reduce,
    "ADD": _binary,
    "MUL": _binary,
    "RELU": _relu,
    "RELU6": _relu,
    "SOFTMAX": _softmax,
    "QUANTIZE": _quantize,
    "DEQUANTIZE": _dequantize,
    "TRANSPOSE": _transpose,
    "PAD": _pad,
    "PADV2": _pad,
}

# Same memory under another shape: no step.
ALIASES = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")

SUPPORTED = tuple(sorted([*_LOWERINGS, *ALIASES]))


def lower(graph: Graph, op: Op) -> Step:
    """The step that computes `op`; ModelError names the operator and its layer."""
    layer = graph.tensors[op.outputs[0]].name if op.outputs else "?"
    if op.kind not in _LOWERINGS:
        raise ModelError(
            f"operator {op.kind} (layer {layer!r}) is not supported; "
            f"supported are {', '.join(SUPPORTED)}"
        )
    try:
        return _LOWERINGS[op.kind](Operands(graph, op))
    except ModelError as error:
        raise ModelError(f"operator {op.kind} (layer {layer!r}): {error}") from error
