"""Figures that only the report has: misclassified clips, layers, the arena."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paritone import figures
from paritone.accuracy import SILENCE, Accuracy
from paritone.clips import ClipData
from paritone.config import Config
from paritone.errors import ParitoneError

_COLOURS = {"input": "#7f7f7f", "tensor": "#4c78a8", "ring": "#72b7b2", "scratch": "#f58518"}


def row(accuracy: Accuracy, index: int) -> tuple[str, str, str, str]:
    """Return a clip's file, true class, predicted class and that one's mean score."""
    found, names = accuracy.evidence, accuracy.class_names
    voting = found.scores[index][~found.silent[index]]
    label = names[found.predicted[index]]
    score = voting.mean(axis=0)[found.predicted[index]] if label != SILENCE else 0.0
    clip = found.clips[index]
    return clip.path.name, names[found.truth[index]], label, f"{score:.3f}"


def misclassified(
    accuracy: Accuracy,
    data: Sequence[ClipData],
    chosen: NDArray[np.int64],
    config: Config,
    folder: Path,
) -> list[tuple[Path, str]]:
    """Draw the time line of some clips; returns files and captions."""
    from paritone.features import log_mel

    features, drawn = config.feature_extraction, []
    step_s = features.hop_length / config.preprocessing.target_rate
    folder.mkdir(exist_ok=True)
    for i in map(int, chosen):
        clip, (name, truth, label, score) = data[i], row(accuracy, i)
        frames = log_mel.patch_starts(log_mel.frame_count(len(clip.pcm), features), features)
        caption = f"{name}: {truth} taken for {label} ({score})"
        scores = accuracy.evidence.scores[i]
        names = accuracy.class_names[: scores.shape[1]]
        line = figures.time_line(clip.patches, frames, scores, names, step_s, caption, truth)
        drawn.append((figures.save(line, folder / f"{name}.png"), caption))
    return drawn


def latency(layers: Sequence[Mapping[str, Any]], unit: str, path: Path) -> Path:
    """Draw what each layer takes, in the order of execution."""
    drawn = figures.figure(6.2, 1.2 + 0.24 * len(layers))
    axes = drawn.add_subplot()
    counts = [layer[unit] for layer in layers]
    axes.barh(range(len(layers)), counts, color="#4c78a8")
    names = [f"{i} {layer['kernel']}" for i, layer in enumerate(layers)]
    axes.set_yticks(range(len(layers)), names, fontsize=8)
    axes.invert_yaxis()
    total = max(sum(counts), 1)
    for i, count in enumerate(counts):
        axes.text(count, i, f" {count / total:.1%}", va="center", fontsize=8)
    axes.margins(x=0.12)
    axes.set(xlabel=unit, title="by layer, and its share")
    axes.grid(axis="x", alpha=0.3)
    return figures.save(drawn, path)


def memory_map(model: Path | None, optimization: str, path: Path) -> Path | None:
    """Draw the arena of a quantized model; None for any other model, or one the engine lacks."""
    from matplotlib.patches import Patch, Rectangle

    from paritone import memory_map as maps
    from paritone.engine import plan

    if model is None or model.suffix != ".tflite":
        return None
    try:
        planned = plan.of_file(model, optimization)
    except ParitoneError:
        return None
    drawn = figures.figure(6.2, 4.2)
    axes = drawn.add_subplot()
    for region in maps.regions(planned):
        corner = (region.first_call - 0.5, region.offset / 1024)
        width, height = region.last_call - region.first_call + 1, region.end - region.offset
        colour = _COLOURS[region.what]
        axes.add_patch(Rectangle(corner, width, height / 1024, fc=colour, ec="white", lw=0.4))
    axes.set(xlim=(-1.5, len(planned.calls) + 0.5), ylim=(0, planned.arena_bytes / 1024 * 1.02))
    axes.set(xlabel="call", ylabel="KiB of the arena")
    axes.set_title(f"{planned.arena_bytes:,} B, optimization {planned.optimization}")
    handles = [Patch(color=colour, label=name) for name, colour in _COLOURS.items()]
    axes.legend(
        handles=handles, fontsize=8, ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.14)
    )
    return figures.save(drawn, path)
