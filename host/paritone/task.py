"""What scores mean: one class a clip, or any number of them; all that differs between the two.

Labels are a matrix, bool [clips, classes], in both. A row of a single-label data set has one True.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from paritone.config import Config
from paritone.errors import ConfigError

DEFAULT_THRESHOLD = 0.5
"""Of a class's score, where nothing tells a better one."""

Labels = NDArray[np.bool_]


@dataclass(frozen=True)
class SingleLabel:
    """A clip is of the class with the highest score.

    Attributes
    ----------
    names : classes in the order of a model's outputs
    unknown_threshold : a prediction with a lower score is of no class; 0: there is none
    """

    names: tuple[str, ...]
    unknown_threshold: float = 0.0
    head: ClassVar[str] = "softmax"
    nothing: ClassVar[str] = "(unknown)"

    def decide(self, scores: NDArray[np.floating[Any]]) -> Labels:
        """Classes of each row of scores [..., classes]: the highest one."""
        return np.arange(scores.shape[-1]) == scores.argmax(axis=-1)[..., None]

    def found(self, row: NDArray[np.floating[Any]]) -> list[int]:
        """Numbers of the classes that scores [classes] are taken for; none if they are too low."""
        best = int(row.argmax())
        return [] if row[best] < self.unknown_threshold else [best]


@dataclass(frozen=True)
class MultiLabel:
    """A clip is of every class whose score is not under that class's threshold.

    Attributes
    ----------
    names : classes in the order of a model's outputs
    thresholds : of each class, in its order
    """

    names: tuple[str, ...]
    thresholds: tuple[float, ...]
    head: ClassVar[str] = "sigmoid"
    nothing: ClassVar[str] = "(none)"

    def decide(self, scores: NDArray[np.floating[Any]]) -> Labels:
        """Classes of each row of scores [..., classes]: those at or over their thresholds."""
        return scores >= np.asarray(self.thresholds)

    def found(self, row: NDArray[np.floating[Any]]) -> list[int]:
        """Numbers of the classes that scores [classes] are taken for, the highest score first."""
        there = np.flatnonzero(self.decide(row))
        return [int(i) for i in there[np.argsort(-row[there], kind="stable")]]

    def by_name(self) -> dict[str, float]:
        """Threshold of each class."""
        return dict(zip(self.names, self.thresholds, strict=True))


Task = SingleLabel | MultiLabel


def of(config: Config, names: Sequence[str]) -> Task:
    """Return the task that a configuration sets, thresholds as ``deployment`` has them.

    Raises
    ------
    ConfigError
        ``deployment.class_thresholds`` names a class that is not there.
    """
    if not config.dataset.multi_label:
        return SingleLabel(tuple(names), config.unknown_class_threshold)
    return multi_label(names, config.class_thresholds)


def head(config: Config) -> str:
    """Activation at the end of a model: ``softmax``, or ``sigmoid`` for several labels a clip."""
    return MultiLabel.head if config.dataset.multi_label else SingleLabel.head


def multi_label(names: Sequence[str], thresholds: float | Mapping[str, float] | None) -> MultiLabel:
    """Return the task with one threshold for all, or one for each class that is named."""
    if not isinstance(thresholds, Mapping):
        value = DEFAULT_THRESHOLD if thresholds is None else thresholds
        thresholds = dict.fromkeys(names, value)
    unknown = sorted(set(thresholds) - set(names))
    if unknown:
        raise ConfigError(
            f"deployment.class_thresholds: {unknown[0]} is none of the classes {', '.join(names)}"
        )
    values = (float(thresholds.get(name, DEFAULT_THRESHOLD)) for name in names)
    return MultiLabel(tuple(names), tuple(values))


def matrix(labels: Sequence[Sequence[str]], names: Sequence[str]) -> Labels:
    """Labels of clips as bool [clips, classes]."""
    rows = np.zeros((len(labels), len(names)), bool)
    place = {name: number for number, name in enumerate(names)}
    for row, present in zip(rows, labels, strict=True):
        row[[place[label] for label in present]] = True
    return rows
