"""A quantized ONNX model without its QuantizeLinear and DequantizeLinear: the layers between."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from paritone.engine.tflite import TensorInfo
from paritone.qdq import source as sources
from paritone.qdq.source import DEQUANTIZE, MOVING, QUANTIZE, Constant, Node, Source

Real = NDArray[np.float64]


@dataclass(frozen=True)
class View:
    """What computes in a QDQ model.

    Attributes
    ----------
    nodes : in the order of execution; their operands are tensors or constants
    tensors : the input and what nodes give, each with the other names of its values
    quantizers : by tensor, where it is quantized
    constants : real values by name; those that were quantized as they are stored
    stored : names of the constants that are quantized
    """

    source: Source
    nodes: tuple[Node, ...]
    tensors: dict[str, list[str]]
    quantizers: dict[str, Node]
    constants: dict[str, Real]
    stored: frozenset[str]

    @property
    def layers(self) -> list[Node]:
        """Nodes that do more than move values."""
        return [node for node in self.nodes if node.kind not in MOVING]

    def operands(self, node: Node) -> list[str]:
        """Tensors that a node reads."""
        return [name for name in node.inputs if name in self.tensors]

    def info(self, name: str) -> TensorInfo:
        """What a tensor is stored as, its channels last; bytes without a sign as int8."""
        shape = channels_last(np.empty(self.source.shapes.get(name, ()))).shape
        if name not in self.quantizers:
            return TensorInfo(0, name, "float32", shape)
        params = self.source.params(self.quantizers[name])
        return TensorInfo(0, name, "int8", shape, params.scales[:1], params.zeros[:1])


def channels_last(values: NDArray) -> NDArray:
    """Values of an ONNX tensor, whose channels are its second axis, else its last one."""
    return np.moveaxis(values, 1, -1) if values.ndim > 2 else values


def view(content: bytes) -> View:
    """Look at a QDQ model.

    Raises
    ------
    ModelError
        It is none, or has other types than int8 and uint8.
    """
    source = sources.read(content)
    origin = {source.input: source.input}
    constants: dict[str, Constant] = dict(source.constants)
    tensors: dict[str, list[str]] = {source.input: []}
    nodes: list[Node] = []
    quantizers: dict[str, Node] = {}
    for node in source.nodes:
        given, name = node.inputs[0] if node.inputs else "", node.outputs[0]
        if node.kind in (QUANTIZE, DEQUANTIZE) and given in constants:
            constants[name] = _converted(source, node, constants[given])
        elif node.kind in (QUANTIZE, DEQUANTIZE) and given in origin:
            origin[name] = origin[given]
            tensors[origin[given]].append(name)
            if node.kind == QUANTIZE:
                quantizers.setdefault(origin[given], node)
        elif any(one in origin for one in node.inputs):
            inputs = tuple(origin.get(one, one) for one in node.inputs)
            nodes.append(replace(node, inputs=inputs))
            tensors |= {one: [] for one in node.outputs if one}
            origin |= {one: one for one in node.outputs if one}
    return View(
        source,
        tuple(_fused(source, nodes, quantizers)),
        tensors,
        quantizers,
        {name: one.data.astype(np.float64) for name, one in constants.items()},
        frozenset(name for name, one in constants.items() if one.params is not None),
    )


def _fused(source: Source, nodes: list[Node], quantizers: dict[str, Node]) -> list[Node]:
    """Layers with the activation behind them, where both are stored alike: one for the device."""
    made: list[Node] = []
    for node in nodes:
        given, name = node.inputs[0], node.outputs[0]
        alone = sum(given in other.inputs for other in nodes) == 1
        if node.kind in ("Relu", "Clip") and alone and {given, name} <= set(quantizers):
            same = source.params(quantizers[given]) == source.params(quantizers[name])
            index = next((i for i, other in enumerate(made) if given in other.outputs), None)
            if same and index is not None and made[index].kind not in MOVING:
                made[index] = replace(made[index], outputs=(name,))
                continue
        made.append(node)
    return made


def _converted(source: Source, node: Node, constant: Constant) -> Constant:
    """A constant behind QuantizeLinear, or behind DequantizeLinear: then with its scales."""
    params, data = source.params(node), constant.data
    shape = [1] * data.ndim
    if len(params.scales) > 1:
        shape[params.axis] = -1
    scales = np.array(params.scales, np.float32).astype(np.float64).reshape(shape)
    zeros = np.array(params.zeros).reshape(shape)
    if node.kind == QUANTIZE:
        return Constant(np.clip(np.rint(data / scales) + zeros, -128, 127).astype(np.int8))
    codes = data.astype(np.int64) - (128 if data.dtype == np.uint8 else 0)
    return Constant((codes - zeros) * scales, params)
