"""Thresholds of classes where a clip has several labels: on the validation set, the best F1."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paritone import evaluation
from paritone import task as tasks
from paritone.config import Config
from paritone.config.records import Deployment
from paritone.datasets import Dataset
from paritone.datasets.clips import ClipStore
from paritone.evaluation.accuracy import measure
from paritone.task import DEFAULT_THRESHOLD, Labels

FILE_NAME = "class_thresholds.json"
"""A run's file of them, which ``deployment.class_thresholds`` takes."""


@dataclass(frozen=True)
class Chosen:
    """Thresholds by class, and where they come from."""

    source: str
    values: dict[str, float]

    def record(self) -> dict[str, Any]:
        """Section "class_thresholds" of summary.json."""
        return {"source": self.source, "values": self.values}

    def put_into(self, config: Config) -> Config:
        """The configuration with these thresholds."""
        section = (config.deployment or Deployment()).model_copy(
            update={"class_thresholds": self.values}
        )
        return config.model_copy(update={"deployment": section})

    def save(self, path: Path) -> None:
        """Write the JSON file, whole or not at all."""
        partial = path.with_name(f"{path.name}.partial")
        try:
            partial.write_text(json.dumps(self.values, indent=2) + "\n", encoding="utf-8")
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


def of_model(
    model: Path,
    config: Config,
    names: Sequence[str],
    validation: Dataset | None,
    store: ClipStore,
) -> Chosen:
    """Find the thresholds of a model: configured, chosen on validation clips, or all the same.

    Parameters
    ----------
    names : classes in the order of the model's outputs
    validation : None: there is none

    Raises
    ------
    ConfigError, ModelError, AudioError
    """
    configured = config.class_thresholds
    task = tasks.multi_label(names, configured)
    if configured is not None:
        return Chosen("deployment.class_thresholds", task.by_name())
    if validation is None:
        return Chosen("no validation set", task.by_name())
    data = store.load(validation, "validation clips")
    scores = evaluation.float_scores(model, data, config)
    found = measure(scores, [item.clip for item in data], task, "float").evidence
    values = choose(found.actual, found.clip_scores)
    source = f"{len(data)} clips of the validation set"
    return Chosen(source, dict(zip(names, values, strict=True)))


def choose(actual: Labels, scores: NDArray[np.floating[Any]]) -> list[float]:
    """Return the threshold of each class with the highest F1.

    It lies half-way to the next lower score. Where several are as good, the highest; 0.5 for a
    class that no clip is of.

    Parameters
    ----------
    actual : bool [clips, classes]
    scores : [clips, classes]
    """
    return [
        _best(actual[:, i], scores[:, i]) if actual[:, i].any() else DEFAULT_THRESHOLD
        for i in range(actual.shape[1])
    ]


def _best(actual: Labels, scores: NDArray[np.floating[Any]]) -> float:
    from sklearn.metrics import precision_recall_curve

    precision, recall, cuts = precision_recall_curve(actual, scores)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    best = len(cuts) - 1 - int(f1[:-1][::-1].argmax())  # the last point has no threshold
    return float(cuts[best] + cuts[best - 1]) / 2 if best else float(cuts[0])
