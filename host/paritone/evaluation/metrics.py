"""What accuracies do not tell: each class, ranking, and what a threshold on scores would reject."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paritone.evaluation.accuracy import SILENCE, Accuracy, Evidence

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
    clip_confusion, patch_confusion : int64 [classes, classes], true class by predicted class;
        with silent clips one row and one column more
    per_class : precision, recall, f1 and the number of clips of each class
    macro : the means of precision, recall and f1 over the classes that have clips
    roc_auc : of clips (by mean scores) and patches, one class against the rest, the mean over
        classes; without those that all or none are of, and empty where that leaves none
    sweep : None where scores are not from 0 to 1
    unknown : threshold, share rejected and accuracy of the rest at the configured threshold
    """

    class_names: tuple[str, ...]
    clip_confusion: NDArray[np.int64]
    patch_confusion: NDArray[np.int64]
    per_class: dict[str, dict[str, float]]
    macro: dict[str, float]
    roc_auc: dict[str, float]
    sweep: Sweep | None
    unknown: dict[str, float | None]

    def record(self) -> dict[str, Any]:
        """Keys that summary.json has beside those of the accuracy."""
        found: dict[str, Any] = {
            "macro": self.macro,
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
    found = accuracy.evidence
    clip_scores = _clip_scores(found)
    votes = np.concatenate([~mute for mute in found.silent])
    patches = np.concatenate(found.scores)[votes]
    truth = np.repeat(found.truth, [len(scores) for scores in found.scores])[votes]
    per_class, macro = _by_class(accuracy)
    probable = bool(clip_scores.min() >= 0 and clip_scores.max() <= 1.001)
    heard = np.array([not mute.all() for mute in found.silent])
    areas = {
        "clip": _roc_auc(found.truth[heard], clip_scores[heard]),
        "patch": _roc_auc(truth, patches),
    }
    return Metrics(
        accuracy.class_names,
        accuracy.confusion,
        _patch_confusion(truth, patches, len(accuracy.class_names)),
        per_class,
        macro,
        {name: area for name, area in areas.items() if area is not None},
        _sweep(found, clip_scores, SWEEP) if probable else None,
        _at(found, clip_scores, threshold) if probable and threshold else {},
    )


def _clip_scores(found: Evidence) -> NDArray[np.float64]:
    """Mean scores of the patches that vote; zeros of a silent clip."""
    rows = [
        scores[~mute].mean(axis=0, dtype=np.float64) if not mute.all() else 0.0 * scores[0]
        for scores, mute in zip(found.scores, found.silent, strict=True)
    ]
    return np.stack(rows)


def _by_class(accuracy: Accuracy) -> tuple[dict[str, dict[str, float]], dict[str, float]]:
    from sklearn.metrics import precision_recall_fscore_support

    found, names = accuracy.evidence, accuracy.class_names
    columns = precision_recall_fscore_support(
        found.truth, found.predicted, labels=range(len(names)), zero_division=0
    )
    kinds = ("precision", "recall", "f1")
    rows = {
        name: {
            **{kind: float(value) for kind, value in zip(kinds, values, strict=True)},
            "clips": int(clips),
        }
        for name, *values, clips in zip(names, *columns, strict=True)
        if name != SILENCE
    }
    there = [row for row in rows.values() if row["clips"]]
    return rows, {kind: float(np.mean([row[kind] for row in there])) for kind in kinds}


def _patch_confusion(
    truth: NDArray[np.int64], scores: NDArray[np.float32], classes: int
) -> NDArray[np.int64]:
    from sklearn.metrics import confusion_matrix

    if not len(truth):
        return np.zeros((classes, classes), np.int64)
    return confusion_matrix(truth, scores.argmax(axis=1), labels=range(classes))


def _roc_auc(truth: NDArray[np.int64], scores: NDArray[np.floating[Any]]) -> float | None:
    """Macro mean over the classes that some are of and some are not; None without any."""
    from sklearn.metrics import roc_auc_score

    labels = truth[:, None] == np.arange(scores.shape[1])
    usable = labels.any(axis=0) & ~labels.all(axis=0)
    if not usable.any():
        return None
    return float(np.mean([roc_auc_score(labels[:, i], scores[:, i]) for i in usable.nonzero()[0]]))


def _sweep(
    found: Evidence, clip_scores: NDArray[np.float64], thresholds: NDArray[np.float64]
) -> Sweep:
    best, right = clip_scores.max(axis=1), found.predicted == found.truth
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
