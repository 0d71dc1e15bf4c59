"""A quantized ONNX model in the QDQ format as plain records: nodes, constants, shapes, scales."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paritone.errors import ModelError
from paritone.models import onnx_file

QUANTIZE, DEQUANTIZE = "QuantizeLinear", "DequantizeLinear"
# Values move or get another shape; none changes.
MOVING = ("Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze", "Dropout")


@dataclass(frozen=True)
class Params:
    """``real = scale * (int8 value - zero)``, for a whole tensor or along an axis of it."""

    scales: tuple[float, ...]
    zeros: tuple[int, ...]
    axis: int = 0

    @property
    def scale(self) -> float:
        """Scale of a whole tensor."""
        return self.scales[0]

    @property
    def zero(self) -> int:
        """Zero point of a whole tensor."""
        return self.zeros[0]


@dataclass(frozen=True)
class Constant:
    """A weight: int8 or int32 with `params`, or as the file has it without."""

    data: NDArray[Any]
    params: Params | None = None


@dataclass(frozen=True)
class Node:
    """One operator of the file."""

    kind: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.kind} {onnx_file.one_line(ValueError(self.name or self.outputs[0]))!r}"


@dataclass(frozen=True)
class Source:
    """A model for one patch at a time, its nodes in the order of execution."""

    nodes: tuple[Node, ...]
    constants: dict[str, Constant]
    shapes: dict[str, tuple[int, ...]]
    input: str
    output: str

    def consumers(self, name: str) -> list[Node]:
        """Nodes that read a tensor."""
        return [node for node in self.nodes if name in node.inputs]

    def shape(self, name: str, node: Node) -> tuple[int, ...]:
        """Shape of a tensor; ModelError where it is not fixed."""
        if name not in self.shapes:
            raise ModelError(f"{node}: the shape of {name!r} is not fixed")
        return self.shapes[name]

    def params(self, node: Node) -> Params:
        """Scale and zero point of a QuantizeLinear or DequantizeLinear, as for int8.

        Unsigned bytes are int8 with a zero point lower by 128: the same real values.
        """
        scale = self._number(node, 1).astype(np.float32).reshape(-1)
        shift, zero = 0, np.zeros(scale.shape, np.int64)
        if len(node.inputs) > 2 and node.inputs[2]:
            given = self._number(node, 2)
            if given.dtype not in (np.int8, np.uint8, np.int32):
                raise ModelError(f"{node}: values of {given.dtype}; the device computes in int8")
            shift = 128 if given.dtype == np.uint8 else 0
            zero = given.astype(np.int64).reshape(-1) - shift
        elif node.kind == QUANTIZE or self._unsigned(node):
            zero = zero - 128  # without a zero point, unsigned bytes
        if node.attributes.get("block_size"):
            raise ModelError(f"{node}: scales of blocks are not supported")
        axis = node.attributes.get("axis", 1) if scale.size > 1 else 0
        return Params(tuple(scale.tolist()), tuple(int(z) for z in zero), int(axis))

    def _unsigned(self, node: Node) -> bool:
        constant = self.constants.get(node.inputs[0])
        return constant is not None and constant.data.dtype == np.uint8

    def _number(self, node: Node, index: int) -> NDArray[Any]:
        constant = self.constants.get(node.inputs[index])
        if constant is None:
            raise ModelError(f"{node}: its scale or zero point is computed, expected a constant")
        return constant.data


def read(content: bytes) -> Source:
    """Read a quantized ONNX file.

    Raises
    ------
    ModelError
        It is no QDQ model, or the shape of a tensor cannot be known.
    """
    import onnx
    from onnx import numpy_helper

    model = onnx_file.parse(content)
    others = sorted({n.op_type for n in model.graph.node if n.op_type.startswith("QLinear")})
    if others:
        raise ModelError(
            f"is in the QOperator format ({', '.join(others)}); the device needs the QDQ "
            "format: quantize with quant_format=QuantFormat.QDQ, as quantizer onnx_quantizer does"
        )
    if not onnx_file.is_quantized(model):
        raise ModelError("is a float model; the device runs quantized models")
    model = _one_patch(model)
    try:
        model = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    except Exception as error:
        raise ModelError(f"no shapes: {onnx_file.one_line(error)}") from error
    constants = {
        item.name: Constant(numpy_helper.to_array(item)) for item in model.graph.initializer
    }
    constants |= _constant_nodes(model.graph)
    nodes = [
        Node(n.op_type, n.name, tuple(n.input), tuple(n.output), _attributes(n))
        for n in model.graph.node
        if n.op_type != "Constant"
    ]
    return Source(
        tuple(nodes),
        constants,
        _shapes(model.graph),
        onnx_file.inputs(model)[0].name,
        model.graph.output[0].name,
    )


def _one_patch(model: Any) -> Any:
    """Fix the batch at 1, and read ONNX Runtime's own QuantizeLinear as ONNX's."""
    dimension = onnx_file.inputs(model)[0].type.tensor_type.shape.dim
    if len(dimension):
        dimension[0].dim_value = 1
    model.graph.ClearField("value_info")
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")
    for node in model.graph.node:
        if node.op_type in (QUANTIZE, DEQUANTIZE) and node.domain == "com.microsoft":
            node.domain = ""
    return model


def _constant_nodes(graph: Any) -> dict[str, Constant]:
    from onnx import numpy_helper

    return {
        node.output[0]: Constant(numpy_helper.to_array(attribute.t))
        for node in graph.node
        if node.op_type == "Constant"
        for attribute in node.attribute
        if attribute.name == "value"
    }


def _attributes(node: Any) -> dict[str, Any]:
    from onnx import helper

    found = {item.name: helper.get_attribute_value(item) for item in node.attribute}
    return {
        name: value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        for name, value in found.items()
    }


def _shapes(graph: Any) -> dict[str, tuple[int, ...]]:
    found = {}
    for value in (*graph.input, *graph.value_info, *graph.output):
        sizes = onnx_file.shape(value)
        if all(size is not None for size in sizes):
            found[value.name] = tuple(int(size) for size in sizes if size is not None)
    return found


def quantized_from(source: Source) -> Iterator[Params]:
    """Scales that the input gets before anything else than moving is done with it."""
    waiting: Sequence[str] = [source.input]
    while waiting:
        name, *waiting = waiting
        for node in source.consumers(name):
            if node.kind == QUANTIZE:
                yield source.params(node)
            elif node.kind in MOVING:
                waiting = [*waiting, node.outputs[0]]
            else:
                raise ModelError(f"{node}: computes with the float input, which is not quantized")
