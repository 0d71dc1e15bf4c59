"""What quantization costs in each layer: signal to quantization noise against the float model.

Both models come from one converter, so that their layers have the same names; noise is what is
left of a quantized layer's real values when the float layer's are taken away.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paritone.cache import content_of, memo
from paritone.config import Config
from paritone.engine import tflite
from paritone.engine.tflite import Graph, Op
from paritone.evaluation.channel_gains import CHANNEL_AXES, Gain, gains, real
from paritone.evaluation.noise import Noise, Sources, decibels
from paritone.progress import track
from paritone.quantization.converter import convert_float
from paritone.tflite_reference import Reference, quantize_input

PATCHES = 32
"""Patches that are compared, evenly spread over those given: enough for a tenth of a decibel."""
_ENDS = ("QUANTIZE", "DEQUANTIZE")


@dataclass(frozen=True)
class LayerError:
    """One layer of the quantized model against its float twin.

    Attributes
    ----------
    name : Keras' layers in it, joined by ``+`` where the converter fused several
    snr_db, input_snr_db : of its output and of its noisiest input; None: without any noise
    worst_channel_db : of the output channel that fares worst
    sources : noise of the layer's own, by where it comes from, as shares of its signal's power,
        both as the channels count for what comes after
    cause : the largest of them
    clipped : share of the float values outside of the calibrated `range`
    peak : largest of the float values; `typical`: 99.9 % of them are no larger
    channel_spread : the largest weight of a channel, the widest channel's over the median one's
    weights_db, weights_per_channel_db : of the weights as they are, and with a scale a channel
    """

    name: str
    kind: str
    snr_db: float | None
    input_snr_db: float | None
    worst_channel_db: float | None
    sources: dict[str, float]
    cause: str
    clipped: float
    range: tuple[float, float] | None
    peak: float
    typical: float
    channel_spread: float | None = None
    weights_db: float | None = None
    weights_per_channel_db: float | None = None


def measure(
    float_model: Path,
    quantized: Path,
    patches: NDArray[np.float32],
    config: Config,
    twin: bytes | None = None,
) -> dict[str, Any]:
    """Compare a Keras model with the ``.tflite`` model made of it, layer by layer.

    Parameters
    ----------
    patches : float32 [n, n_mels, patch_length] log-mel
    twin : the float ``.tflite`` that was quantized; None: `float_model` as it is

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
        names = _layer_names(float_model)
        behind = twin if twin is not None else _float_twin(float_model, config)
        return compare(behind, quantized.read_bytes(), chosen, names)

    given = (np.ascontiguousarray(chosen).data, twin or b"", float_model.read_bytes())
    made_from = {"given": [hashlib.sha256(one).hexdigest() for one in given]}
    return memo.of_model("layer errors", quantized, compute, **made_from)


def _float_twin(model: Path, config: Config) -> bytes:
    from paritone.models.load import load_keras

    def compute() -> dict[str, NDArray[Any]]:
        return {"content": np.frombuffer(convert_float(load_keras(model)), np.uint8)}

    made_from = {"model": content_of(model), "suffix": model.suffix}
    return memo.arrays(config, "float twin", made_from, [], compute)["content"].tobytes()


def _layer_names(model: Path) -> list[str]:
    from paritone.models.load import load_keras

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
    known, found = set(layer_names), {}
    for part in re.split(r"[;/]", tensor.name):
        # A model that is called again has its scopes numbered anew: conv2d_1_2 is layer conv2d_1.
        names = [part, re.sub(r"_\d+$", "", part)]
        found.update(dict.fromkeys([name for name in reversed(names) if name in known][:1]))
    # The converter names the model's own output after its function, not after a layer.
    ordered = sorted(found, key=layer_names.index)
    return "+".join(ordered) or (op.kind.lower() if tensor.index in graph.outputs else tensor.name)


def _layer(
    graphs: tuple[Graph, Graph],
    pair: tuple[Op, Op],
    noises: dict[int, Noise],
    gain: Gain,
    layer_names: Sequence[str],
) -> LayerError:
    op = pair[1]
    noise = noises[op.outputs[0]]
    before = [noises[index] for index in op.inputs if index in noises]
    weights = _weights(graphs, pair)
    sources = noise.sources(gain, weights.stored if weights else None)
    if any(one.codes == noise.codes for one in before):  # such as a maximum: nothing is rounded
        sources = Sources(0.0, 0.0, sources.weights)
    ideal = noise.sources(gain, weights.ideal).weights if weights else None
    return LayerError(
        label(graphs[1], op, layer_names),
        op.kind,
        noise.snr_db,
        decibels(max((one.share for one in before), default=0.0)),
        noise.worst_channel_db,
        asdict(sources),
        sources.largest,
        noise.clipped_share,
        noise.limits,
        noise.peak,
        noise.typical,
        weights.spread if weights else None,
        decibels(sources.weights) if weights else None,
        decibels(ideal) if ideal is not None else None,
    )


@dataclass(frozen=True)
class _Weights:
    """Noise of weights as a share of their power, by channel: as stored, and with a scale each."""

    stored: NDArray[np.float64]
    ideal: NDArray[np.float64]
    spread: float


def _weights(graphs: tuple[Graph, Graph], pair: tuple[Op, Op]) -> _Weights | None:
    kind = pair[1].kind
    if kind not in CHANNEL_AXES or len(pair[1].inputs) < 2:
        return None
    here, there = (graph.tensors[one.inputs[1]] for graph, one in zip(graphs, pair, strict=True))
    if here.data is None or there.data is None or here.shape != there.shape or not there.scales:
        return None
    wanted, stored = (real(tensor, CHANNEL_AXES[kind]) for tensor in (here, there))
    largest = np.abs(wanted).max(axis=1)
    scales = np.where(largest > 0, largest, 1)[:, None] / 127
    ideal = np.round(wanted / scales) * scales
    power = np.maximum((wanted**2).sum(axis=1), np.finfo(float).tiny)
    now, then = (((wanted - other) ** 2).sum(axis=1) / power for other in (stored, ideal))
    median = float(np.median(largest[largest > 0])) if largest.any() else 1.0
    return _Weights(now, then, float(largest.max() / median))
