"""Figures of a run: drawn without a window, saved whole or not at all."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from paritone.cache import memo
from paritone.task import MultiLabel

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from paritone.evaluation.accuracy import Accuracy, Evidence
    from paritone.evaluation.metrics import Metrics, Sweep

DPI = 110
MOST_NAMED = 30
"""Classes whose curves a legend names."""


def figure(width: float, height: float, layout: Any = "constrained") -> Figure:
    """Return an empty figure of so many inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    empty = Figure(figsize=(width, height), layout=layout)
    FigureCanvasAgg(empty)
    return empty


def save(drawn: Figure, path: Path) -> Path:
    """Write a figure as a PNG; returns its path."""
    return _write(path, _png(drawn))


def save_kept(path: Path, draw: Callable[..., Figure], **given: Any) -> Path:
    """Write the PNG of the figure that `draw` makes of values; drawn once, kept between runs.

    Parameters
    ----------
    given : arguments of `draw` that JSON knows, arrays, or records of these
    """
    made_from = json.loads(json.dumps({"dpi": DPI, "given": given}, default=_plain))
    return _write(path, memo.of_values(draw.__qualname__, made_from, lambda: _png(draw(**given))))


def _plain(value: Any) -> Any:
    """Arrays as lists, records as what they hold."""
    return value.tolist() if isinstance(value, np.ndarray) else vars(value)


def _png(drawn: Figure) -> bytes:
    buffer = io.BytesIO()
    drawn.savefig(buffer, format="png", dpi=DPI)
    return buffer.getvalue()


def _write(path: Path, content: bytes) -> Path:
    partial = path.with_name(f"{path.name}.partial")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def joined(patches: NDArray[np.float32], frames: Sequence[int]) -> NDArray[np.float32]:
    """Return the spectrogram [n_mels, frames] that overlapping patches were cut from.

    Parameters
    ----------
    patches : [patches, n_mels, patch_length]
    frames : the first frame of each; where patches leave gaps, NaN
    """
    _, bands, length = patches.shape
    whole = np.full((bands, max(frames) + length), np.nan, np.float32)
    for patch, start in zip(patches, frames, strict=True):
        whole[:, start : start + length] = patch
    return whole


def time_line(
    patches: NDArray[np.float32],
    frames: Sequence[int],
    scores: NDArray[np.float32],
    class_names: Sequence[str],
    seconds_per_frame: float,
    title: str,
    truth: Sequence[str] = (),
) -> Figure:
    """Draw a clip's log-mel spectrogram above the scores of each of its patches.

    Parameters
    ----------
    patches, frames : as `joined` has them
    scores : [patches, classes]
    truth : the classes to mark
    """
    whole = joined(patches, frames)
    end = whole.shape[1] * seconds_per_frame
    drawn, upper, lower, scale = _time_axes(class_names)
    upper.imshow(whole, origin="lower", aspect="auto", extent=(0, end, 0, len(whole)), cmap="magma")
    upper.set(ylabel="mel band")
    upper.set_title(title, fontsize=10)
    edges = np.append(np.array(frames) * seconds_per_frame, end)
    image = lower.pcolormesh(
        edges, np.arange(len(class_names) + 1), scores.T, vmin=0, vmax=1, cmap="viridis"
    )
    lower.set(xlabel="s of the preprocessed clip", yticks=np.arange(len(class_names)) + 0.5)
    lower.set_yticklabels(list(class_names), fontsize=8)
    for label in lower.get_yticklabels():
        if label.get_text() in truth:
            label.set(color="tab:green", fontweight="bold")
    lower.invert_yaxis()
    _mark_best(lower, edges, scores)
    drawn.colorbar(image, cax=scale, label="score")
    return drawn


def _time_axes(class_names: Sequence[str]) -> tuple[Figure, Any, Any, Any]:
    """Return a figure with axes above each other, and those of a colour scale, laid out by hand.

    Matplotlib's own layout takes longer than all the rest of a figure.
    """
    rows = 0.19 * len(class_names) + 0.2
    width, height = 6.2, 2.6 + rows
    drawn = figure(width, height, layout=None)
    left = (0.7 + 0.06 * max(map(len, class_names))) / width
    wide, bottom = 0.87 - left, 0.55 / height
    lower = drawn.add_axes((left, bottom, wide, rows / height))
    upper = drawn.add_axes(
        (left, bottom + (rows + 0.1) / height, wide, 1.65 / height), sharex=lower
    )
    upper.tick_params(labelbottom=False)
    return drawn, upper, lower, drawn.add_axes((left + wide + 0.015, bottom, 0.02, rows / height))


