"""One difference between two implementations: where it is, its values, how far it goes."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Maps:
    """Two values each of a plane, [height, width]: the desk's and the board's."""

    title: str
    axes: tuple[str, str]
    expected: Array
    got: Array


@dataclass(frozen=True)
class Mismatch:
    """The first difference that was found.

    Attributes
    ----------
    part : "frontend" or "model"
    stage : of the frontend, or the layer; "stream" where every stage of the frame agrees by itself
    frame : of the clip, None for the model
    index : of the first value of that stage that differs, row by row
    between : whose value is expected, whose came
    place : the index in the words of the stage: band, bin, row, column, channel
    values, differ, largest : of that stage in that frame or patch: all, those that differ, and by
        how much at most
    note : what it looks like, or how far it goes on; may be empty
    maps : the layer's channel where it begins, as a picture
    """

    part: str
    stage: str
    clip: str
    patch: int
    frame: int | None
    index: int
    expected: float
    got: float
    between: tuple[str, str]
    place: str = ""
    values: int = 0
    differ: int = 0
    largest: float = 0.0
    note: str = ""
    maps: Maps | None = None

    def __str__(self) -> str:
        frame = "" if self.frame is None else f", frame {self.frame}"
        place = f" ({self.place})" if self.place else ""
        return (
            f"{self.part}, {self.stage}: first difference in {self.clip}, patch {self.patch}"
            f"{frame}, index {self.index}{place}: {self.expected} ({self.between[0]}), "
            f"{self.got} ({self.between[1]}){self.extent}{f'; {self.note}' if self.note else ''}"
        )

    @property
    def extent(self) -> str:
        """How many of the stage's values differ, in words."""
        if not self.values:
            return ""
        by = f", by {self.largest:,g} at most" if self.largest else ""
        return f"; {self.differ:,} of {self.values:,} values there differ{by}"

    def record(self) -> dict[str, Any]:
        """The mismatch as JSON has it."""
        names = (field.name for field in fields(self) if field.name != "maps")
        return {name: getattr(self, name) for name in names}


def bits(values: Array) -> Array:
    """Values as they are stored: equal bits are equal, NaN included."""
    return np.ascontiguousarray(values).reshape(-1).view(f"u{values.dtype.itemsize}")


def first_difference(expected: Array, got: Array) -> int | None:
    """Flat index of the first value that differs; None when all are equal."""
    found = np.flatnonzero(bits(expected) != bits(got))
    return int(found[0]) if found.size else None


def largest(expected: Array, got: Array) -> float:
    """The largest difference of two arrays of numbers; 0 where they have no finite one."""
    with np.errstate(invalid="ignore"):
        apart = np.abs(expected.astype(np.float64) - got.astype(np.float64))
    finite = apart[np.isfinite(apart)]
    return float(finite.max()) if finite.size else 0.0


def mismatch(
    where: tuple[str, str, str, int, int | None],
    expected: Array,
    got: Array,
    between: tuple[str, str],
    index: int | None = None,
) -> Mismatch:
    """The difference at `index` of two arrays that differ there; the first one without it."""
    differing = np.flatnonzero(bits(expected) != bits(got))
    index, count = int(differing[0]) if index is None else index, int(differing.size)
    return Mismatch(
        *where,
        index,
        expected.flat[index].item(),
        got.flat[index].item(),
        between,
        values=expected.size,
        differ=count,
        largest=largest(expected, got),
        note=_constant(expected, got) if count == expected.size > 1 else "",
    )


def _constant(expected: Array, got: Array) -> str:
    apart = np.unique(got.astype(np.float64) - expected.astype(np.float64))
    return f"every value is off by {apart[0]:+g}" if apart.size == 1 else ""
