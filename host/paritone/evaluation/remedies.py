"""Which layers quantization costs most, and what would mend them: told by the layers' own noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from paritone.config.records import Quantization
from paritone.evaluation.noise import decibels

MOST_NAMED = 5
ENOUGH_DB = 36.0
"""A layer that adds less than a 4000th of its signal's power is not what ails a model."""
OUTLIERS = 4.0
"""A peak so many times what 99.9 % of the values stay under takes two bits from all others."""

UNEVEN = 3.0
"""Weights of the widest channel over the median one's from which channels count as uneven."""

Layer = Mapping[str, Any]


def worst(layers: Sequence[Layer]) -> list[Layer]:
    """Layers whose own noise is largest, the worst first: at most `MOST_NAMED`."""
    return sorted(layers, key=own, reverse=True)[:MOST_NAMED]


def own(layer: Layer) -> float:
    """Noise that a layer adds itself, as a share of its signal's power."""
    return float(sum(layer["sources"].values()))


def own_db(layer: Layer) -> float | None:
    """Signal to the noise that a layer adds itself, in dB; None: it adds none."""
    return decibels(own(layer))


def of(layers: Sequence[Layer], section: Quantization, *, evens: bool = True) -> dict[str, Any]:
    """Name the worst layers, and what would mend them.

    Parameters
    ----------
    evens : whether ``quantization.optimize`` could work on the float model: Keras only

    Returns
    -------
    ``worst``, their names, and ``remedies``: ``layer``, ``because`` (the numbers that tell it) and
    ``try`` (what to do) for each of their sources of noise above what `ENOUGH_DB` allows; none:
    nothing to mend
    """
    if not evens:  # as where it is on already: it is not advised
        section = section.model_copy(update={"optimize": True})
    named, told = worst(layers), []
    advice = {"weights": _weights, "clipping": _clipping, "rounding": _rounding}
    for layer in named:
        for source, share in sorted(layer["sources"].items(), key=lambda item: -item[1]):
            if share > 10 ** (-ENOUGH_DB / 10):
                told.append({"layer": layer["name"], **advice[source](layer, section)})
    return {"worst": [layer["name"] for layer in named], "remedies": told}


def _weights(layer: Layer, section: Quantization) -> dict[str, Any]:
    now, then = layer["weights_db"], layer["weights_per_channel_db"]
    spread = f"the widest channel's weights are {layer['channel_spread']:.1f} times the median's"
    if section.granularity == "per_tensor" and (then is None or then > now + 3):
        gain = f"{then:.1f}" if then is not None else "no noise at all, not"
        because = f"{spread}: a scale a channel would keep {gain} instead of {now:.1f} dB"
        advice = ["quantization.granularity: per_channel"]
        if not section.optimize:
            advice.append("quantization.optimize: True, where it must be per_tensor")
        return {"because": because, "try": advice}
    because = f"its weights keep {now:.1f} dB, and a scale a channel would not raise that"
    return {"because": because, "try": ["a float model trained with weight decay"]}


def _clipping(layer: Layer, section: Quantization) -> dict[str, Any]:
    low, high = layer["range"]
    because = (
        f"{layer['clipped']:.2%} of its values lie outside of the calibrated {low:.3g} to "
        f"{high:.3g}, the largest at {layer['peak']:.3g}"
    )
    return {
        "because": because,
        "try": ["more or other calibration clips (dataset.quantization_*, quantization_split)"],
    }


def _rounding(layer: Layer, section: Quantization) -> dict[str, Any]:
    ratio = layer["peak"] / layer["typical"] if layer["typical"] else 1.0
    spread = layer["channel_spread"] or 1.0
    if ratio > OUTLIERS:
        because = f"a few values reach {ratio:.1f} times what 99.9 % of them stay under"
        return {"because": because, "try": ["ReLU6 in the place of ReLU, and training with it"]}
    low, high = layer["range"]
    because = f"256 steps from {low:.3g} to {high:.3g} are coarse for what comes after"
    if spread > UNEVEN:
        because += f": its channels' weights differ {spread:.1f} times, and share those steps"
    advice = ["batch normalization and ReLU6 after it, trained so"]
    if not section.optimize:
        advice.insert(0, "quantization.optimize: True")
    return {"because": because, "try": advice}
