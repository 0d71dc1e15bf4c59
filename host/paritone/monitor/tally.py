"""What was heard so far, as a view shows it and the summary tells it."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paritone.engine.tflite import TensorInfo
from paritone.evaluation.accuracy import SILENCE
from paritone.monitor.backlog import Backlog
from paritone.monitor.ears import Heard, Line
from paritone.references.tflite import dequantize
from paritone.task import Task

KEPT_LATENCIES = 10_000


@dataclass(frozen=True)
class Told:
    """What one patch is taken for.

    Attributes
    ----------
    seconds : of the stream when it completed
    labels : its classes, the highest score first; none: `nothing`
    scores : of every class, in the order of the model's outputs; None of silence
    latency_s : from its last sample to its scores
    columns : log-mel columns [n_mels, new], codes of the model's input, that were not told before
    """

    seconds: float
    labels: tuple[str, ...]
    nothing: str
    scores: NDArray[np.float32] | None
    latency_s: float
    columns: NDArray[Any]
    cycles: int | None

    @property
    def text(self) -> str:
        """Its classes as one text."""
        return ", ".join(self.labels) or self.nothing

    @property
    def best(self) -> float | None:
        """The highest score; None of silence."""
        return None if self.scores is None else float(self.scores.max())


@dataclass
class Tally:
    """Counts of one stream.

    Parameters
    ----------
    output : the model's, which gives scores their scale
    hop : samples of a log-mel column
    backlog : where PCM waits, or is dropped
    """

    task: Task
    output: TensorInfo
    rate: int
    hop: int
    backlog: Backlog
    samples: int = 0
    busy_s: float = 0.0
    patches: int = 0
    line: Line | None = None
    classes: Counter[str] = field(default_factory=Counter)
    latencies_s: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT_LATENCIES))
    _end: int | None = None

    def add(self, heard: Heard, latency_s: float) -> Told:
        """Count a patch, and say what it is taken for."""
        scores, labels, nothing = None, list[str](), SILENCE
        if heard.scores is not None:
            scores = dequantize(heard.scores, self.output.scale, self.output.zero_point)
            nothing = self.task.nothing
            labels = [self.task.names[i] for i in self.task.found(scores)]
        self.patches += 1
        self.classes.update(labels or [nothing])
        self.latencies_s.append(latency_s)
        columns = self._new(heard)
        seconds = heard.end / self.rate
        return Told(seconds, tuple(labels), nothing, scores, latency_s, columns, heard.cycles)

    def _new(self, heard: Heard) -> NDArray[Any]:
        """The columns of a patch that the one before it had not."""
        whole = heard.features.shape[1]
        new = whole if self._end is None else -(-(heard.end - self._end) // self.hop)
        self._end = heard.end
        return heard.features[:, whole - min(max(new, 1), whole) :]

    @property
    def dropped(self) -> int:
        """Samples that nobody heard, since the board was busy with earlier ones."""
        return self.backlog.dropped

    @property
    def seconds(self) -> float:
        """Heard so far."""
        return self.samples / self.rate

    @property
    def real_time(self) -> float | None:
        """Seconds of sound per second of work; under 1 it does not keep up."""
        return self.seconds / self.busy_s if self.busy_s > 0 else None

    def latency_ms(self) -> tuple[float, float, float] | None:
        """Least, median and most of the latest patches."""
        found = [1e3 * value for value in self.latencies_s]
        return (min(found), median(found), max(found)) if found else None

    def record(self) -> dict[str, Any]:
        """As ``--json`` writes it."""
        latency = self.latency_ms()
        names = ("minimum", "median", "maximum")
        return {
            "seconds": self.seconds,
            "patches": self.patches,
            "classes": dict(self.classes.most_common()),
            "latency_ms": dict(zip(names, latency, strict=True)) if latency else None,
            "real_time_factor": self.real_time,
            "dropped_samples": self.dropped,
            "link": asdict(self.line) if self.line else None,
        }


def status(tally: Tally) -> list[str]:
    """Latency, pace, link and losses, a phrase each."""
    found = []
    if (latency := tally.latency_ms()) is not None:
        least, middle, most = latency
        found.append(f"latency {least:.0f}/{middle:.0f}/{most:.0f} ms (least, median, most)")
    if tally.real_time is not None:
        found.append(f"{tally.real_time:.1f} x real time")
    if tally.line is not None:
        line = tally.line
        again = f", {line.reopened} times reconnected" if line.reopened else ""
        found.append(f"link: {line.damaged} damaged, {line.repeated} repeated{again}")
    return found


def anew(tally: Tally, name: str) -> str | None:
    """How often the board lost what it had heard; None if it never did."""
    count = tally.line.resets if tally.line else 0
    if not count:
        return None
    times = "once" if count == 1 else f"{count} times"
    return f"{name} was reset {times}: it hears anew what came after"


def losses(tally: Tally, name: str) -> str | None:
    """What was dropped; None if nothing was."""
    if not tally.dropped:
        return None
    lost = 1e3 * tally.dropped / tally.rate
    return f"{name} does not keep up: {tally.dropped:,} samples ({lost:,.0f} ms) dropped"


def ranked(told: Told, names: Sequence[str], count: int) -> list[tuple[str, float]]:
    """The classes with the highest scores of a patch, highest first; none of silence."""
    if told.scores is None:
        return []
    order = np.argsort(-told.scores, kind="stable")[:count]
    return [(names[i], float(told.scores[i])) for i in order]
