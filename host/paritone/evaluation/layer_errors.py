"""What quantization costs in each layer: signal to quantization noise against the float model.

Both models come from one converter, so that their layers have the same names; noise is what is
left of a quantized layer's real values when the float layer's are taken away. Here are models of
TensorFlow Lite, those of ONNX in `onnx_layers`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paritone.cache import content_of, memo
from paritone.config import Config
from paritone.engine import tflite
from paritone.engine.tflite import Graph, Op
from paritone.evaluation import layer_noise, onnx_layers
from paritone.evaluation.channel_gains import CHANNEL_AXES, Gain, gains, real
from paritone.evaluation.layer_noise import LayerError, WeightNoise, keras_layers
from paritone.evaluation.noise import Noise
from paritone.models import onnx_file
from paritone.progress import track
from paritone.quantization import onnx_quantizer
from paritone.quantization.converter import convert_float
from paritone.references.tflite import Reference, quantize_input

PATCHES = 32
"""Patches that are compared, evenly spread over those given: enough for a tenth of a decibel."""
_ENDS = ("QUANTIZE", "DEQUANTIZE")


def measure(
    float_model: Path,
    quantized: Path,
    patches: NDArray[np.float32],
    config: Config,
    twin: bytes | None = None,
) -> dict[str, Any]:
    """Compare a float model with the quantized one made of it, layer by layer.

    Parameters
    ----------
    float_model : Keras, or ONNX where `quantized` is
    quantized : ``.tflite`` or ``.onnx``
    patches : float32 [n, n_mels, patch_length] log-mel
    twin : the float model that was quantized, in the format of `quantized`; None: `float_model`

    Returns
    -------
    ``patches`` (how many were compared), ``layers`` (`LayerError`, in the order of execution) and
    ``unmatched``, layers without a float twin

    Raises
    ------
    ModelError
        One of the models cannot be read, or the float one not converted.
    """
    chosen = patches[np.unique(np.linspace(0, len(patches) - 1, PATCHES).round().astype(int))]

    def compute() -> dict[str, Any]:
        names, content = _layer_names(float_model), quantized.read_bytes()
        behind = twin if twin is not None else _float_twin(float_model, quantized, config)
        if onnx_file.is_onnx(quantized):
            return onnx_layers.compare(behind, content, chosen, names)
        return compare(behind, content, chosen, names)

    given = (np.ascontiguousarray(chosen).data, twin or b"", float_model.read_bytes())
    made_from = {"given": [hashlib.sha256(one).hexdigest() for one in given]}
    return memo.of_model("layer errors", quantized, compute, **made_from)


def _float_twin(model: Path, quantized: Path, config: Config) -> bytes:
    from paritone.models.load import load_keras

    if onnx_file.is_onnx(quantized):
        return onnx_quantizer.float_onnx(model, config.quantization.target_opset)

    def compute() -> dict[str, NDArray[Any]]:
        return {"content": np.frombuffer(convert_float(load_keras(model)), np.uint8)}

    made_from = {"model": content_of(model), "suffix": model.suffix}
    return memo.arrays(config, "float twin", made_from, [], compute)["content"].tobytes()


def _layer_names(model: Path) -> list[str]:
    from paritone.models.load import load_keras

    if onnx_file.is_onnx(model):
        return []
    return [layer.name for layer in load_keras(model)._flatten_layers(include_self=False)]


def compare(
    float_content: bytes,
    quantized_content: bytes,
    patches: NDArray[np.float32],
    layer_names: Sequence[str] = (),
) -> dict[str, Any]:
    """Compare two ``.tflite`` models; see `measure`.

    Parameters
    ----------
    layer_names : Keras' names of layers, to be found in those of the tensors
    """
    graphs = tflite.parse(float_content), tflite.parse(quantized_content)
    pairs, unmatched = match(*graphs)
    noises = {pair[1].outputs[0]: Noise(graphs[1].tensors[pair[1].outputs[0]]) for pair in pairs}
    noises[graphs[1].inputs[0]] = Noise(graphs[1].input)
    twins = {there.outputs[0]: here.outputs[0] for here, there in pairs}
    twins[graphs[1].inputs[0]] = graphs[0].inputs[0]
    runs = [Reference(content, every_tensor=True) for content in (float_content, quantized_content)]
    for patch in track(patches, "Comparing layers", len(patches)):
        for run in runs:
            scale, zero = run.input["quantization"]
            run.invoke(quantize_input(patch, run.input["dtype"], scale or 1.0, zero))
        for index, noise in noises.items():
            noise.add(runs[0].tensor(twins[index]), runs[1].tensor(index))
    gain = gains(graphs[1])
    layers = [_layer(graphs, pair, noises, gain[pair[1].outputs[0]], layer_names) for pair in pairs]
    return {
        "patches": len(patches),
        "layers": [asdict(layer) for layer in layers],
        "unmatched": [label(graphs[1], op, layer_names) for op in unmatched],
    }


def match(first: Graph, second: Graph) -> tuple[list[tuple[Op, Op]], list[Op]]:
    """Layers of two models that compute the same: by the name of the output, else by their order.

    Returns
    -------
    pairs in the second model's order, and what of the second has no twin. Operators that only
    quantize or dequantize are no layers.
    """
    free = [op for op in first.ops if op.kind not in _ENDS]
    found: dict[int, Op] = {}
    theirs = [op for op in second.ops if op.kind not in _ENDS]
    for by_name in (True, False):
        for op in theirs:
            if op.outputs[0] in found:
                continue
            twin = next((o for o in free if _alike(first, o, second, op, by_name)), None)
            if twin is not None:
                found[op.outputs[0]] = twin
                free.remove(twin)
    pairs = [(found[op.outputs[0]], op) for op in theirs if op.outputs[0] in found]
    return pairs, [op for op in theirs if op.outputs[0] not in found]


def _alike(first: Graph, one: Op, second: Graph, other: Op, by_name: bool) -> bool:
    here, there = first.tensors[one.outputs[0]], second.tensors[other.outputs[0]]
    same = one.kind == other.kind and here.shape == there.shape
    return same and (here.name == there.name or not by_name)


def label(graph: Graph, op: Op, layer_names: Sequence[str]) -> str:
    """Return Keras' layers in an operator, joined by ``+``; else its tensor's name, or its kind."""
    tensor = graph.tensors[op.outputs[0]]
    # The converter names the model's own output after its function, not after a layer.
    other = op.kind.lower() if tensor.index in graph.outputs else tensor.name
    return keras_layers(tensor.name, layer_names) or other


def _layer(
    graphs: tuple[Graph, Graph],
    pair: tuple[Op, Op],
    noises: dict[int, Noise],
    gain: Gain,
    layer_names: Sequence[str],
) -> LayerError:
    op = pair[1]
    before = [noises[index] for index in op.inputs if index in noises]
    name, noise = label(graphs[1], op, layer_names), noises[op.outputs[0]]
    return layer_noise.of_layer(name, op.kind, noise, before, gain, _weights(graphs, pair))


def _weights(graphs: tuple[Graph, Graph], pair: tuple[Op, Op]) -> WeightNoise | None:
    kind = pair[1].kind
    if kind not in CHANNEL_AXES or len(pair[1].inputs) < 2:
        return None
    here, there = (graph.tensors[one.inputs[1]] for graph, one in zip(graphs, pair, strict=True))
    if here.data is None or there.data is None or here.shape != there.shape or not there.scales:
        return None
    return layer_noise.of_weights(*(real(tensor, CHANNEL_AXES[kind]) for tensor in (here, there)))
