"""Float weights reshaped so that quantization costs less; the float function stays.

Cross-layer equalization and bias correction, after M. Nagel, M. van Baalen, T. Blankevoort and
M. Welling, "Data-Free Quantization Through Weight Equalization and Bias Correction", ICCV 2019,
sections 4.1 and 4.2; the means of the correction are measured here, on calibration patches. Where
each channel's weights have a scale of their own, its values are evened out instead of its weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from paritone.quantization import folding
from paritone.quantization.folding import Links

if TYPE_CHECKING:
    import keras

PATCHES = 64
"""Patches on which peaks and means are measured, evenly spread over those given."""
SWEEPS = 50
EVENING = 0.3
"""Exponent of a channel's share of the largest peak, where the next weights pay for its factor."""
SMALLEST = 1 / 8
"""Factor under which no channel is brought: patches beyond the calibration's may peak higher."""
SETTLED = 1e-3
"""Largest relative change of a factor at which sweeps over all pairs stop."""
_HOMOGENEOUS = (
    "AveragePooling2D",
    "Dropout",
    "Flatten",
    "GlobalAveragePooling2D",
    "GlobalMaxPooling2D",
    "LeakyReLU",
    "MaxPooling2D",
    "SpatialDropout2D",
    "ZeroPadding2D",
)
"""Layers that a positive factor of each channel goes through."""


@dataclass(frozen=True)
class Pair:
    """Two products with nothing between them but what a channel's factor goes through.

    Attributes
    ----------
    limit : above which the activation between them cuts, 6 for ReLU6; None: nowhere
    """

    first: str
    second: str
    limit: float | None


@dataclass(frozen=True)
class Optimized:
    """What came of a model.

    Attributes
    ----------
    model : to be quantized
    twin : the same before its biases were corrected: the float function of the original
    pairs : that were equalized
    skipped : a line for each product that could not be paired, with the reason
    """

    model: keras.Model
    twin: keras.Model
    pairs: list[Pair]
    skipped: list[str]


def optimize(model: keras.Model, patches: NDArray[np.float32], *, per_channel: bool) -> Optimized:
    """Even a model's channels out across layers, then correct its biases.

    Parameters
    ----------
    patches : float32 [n, n_mels, patch_length], for calibration
    per_channel : whether weights will have a scale for each output channel
    """
    chosen = patches[np.unique(np.linspace(0, len(patches) - 1, PATCHES).round().astype(int))]
    inputs = chosen.reshape(-1, *model.input_shape[1:])
    twin = folding.fold(model)
    pairs, skipped = find_pairs(folding.links(twin))
    (even_peaks if per_channel else equalize)(twin, pairs, inputs)
    corrected = folding.fold(twin)
    correct_biases(corrected, inputs, per_channel=per_channel)
    return Optimized(corrected, twin, pairs, skipped)


def find_pairs(found: Links) -> tuple[list[Pair], list[str]]:
    """Pairs in the order of execution, and which products have no partner, and why."""
    pairs, skipped = [], []
    for name, layer in found.layers.items():
        if folding.is_product(layer):
            pair, reason = _follow(found, name)
            pairs += [pair] if pair is not None else []
            skipped += [f"{name}: {reason}"] if reason else []
    return pairs, skipped


def _follow(found: Links, first: str) -> tuple[Pair | None, str]:
    """The product's pair, or why it has none; no reason is needed before the output."""
    name, limit = first, None
    while True:
        if not found.after[name]:
            return None, ""
        layer = found.only(name)
        if layer is None:
            return None, f"{len(found.after[name])} layers read {name}"
        if folding.is_product(layer):
            return Pair(first, layer.name, limit), ""
        if len(found.before[layer.name]) != 1:
            return None, f"{layer.name} ({type(layer).__name__}) joins it with others"
        passes, cut = _passes(layer)
        if not passes:
            ends = not found.after[layer.name]
            return None, "" if ends else f"{layer.name} ({type(layer).__name__}) is not homogeneous"
        name, limit = layer.name, cut if cut is not None else limit


def _passes(layer: Any) -> tuple[bool, float | None]:
    """Whether a channel's factor goes through a layer, and above which value it cuts."""
    kind = type(layer).__name__
    if kind == "ReLU":
        return not layer.threshold, layer.max_value
    if kind == "Activation":
        name = layer.activation.__name__
        return name in ("linear", "relu", "relu6", "leaky_relu"), 6.0 if name == "relu6" else None
    return kind in _HOMOGENEOUS, None


def equalize(model: keras.Model, pairs: list[Pair], inputs: NDArray[np.float32]) -> None:
    """Give both weights of every pair the same largest value in each channel, in place.

    A channel of the first is divided, and of the second multiplied, by sqrt(r1 / r2), the ranges
    of its weights there. An activation that cuts keeps its function only where nothing is cut on
    `inputs`: a channel that reaches the limit stays, and no other is brought beyond it.
    """
    peaks = _limited_peaks(model, pairs, inputs)
    for _ in range(SWEEPS):
        changes = [_equalize(model, pair, peaks.get(pair.first)) for pair in pairs]
        if max(changes, default=0.0) < SETTLED:
            return


