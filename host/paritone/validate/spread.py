"""How far a difference spreads: clips, patches, frames, bands, and the scores behind them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from paritone.features.tables import FrontendTables
from paritone.validate.divergence import first_frame
from paritone.validate.mismatch import Array, Maps, bits, largest

Ranges = tuple[tuple[int, int], ...]
"""First and last of each run of numbers."""


@dataclass(frozen=True)
class ClipSpread:
    """Features of one clip that differ between the integer reference and the board.

    Attributes
    ----------
    values, differ : of the clip's spectrogram, each cell once
    largest : difference, in steps of the model's input
    """

    clip: str
    patches: Ranges
    values: int
    differ: int
    largest: float
    frames: Ranges
    bands: Ranges


@dataclass(frozen=True)
class Spread:
    """How far it goes, from PCM to scores.

    Attributes
    ----------
    clips : those whose features differ, of how many
    patches : whose features differ, of how many
    scored : patches that both gave scores of
    scores : of these, whose scores are not those that the desk makes of the same PCM
    scores_largest : difference, in steps of the model's output
    decisions : of these, whose highest score is another class
    """

    clips: tuple[ClipSpread, ...]
    of_clips: int
    patches: int
    of_patches: int
    scores: int
    scored: int
    scores_largest: float
    decisions: int

    def record(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)

    @property
    def any(self) -> bool:
        """Whether a feature or a score differs."""
        return bool(self.patches or self.scores)

    def lines(self) -> list[str]:
        """As text; none when nothing differs."""
        found = []
        for one in self.clips:
            found.append(
                f"{one.clip}: {one.differ:,} of {one.values:,} features differ, by "
                f"{one.largest:,g} at most; frames {_text(one.frames)}, bands {_text(one.bands)}"
            )
        if self.any:
            found.append(
                f"features of {self.patches:,} of {self.of_patches:,} patches in "
                f"{len(self.clips)} of {self.of_clips} clips differ; scores of {self.scores:,} of "
                f"{self.scored:,}, by {self.scores_largest:,g} at most; the class of "
                f"{self.decisions:,}"
            )
        return found


def _text(ranges: Ranges, most: int = 4) -> str:
    shown = [str(a) if a == b else f"{a}-{b}" for a, b in ranges[:most]]
    return ", ".join(shown) + (", ..." if len(ranges) > most else "")


def _ranges(numbers: Array) -> Ranges:
    if not numbers.size:
        return ()
    groups = np.split(numbers, np.flatnonzero(np.diff(numbers) > 1) + 1)
    return tuple((int(group[0]), int(group[-1])) for group in groups)


class Spreading:
    """A spread under way, clip by clip."""

    def __init__(self, tables: FrontendTables) -> None:
        self._tables = tables
        self._clips: list[ClipSpread] = []
        self._seen = self._patches = self._of_patches = 0
        self._scored = self._scores = self._decisions = 0
        self._scores_largest = 0.0
        self.maps: Maps | None = None
        """Spectrograms of the first clip whose features differ."""

    def features(self, clip: str, frames: int, expected: Array, got: Array) -> None:
        """Take the patches of a clip of so many frames: [patches, n_mels, patch_length]."""
        self._seen += 1
        self._of_patches += len(got)
        unequal = (bits(expected) != bits(got)).reshape(expected.shape).any(axis=(1, 2))
        if not unequal.any():
            return
        self._patches += int(unequal.sum())
        planes = self._spectrograms(frames, expected, got)
        cells = (bits(planes[0]) != bits(planes[1])).reshape(planes[0].shape)
        clip_spread = ClipSpread(
            clip,
            _ranges(np.flatnonzero(unequal)),
            int(cells.size),
            int(cells.sum()),
            largest(*planes),
            _ranges(np.flatnonzero(cells.any(axis=0))),
            _ranges(np.flatnonzero(cells.any(axis=1))),
        )
        self._clips.append(clip_spread)
        if self.maps is None:
            self.maps = Maps(f"features of {clip}", ("frame", "mel band"), planes[0], planes[1])

    def _spectrograms(self, frames: int, *both: Array) -> tuple[Array, Array]:
        """Both in their places, [n_mels, frames covered]; of a cell in two, what differs."""
        t, (expected, got) = self._tables, both
        starts = [first_frame(number, frames, t) for number in range(len(got))]
        shape = t.n_mels, starts[-1] + t.patch_length
        planes = np.zeros(shape, got.dtype), np.zeros(shape, got.dtype)
        for start, *patches in zip(starts, expected, got, strict=True):
            place = np.s_[:, start : start + t.patch_length]
            equal = (bits(patches[0]) == bits(patches[1])).reshape(patches[0].shape)
            known = (bits(planes[0][place]) != bits(planes[1][place])).reshape(equal.shape)
            for plane, patch in zip(planes, patches, strict=True):
                plane[place] = np.where(known & equal, plane[place], patch)
        return planes

    def scores(self, expected: Array, got: Array) -> None:
        """Take the scores of one patch: the desk's own from PCM on, and the board's."""
        self._scored += 1
        if np.array_equal(bits(expected), bits(got)):
            return
        self._scores += 1
        self._scores_largest = max(self._scores_largest, largest(expected, got))
        self._decisions += int(expected.argmax() != got.argmax())

    def done(self) -> Spread:
        """What was found."""
        return Spread(
            tuple(self._clips),
            self._seen,
            self._patches,
            self._of_patches,
            self._scores,
            self._scored,
            self._scores_largest,
            self._decisions,
        )
