"""`paritone speed`: this machine's C beside what others compute the same with, on one core."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True)
class Speed:
    """What both took for the same.

    Attributes
    ----------
    what : a model's name, or the features
    on : what it was given
    count, unit : of what the times are: so many patches, or frames
    beside : who else computed it
    theirs_us, ours_us : of one of them, in microseconds
    """

    what: str
    on: str
    count: int
    unit: str
    beside: str
    theirs_us: float
    ours_us: float

    @property
    def ratio(self) -> float:
        """How many times as fast ours is."""
        return self.theirs_us / self.ours_us

    def __str__(self) -> str:
        unit = {"patch": "patches", "frame": "frames"}[self.unit]
        return (
            f"{self.what}, {self.count:,} {unit} of {self.on}, one core: {self.beside} "
            f"{self.theirs_us:,.2f} us a {self.unit}, native C {self.ours_us:,.2f}, "
            f"{self.ratio:.1f} times as fast"
        )

    def record(self) -> dict[str, Any]:
        """As ``--json`` writes it."""
        return {**asdict(self), "ratio": self.ratio}


def side_by_side(
    theirs: Callable[[Item], Any], ours: Callable[[Item], Any], items: Sequence[Item], rounds: int
) -> tuple[float, float]:
    """Processor seconds that each takes for all `items` at its best, turn by turn on one core."""
    with _one_core():
        times = [[(_time(theirs, i), _time(ours, i)) for i in items] for _ in range(rounds)]
    least = [
        [min(turn[which] for turn in turns) for turns in zip(*times, strict=True)]
        for which in (0, 1)
    ]
    return sum(least[0]), sum(least[1])


def _time(compute: Callable[[Item], Any], item: Item) -> float:
    start = time.process_time()  # of every thread; what else runs here does not count
    compute(item)
    return time.process_time() - start


@contextmanager
def _one_core() -> Iterator[None]:
    """Keep this thread on its first core, where the system knows how, and libraries to it."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        if not hasattr(os, "sched_setaffinity"):
            yield
            return
        allowed = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(allowed)})
        try:
            yield
        finally:
            os.sched_setaffinity(0, allowed)
