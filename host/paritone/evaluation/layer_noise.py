"""One layer of a quantized model against its float twin, whatever format both are in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from paritone.evaluation.channel_gains import Gain
from paritone.evaluation.noise import Noise, Sources, decibels


@dataclass(frozen=True)
class LayerError:
    """One layer of the quantized model against its float twin.

    Attributes
    ----------
    name : Keras' layers in it, joined by ``+`` where the converter fused several; without Keras
        the file's own name
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


@dataclass(frozen=True)
class WeightNoise:
    """Noise of weights as a share of their power, by channel: as stored, and with a scale each."""

    stored: NDArray[np.float64]
    ideal: NDArray[np.float64]
    spread: float


def of_weights(wanted: NDArray[np.float64], stored: NDArray[np.float64]) -> WeightNoise:
    """Compare real values of weights, float64 [channels, weights of one]."""
    largest = np.abs(wanted).max(axis=1)
    scales = np.where(largest > 0, largest, 1)[:, None] / 127
    ideal = np.round(wanted / scales) * scales
    power = np.maximum((wanted**2).sum(axis=1), np.finfo(float).tiny)
    now, then = (((wanted - other) ** 2).sum(axis=1) / power for other in (stored, ideal))
    median = float(np.median(largest[largest > 0])) if largest.any() else 1.0
    return WeightNoise(now, then, float(largest.max() / median))


def of_layer(
    name: str,
    kind: str,
    noise: Noise,
    before: Sequence[Noise],
    gain: Gain,
    weights: WeightNoise | None,
) -> LayerError:
    """Sum up a layer, of its output's noise and of that `before` it, at its inputs."""
    sources = noise.sources(gain, weights.stored if weights else None)
    if any(one.codes == noise.codes for one in before):  # such as a maximum: nothing is rounded
        sources = Sources(0.0, 0.0, sources.weights)
    ideal = noise.sources(gain, weights.ideal).weights if weights else None
    return LayerError(
        name,
        kind,
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


def keras_layers(text: str, layer_names: Sequence[str]) -> str:
    """Return Keras' layers that a converter's names of tensors tell, joined by ``+``."""
    known, found = set(layer_names), {}
    for part in re.split(r"[;/]", text):
        # A model that is called again has its scopes numbered anew: conv2d_1_2 is layer conv2d_1.
        names = [part, re.sub(r"_\d+$", "", part)]
        found.update(dict.fromkeys([name for name in reversed(names) if name in known][:1]))
    return "+".join(sorted(found, key=layer_names.index))