def _equalize(model: keras.Model, pair: Pair, peak: NDArray[np.float64] | None) -> float:
    """Equalize one pair; returns the largest relative change. `peak` follows the channels."""
    first, second = model.get_layer(pair.first), model.get_layer(pair.second)
    kernel, kernel_after = (layer.get_weights()[0] for layer in (first, second))
    before = folding.output_ranges(first, kernel)
    after = folding.input_ranges(second, kernel_after, len(before))
    alive = (before > 0) & (after > 0)
    factor = np.sqrt(np.where(alive, before, 1) / np.where(alive, after, 1))
    if peak is not None:
        factor = _uncut(factor, peak, pair)
        peak /= factor
    _divide(model, pair, factor)
    return float(np.abs(np.log(factor)).max())


def even_peaks(model: keras.Model, pairs: list[Pair], inputs: NDArray[np.float32]) -> None:
    """Bring the largest values of a tensor's channels nearer to each other, in place.

    A tensor has one scale: a channel that stays small in it has few steps. Scales of the weights'
    own channels take a factor of the outputs for nothing, and of a depthwise layer's inputs too;
    elsewhere the inputs' weights share a scale, and only a part of the difference is evened out.
    """
    if not pairs:
        return
    limited = _limited_peaks(model, pairs, inputs)
    read = [model.get_layer(pair.second).input for pair in pairs]
    values = _outputs(model, read, inputs)
    for pair, found in zip(pairs, values, strict=True):
        channels = len(model.get_layer(pair.first).get_weights()[1])
        peak = np.abs(found).reshape(-1, channels).max(axis=0).astype(np.float64)
        free = type(model.get_layer(pair.second)).__name__ == "DepthwiseConv2D"
        share = np.where(peak > 0, peak, peak.max() or 1) / (peak.max() or 1)
        factor = np.maximum(share ** (1 if free else EVENING), SMALLEST)
        if pair.first in limited:
            factor = _uncut(factor, limited[pair.first], pair)
        _divide(model, pair, factor)


def _limited_peaks(
    model: keras.Model, pairs: list[Pair], inputs: NDArray[np.float32]
) -> dict[str, NDArray[np.float64]]:
    """Largest value of each channel that a pair's activation may cut, by the first's name."""
    return _statistics(model, [p.first for p in pairs if p.limit is not None], inputs, np.max)


def _uncut(factor: NDArray[np.float64], peak: NDArray[np.float64], pair: Pair) -> Any:
    """Factors with which the activation between cuts what it cut before, and nothing else."""
    lowest = np.maximum(peak, 0) / (pair.limit or np.inf)
    return np.where(lowest >= 1, 1, np.maximum(factor, lowest))


def _divide(model: keras.Model, pair: Pair, factor: NDArray[np.float64]) -> None:
    """Divide the channels between two layers by their factors; the function stays."""
    first, second = model.get_layer(pair.first), model.get_layer(pair.second)
    (kernel, bias), (kernel_after, bias_after) = first.get_weights(), second.get_weights()
    first.set_weights([folding.scale_outputs(first, kernel, 1 / factor), bias / factor])
    second.set_weights([folding.scale_inputs(second, kernel_after, factor), bias_after])


def correct_biases(model: keras.Model, inputs: NDArray[np.float32], *, per_channel: bool) -> None:
    """Add to each bias what rounding the weights takes from its channel's mean, in place.

    Layer after layer: each sees what the rounded and corrected ones before it give.
    """
    import keras

    names = [layer.name for layer in model.layers if folding.is_product(layer)]
    wanted = _statistics(model, names, inputs, np.mean)
    kernels = {}
    for name in names:
        layer = model.get_layer(name)
        kernels[name], bias = layer.get_weights()
        coarse = rounded(layer, kernels[name], per_channel=per_channel)
        layer.set_weights([coarse, bias])
        part = keras.Model(model.input, layer.output)
        got = _over_channels(np.asarray(part(inputs, training=False)), np.mean)
        layer.set_weights([coarse, (bias + wanted[name] - got).astype(np.float32)])
    for name, kernel in kernels.items():
        layer = model.get_layer(name)
        layer.set_weights([kernel, layer.get_weights()[1]])


def rounded(layer: Any, kernel: NDArray[np.float32], *, per_channel: bool) -> NDArray[np.float32]:
    """Weights as int8 holds them, symmetric, the largest of each scale at ±127."""
    if not per_channel:
        scale = float(np.abs(kernel).max()) / 127 or 1.0
        return np.asarray(np.round(kernel / scale) * scale, np.float32)
    scales = folding.output_ranges(layer, kernel) / 127
    scales[scales == 0] = 1
    steps = np.round(folding.scale_outputs(layer, kernel, 1 / scales))
    return folding.scale_outputs(layer, steps, scales)


def _statistics(
    model: keras.Model, names: list[str], inputs: NDArray[np.float32], reduce: Any
) -> dict[str, NDArray[np.float64]]:
    """A number for each channel of what some layers give on `inputs`."""
    if not names:
        return {}
    outputs = _outputs(model, [model.get_layer(name).output for name in names], inputs)
    return {
        name: _over_channels(output, reduce) for name, output in zip(names, outputs, strict=True)
    }


def _outputs(
    model: keras.Model, tensors: list[Any], inputs: NDArray[np.float32]
) -> list[NDArray[np.float32]]:
    """Values of some of a model's tensors."""
    import keras

    return [np.asarray(v) for v in keras.Model(model.input, tensors)(inputs, training=False)]


def _over_channels(values: NDArray[np.float32], reduce: Any) -> NDArray[np.float64]:
    return np.asarray(reduce(values.astype(np.float64), axis=tuple(range(values.ndim - 1))))
