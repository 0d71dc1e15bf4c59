"""How often scores are right: patches, clips, and what each class is taken for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paritone.datasets import Clip
from paritone.errors import ConfigError

SILENCE = "(silence)"
"""What a clip is taken for when none of its patches votes."""
Scores = NDArray[np.float32]


@dataclass(frozen=True)
class Gate:
    """What the silence gate did.

    Attributes
    ----------
    threshold : of a patch's level, in mel units; 0: there is no gate
    silent_patches, silent_clips : patches under it, and clips that have no other
    """

    threshold: float
    silent_patches: int
    silent_clips: int


@dataclass(frozen=True)
class Evidence:
    """What an accuracy was measured on, clip by clip.

    Attributes
    ----------
    scores : [patches, classes] of each clip
    silent : bool [patches] of each clip: those that do not vote
    truth, predicted : int64 [clips]: numbers of classes; one past the last for a silent clip
    """

    clips: tuple[Clip, ...]
    scores: tuple[Scores, ...]
    silent: tuple[NDArray[np.bool_], ...]
    truth: NDArray[np.int64]
    predicted: NDArray[np.int64]


@dataclass(frozen=True)
class Accuracy:
    """How often a model is right.

    Attributes
    ----------
    patch, clip : fractions of patches that vote, and of clips, whose highest score is the label's
    features : "float" (the host's) or "integer" (the device's)
    confusion : int64 [classes, classes], clips by true class (rows) and predicted class; with
        silent clips one row and one column more
    evidence : what was measured
    gate : None where every patch votes
    """

    patch: float
    clip: float
    patches: int
    clips: int
    features: str
    class_names: tuple[str, ...]
    confusion: NDArray[np.int64]
    evidence: Evidence
    gate: Gate | None = None

    @property
    def per_class(self) -> dict[str, float]:
        """Clip accuracy of each class that has clips."""
        totals = self.confusion.sum(axis=1)
        return {
            name: float(self.confusion[i, i] / totals[i])
            for i, name in enumerate(self.class_names)
            if totals[i]
        }

    def summary(self) -> dict[str, Any]:
        """The part of summary.json that tells it."""
        found = {
            "patch": self.patch,
            "clip": self.clip,
            "clips": self.clips,
            "features": self.features,
        }
        return (
            found if self.gate is None else {**found, "patches": self.patches, **asdict(self.gate)}
        )


def measure(
    scores: Sequence[Scores],
    clips: Sequence[Clip],
    class_names: Sequence[str],
    features: str,
    silent: Sequence[NDArray[np.bool_]] | None = None,
    threshold: float = 0.0,
) -> Accuracy:
    """Patch and clip accuracy; a clip's class is the argmax of the sum of its patches' scores.

    Parameters
    ----------
    scores : [patches, classes] of each clip
    silent : patches of each clip that do not vote, under a silence gate's `threshold`. A clip
        that has no others is taken for silence, which no label is: it counts as wrong.
    """
    from sklearn.metrics import confusion_matrix

    names = tuple(class_names)
    truth = np.array([label_of(clip, names) for clip in clips])
    heard = [np.ones(len(s), bool) for s in scores] if silent is None else [~s for s in silent]
    sums = [s[votes].sum(axis=0, dtype=np.float64) for s, votes in zip(scores, heard, strict=True)]
    mute = np.array([not votes.any() for votes in heard])
    predicted = np.where(mute, len(names), np.stack(sums).argmax(axis=1))
    hits = [
        patches[votes].argmax(axis=1) == label
        for patches, votes, label in zip(scores, heard, truth, strict=True)
    ]
    votes, right = sum(len(clip) for clip in hits), sum(int(clip.sum()) for clip in hits)
    patches = sum(len(clip) for clip in scores)
    named = (*names, SILENCE) if mute.any() else names
    return Accuracy(
        patch=right / max(votes, 1),
        clip=float((predicted == truth).mean()),
        patches=patches,
        clips=len(truth),
        features=features,
        class_names=named,
        confusion=confusion_matrix(truth, predicted, labels=range(len(named))),
        evidence=Evidence(
            tuple(clips), tuple(scores), tuple(~votes for votes in heard), truth, predicted
        ),
        gate=None if silent is None else Gate(threshold, patches - votes, int(mute.sum())),
    )


def label_of(clip: Clip, names: tuple[str, ...]) -> int:
    """Number of a clip's only class; ConfigError where it has several."""
    if len(clip.labels) != 1:
        raise ConfigError(
            f"{clip.path}: {len(clip.labels)} labels; evaluation of multi-label "
            "data sets is not there yet"
        )
    return names.index(clip.labels[0])
