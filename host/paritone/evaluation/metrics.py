"""What accuracies do not tell: each class, ranking, and what a threshold on scores would reject."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paritone.evaluation.accuracy import Accuracy, Evidence, confusion
from paritone.task import Labels, MultiLabel

SWEEP = np.linspace(0, 1, 101)
"""Thresholds of the sweep; summary.json has every fifth."""


@dataclass(frozen=True)
class Sweep:
    """Clips whose score is under a threshold are of no class: what is left, and how right it is.

    Attributes
    ----------
    rejected : share of all clips, at each threshold of `SWEEP`
    accuracy : of the clips that are left; NaN where none is
    """

    rejected: NDArray[np.float64]
    accuracy: NDArray[np.float64]

    def record(self) -> dict[str, list[float | None]]:
        """As JSON has it: None where no clip is left."""
        every = slice(None, None, 5)
        return {
            "thresholds": [round(float(t), 2) for t in SWEEP[every]],
            "rejected": [float(share) for share in self.rejected[every]],
            "accuracy": [None if np.isnan(a) else float(a) for a in self.accuracy[every]],
        }


@dataclass(frozen=True)
class Metrics:
    """What scores say beyond patch and clip accuracy.

    Attributes
    ----------
    class_names : of both matrices, and of what is counted by class
    clip_confusion, patch_confusion : as `Accuracy.confusion`
    per_class : precision, recall, f1, average precision and the number of clips of each class;
        multi-label: its threshold
    macro : the means of precision, recall and f1 over the classes that have clips
    mean_average_precision : of clips (by mean scores) and patches, the mean over the classes that
        some are of; empty where that leaves none
    hamming_loss : multi-label: share of wrong decisions about a clip and a class, and of patches
    roc_auc : of clips (by mean scores) and patches, one class against the rest, the mean over
        classes; without those that all or none are of, and empty where that leaves none
    sweep : None where scores are not from 0 to 1, and with several labels a clip
    unknown : threshold, share rejected and accuracy of the rest at the configured threshold
    """

    class_names: tuple[str, ...]
    clip_confusion: NDArray[np.int64]
    patch_confusion: NDArray[np.int64]
    per_class: dict[str, dict[str, float]]
    macro: dict[str, float]
    mean_average_precision: dict[str, float]
    hamming_loss: dict[str, float]
    roc_auc: dict[str, float]
    sweep: Sweep | None
    unknown: dict[str, float | None]

    def record(self) -> dict[str, Any]:
        """Keys that summary.json has beside those of the accuracy."""
        found: dict[str, Any] = {
            "macro": self.macro,
            "mean_average_precision": self.mean_average_precision,
            "hamming_loss": self.hamming_loss,
            "roc_auc": self.roc_auc,
            "per_class": self.per_class,
            "confusion": {
                "classes": list(self.class_names),
                "clip": self.clip_confusion.tolist(),
                "patch": self.patch_confusion.tolist(),
            },
            "unknown_class": self.unknown,
            "unknown_class_sweep": self.sweep.record() if self.sweep is not None else None,
        }
        return {name: value for name, value in found.items() if value}


def of(accuracy: Accuracy, threshold: float = 0.0) -> Metrics:
    """Compute the metrics of an evaluation.

    Parameters
    ----------
    threshold : ``deployment.unknown_class_threshold``; 0: every clip is of some class
    """
    found, task = accuracy.evidence, accuracy.task
    heard, scores = ~found.mute, found.clip_scores
    labels, patches = found.patches
    sides: dict[str, tuple[Labels, NDArray[np.floating[Any]]]] = {
        "clip": (found.actual[heard], scores[heard]),
        "patch": (labels, patches),
    }
    per_class, macro = _by_class(accuracy)
    several = isinstance(task, MultiLabel)
    probable = not several and bool(scores.min() >= 0 and scores.max() <= 1.001)
    decided = {"clip": (found.actual, found.decided), "patch": (labels, task.decide(patches))}
    return Metrics(
        accuracy.class_names,
        accuracy.confusion,
        confusion(*decided["patch"], task, silent=len(accuracy.class_names) > len(task.names)),
        per_class,
        macro,
        _means(sides, _precisions),
        {k: float((a != d).mean()) for k, (a, d) in decided.items() if several and len(a)},
        _means(sides, _areas),
        _sweep(found, scores, SWEEP) if probable else None,
        _at(found, scores, threshold) if probable and threshold else {},
    )


def _by_class(accuracy: Accuracy) -> tuple[dict[str, dict[str, float]], dict[str, float]]:
    from sklearn.metrics import precision_recall_fscore_support

    found, task = accuracy.evidence, accuracy.task
    columns = precision_recall_fscore_support(
        found.actual, found.decided, average=None, zero_division=0
    )
    kinds = ("precision", "recall", "f1")
    rows: dict[str, dict[str, float]] = {
        name: {
            **{kind: float(value) for kind, value in zip(kinds, values, strict=True)},
            "clips": int(clips),
        }
        for name, *values, clips in zip(task.names, *columns, strict=True)
    }
    heard = ~found.mute
    for i, area in _precisions(found.actual[heard], found.clip_scores[heard]).items():
        rows[task.names[i]]["average_precision"] = area
    if isinstance(task, MultiLabel):
        for name, threshold in task.by_name().items():
            rows[name]["threshold"] = threshold
    there = [row for row in rows.values() if row["clips"]]
    macro = {kind: float(np.mean([row[kind] for row in there] or [0.0])) for kind in kinds}
    return rows, macro


ByClass = Callable[[Labels, NDArray[np.floating[Any]]], dict[int, float]]


def _means(
    sides: Mapping[str, tuple[Labels, NDArray[np.floating[Any]]]], by_class: ByClass
) -> dict[str, float]:
    """Means over the classes that there is a value for, where there is any."""
    values = {name: list(by_class(*side).values()) for name, side in sides.items()}
    return {name: float(np.mean(found)) for name, found in values.items() if found}


def _precisions(labels: Labels, scores: NDArray[np.floating[Any]]) -> dict[int, float]:
    """Average precision of each class that some are of, by its number."""
    from sklearn.metrics import average_precision_score

    return {
        int(i): float(average_precision_score(labels[:, i], scores[:, i]))
        for i in np.flatnonzero(labels.any(axis=0))
    }


def _areas(labels: Labels, scores: NDArray[np.floating[Any]]) -> dict[int, float]:
    """Area under the ROC curve of each class that some are of and some are not."""
    from sklearn.metrics import roc_auc_score

    usable = labels.any(axis=0) & ~labels.all(axis=0)
    return {
        int(i): float(roc_auc_score(labels[:, i], scores[:, i])) for i in np.flatnonzero(usable)
    }


def _sweep(
    found: Evidence, clip_scores: NDArray[np.float64], thresholds: NDArray[np.float64]
) -> Sweep:
    best, right = clip_scores.max(axis=1), (found.actual == found.decided).all(axis=1)
    kept = best >= thresholds[:, None]
    counts = kept.sum(axis=1)
    share = (kept & right).sum(axis=1) / np.maximum(counts, 1)
    return Sweep(1 - counts / len(best), np.where(counts > 0, share, np.nan))


def _at(
    found: Evidence, clip_scores: NDArray[np.float64], threshold: float
) -> dict[str, float | None]:
    sweep = _sweep(found, clip_scores, np.array([threshold]))
    accuracy = float(sweep.accuracy[0])
    return {
        "threshold": threshold,
        "rejected": float(sweep.rejected[0]),
        "accuracy": None if np.isnan(accuracy) else accuracy,
    }
