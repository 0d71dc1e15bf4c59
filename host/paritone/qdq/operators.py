"""What each operator of ONNX becomes; convolutions and pooling are in `windows`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from paritone.errors import ModelError
from paritone.qdq import source as sources
from paritone.qdq import windows
from paritone.qdq.source import Constant, Node, Params
from paritone.qdq.translation import Translation
from paritone.qdq.values import Value, identity

_BINARY = {"Add": "AddOptions", "Mul": "MulOptions", "Sub": "SubOptions"}
# TensorFlow Lite fixes scale and zero point of what these give.
_FIXED = {
    "Softmax": ("SOFTMAX", Params((1 / 256,), (-128,))),
    "Sigmoid": ("LOGISTIC", Params((1 / 256,), (-128,))),
    "Tanh": ("TANH", Params((1 / 128,), (0,))),
}
_ADVICE = {
    "BatchNormalization": "export the model in inference mode, so that it folds into the weights",
    "HardSigmoid": "use ReLU, ReLU6 or LeakyReLU in the place of HardSigmoid and HardSwish",
    "ConvTranspose": "use a model without transposed convolutions",
    "QLinearConv": "use the QDQ format",
    **dict.fromkeys(("LSTM", "GRU", "RNN"), "replace recurrent layers by convolutions"),
    **dict.fromkeys(("Shape", "Gather", "Slice"), "export the model for a batch of 1"),
}


def translate(state: Translation, node: Node) -> None:
    """Translate one node; ModelError names it."""
    handler = _HANDLERS.get(node.kind)
    if handler is None:
        advice = _ADVICE.get(node.kind, "change that layer")
        raise ModelError(
            f"operator {node} has no way to the device: {advice}; supported are "
            f"{', '.join(sorted(_HANDLERS))}"
        )
    handler(state, node)


def _quantize(state: Translation, node: Node) -> None:
    params, constant = state.source.params(node), state.constant(node, 0)
    name = node.outputs[0]
    if constant is None:
        state.keep(node, state.make.requantized(state.value(node, 0), params, name))
        return
    shape = [1] * constant.data.ndim
    if len(params.scales) > 1:
        shape[params.axis] = -1
    scales = np.array(params.scales, np.float32).reshape(shape)
    codes = np.rint(constant.data / scales) + np.array(params.zeros).reshape(shape)
    state.constants[name] = Constant(np.clip(codes, -128, 127).astype(np.int8))


def _dequantize(state: Translation, node: Node) -> None:
    params, constant = state.source.params(node), state.constant(node, 0)
    if constant is not None:
        data = constant.data
        if data.dtype == np.uint8:
            data = (data.astype(np.int16) - 128).astype(np.int8)
        if data.dtype not in (np.int8, np.int32):
            raise ModelError(f"{node}: weights of {data.dtype}; the device has int8")
        state.constants[node.outputs[0]] = Constant(data, params)
        return
    value = state.value(node, 0)
    same_zero = len(node.inputs) < 3 or params.zeros == value.params.zeros
    if params.scales != value.params.scales or not same_zero:
        raise ModelError(f"{node}: another scale or zero point than the QuantizeLinear before it")
    state.keep(node, value)


def _keep(state: Translation, node: Node) -> None:
    state.keep(node, state.value(node, 0))


def _reshape(state: Translation, node: Node) -> None:
    shape = state.source.shape(node.outputs[0], node)
    state.keep(node, state.make.reshaped(state.value(node, 0), shape, node.outputs[0]))


def _transpose(state: Translation, node: Node) -> None:
    value = state.value(node, 0)
    permutation = node.attributes.get("perm") or list(reversed(range(len(value.shape))))
    shape = tuple(value.shape[axis] for axis in permutation)
    order = tuple(permutation.index(axis) for axis in value.order)
    state.keep(node, Value(value.tensor, shape, order, value.params))


def _dense(state: Translation, node: Node) -> None:
    value, weights, bias = state.value(node, 0), state.constant(node, 1), state.constant(node, 2)
    attributes = node.attributes
    scaled = attributes.get("alpha", 1.0) != 1 or (bias and attributes.get("beta", 1.0) != 1)
    if scaled or attributes.get("transA", 0):
        raise ModelError(f"{node}: alpha, beta and transA are not supported")
    if weights is None or weights.data.ndim != 2:
        raise ModelError(f"{node}: expected a matrix of constant weights")
    turned = bool(attributes.get("transB", 0))
    matrix, axis = (weights.data, 0) if turned else (weights.data.T, 1)
    packed, params = windows.weights(node, matrix, weights.params, axis, 0)
    name = node.inputs[1]
    value = state.make.ordered(value, identity(len(value.shape)), node.outputs[0])
    operands = (
        value.tensor,
        state.builder.constant(name, packed, params),
        windows.bias(state, node, bias, value.params, params, len(packed)),
    )
    shape = (*value.shape[:-1], len(packed))
    keep = len(value.shape) > 2
    state.give(node, "FULLY_CONNECTED", operands, shape, identity(len(shape)),
               "FullyConnectedOptions", keepNumDims=keep)  # fmt: skip


def _binary(state: Translation, node: Node) -> None:
    given = [state.values.get(name) for name in node.inputs]
    values = [value for value in given if value is not None]
    if not values:
        raise ModelError(f"{node}: neither operand is quantized")
    first = max(values, key=lambda value: len(value.shape))
    rank = len(first.shape)
    tensors = []
    for index, value in enumerate(given):
        if value is None:
            tensors.append(_operand(state, node, index, first))
        elif len(value.shape) != rank:
            raise ModelError(f"{node}: operands of {len(value.shape)} and {rank} axes")
        else:
            tensors.append(state.make.ordered(value, first.order, node.outputs[0]).tensor)
    shape = state.source.shape(node.outputs[0], node)
    state.give(node, node.kind.upper(), tensors, shape, first.order, _BINARY[node.kind])


def _operand(state: Translation, node: Node, index: int, beside: Value) -> int:
    """Lay a constant as the value beside it."""
    constant = state.constant(node, index)
    if constant is None or constant.params is None or len(constant.params.scales) > 1:
        raise ModelError(f"{node}: operand {index} is not quantized as a whole")
    data, rank = constant.data, len(beside.shape)
    data = data.reshape((1,) * (rank - data.ndim) + data.shape).transpose(beside.order)
    return state.builder.constant(node.inputs[index], np.ascontiguousarray(data), constant.params)


def _activation(state: Translation, node: Node) -> None:
    value = state.value(node, 0)
    params, _, name = _alone(state, node)
    state.values[name] = state.make.operate(
        state.activation(node), (value.tensor,), name, value.shape, value.order, params
    )


def _leaky_relu(state: Translation, node: Node) -> None:
    value, alpha = state.value(node, 0), float(node.attributes.get("alpha", 0.01))
    state.give(node, "LEAKY_RELU", (value.tensor,), value.shape, value.order,
               "LeakyReluOptions", alpha=alpha)  # fmt: skip


def _alone(state: Translation, node: Node) -> tuple[Params, str, str]:
    params, activation, name = state.destination(node)
    if activation != "NONE":
        raise ModelError(f"{node}: two activations in a row are not supported")
    return params, activation, name


def _fixed(state: Translation, node: Node) -> None:
    kind, params = _FIXED[node.kind]
    value, name = state.value(node, 0), node.outputs[0]
    options: dict[str, object] = {}
    if kind == "SOFTMAX":
        rank = len(value.shape)
        if node.attributes.get("axis", -1) not in (-1, rank - 1):
            raise ModelError(f"{node}: only the last axis is supported")
        value = state.make.ordered(value, identity(rank), name)
        options = {"options": "SoftmaxOptions", "beta": 1.0}
    made = state.make.operate(
        kind,
        (value.tensor,),
        name,
        value.shape,
        value.order,
        params,
        **options,  # type: ignore[arg-type]
    )
    state.keep(node, made)


def _reduce(state: Translation, node: Node) -> None:
    value = state.value(node, 0)
    rank = len(value.shape)
    if node.kind.startswith("Global"):
        axes, keep = list(range(2, rank)), True
    else:
        axes = state.integers(node, 1, "axes") or list(range(rank))
        axes, keep = [axis % rank for axis in axes], bool(node.attributes.get("keepdims", 1))
    stored = [place for place, axis in enumerate(value.order) if axis in axes]
    inputs = (value.tensor, state.make.integers(f"{node.outputs[0]}/axes", stored))
    shape, order = _reduced(value, axes, keep)
    if _REDUCTIONS[node.kind] == "MEAN":
        state.give(node, "MEAN", inputs, shape, order, "ReducerOptions", keepDims=keep)
        return
    # A maximum keeps its input's scale; what follows gives the other one, where there is one.
    state.expect(node, shape)
    name, params = node.outputs[0], value.params
    state.keep(
        node,
        state.make.operate(
            "REDUCE_MAX", inputs, name, shape, order, params, "ReducerOptions", keepDims=keep
        ),
    )


def _reduced(value: Value, axes: list[int], keep: bool) -> tuple[list[int], list[int]]:
    """Shape and order of a value without some axes, or with 1 in their places."""
    if keep:
        return [1 if a in axes else n for a, n in enumerate(value.shape)], list(value.order)
    left = [axis for axis in range(len(value.shape)) if axis not in axes]
    order = [left.index(axis) for axis in value.order if axis not in axes]
    return [value.shape[axis] for axis in left], order


_REDUCTIONS = {
    **dict.fromkeys(("GlobalAveragePool", "ReduceMean"), "MEAN"),
    **dict.fromkeys(("GlobalMaxPool", "ReduceMax"), "REDUCE_MAX"),
}


def _concat(state: Translation, node: Node) -> None:
    values = [state.value(node, index) for index in range(len(node.inputs))]
    params, _, name = _alone(state, node)
    order, rank = values[0].order, len(values[0].shape)
    axis = int(node.attributes.get("axis", 0)) % rank
    laid = [
        state.make.requantized(state.make.ordered(v, order, f"{name}/{i}"), params, f"{name}/q{i}")
        for i, v in enumerate(values)
    ]
    shape = list(values[0].shape)
    shape[axis] = sum(value.shape[axis] for value in values)
    state.expect(node, shape)
    state.values[name] = state.make.operate(
        "CONCATENATION", tuple(v.tensor for v in laid), name, shape, order, params,
        "ConcatenationOptions", axis=order.index(axis),
    )  # fmt: skip


Handler = Callable[[Translation, Node], None]
_HANDLERS: dict[str, Handler] = {
    sources.QUANTIZE: _quantize,
    sources.DEQUANTIZE: _dequantize,
    **dict.fromkeys(("Identity", "Dropout"), _keep),
    **dict.fromkeys(("Reshape", "Flatten", "Squeeze", "Unsqueeze"), _reshape),
    "Transpose": _transpose,
    "Conv": windows.convolution,
    **dict.fromkeys(("Gemm", "MatMul"), _dense),
    **dict.fromkeys(_BINARY, _binary),
    **dict.fromkeys(("Relu", "Clip"), _activation),
    "LeakyRelu": _leaky_relu,
    **dict.fromkeys(_FIXED, _fixed),
    **dict.fromkeys(_REDUCTIONS, _reduce),
    **dict.fromkeys(("AveragePool", "MaxPool"), windows.pooling),
    "Pad": windows.padding,
    "Concat": _concat,
}
