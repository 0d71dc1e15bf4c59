"""Float weights reshaped so that one scale a tensor costs less; the float function stays.

Cross-layer equalization and bias correction, after M. Nagel, M. van Baalen, T. Blankevoort and
M. Welling, "Data-Free Quantization Through Weight Equalization and Bias Correction", ICCV 2019,
sections 4.1 and 4.2; the means of the correction are measured here, on calibration patches.
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


def optimize(model: keras.Model, patches: NDArray[np.float32]) -> Optimized:
    """Equalize a model's channels across layers, then correct its biases.

    Parameters
    ----------
    patches : float32 [n, n_mels, patch_length], for calibration
    """
    chosen = patches[np.unique(np.linspace(0, len(patches) - 1, PATCHES).round().astype(int))]
    inputs = chosen.reshape(-1, *model.input_shape[1:])
    twin = folding.fold(model)
    pairs, skipped = find_pairs(folding.links(twin))
    equalize(twin, pairs, inputs)
    corrected = folding.fold(twin)
    correct_biases(corrected, inputs)
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
    limited = [pair.first for pair in pairs if pair.limit is not None]
    peaks = _statistics(model, limited, inputs, np.max)
    for _ in range(SWEEPS):
        changes = [_equalize(model, pair, peaks.get(pair.first)) for pair in pairs]
        if max(changes, default=0.0) < SETTLED:
            return


def _equalize(model: keras.Model, pair: Pair, peak: NDArray[np.float64] | None) -> float:
    """Equalize one pair; returns the largest relative change. `peak` follows the channels."""
    first, second = model.get_layer(pair.first), model.get_layer(pair.second)
    (kernel, bias), (kernel_after, bias_after) = first.get_weights(), second.get_weights()
    before = folding.output_ranges(first, kernel)
    after = folding.input_ranges(second, kernel_after, len(before))
    alive = (before > 0) & (after > 0)
    factor = np.sqrt(np.where(alive, before, 1) / np.where(alive, after, 1))
    if pair.limit is not None and peak is not None:
        lowest = np.maximum(peak, 0) / pair.limit
        factor = np.where(lowest >= 1, 1, np.maximum(factor, lowest))
        peak /= factor
    first.set_weights([folding.scale_outputs(first, kernel, 1 / factor), bias / factor])
    second.set_weights([folding.scale_inputs(second, kernel_after, factor), bias_after])
    return float(np.abs(np.log(factor)).max())


def correct_biases(model: keras.Model, inputs: NDArray[np.float32]) -> None:
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
        layer.set_weights([rounded(kernels[name]), bias])
        part = keras.Model(model.input, layer.output)
        got = _over_channels(np.asarray(part(inputs, training=False)), np.mean)
        layer.set_weights([rounded(kernels[name]), (bias + wanted[name] - got).astype(np.float32)])
    for name, kernel in kernels.items():
        layer = model.get_layer(name)
        layer.set_weights([kernel, layer.get_weights()[1]])


def rounded(kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weights as int8 holds them with one scale: symmetric, the largest at ±127."""
    scale = float(np.abs(kernel).max()) / 127 or 1.0
    return np.asarray(np.round(kernel / scale) * scale, np.float32)


def _statistics(
    model: keras.Model, names: list[str], inputs: NDArray[np.float32], reduce: Any
) -> dict[str, NDArray[np.float64]]:
    """A number for each channel of what some layers give on `inputs`."""
    import keras

    if not names:
        return {}
    probe = keras.Model(model.input, [model.get_layer(name).output for name in names])
    outputs = probe(inputs, training=False)
    return {
        name: _over_channels(np.asarray(output), reduce)
        for name, output in zip(names, outputs, strict=True)
    }


def _over_channels(values: NDArray[np.float32], reduce: Any) -> NDArray[np.float64]:
    return np.asarray(reduce(values.astype(np.float64), axis=tuple(range(values.ndim - 1))))
