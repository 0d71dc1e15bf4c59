"""What quantization costs in each layer of an ONNX model, tensor by tensor, by ONNX Runtime.

A tensor of the quantized model stands for the float one of its name, or of that of its values
behind DequantizeLinear: ONNX Runtime's quantizer keeps names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paritone.evaluation import layer_noise, onnx_gains, qdq_view
from paritone.evaluation.layer_noise import WeightNoise, keras_layers
from paritone.evaluation.noise import Noise
from paritone.evaluation.qdq_view import View, channels_last
from paritone.progress import track
from paritone.qdq.source import Node
from paritone.quantization import onnx_quantizer
from paritone.references.onnx_runtime import OnnxReference

_WEIGHTS = ("_DequantizeLinear_Output", "_quantized")
"""What ONNX Runtime's quantizer appends to the name of a weight."""


def compare(
    float_content: bytes,
    quantized_content: bytes,
    patches: NDArray[np.float32],
    layer_names: Sequence[str] = (),
) -> dict[str, Any]:
    """Compare a float ONNX model with the QDQ model made of it; see `layer_errors.measure`.

    Parameters
    ----------
    layer_names : Keras' names of layers, to be found in those of the tensors

    Raises
    ------
    ModelError
        A model cannot be run, or is not quantized as `qdq_view.view` can read.
    """
    twin, view = onnx_quantizer.prepared(float_content), qdq_view.view(quantized_content)
    twins = _twins(twin, view)
    noises = _noises(twin, quantized_content, view, twins, patches)
    gains, weights = onnx_gains.gains(view), _initializers(twin)
    layers, unmatched = [], []
    for node in view.layers:
        name, output = _label(view, node, layer_names), node.outputs[0]
        if output not in noises:
            unmatched.append(name)
            continue
        before = [noises[one] for one in view.operands(node) if one in noises]
        gain = channels_last(gains[output])
        gain = gain.reshape(-1, *gain.shape[-1:]).mean(axis=0)
        noise = _weights(view, node, weights)
        layers.append(
            asdict(layer_noise.of_layer(name, node.kind, noises[output], before, gain, noise))
        )
    return {"patches": len(patches), "layers": layers, "unmatched": unmatched}


def _twins(twin: Any, view: View) -> dict[str, str]:
    """The float tensor of each tensor that has one."""
    there = {name for node in twin.graph.node for name in node.output}
    there |= {value.name for value in twin.graph.input}
    found = {}
    for name, others in view.tensors.items():
        twin_name = next((one for one in (name, *others) if one in there), None)
        if twin_name is not None and (name != view.source.input or name in view.quantizers):
            found[name] = twin_name
    return found


def _noises(
    twin: Any,
    quantized: bytes,
    view: View,
    twins: Mapping[str, str],
    patches: NDArray[np.float32],
) -> dict[str, Noise]:
    """Both models on the same patches: noise of each tensor that has a twin."""
    read = {
        name: view.quantizers[name].outputs[0] if name in view.quantizers else name
        for name in twins
    }
    inner = [name for name in twins.values() if name != view.source.input]
    runs = (
        OnnxReference(twin.SerializeToString(), inner),
        OnnxReference(quantized, list(read.values())),
    )
    noises = {name: Noise(view.info(name)) for name in twins}
    for patch in track(patches, "Comparing layers", len(patches)):
        real, stored = runs[0].tensors(patch, inner), runs[1].tensors(patch, list(read.values()))
        real[view.source.input] = patch.reshape(view.source.shapes[view.source.input])
        for name, noise in noises.items():
            codes = stored[read[name]]
            if codes.dtype == np.uint8:
                codes = (codes.astype(np.int16) - 128).astype(np.int8)
            noise.add(channels_last(real[twins[name]]), channels_last(codes))
    return noises


def _initializers(twin: Any) -> dict[str, NDArray]:
    from onnx import numpy_helper

    return {item.name: numpy_helper.to_array(item) for item in twin.graph.initializer}


def _weights(view: View, node: Node, weights: Mapping[str, NDArray]) -> WeightNoise | None:
    """Noise of a product's weights, where they are quantized."""
    stored = onnx_gains.kernel(node, view.constants)
    if stored is None or node.inputs[1] not in view.stored:
        return None
    name = node.inputs[1]
    for ending in _WEIGHTS:
        name = name.removesuffix(ending)
    inputs = (node.inputs[0], name, *node.inputs[2:])
    wanted = onnx_gains.kernel(replace(node, inputs=inputs), weights)
    if wanted is None or wanted.shape != stored.shape:
        return None
    return layer_noise.of_weights(*(one.reshape(len(one), -1) for one in (wanted, stored)))


def _label(view: View, node: Node, layer_names: Sequence[str]) -> str:
    """Keras' layers that the names of a node's result and weights tell; else its own name."""
    constants = [name for name in node.inputs if name in view.constants]
    names = [*constants, *node.outputs, *view.tensors[node.outputs[0]]]
    scopes = ";".join(name.rpartition("/")[0] for name in names)  # behind it is an operation
    return keras_layers(scopes, layer_names) or node.name or node.outputs[0]
