"""Where board and desk part within a frame: the first stage of the frontend that differs.

A patch that differs is followed back by bisection: each probe is a frame of its own on the board.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from paritone.device import Device
from paritone.features import integer
from paritone.features.tables import FrontendTables
from paritone.validate.mismatch import Array, Mismatch, bits, first_difference, mismatch

Trace = Callable[[NDArray[np.int16], str], Array]


def bisect(steps: int, differs: Callable[[int], bool]) -> int:
    """A step that differs while the one before it agrees, of a row whose last one differs.

    What comes before the first step agrees; `differs` is asked log2(steps) times.
    """
    agrees, differing = -1, steps - 1
    while differing - agrees > 1:
        middle = (agrees + differing) // 2
        if differs(middle):
            differing = middle
        else:
            agrees = middle
    return differing


def board_trace(device: Device, tables: FrontendTables) -> Trace:
    """Trace of one frame on the board, for `in_frontend`."""
    like = integer.trace(np.zeros(tables.window_length, np.int16), tables)

    def trace(frame: NDArray[np.int16], stage: str) -> Array:
        values = np.frombuffer(device.trace(frame, stage), like[stage].dtype)
        return values.reshape(like[stage].shape)

    return trace


class _Frame:
    """One frame, stage by stage: the integer reference's values and another implementation's."""

    def __init__(self, samples: NDArray[np.int16], tables: FrontendTables, trace: Trace) -> None:
        self.tables = tables
        self.stages = integer.stages_of(tables)
        self._samples, self._trace = samples, trace
        self._expected = integer.trace(samples, tables)
        self._got: dict[str, Array] = {}

    def pair(self, stage: str) -> tuple[Array, Array]:
        """Expected and got; each stage is asked for once."""
        if stage not in self._got:
            self._got[stage] = self._trace(self._samples, stage)
        return self._expected[stage], self._got[stage]

    def differs(self, number: int) -> bool:
        return first_difference(*self.pair(self.stages[number])) is not None

    def first_by_halves(self) -> str | None:
        """The stage that parts from the reference; None if the last one agrees."""
        if not self.differs(len(self.stages) - 1):
            return None
        return self.stages[bisect(len(self.stages), self.differs)]

    def first_of_all(self) -> str | None:
        """The first stage that differs, whether or not those behind it do."""
        return next((self.stages[i] for i in range(len(self.stages)) if self.differs(i)), None)


def in_stages(
    clip: str,
    patch: int,
    frame: tuple[int, NDArray[np.int16]],
    tables: FrontendTables,
    trace: Trace,
    between: tuple[str, str],
    *,
    all_of_them: bool = True,
) -> Mismatch | None:
    """Compare the stages of one frame with the integer reference's; the first that differs.

    Parameters
    ----------
    frame : its number in the clip, its samples
    trace : of the implementation that is held against the reference
    all_of_them : look at every stage, as one may differ that leaves the last one as it is;
        otherwise by bisection
    """
    number, samples = frame
    traced = _Frame(samples, tables, trace)
    stage = traced.first_of_all() if all_of_them else traced.first_by_halves()
    if stage is None:
        return None
    expected, got = traced.pair(stage)
    found = mismatch(("frontend", stage, clip, patch, number), expected, got, between)
    return replace(found, place=_place_in_frame(stage, found.index, tables))


def _place_in_frame(stage: str, index: int, tables: FrontendTables) -> str:
    if stage == "window":
        return f"sample {index}"
    if stage == "spectrum":
        part = ("real", "imaginary")[index % 2]
        return f"bin {tables.first_bin + index // 2}, {part} part"
    return f"bin {tables.first_bin + index}" if stage == "magnitude" else f"band {index}"


def in_frontend(
    clip: tuple[str, NDArray[np.int16]],
    patch: int,
    expected: Array,
    got: Array,
    tables: FrontendTables,
    trace: Trace,
    between: tuple[str, str],
) -> Mismatch:
    """Find the first stage at which a frame of a differing patch differs, by bisection.

    Parameters
    ----------
    clip : name, PCM
    expected, got : [n_mels, patch_length], differing somewhere
    trace : of the implementation that `got` came from
    """
    name, pcm = clip
    column, band = np.argwhere((bits(expected) != bits(got)).reshape(expected.shape).T)[0]
    frames = integer.frame_windows(pcm, tables)
    number = first_frame(patch, len(frames), tables) + int(column)
    frame = number, frames[number]
    found = in_stages(name, patch, frame, tables, trace, between, all_of_them=False)
    if found is not None:
        return found
    where = ("frontend", "stream", name, patch, number)
    index = int(band) * tables.patch_length + int(column)
    found = mismatch(where, expected, got, between, index)
    return replace(found, place=f"band {band}, column {column}")


def first_frame(patch: int, frames: int, tables: FrontendTables) -> int:
    """The frame of a clip of so many that a patch begins with."""
    # The last patch of include_last_patch ends with the clip, off the grid of the others.
    return min(patch * tables.patch_step, frames - tables.patch_length)
