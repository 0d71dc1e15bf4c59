"""A rolling log-mel in the cells of a terminal: two values a cell, one above the other."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray
from rich.color import Color
from rich.segment import Segment
from rich.style import Style

SPAN_S = 6.0
"""Of sound that is seen at once, about."""
LEVELS = 32
ANCHORS = (
    (8, 6, 32),
    (66, 15, 117),
    (150, 34, 120),
    (225, 84, 79),
    (252, 167, 60),
    (252, 250, 200),
)
"""Colours from quiet to loud; red, green, blue."""
SHADES = " .:-=+*#%@"
"""From quiet to loud, where a terminal has no colours."""


class Roll:
    """The latest columns, and names at the times where patches ended.

    Parameters
    ----------
    columns_per_s : of the log-mel
    """

    def __init__(self, columns_per_s: float) -> None:
        self._per_s = columns_per_s
        self._columns: deque[NDArray[np.float32]] = deque(maxlen=max(1, round(60 * columns_per_s)))
        self._marks: deque[tuple[int, str]] = deque(maxlen=256)
        self._count = 0

    def add(self, columns: NDArray[np.generic], text: str) -> None:
        """Append [n_mels, new] columns, of a patch that is taken for `text`."""
        self._marks.append((self._count, text))
        for column in np.asarray(columns, np.float32).T:
            self._columns.append(column)
        self._count += columns.shape[1]

    def grid(self, rows: int, width: int) -> NDArray[np.int64]:
        """Levels 0 to LEVELS - 1 of the latest sound, [2 rows, width], high bands first.

        Each level is a mean over bands and columns, scaled to what is seen; -1 where there is
        nothing yet.
        """
        grid = np.full((2 * rows, width), -1)
        each = self._per_cell(width)
        used = min(len(self._columns) // each, width)
        if not used:
            return grid
        latest = np.stack(list(self._columns)[len(self._columns) - used * each :])
        cells = latest.reshape(used, each, -1).mean(axis=1).T
        bands = np.linspace(0, len(cells), 2 * rows + 1).astype(int)
        means = np.stack([cells[a : max(b, a + 1)].mean(axis=0) for a, b in _pairs(bands)])
        low, high = float(means.min()), float(means.max())
        scaled = (means - low) / (high - low) if high > low else np.zeros_like(means)
        grid[:, width - used :] = np.rint(scaled * (LEVELS - 1)).astype(int)[::-1]
        return grid

    def names(self, width: int) -> str:
        """A line of `width` under the picture: what each patch is taken for, where it begins."""
        each, line = self._per_cell(width), [" "] * width
        for number, (at, text) in enumerate(self._marks):
            end = self._marks[number + 1][0] if number + 1 < len(self._marks) else self._count
            first, last = (width - (self._count - n) // each for n in (at, end))
            if last > 0 and first < width:
                label = f"|{text}"[max(0, -first) : max(1, last - first)]
                line[max(0, first) : max(0, first) + len(label)] = label
        return "".join(line)[:width].ljust(width)

    def _per_cell(self, width: int) -> int:
        return max(1, round(SPAN_S * self._per_s / width))


def _pairs(edges: NDArray[np.int64]) -> list[tuple[int, int]]:
    return [(int(a), int(b)) for a, b in itertools.pairwise(edges)]


def segments(grid: NDArray[np.int64], *, colour: bool) -> list[list[Segment]]:
    """Lines of segments of a grid [2 rows, width]."""
    upper, lower = grid[0::2], grid[1::2]
    if not colour:
        means = np.maximum(upper, lower)
        scale = (len(SHADES) - 1) / (LEVELS - 1)
        return [
            [Segment("".join(SHADES[round(max(0, value) * scale)] for value in row))]
            for row in means
        ]
    return [list(_cells(above, below)) for above, below in zip(upper, lower, strict=True)]


def _cells(above: NDArray[np.int64], below: NDArray[np.int64]) -> Iterator[Segment]:
    """One line; neighbours that look alike are one segment, for the sake of slow terminals."""
    pairs = zip(above.tolist(), below.tolist(), strict=True)
    for (high, low), same in itertools.groupby(pairs):
        yield Segment("▀" * len(list(same)), _style(high, low))


@cache
def _style(above: int, below: int) -> Style:
    return Style(color=_colour(above), bgcolor=_colour(below))


@cache
def _colour(level: int) -> Color:
    if level < 0:
        return Color.parse("black")
    place = level / (LEVELS - 1) * (len(ANCHORS) - 1)
    low = min(int(place), len(ANCHORS) - 2)
    mixed = (
        a + (b - a) * (place - low) for a, b in zip(ANCHORS[low], ANCHORS[low + 1], strict=True)
    )
    return Color.from_rgb(*(round(value) for value in mixed))
