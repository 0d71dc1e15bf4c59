"""Which layers run together, in strips of how many rows, with how much scratch memory.

Every group of neighbouring layers is tried on its own: what it holds at each call, and what it
costs. For a limit of memory, the cheapest way through the network is found group by group; limits
are tried from small to large, and what is best as a whole is placed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate
from math import inf, log

import numpy as np

from paritone.engine import costs, memory
from paritone.engine.lifetimes import Lifetimes
from paritone.engine.lowering import Step
from paritone.engine.params import Params
from paritone.engine.schedule import Group, Network, Order, may_overwrite, order_group

EXCHANGE = {"time": 0.02, "balanced": 0.1, "ram": 2.0}
"""How many percent of speed a percent of memory is worth, by tools.stedgeai.optimization."""
ROOM = {"time": 1.7, "balanced": 1.7, "ram": 1.143}
"""Memory that a plan may take, in multiples of the least that any would before it is placed."""
AMPLE = {"time": 96 << 10, "balanced": 0, "ram": 0}
"""Memory that a plan may take in any case."""
LONGEST = 12
"""Layers of a group at most."""
STRIPS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
CALLS_TRIED = 200_000
"""Bound on the calls of all groups that are tried; shorter groups come first."""
LIMITS = 60
"""Limits of memory that are tried."""
FILLS = (1.0, 0.95, 0.9, 0.85)
"""Shares of a limit up to which scratch memory is made larger: full memory is hard to place in."""
PLACED = 16
"""Choices that are placed at most."""


@dataclass(frozen=True)
class Choice:
    """A way through the network: its groups, each step's parameters, and instructions."""

    groups: tuple[Group, ...]
    params: tuple[Params, ...]
    cost: float


@dataclass(frozen=True)
class _Trial:
    """One group on its own.

    Attributes
    ----------
    held : bytes without scratch, at most, over the calls of each step
    rows : of each call of each step
    """

    group: Group
    held: tuple[int, ...]
    rows: tuple[tuple[int, ...], ...]

    @property
    def least(self) -> int:
        """Bytes that it holds at its fullest."""
        return max(self.held)


def choices(
    network: Network, steps: Sequence[Step], point: str
) -> tuple[float, list[tuple[float, Choice]]]:
    """The most memory that a plan should take, and ways through the network; best first.

    Each with the score that it cannot fall below: `score` for the least memory that could do.
    """
    widened = costs.widened(steps, point)
    tables = [
        _Variants(
            step,
            network.rows[step.output].bytes * node.height,
            costs.variants(step, point, widened=number in widened),
        )
        for number, (step, node) in enumerate(zip(steps, network.nodes, strict=True))
    ]
    in_place = frozenset(n for n, step in enumerate(steps) if step.in_place)
    trials = _trials(network, in_place)
    found: dict[tuple[int, tuple[Group, ...]], tuple[float, Choice]] = {}
    most = inf
    for limit in _limits(trials, tables):
        way = _cheapest(trials, tables, limit)
        for fill in FILLS if way is not None else ():
            choice, least = _filled(way or (), tables, int(limit * fill))
            most = min(most, max(ROOM[point] * least, AMPLE[point]))
            if least > most:
                continue
            bound = score(choice.cost, least, point)
            key = (least, choice.groups)
            if key not in found or bound < found[key][0]:
                found[key] = bound, choice
    return most, sorted(found.values(), key=lambda pair: pair[0])[:PLACED]


def score(cost: float, arena_bytes: int, point: str) -> float:
    """What is to be small."""
    return log(max(cost, 1.0)) + EXCHANGE[point] * log(max(arena_bytes, 1))


class _Variants:
    """Parameters of one step, by scratch memory."""

    def __init__(self, step: Step, output_bytes: int, found: tuple[Params, ...]) -> None:
        self._step = step
        self.params = found
        self.base = costs.of_step(step, output_bytes)
        self.scratch = [memory.align(p.scratch_bytes) for p in self.params]
        self._known: dict[tuple[int, ...], list[tuple[float, int, int]]] = {}

    def best(self, rows: tuple[int, ...], free: int) -> tuple[float, Params] | None:
        """The cheapest for calls of so many `rows` whose scratch memory is within `free`."""
        fitting = bisect_right(self.scratch, free)
        if not fitting:
            return None
        cost, _, number = self._cheapest(rows)[fitting - 1]
        return self.base + cost, self.params[number]

    def _cheapest(self, rows: tuple[int, ...]) -> list[tuple[float, int, int]]:
        """Cost, scratch memory and number of the cheapest of the first one, two, .. variants."""
        if rows not in self._known:
            costed = (
                (costs.of_calls(self._step, p, rows), scratch, number)
                for number, (p, scratch) in enumerate(zip(self.params, self.scratch, strict=True))
            )
            self._known[rows] = list(accumulate(costed, min))
        return self._known[rows]


@lru_cache(maxsize=4)  # the same at every point
def _trials(network: Network, in_place: frozenset[int]) -> tuple[_Trial, ...]:
    return tuple(_tried_groups(network, in_place))


