"""The report's sections that hold a run's rows of accuracy against each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paritone.evaluation import figures
from paritone.evaluation.accuracy import Accuracy
from paritone.report.html import Section, Table, image

CLASSES_FIGURE = "f1_by_class.png"
ROC_FIGURE = "roc.png"
MOST_NAMED = 12
"""Classes whose own curve is named: those with the smallest area."""
_COLOURS = {"float": "#4c78a8", "int8": "#f58518", "device": "#54a24b", "streaming": "#b279a2"}
_OTHER = "#79706e"
_NEAREST = ("device", "int8", "float")
_TITLES = {
    "classes": "By class",
    "roc": "ROC curves",
    "differences": "Float, int8, device",
}
_COLUMNS = {
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "average_precision": "average precision",
    "threshold": "threshold",
}

Curve = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Rates of false positives and of true positives, both rising from 0 to 1."""


def classes(rows: Mapping[str, Any], run_dir: Path) -> Section:
    """Return F1, precision and recall of each class, the rows side by side."""
    found = {kind: row["per_class"] for kind, row in rows.items() if "per_class" in row}
    if not found:
        return Section("classes", _TITLES["classes"])
    path = draw_classes(found, run_dir / CLASSES_FIGURE)
    return Section(
        "classes",
        _TITLES["classes"],
        tables=[_by_class(kind, row) for kind, row in found.items()],
        figures=[image(path, "F1 of each class", run_dir)],
    )


def _by_class(kind: str, rows: Mapping[str, Any]) -> Table:
    shown = {key: title for key, title in _COLUMNS.items() if any(key in r for r in rows.values())}
    return Table(
        ("class", "clips", *shown.values()),
        [
            (name, str(row["clips"]), *(f"{row[k]:.3f}" if k in row else "" for k in shown))
            for name, row in rows.items()
        ],
        title=f"By class, {kind}",
    )


def draw_classes(found: Mapping[str, Mapping[str, Any]], path: Path) -> Path:
    """Draw the F1 of each class that has clips, a bar for each row."""
    first = next(iter(found.values()))
    names = [name for name, row in first.items() if row["clips"]]
    step = 0.8 / len(found)
    drawn = figures.figure(6.2, 1.3 + len(names) * (0.16 + 0.11 * len(found)))
    axes = drawn.add_subplot()
    for i, (kind, rows) in enumerate(found.items()):
        places = np.arange(len(names)) - 0.4 + step * (i + 0.5)
        values = [rows[name]["f1"] for name in names]
        axes.barh(places, values, 0.9 * step, color=_COLOURS.get(kind, _OTHER), label=kind)
    axes.set_yticks(range(len(names)), names, fontsize=9)
    axes.invert_yaxis()
    axes.set(xlim=(0, 1.02), xlabel="F1 of clips")
    axes.grid(axis="x", alpha=0.3)
    drawn.legend(fontsize=8, ncols=len(found), loc="outside upper center")
    return figures.save(drawn, path)


def roc(evaluated: Mapping[str, Accuracy], run_dir: Path) -> Section:
    """Return receiver operating characteristics of clips, one class against the rest."""
    curves = {kind: found for kind, row in evaluated.items() if (found := of_classes(row))}
    if not curves:
        return Section("roc", _TITLES["roc"])
    path = draw_roc(curves, run_dir / ROC_FIGURE)
    return Section(
        "roc",
        _TITLES["roc"],
        texts=["Clips by their mean scores, each class against the rest."],
        figures=[image(path, "ROC: means over the classes, and each class", run_dir)],
    )


def of_classes(accuracy: Accuracy) -> dict[str, Curve]:
    """Return the curve of each class that some clips are of and some are not."""
    from sklearn.metrics import roc_curve

    found, heard = {}, ~accuracy.evidence.mute
    labels, scores = accuracy.evidence.actual[heard], accuracy.evidence.clip_scores[heard]
    for i, name in enumerate(accuracy.task.names):
        if labels[:, i].any() and not labels[:, i].all():
            false, true, _ = roc_curve(labels[:, i], scores[:, i])
            found[name] = (false, true)
    return found


