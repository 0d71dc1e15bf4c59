"""Figures that only the report has: misclassified clips, layers, the arena."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paritone.cache import memo
from paritone.config import Config
from paritone.datasets.clips import ClipData
from paritone.errors import ParitoneError
from paritone.evaluation import figures
from paritone.evaluation.accuracy import Accuracy

_COLOURS = {"input": "#7f7f7f", "tensor": "#4c78a8", "ring": "#72b7b2", "scratch": "#f58518"}


def row(accuracy: Accuracy, index: int) -> tuple[str, str, str, str]:
    """Return a clip's file, its true and predicted classes, and the mean scores of the latter."""
    found = accuracy.evidence
    scores = found.clip_scores[index][found.decided[index]]
    text = ";".join(f"{score:.3f}" for score in scores) or "0.000"
    return found.clips[index].path.name, accuracy.true_text(index), accuracy.text(index), text


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
        line = figures.time_line(
            clip.patches, frames, scores, names, step_s, caption, accuracy.evidence.clips[i].labels
        )
        drawn.append((figures.save(line, folder / f"{name}.png"), caption))
    return drawn


def latency(layers: Sequence[Mapping[str, Any]], unit: str, path: Path) -> Path:
    """Draw what each layer takes, in the order of execution."""
    drawn = figures.figure(6.2, 1.2 + 0.24 * len(layers))
    axes = drawn.add_subplot()
    counts = [layer[unit] for layer in layers]
    axes.barh(range(len(layers)), counts, color="#4c78a8", xerr=_reach(layers, counts))
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


def _reach(layers: Sequence[Mapping[str, Any]], counts: Sequence[int]) -> Any:
    """From the median down to the least and up to the most; None where they were not kept."""
    if not all("range" in layer for layer in layers):
        return None
    pairs = list(zip(layers, counts, strict=True))
    down = [count - layer["range"]["minimum"] for layer, count in pairs]
    up = [layer["range"]["maximum"] - count for layer, count in pairs]
    return (down, up) if any(down) or any(up) else None


def memory_map(model: Path | None, optimization: str, path: Path) -> Path | None:
    """Draw the arena of a quantized model; None for any other model, or one the engine lacks."""
    from matplotlib.patches import Patch, Rectangle

    if model is None or model.suffix != ".tflite":
        return None
    compute = partial(_planned, model, optimization)
    planned = memo.of_model("memory map", model, compute, optimization=optimization)
    if planned is None:
        return None
    drawn = figures.figure(6.2, 4.2)
    axes = drawn.add_subplot()
    for what, first_call, last_call, offset, end in planned["regions"]:
        corner = (first_call - 0.5, offset / 1024)
        width, height = last_call - first_call + 1, end - offset
        colour = _COLOURS[what]
        axes.add_patch(Rectangle(corner, width, height / 1024, fc=colour, ec="white", lw=0.4))
    axes.set(xlim=(-1.5, planned["calls"] + 0.5), ylim=(0, planned["bytes"] / 1024 * 1.02))
    axes.set(xlabel="call", ylabel="KiB of the arena")
    axes.set_title(f"{planned['bytes']:,} B, optimization {optimization}")
    handles = [Patch(color=colour, label=name) for name, colour in _COLOURS.items()]
    axes.legend(
        handles=handles, fontsize=8, ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.14)
    )
    return figures.save(drawn, path)


def _planned(model: Path, optimization: str) -> dict[str, Any] | None:
    """What the map shows of the plan, which takes long to make; None where the engine lacks it."""
    from paritone.engine import memory_map as maps
    from paritone.engine import plan

    try:
        planned = plan.of_file(model, optimization)
    except ParitoneError:
        return None
    regions = [
        (one.what, one.first_call, one.last_call, one.offset, one.end)
        for one in maps.regions(planned)
    ]
    return {"bytes": planned.arena_bytes, "calls": len(planned.calls), "regions": regions}