def _tried_groups(network: Network, in_place: frozenset[int]) -> Iterator[_Trial]:
    """Every group worth a try: each step alone first, then longer ones."""
    count = len(network.nodes)
    calls = 0
    for length in range(1, min(LONGEST, count) + 1):
        for first in range(count - length + 1):
            last = first + length - 1
            if not connected(network, first, last):
                continue
            for group in _strips(network, first, last):
                found = order_group(network, group)
                calls += len(found.calls)
                yield _tried(network, group, found, in_place)
                even = replace(group, even=True)
                wider = order_group(network, even)
                if wider.rings != found.rings:
                    calls += len(wider.calls)
                    yield _tried(network, even, wider, in_place)
            if calls > CALLS_TRIED and length > 1:
                return


def connected(network: Network, first: int, last: int) -> bool:
    """Whether each step but the last hands something on within the group."""
    if first == last:
        return True
    nodes = network.nodes[first : last + 1]
    if not all(node.by_rows for node in nodes):
        return False
    internal = network.internal(first, last)
    return all(node.output in internal for node in nodes[:-1])


def _strips(network: Network, first: int, last: int) -> Iterator[Group]:
    node = network.nodes[last]
    if first == last:
        yield Group(first, last, node.height)
    if not node.by_rows:
        return
    for strip in STRIPS:
        if strip < node.height:
            yield Group(first, last, strip)


def _tried(network: Network, group: Group, found: Order, in_place: frozenset[int]) -> _Trial:
    lives = Lifetimes(network, found, range(group.first, group.last + 1))
    over = [
        step
        for step in range(group.first, group.last + 1)
        if step in in_place and may_overwrite(network, found, step)
    ]
    held = memory.in_use(lives.items(over=over), len(found.calls))[1:]
    most = dict.fromkeys(range(group.first, group.last + 1), 0)
    rows: dict[int, tuple[int, ...]] = dict.fromkeys(most, ())
    for call, size in zip(found.calls, held.tolist(), strict=False):
        most[call.step] = max(most[call.step], size)
        rows[call.step] += (call.rows,)
    return _Trial(group, tuple(most.values()), tuple(rows.values()))


def _limits(trials: Sequence[_Trial], tables: Sequence[_Variants]) -> list[int]:
    """Sizes of memory to try: those at which some group begins to fit."""
    if not tables:  # nothing but views of the inputs
        return [0]
    sizes = set()
    for trial in trials:
        steps = range(trial.group.first, trial.group.last + 1)
        for held, step in zip(trial.held, steps, strict=True):
            sizes |= {held + scratch for scratch in tables[step].scratch}
    ordered = np.array(sorted(sizes))
    # Nothing fits below what the greediest step takes at its best.
    floor = max(
        min(t.least for t in trials if t.group.first <= s <= t.group.last)
        for s in range(len(tables))
    )
    ordered = ordered[ordered >= floor]
    if len(ordered) <= LIMITS:
        return [int(v) for v in ordered]
    # Most of them where memory is scarce.
    low = np.geomspace(ordered[0], min(2 * ordered[0], ordered[-1]), LIMITS * 2 // 3)
    high = np.geomspace(low[-1], ordered[-1], LIMITS // 3)
    # Rounding may take a target past the largest.
    found = np.searchsorted(ordered, (*low, *high[:-1])).clip(max=len(ordered) - 1)
    return sorted({int(v) for v in ordered[found]})


def _cheapest(
    trials: Sequence[_Trial], tables: Sequence[_Variants], limit: int
) -> tuple[_Trial, ...] | None:
    """The cheapest way whose groups each fit into `limit` bytes."""
    options: dict[int, list[tuple[float, _Trial]]] = {}
    for trial in trials:
        if trial.least <= limit:
            cost = _cost(trial, tables, limit)
            if cost is not None:
                options.setdefault(trial.group.last, []).append((cost, trial))
    best: list[tuple[float, tuple[_Trial, ...]] | None] = [(0.0, ())]
    for last in range(len(tables)):
        ways = [
            (before[0] + cost, (*before[1], trial))
            for cost, trial in options.get(last, [])
            if (before := best[trial.group.first]) is not None
        ]
        best.append(min(ways, key=lambda way: way[0]) if ways else None)
    end = best[-1]
    return None if end is None else end[1]


def _filled(way: tuple[_Trial, ...], tables: Sequence[_Variants], limit: int) -> tuple[Choice, int]:
    """A choice whose scratch memory keeps within `limit` where it can; the least that it takes."""
    chosen: list[Params] = []
    total, least = 0.0, 0
    for trial in way:
        for step, held, rows in _each(trial):
            table = tables[step]
            variant = table.best(rows, max(limit - held, table.scratch[0]))
            assert variant is not None
            total += variant[0]
            chosen.append(variant[1])
            least = max(least, held + memory.align(variant[1].scratch_bytes))
    return Choice(tuple(t.group for t in way), tuple(chosen), total), least


def _cost(trial: _Trial, tables: Sequence[_Variants], limit: int) -> float | None:
    total = 0.0
    for step, held, rows in _each(trial):
        variant = tables[step].best(rows, limit - held)
        if variant is None:
            return None
        total += variant[0]
    return total


def _each(trial: _Trial) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    steps = range(trial.group.first, trial.group.last + 1)
    yield from zip(steps, trial.held, trial.rows, strict=True)