def mean_curve(curves: Sequence[Curve]) -> Curve:
    """Return the mean of curves, whose area is the mean of theirs: before and after each step."""
    false = np.unique(np.concatenate([one[0] for one in curves]))
    sides = [np.mean([_at(one, false, side) for one in curves], axis=0) for side in (0, -1)]
    return np.repeat(false, 2), np.stack(sides, axis=1).ravel()


def _at(curve: Curve, false: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    """Return a curve's values: where it steps up, below (side 0) or above (side -1) the step."""
    rates, values = curve
    found = np.searchsorted(rates, false, "left" if side == 0 else "right") + side
    found = found.clip(0, len(rates) - 1)
    return np.where(rates[found] == false, values[found], np.interp(false, rates, values))


def area(curve: Curve) -> float:
    """Return the area under a curve."""
    from sklearn.metrics import auc

    return float(auc(*curve))


def draw_roc(curves: Mapping[str, Mapping[str, Curve]], path: Path) -> Path:
    """Draw the rows' means beside each class of the row that is nearest to the device."""
    nearest = next((kind for kind in _NEAREST if kind in curves), next(iter(curves)))
    drawn = figures.figure(9.4, 5.2)
    left, right = drawn.subplots(1, 2, sharey=True)
    for kind, of_row in curves.items():
        mean = mean_curve(list(of_row.values()))
        left.plot(*mean, color=_COLOURS.get(kind, _OTHER), label=f"{kind}, {area(mean):.3f}")
    ranked = sorted(curves[nearest].items(), key=lambda item: area(item[1]))
    for i, (name, curve) in enumerate(ranked):
        named = f"{name}, {area(curve):.3f}" if i < MOST_NAMED else None
        right.plot(*curve, lw=1.2, color=f"C{i}" if named else "#cccccc", label=named)
    for axes, title in ((left, "mean of the classes"), (right, f"{nearest}, each class")):
        axes.plot((0, 1), (0, 1), ":", color="#999999", lw=1)
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
        axes.set(xlabel="false positives", title=title)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8, loc="lower right", title="area", title_fontsize=8)
    left.set_ylabel("true positives")
    return figures.save(drawn, path)


def differences(evaluated: Mapping[str, Accuracy]) -> Section:
    """Return where rows that score the same patches part: scores, and clips of another class."""
    rows, clips = [], []
    for first, second in _pairs(evaluated):
        one, other = evaluated[first].evidence, evaluated[second].evidence
        gaps = np.abs(np.concatenate(one.scores) - np.concatenate(other.scores))
        unlike = np.flatnonzero((one.decided != other.decided).any(axis=1))
        changed = f"{len(unlike)} of {len(one.clips)}"
        rows.append((f"{first}, {second}", changed, f"{gaps.mean():.5f}", f"{gaps.max():.5f}"))
        for i in map(int, unlike):
            row, then = evaluated[first], evaluated[second]
            name, labels = one.clips[i].path.name, row.true_text(i)
            clips.append((name, labels, first, row.text(i), second, then.text(i)))
    columns = ("rows", "clips of another class", "mean difference of a score", "largest")
    tables = [Table(columns, rows)] if rows else []
    if clips:
        titles = ("clip", "true class", "row", "class", "row", "class")
        tables.append(Table(titles, clips, texts=6, title="Clips of another class"))
    return Section("differences", _TITLES["differences"], tables=tables)


def _pairs(evaluated: Mapping[str, Accuracy]) -> Iterator[tuple[str, str]]:
    """Neighbouring rows that score the same patches."""
    for first, second in pairwise(kind for kind in evaluated if kind != "streaming"):
        one, other = evaluated[first].evidence, evaluated[second].evidence
        if [s.shape for s in one.scores] == [s.shape for s in other.scores]:
            yield first, second
