"""What was compared, what differed, and where it began."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from paritone.errors import CheckFailedError
from paritone.validate import picture
from paritone.validate.mismatch import Array, Maps, Mismatch, bits
from paritone.validate.spread import Spread


@dataclass(frozen=True)
class Parity:
    """How many values three implementations were compared on, and how many differ.

    Attributes
    ----------
    values : compared; one counts once, whichever of the others differs from the first
    between : the reference first
    first : the first mismatch, located; None when all are equal. A stage or layer can differ
        where no value that is counted does
    """

    patches: int
    values: int
    mismatched: int
    between: tuple[str, ...]
    first: Mismatch | None = None

    def record(self, unit: str) -> dict[str, Any]:
        """As summary.json has it; `unit` is "cells" or "values"."""
        return {
            "patches": self.patches,
            unit: self.values,
            "mismatched": self.mismatched,
            "between": list(self.between),
            **({"first": self.first.record()} if self.first else {}),
        }


@dataclass(frozen=True)
class Validation:
    """Outcome of `validate`.

    Attributes
    ----------
    scores : of the board, clip by clip, [patches, outputs] as the model stores them; a silent
        patch has none
    spread : how far a difference goes; nothing differs in it where board and desk agree
    maps : the first clip's spectrograms that differ, or else the first layer's values
    """

    frontend: Parity
    model: Parity
    scores: tuple[Array, ...]
    spread: Spread
    maps: Maps | None = None

    def record(self) -> dict[str, Any]:
        """Section "parity" of summary.json."""
        return {"frontend": self.frontend.record("cells"), "model": self.model.record("values")}

    @property
    def first(self) -> Mismatch | None:
        """The first mismatch from PCM on."""
        return self.frontend.first or self.model.first

    def draw(self, folder: Path) -> Path | None:
        """Draw what differs into a folder, or take away the picture of an earlier run."""
        path = folder / picture.NAME
        if self.maps is None:
            path.unlink(missing_ok=True)
            return None
        return picture.draw(self.maps, self.frontend.between[-1], path)

    def require_equal(self) -> None:
        """CheckFailedError naming the first stage that differs."""
        for parity in (self.frontend, self.model):
            if parity.mismatched or parity.first:
                raise CheckFailedError(
                    f"{parity.mismatched:,} of {parity.values:,} values differ between "
                    f"{', '.join(parity.between)}; {parity.first}"
                )


class Count:
    """A parity under way: one reference, and others that are held against it."""

    def __init__(self, *between: str) -> None:
        self.between = between
        self.patches = self.values = self.mismatched = 0
        self.first: Mismatch | None = None

    def add(self, expected: Array, *others: Array) -> int | None:
        """Compare one patch; which of the others is the first to differ, None when none does."""
        wanted = bits(expected)
        unequal = [bits(other) != wanted for other in others]
        self.patches += 1
        self.values += wanted.size
        self.mismatched += int(np.logical_or.reduce(unequal).sum())
        return next((i for i, differs in enumerate(unequal) if differs.any()), None)

    def done(self) -> Parity:
        """What was found."""
        return Parity(self.patches, self.values, self.mismatched, self.between, self.first)


def show(validation: Validation, clips: int) -> None:
    """Print the counts as a table."""
    from rich.console import Console
    from rich.table import Table

    table = Table(f"parity, {clips} clips", "between", "patches", "values", "mismatched")
    for part, parity in (("frontend", validation.frontend), ("model", validation.model)):
        counts = (f"{n:,}" for n in (parity.patches, parity.values, parity.mismatched))
        table.add_row(part, " = ".join(parity.between), *counts)
    Console().print(table)
    for line in validation.spread.lines():
        print(line)
    silent = validation.frontend.patches - validation.model.patches
    if silent:
        print(f"{silent} patches are silence, for the board as for the host: it gave no scores")
