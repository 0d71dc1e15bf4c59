"""Places tensors, rings and scratch memory in one arena, row by row.

Every item is a row of pieces, each in use from one call to another. Two items may overlap where
no pieces of theirs that are in use at the same time do: an output lies over the rows of its input
that have been consumed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from math import inf
from random import Random

import numpy as np
from numpy.typing import NDArray

ALIGNMENT = 16
ORDERS = 3
ATTEMPTS = 400
"""Orders of placing that are tried."""

Span = tuple[int, int]


@dataclass(frozen=True)
class Place:
    """Row y of a tensor lies at ``offset + y % rows * bytes of a row``."""

    offset: int
    rows: int


NOWHERE = Place(0, 1)
"""Of an operand that is not in the arena."""


@dataclass(frozen=True)
class Piece:
    """Bytes `start` .. ``end - 1`` of an item, in use from call `first` to call `last`."""

    start: int
    end: int
    first: int
    last: int


@dataclass(frozen=True)
class Item:
    """Something to be placed.

    Attributes
    ----------
    over : key of the item at whose very beginning this one may begin although it is read by the
        call that writes this one
    """

    key: int
    pieces: tuple[Piece, ...]
    over: int | None = None

    @cached_property
    def size(self) -> int:
        """Bytes."""
        return max(p.end for p in self.pieces)

    @cached_property
    def life(self) -> Span:
        """First and last call that it is in use at."""
        return min(p.first for p in self.pieces), max(p.last for p in self.pieces)


def align(size: int) -> int:
    """`size` rounded up to the arena's alignment."""
    return -(-size // ALIGNMENT) * ALIGNMENT


def rows_of(row_bytes: int, first: NDArray[np.int64], last: NDArray[np.int64]) -> tuple[Piece, ...]:
    """Pieces of a tensor whose row y is in use from call first[y] to last[y]; equals are joined."""
    changes = np.flatnonzero((np.diff(first) != 0) | (np.diff(last) != 0)) + 1
    starts = [0, *changes.tolist()]
    ends = [*changes.tolist(), len(first)]
    return tuple(
        Piece(a * row_bytes, b * row_bytes, int(first[a]), int(last[a]))
        for a, b in zip(starts, ends, strict=True)
    )


def in_use(items: Sequence[Item], calls: int) -> NDArray[np.int64]:
    """Bytes in use before the first call and at each of `calls`: no arena is smaller."""
    change = np.zeros(calls + 3, np.int64)
    for item in items:
        for p in item.pieces:
            change[p.first + 1] += p.end - p.start
            change[p.last + 2] -= p.end - p.start
    found = np.cumsum(change)[: calls + 2]
    pieces = {item.key: item.pieces for item in items}
    for item in items:
        if item.over in pieces:  # what a call writes over what it reads for the last time
            begun = _at_calls([(p.first, p.end - p.start) for p in item.pieces], calls)
            ended = _at_calls([(p.last, p.end - p.start) for p in pieces[item.over]], calls)
            found -= np.minimum(begun, ended)
    return found


def _at_calls(sizes: Sequence[tuple[int, int]], calls: int) -> NDArray[np.int64]:
    """Sums of bytes of ``(call, bytes)`` before the first call and at each of `calls`."""
    found = np.zeros(calls + 2, np.int64)
    for call, size in sizes:
        found[call + 1] += size
    return found


def place(
    items: Sequence[Item], calls: int, attempts: int = ATTEMPTS
) -> tuple[dict[int, int], int]:
    """``(offset of each key, arena bytes)``: the best of several orders of placing."""
    if not items:
        return {}, 0
    least = align(int(in_use(items, calls).max()))
    apart = _Apart(items)
    best: tuple[dict[int, int], int] | None = None
    for start in _orders(items):
        found = _improved(start, apart, attempts // ORDERS, least)
        if best is None or found[1] < best[1]:
            best = found
        if best[1] <= least:
            break
    assert best is not None
    return best


def _orders(items: Sequence[Item]) -> Iterator[list[Item]]:
    """By size and life, by size, and what is in use for the shortest time first, as scratch is.

    Items that lie over each other in place move together only if all else is there before them.
    """
    yield sorted(items, key=lambda i: (-i.size * (i.life[1] - i.life[0] + 1), i.key))
    yield sorted(items, key=lambda i: (-i.size, i.life, i.key))
    overlaid = {i.over for i in items} | {i.key for i in items if i.over is not None}
    yield sorted(items, key=lambda i: (i.key in overlaid, -i.size, i.life, i.key))


def _improved(
    order: list[Item], apart: _Apart, attempts: int, least: int
) -> tuple[dict[int, int], int]:
    """Place in `order`, then again and again with one of the highest items sooner."""
    random = Random(len(order))
    best = apart.fit(order)
    assert best is not None
    height = _height(order, best)
    for _ in range(attempts):
        if height <= least:
            break
        changed = _sooner(order, best, random)
        pairs = zip(order, changed, strict=True)
        same = {a.key: best[a.key] for a, _ in takewhile(lambda pair: pair[0] is pair[1], pairs)}
        offsets = apart.fit(changed, same, height)
        if offsets is not None:
            order, best, height = changed, offsets, _height(changed, offsets)
    return best, height


def _sooner(order: list[Item], offsets: dict[int, int], random: Random) -> list[Item]:
    """`order` with an item from near the top, or any, moved to before some other."""
    by_end = sorted(order, key=lambda i: (-(offsets[i.key] + i.size), i.key))
    chosen = random.choice(by_end[:3]) if random.random() < 0.7 else random.choice(order)
    rest = [item for item in order if item is not chosen]
    at = random.randrange(len(order))
    return [*rest[:at], chosen, *rest[at:]]


def _height(items: Sequence[Item], offsets: dict[int, int]) -> int:
    return max(align(offsets[item.key] + item.size) for item in items)


class _Apart:
    """How far from each other items must begin."""

    def __init__(self, items: Sequence[Item]) -> None:
        self._tables = {
            i.key: np.array([(p.start, p.end, p.first, p.last) for p in i.pieces]).T for i in items
        }
        self._life = {i.key: i.life for i in items}
        self._over = {i.key: i.over for i in items}
        self._near: dict[int, list[tuple[int, list[Span], bool]]] = {}

    def fit(
        self, sequence: Sequence[Item], placed: Mapping[int, int] | None = None, limit: float = inf
    ) -> dict[int, int] | None:
        """Each item of `sequence` at its lowest offset, given those before.

        Parameters
        ----------
        placed : offsets of the first few
        limit : None as soon as an item would end beyond it
        """
        offsets = dict(placed or {})
        for item in sequence[len(offsets) :]:
            near = [
                (offsets[key], spans, together)
                for key, spans, together in self._neighbours(item.key)
                if key in offsets
            ]
            found = _lowest(near)
            if align(found + item.size) > limit:
                return None
            offsets[item.key] = found
        return offsets

    def _neighbours(self, key: int) -> list[tuple[int, list[Span], bool]]:
        """What `_between` says of each item that may collide with one."""
        if key not in self._near:
            between = [(other, *self._between(other, key)) for other in self._life if other != key]
            self._near[key] = [found for found in between if found[1] or found[2]]
        return self._near[key]

    def _between(self, placed: int, other: int) -> tuple[list[Span], bool]:
        """Open intervals of ``offset of other - offset of placed`` that make them collide.

        And whether the difference 0 is allowed nevertheless: one overwrites the other in place.
        """
        (a, b), (c, d) = self._life[placed], self._life[other]
        if b < c or d < a:
            return [], False
        together = False
        if self._over[placed] == other or self._over[other] == placed:
            strict = self._collisions(placed, other, 1)
            together = not any(low < 0 < high for low, high in strict)
        return self._collisions(placed, other, 0), together

    def _collisions(self, placed: int, other: int, grace: int) -> list[Span]:
        """Merged open intervals; `grace` 1: what ends with the call that the other begins with."""
        s1, e1, f1, l1 = (row[:, None] for row in self._tables[placed])
        s2, e2, f2, l2 = (row[None, :] for row in self._tables[other])
        before = grace if self._over[other] == placed else 0
        behind = grace if self._over[placed] == other else 0
        meet = (f1 <= l2 - behind) & (f2 <= l1 - before)
        low, high = (s1 - e2)[meet], (e1 - s2)[meet]
        merged: list[Span] = []
        for i in np.argsort(low, kind="stable"):
            a, b = int(low[i]), int(high[i])
            if merged and a < merged[-1][1]:
                merged[-1] = (merged[-1][0], max(b, merged[-1][1]))
            else:
                merged.append((a, b))
        return merged


def _lowest(near: Sequence[tuple[int, list[Span], bool]]) -> int:
    """Lowest offset of an item that keeps apart from the offsets of others as `_between` says."""
    found = 0
    taken = [(offset + low, offset + high) for offset, spans, _ in near for low, high in spans]
    for low, high in sorted(taken):
        if low < found < high:
            found = align(high)
        elif low >= found:
            break
    for shared in [offset for offset, _, together in near if together]:
        if shared < found and not any(
            offset + low < shared < offset + high
            for offset, spans, together in near
            if offset != shared or not together
            for low, high in spans
        ):
            found = shared
    return found