def _mark_best(axes: Any, edges: NDArray[np.float64], scores: NDArray[np.float32]) -> None:
    """Put a dot on the highest score of each patch that has any."""
    middles = (edges[:-1] + edges[1:]) / 2
    heard = scores.any(axis=1)
    axes.plot(
        middles[heard],
        scores.argmax(axis=1)[heard] + 0.5,
        "o",
        color="white",
        markeredgecolor="black",
        markersize=4,
    )


def draw_evaluation(kind: str, measured: Accuracy, found: Metrics, run_dir: Path) -> None:
    """Draw both confusion matrices and the sweep of the unknown class's threshold.

    With several labels a clip there are neither, but each class's precision against its recall.
    """
    names, row = found.class_names, measured.summary()
    if isinstance(measured.task, MultiLabel):
        drawn = precision_recall(measured.evidence, measured.task, kind)
        save(drawn, run_dir / f"{kind}_precision_recall.png")
        return
    titles = {
        "confusion_matrix": (found.clip_confusion, f"{row['clip']:.1%} of {row['clips']} clips"),
        "patch_confusion_matrix": (
            found.patch_confusion,
            f"{row['patch']:.1%} of {found.patch_confusion.sum()} patches",
        ),
    }
    for name, (matrix, title) in titles.items():
        path = run_dir / f"{kind}_{name}.png"
        save_kept(path, confusion, matrix=matrix, names=names, title=f"{kind}: {title}")
    if found.sweep is not None:
        chosen = found.unknown.get("threshold")
        path = run_dir / f"{kind}_unknown_class.png"
        save_kept(path, unknown_sweep, sweep=found.sweep, kind=kind, chosen=chosen)


def confusion(matrix: NDArray[np.int64], names: Sequence[str], title: str) -> Figure:
    """Draw a confusion matrix, true classes down, predicted classes across."""
    from sklearn.metrics import ConfusionMatrixDisplay

    margin, size = 0.8 + 0.08 * max(map(len, names)), 0.45 * max(len(names), 5)
    below = 0.7 + 0.065 * max(map(len, names))
    width, height = margin + size + 0.2, below + size + 0.4
    drawn = figure(width, height, layout=None)  # Matplotlib's own takes longer than the drawing
    axes = drawn.add_axes((margin / width, below / height, size / width, size / height))
    display = ConfusionMatrixDisplay(matrix, display_labels=names)
    display.plot(ax=axes, xticks_rotation=60, colorbar=False, cmap="Blues")
    axes.set_title(title, fontsize=10)
    axes.tick_params(labelsize=9)
    return drawn


def precision_recall(found: Evidence, task: MultiLabel, kind: str) -> Figure:
    """Draw precision against recall of each class; a dot is where its threshold puts it.

    More classes than a legend can tell apart have none: `Metrics.per_class` names them.
    """
    from sklearn.metrics import average_precision_score, precision_recall_curve

    named, means = len(task.names) <= MOST_NAMED, found.clip_scores
    drawn = figure(6.2, 4.6 + 0.09 * len(task.names) * named)
    axes = drawn.add_subplot()
    for i in np.flatnonzero(found.actual.any(axis=0)):
        actual, decided = found.actual[:, i], found.decided[:, i]
        precision, recall, _ = precision_recall_curve(actual, means[:, i])
        area = average_precision_score(actual, means[:, i])
        label = f"{task.names[i]}, {area:.3f}"
        (line,) = axes.step(recall, precision, where="post", label=label)
        right = (actual & decided).sum()
        at = right / actual.sum(), right / max(decided.sum(), 1)
        axes.plot(*at, "o", color=line.get_color(), markersize=5)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.05), xlabel="recall", ylabel="precision")
    axes.set_title(f"{kind}: clips, average precision; dots at the thresholds", fontsize=10)
    axes.grid(alpha=0.3)
    if named:
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), fontsize=8, ncols=2)
    return drawn


def unknown_sweep(sweep: Sweep, kind: str, chosen: float | None) -> Figure:
    """Draw accuracy and the share rejected against the unknown class's threshold."""
    from paritone.evaluation.metrics import SWEEP

    drawn = figure(6.2, 4)
    axes = drawn.add_subplot()
    axes.plot(SWEEP, sweep.accuracy, label="accuracy of the clips left", color="tab:blue")
    axes.plot(SWEEP, sweep.rejected, label="clips rejected", color="tab:orange", linestyle="--")
    if chosen is not None:
        axes.axvline(chosen, color="black", linewidth=1, label=f"configured, {chosen:g}")
    axes.set(xlim=(0, 1), ylim=(-0.02, 1.02), ylabel="share")
    axes.set(xlabel="deployment.unknown_class_threshold", title=f"{kind}: unknown class")
    axes.grid(alpha=0.3)
    axes.legend(loc="best", fontsize=8)
    return drawn
