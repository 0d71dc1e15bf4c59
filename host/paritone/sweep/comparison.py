"""The jobs of a sweep side by side: the keys that differ, the main results, means over folds."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from paritone import report
from paritone.sweep.job import Outcome, values

RESULTS = (
    "accuracy.*.clip",
    "accuracy.*.patch",
    "accuracy.*.macro.f1",
    "accuracy.*.mean_average_precision.clip",
    "accuracy.*.mean_average_precision.patch",
    "accuracy.*.hamming_loss.clip",
    "accuracy.*.hamming_loss.patch",
    "parity.*.mismatched",
    "latency.inference",
    "latency.frontend_per_frame",
    "memory.flash_bytes",
    "memory.ram_bytes",
    "model.macs",
    "model.weights_bytes",
)
"""What is compared, of all the numbers in summary.json."""

REPEATS = ("_folds", "seed")
"""Ends of the keys that repeat an experiment, rather than change it: their results are averaged."""


@dataclass(frozen=True)
class Row:
    """One job: the values of the swept keys, and what it found."""

    outcome: Outcome
    values: tuple[str, ...]
    results: Mapping[str, float]


@dataclass(frozen=True)
class Mean:
    """Jobs that differ only in folds or seeds: mean and sample standard deviation.

    Attributes
    ----------
    values : of the keys that are no repeats
    jobs, done : how many there are, and how many have results
    found : (mean, deviation) by result; the deviation of a single job is not a number
    """

    values: tuple[str, ...]
    jobs: int
    done: int
    found: Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Comparison:
    """A whole sweep.

    Attributes
    ----------
    keys : that are swept
    results : names of the compared numbers, dotted as in summary.json
    groups : empty where no folds or seeds are swept
    """

    keys: tuple[str, ...]
    results: tuple[str, ...]
    rows: tuple[Row, ...]
    groups: tuple[Mean, ...]

    @property
    def fixed(self) -> tuple[str, ...]:
        """The swept keys that are no repeats: what tells groups apart."""
        return tuple(key for key in self.keys if not key.endswith(REPEATS))

    @property
    def ranking(self) -> tuple[str, ...]:
        """The results that jobs are compared by first, one for each kind of model.

        Shares of clips that are right; with several labels a clip, where few have exactly all of
        theirs, the mean average precision.
        """
        several = any(_is(name, "accuracy.*.hamming_loss.clip") for name in self.results)
        wanted = f"accuracy.*.{'mean_average_precision.' if several else ''}clip"
        return tuple(name for name in self.results if _is(name, wanted))

    def means(self) -> dict[str, float]:
        """Numbers of the whole sweep, where it is one experiment repeated: else none."""
        if len(self.groups) != 1:
            return {}
        found = self.groups[0].found
        named = {f"mean.{name}": mean for name, (mean, _) in found.items()}
        return {**named, **{f"sd.{n}": d for n, (_, d) in found.items() if math.isfinite(d)}}


def compare(outcomes: Sequence[Outcome]) -> Comparison:
    """Read every job's summary.json; a job without one has no results, and its problem."""
    overrides = [values(one.overrides) for one in outcomes]
    keys = swept([one.overrides for one in outcomes])
    rows = tuple(
        Row(one, tuple(job.get(key, "") for key in keys), _results(one))
        for one, job in zip(outcomes, overrides, strict=True)
    )
    present = dict.fromkeys(name for row in rows for name in row.results)
    results = sorted(present, key=lambda name: next(i for i, p in _patterns() if _is(name, p)))
    return Comparison(keys, tuple(results), rows, tuple(_groups(keys, rows, results)))


def swept(jobs: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return the keys that jobs have different values of."""
    found = [values(job) for job in jobs]
    keys = dict.fromkeys(key for job in found for key in job)
    return tuple(key for key in keys if len({job.get(key) for job in found}) > 1)


def _results(outcome: Outcome) -> dict[str, float]:
    """The main numbers of a job's summary.json, if it wrote one."""
    if not outcome.folder:
        return {}
    try:
        record = json.loads((Path(outcome.folder) / "summary.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    found = report.numbers(record)
    return {name: v for name, v in found.items() if any(_is(name, p) for _, p in _patterns())}


def _patterns() -> list[tuple[int, str]]:
    return list(enumerate(RESULTS))


def _is(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern) and name.count(".") == pattern.count(".")


def _groups(keys: Sequence[str], rows: Sequence[Row], results: Sequence[str]) -> list[Mean]:
    repeated = [key.endswith(REPEATS) for key in keys]
    if not any(repeated):
        return []
    members: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        kept = tuple(v for v, again in zip(row.values, repeated, strict=True) if not again)
        members.setdefault(kept, []).append(row)
    return [_mean(values, group, results) for values, group in members.items()]


def _mean(values: tuple[str, ...], group: Sequence[Row], results: Sequence[str]) -> Mean:
    found = {}
    for name in results:
        numbers = [row.results[name] for row in group if name in row.results]
        if numbers:
            spread = statistics.stdev(numbers) if len(numbers) > 1 else math.nan
            found[name] = (statistics.fmean(numbers), spread)
    return Mean(values, len(group), sum(bool(row.results) for row in group), found)
