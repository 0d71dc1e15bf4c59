"""The nodes of a quantized ONNX model, one after the other, into operators of TensorFlow Lite."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from paritone.errors import ModelError
from paritone.qdq import source as sources
from paritone.qdq.flatbuffer import Builder, Tensor
from paritone.qdq.source import Constant, Node, Params, Source
from paritone.qdq.values import CHANNELS_LAST, Value, Values, identity

ACTIVATIONS = {"NONE": 0, "RELU": 1, "RELU_N1_TO_1": 2, "RELU6": 3}
_CLIPS = {(0.0, 6.0): "RELU6", (-1.0, 1.0): "RELU_N1_TO_1", (0.0, np.inf): "RELU"}

# What sizes, weights and attributes that do not fit each other raise.
_MALFORMED = (
    struct.error,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    TypeError,
    ValueError,
)


def translate(
    content: bytes, name: str, input_type: str = "int8", output_type: str = "int8"
) -> bytes:
    """Return a ``.tflite`` that computes an ONNX model in the QDQ format, for one patch at a time.

    Parameters
    ----------
    content : the ``.onnx`` file; `name` begins the message of an error
    input_type, output_type : int8, uint8 or float

    Raises
    ------
    ModelError
        A node computes in float, has no counterpart, or is quantized as the device cannot.
    """
    from paritone.qdq import operators

    place = "its weights or ends"
    try:
        source = sources.read(content)
        state = Translation(source)
        entry = state.begin(input_type)
        for node in source.nodes:
            if node.outputs[0] not in state.done:
                place = str(node)
                operators.translate(state, node)
        return state.builder.pack(entry, state.end(output_type))
    except ModelError as error:
        raise ModelError(f"{name}: {error}") from error
    except _MALFORMED as error:
        raise ModelError(f"{name}: damaged, or of no use to the device, at {place}") from error


class Translation:
    """What is known so far, by the names of the file.

    Attributes
    ----------
    values : activations, quantized and dequantized alike
    constants : weights, those that are dequantized with their scales
    done : tensors whose nodes were translated with one before them
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.builder = Builder()
        self.make = Values(self.builder)
        self.values: dict[str, Value] = {}
        self.constants = dict(source.constants)
        self.done: set[str] = set()

    def begin(self, input_type: str) -> int:
        """Make the input; returns the tensor that the model takes."""
        found = list(sources.quantized_from(self.source))
        if not found or any(params != found[0] for params in found):
            raise ModelError("the input is not quantized, or not with one scale")
        params, name = found[0], self.source.input
        shape = self.source.shapes.get(name, ())
        order = CHANNELS_LAST if len(shape) == 4 and shape[1] == 1 else identity(len(shape))
        stored = tuple(shape[axis] for axis in order)
        if input_type == "int8":
            entry = inner = self.builder.add(Tensor(name, stored, "int8", params))
        else:
            entry = self.builder.add(_end(name, stored, input_type, params))
            quantized = Tensor(f"{name}/int8", stored, "int8", params)
            inner = self.builder.operate("QUANTIZE", (entry,), quantized)
        self.values[name] = Value(inner, shape, order, params)
        return entry

    def end(self, output_type: str) -> int:
        """Make the output; returns the tensor that the model gives."""
        name = self.source.output
        if name not in self.values:
            raise ModelError(f"output {name!r} is not computed")
        value = self.values[name]
        value = self.make.ordered(value, identity(len(value.shape)), name)
        if output_type == "int8":
            return value.tensor
        kind = "DEQUANTIZE" if output_type == "float" else "QUANTIZE"
        end = _end(f"{name}/{output_type}", value.stored, output_type, value.params)
        return self.builder.operate(kind, (value.tensor,), end)

    def value(self, node: Node, index: int) -> Value:
        """Return an operand that is an activation."""
        found = self.values.get(node.inputs[index])
        if found is None:
            raise ModelError(f"{node}: operand {index} is not quantized, or not supported there")
        return found

    def constant(self, node: Node, index: int) -> Constant | None:
        """Return an operand that is a weight; None for an operand left out or computed."""
        if len(node.inputs) <= index or not node.inputs[index]:
            return None
        return self.constants.get(node.inputs[index])

    def integers(self, node: Node, index: int, attribute: str) -> list[int] | None:
        """Return integers that are an operand, or in older operators an attribute."""
        constant = self.constant(node, index)
        if constant is not None:
            return [int(number) for number in constant.data.reshape(-1)]
        given = node.attributes.get(attribute)
        return None if given is None else [int(number) for number in given]

    def destination(self, node: Node) -> tuple[Params, str, str]:
        """Scale of what a node gives, an activation to fuse, and the name behind it.

        An activation right behind the node, with nothing quantized between, is part of it.
        """
        name, activation = node.outputs[0], "NONE"
        after = self.source.consumers(name)
        if len(after) == 1 and name != self.source.output and after[0].kind in ("Relu", "Clip"):
            activation = self.activation(after[0])
            name = after[0].outputs[0]
            self.done.add(name)
        quantizers = [n for n in self.source.consumers(name) if n.kind == sources.QUANTIZE]
        whole = len(quantizers) == len(self.source.consumers(name)) and name != self.source.output
        if not quantizers or not whole:
            raise ModelError(
                f"{node}: its result is not quantized, and the device computes in integers: "
                f"quantize {node.kind} too (quantization.op_types_to_quantize)"
            )
        return self.source.params(quantizers[0]), activation, name

    def activation(self, node: Node) -> str:
        """Return TensorFlow Lite's name of a Relu or Clip."""
        if node.kind == "Relu":
            return "RELU"
        limits = [self._limit(node, 1, "min", -np.inf), self._limit(node, 2, "max", np.inf)]
        found = _CLIPS.get((limits[0], limits[1]))
        if found is None:
            known = ", ".join(f"{low:g} to {high:g}" for low, high in _CLIPS)
            raise ModelError(
                f"{node}: from {limits[0]:g} to {limits[1]:g} is not supported: {known} are"
            )
        return found

    def _limit(self, node: Node, index: int, attribute: str, default: float) -> float:
        constant = self.constant(node, index)
        if constant is None:
            return float(node.attributes.get(attribute, default))
        number = float(constant.data.reshape(-1)[0])
        if constant.params is not None:
            number = (number - constant.params.zero) * constant.params.scale
        return np.inf if number >= np.finfo(np.float32).max else number

    def give(
        self,
        node: Node,
        kind: str,
        inputs: Sequence[int],
        shape: Sequence[int],
        order: Sequence[int],
        options: str = "",
        **values: Any,
    ) -> None:
        """Add the operator that a node becomes, with the activation behind it."""
        params, activation, name = self.destination(node)
        if activation != "NONE" and not options:
            raise ModelError(f"{node}: an activation right behind it is not supported")
        if options and options not in _UNFUSED:
            values["fusedActivationFunction"] = ACTIVATIONS[activation]
        elif activation != "NONE":
            raise ModelError(f"{node}: an activation right behind it is not supported")
        self.expect(node, shape)
        self.values[name] = self.make.operate(
            kind, tuple(inputs), name, shape, order, params, options, **values
        )

    def keep(self, node: Node, value: Value) -> None:
        """Call a value by the name of what a node gives."""
        self.values[node.outputs[0]] = value

    def expect(self, node: Node, shape: Sequence[int]) -> None:
        """Refuse a computed shape that is not the file's."""
        wanted = self.source.shape(node.outputs[0], node)
        if tuple(shape) != wanted:
            raise ModelError(f"{node}: gives {wanted}, computed {tuple(shape)}; not supported")


_UNFUSED = ("ReducerOptions", "LeakyReluOptions", "SoftmaxOptions")


def _end(name: str, shape: tuple[int, ...], kind: str, params: Params) -> Tensor:
    """Return an input or output that is not int8."""
    if kind == "float":
        return Tensor(name, shape, "float32")
    shifted = Params(params.scales, tuple(zero + 128 for zero in params.zeros))
    return Tensor(name, shape, "uint8", shifted)
