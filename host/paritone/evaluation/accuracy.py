"""How often scores are right: patches, clips, and what each class is taken for.

A patch or a clip is right when its labels are exactly those of the clip: all of them, no others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paritone import task as tasks
from paritone.datasets import Clip
from paritone.errors import ConfigError
from paritone.task import Labels, MultiLabel, SingleLabel, Task

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
    actual, decided : bool [clips, classes]: labels, and what clips are taken for; a silent clip
        for nothing
    """

    clips: tuple[Clip, ...]
    scores: tuple[Scores, ...]
    silent: tuple[NDArray[np.bool_], ...]
    actual: Labels
    decided: Labels

    @property
    def wrong(self) -> NDArray[np.intp]:
        """Numbers of the clips that are not taken for exactly what they are."""
        return np.flatnonzero((self.actual != self.decided).any(axis=1))

    @property
    def mute(self) -> Labels:
        """Which clips have no patch that votes: bool [clips]."""
        return np.array([silent.all() for silent in self.silent])

    @property
    def clip_scores(self) -> NDArray[np.float64]:
        """Mean scores of each clip's patches that vote, [clips, classes]; zeros of a silent one."""
        return np.stack(
            [
                scores[~mute].mean(axis=0, dtype=np.float64) if not mute.all() else 0.0 * scores[0]
                for scores, mute in zip(self.scores, self.silent, strict=True)
            ]
        )

    @property
    def patches(self) -> tuple[Labels, NDArray[np.float32]]:
        """Labels of the clip, and scores, of every patch that votes: [patches, classes] both."""
        heard = np.concatenate([~mute for mute in self.silent])
        labels = np.repeat(self.actual, [len(scores) for scores in self.scores], axis=0)
        return labels[heard], np.concatenate(self.scores)[heard]


@dataclass(frozen=True)
class Accuracy:
    """How often a model is right.

    Attributes
    ----------
    patch, clip : fractions of patches that vote, and of clips, that are taken for exactly their
        clip's labels (with several a clip, the subset accuracy)
    features : "float" (the host's) or "integer" (the device's)
    confusion : int64 [classes, classes], clips by true class (rows) and predicted class; with
        silent clips one row and one column more. Multi-label: int64 [classes, 2, 2], for each
        class clips without and with it (rows) by what they are taken for
    task : how scores are judged
    evidence : what was measured
    gate : None where every patch votes
    """

    patch: float
    clip: float
    patches: int
    clips: int
    features: str
    task: Task
    confusion: NDArray[np.int64]
    evidence: Evidence
    gate: Gate | None = None

    @property
    def class_names(self) -> tuple[str, ...]:
        """Classes of the confusion, silence among them where a clip is taken for it."""
        shown = isinstance(self.task, SingleLabel) and self.evidence.mute.any()
        return (*self.task.names, SILENCE) if shown else self.task.names

    @property
    def per_class(self) -> dict[str, float]:
        """Share of the clips of each class that has any which are taken for it."""
        found = self.evidence
        totals, right = found.actual.sum(axis=0), (found.actual & found.decided).sum(axis=0)
        return {
            name: float(right[i] / totals[i]) for i, name in enumerate(self.task.names) if totals[i]
        }

    def text(self, index: int) -> str:
        """What a clip is taken for."""
        if self.evidence.mute[index]:
            return SILENCE
        return self._joined(self.evidence.decided[index])

    def true_text(self, index: int) -> str:
        """Labels of a clip."""
        return self._joined(self.evidence.actual[index])

    def _joined(self, row: Labels) -> str:
        return ";".join(self.task.names[i] for i in np.flatnonzero(row)) or self.task.nothing

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
    task: Task,
    features: str,
    silent: Sequence[NDArray[np.bool_]] | None = None,
    threshold: float = 0.0,
) -> Accuracy:
    """Patch and clip accuracy; a clip is judged by the mean of its patches' scores.

    Parameters
    ----------
    scores : [patches, classes] of each clip
    silent : patches of each clip that do not vote, under a silence gate's `threshold`. A clip
        that has no others is taken for silence, which no label is: it counts as wrong.
    """
    actual = labels_of(clips, task)
    heard = [np.ones(len(s), bool) for s in scores] if silent is None else [~s for s in silent]
    evidence = Evidence(
        tuple(clips), tuple(scores), tuple(~votes for votes in heard), actual, np.zeros_like(actual)
    )
    decided = task.decide(evidence.clip_scores) & ~evidence.mute[:, None]
    evidence = replace(evidence, decided=decided)
    labels, voting = evidence.patches
    right = int((task.decide(voting) == labels).all(axis=1).sum())
    patches = sum(len(clip) for clip in scores)
    return Accuracy(
        patch=right / max(len(voting), 1),
        clip=float((actual == decided).all(axis=1).mean()),
        patches=patches,
        clips=len(clips),
        features=features,
        task=task,
        confusion=confusion(actual, decided, task, silent=bool(evidence.mute.any())),
        evidence=evidence,
        gate=None
        if silent is None
        else Gate(threshold, patches - len(voting), int(evidence.mute.sum())),
    )


def confusion(
    actual: Labels, decided: Labels, task: Task, *, silent: bool = False
) -> NDArray[np.int64]:
    """Count what labels [rows, classes] are taken for, in the shape of `Accuracy.confusion`.

    Parameters
    ----------
    silent : whether single-label rows may be decided for nothing, so that silence is a class
    """
    from sklearn.metrics import confusion_matrix, multilabel_confusion_matrix

    several, classes = isinstance(task, MultiLabel), len(task.names) + silent
    if not len(actual):
        return np.zeros((len(task.names), 2, 2) if several else (classes, classes), np.int64)
    if several:
        return multilabel_confusion_matrix(actual, decided)
    taken = np.where(decided.any(axis=1), decided.argmax(axis=1), len(task.names))
    return confusion_matrix(actual.argmax(axis=1), taken, labels=range(classes))


def labels_of(clips: Sequence[Clip], task: Task) -> Labels:
    """Labels of clips, bool [clips, classes]; ConfigError for several where a clip has one."""
    if isinstance(task, SingleLabel):
        for clip in clips:
            if len(clip.labels) != 1:
                raise ConfigError(
                    f"{clip.path}: {len(clip.labels)} labels, expected one: set "
                    "dataset.multi_label to True"
                )
    return tasks.matrix([clip.labels for clip in clips], task.names)
