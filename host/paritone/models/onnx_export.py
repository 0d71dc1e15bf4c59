"""Keras model -> ONNX, by tf2onnx."""

from __future__ import annotations

import re
from typing import Any

from paritone import quiet
from paritone.errors import ModelError
from paritone.models import onnx_file

INPUT, OUTPUT, SCOPE = "input", "scores", "model/"
NEWEST_OPSET = 18
"""The newest operators that tf2onnx writes; newer ones are what ONNX itself makes of these."""


def export(model: Any, opset: int) -> bytes:
    """Convert a Keras model for one patch at a time; the same model gives the same bytes.

    Parameters
    ----------
    opset : version of ONNX's operators

    Raises
    ------
    ModelError
        A layer has no counterpart in ONNX.
    ToolMissingError
        The extra ``onnx`` is not installed.
    """
    onnx_file.require("onnx", "onnxruntime")
    quiet.import_tensorflow()
    with quiet.silenced():
        onnx_file.require("tf2onnx")
        import tensorflow as tf
        import tf2onnx

    signature = [tf.TensorSpec((1, *model.input_shape[1:]), tf.float32, name=INPUT)]
    try:
        with quiet.silenced():
            function = tf.function(lambda x: model(x, training=False), input_signature=signature)
            proto, _ = tf2onnx.convert.from_function(
                function, input_signature=signature, opset=min(opset, NEWEST_OPSET)
            )
    except Exception as error:  # whatever the converter throws, it is about the model
        reason = onnx_file.one_line(error)
        raise ModelError(f"the model cannot be converted to ONNX: {reason}") from error
    named = _named(at_opset(proto, opset), model.name)
    return bytes(named.SerializeToString(deterministic=True))


def at_opset(model: Any, opset: int) -> Any:
    """Return a model in operators of version `opset`; ModelError where ONNX cannot convert it."""
    import onnx

    if onnx_file.opset(model) == opset:
        return model
    try:
        converted = onnx.version_converter.convert_version(model, opset)
        onnx.checker.check_model(converted)
    except Exception as error:
        raise ModelError(
            f"the model's operators, of opset {onnx_file.opset(model)}, cannot be converted to "
            f"quantization.target_opset {opset}: {onnx_file.one_line(error)}"
        ) from error
    return converted


def _named(model: Any, scope: str) -> Any:
    """Nodes and weights in the order of their use, named without the process's own counters.

    One of these is in the name of a Keras model, the `scope` of its layers.
    """
    graph = model.graph
    nodes = _in_order(graph)
    names = {onnx_file.inputs(model)[0].name: INPUT, graph.output[0].name: OUTPUT}
    taken = set(names.values())

    def renamed(name: str) -> str:
        if name and name not in names:
            base = re.sub(rf"^{re.escape(scope)}(_\d+)?/", SCOPE, name)
            base = re.sub(r"__\d+|:\d+$", "", base)
            new, number = base, 1
            while new in taken:
                number += 1
                new = f"{base}_{number}"
            taken.add(new)
            names[name] = new
        return names.get(name, name)

    for number, node in enumerate(nodes):
        node.input[:] = [renamed(name) for name in node.input]
        node.output[:] = [renamed(name) for name in node.output]
        node.name = f"{node.op_type}_{number}"
    for item in (*graph.initializer, *graph.input, *graph.output):
        item.name = renamed(item.name)
    place = {name: number for number, name in enumerate(names.values())}
    weights = sorted(graph.initializer, key=lambda item: place[item.name])
    for field in ("node", "initializer", "value_info"):
        graph.ClearField(field)
    graph.node.extend(nodes)
    graph.initializer.extend(weights)
    graph.name, graph.doc_string = "model", ""
    return model


def _in_order(graph: Any) -> list[Any]:
    """Return the nodes that the output depends on, each after those that it depends on itself."""
    makers = {name: node for node in graph.node for name in node.output}
    ordered: list[Any] = []
    done: set[str] = set()
    waiting = [(item.name, False) for item in graph.output]
    while waiting:
        name, seen = waiting.pop()
        node = makers.get(name)
        if node is None or node.output[0] in done:
            continue
        if seen:
            done.add(node.output[0])
            ordered.append(node)
        else:
            waiting.append((name, True))
            waiting += [(given, False) for given in reversed(node.input)]
    return ordered
