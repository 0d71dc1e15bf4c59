"""What a patch looks like whose frames are right and stand in the wrong place."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from paritone.features import integer
from paritone.features.padding import extend
from paritone.features.tables import FrontendTables
from paritone.validate.mismatch import Array, bits

_LOOKED_AT = 24
"""Frames that are looked for elsewhere, at most."""


def explain(
    pcm: NDArray[np.int16], start: int, expected: Array, got: Array, tables: FrontendTables
) -> str:
    """What the difference looks like; empty where it looks like nothing known.

    Parameters
    ----------
    start : frame that the patch begins with
    expected, got : [n_mels, patch_length]
    """
    same = _equal(expected, got.reshape(expected.shape[::-1]).T)
    if same:
        return "its axes are swapped: frame after frame, where the model takes band after band"
    for by in range(1, expected.shape[1]):
        if _equal(np.roll(expected, by, axis=1), got):
            return f"its columns are {by} places to the right, as if a ring were read from there"
    return _elsewhere(list(_late(pcm, start, expected, got, tables)), tables)


def _equal(one: Array, other: Array) -> bool:
    return np.array_equal(bits(one), bits(other))


def _late(
    pcm: NDArray[np.int16], start: int, expected: Array, got: Array, tables: FrontendTables
) -> Iterator[tuple[int, int]]:
    """Frames that the board took elsewhere, and by how many samples later: where that is sure."""
    every = np.lib.stride_tricks.sliding_window_view(
        extend(pcm, tables.padding, tables.n_fft), tables.n_fft
    )[:, tables.window_start : tables.window_start + tables.window_length]
    differing = np.flatnonzero([not _equal(*pair) for pair in zip(expected.T, got.T, strict=True)])
    for column in differing[:_LOOKED_AT]:
        begins = (start + int(column)) * tables.hop_length
        first = max(0, begins - tables.hop_length)
        found = integer.columns(every[first : begins + tables.hop_length + 1], tables)
        same = [i for i, values in enumerate(found) if _equal(values, got[:, column])]
        if len(same) == 1:
            yield start + int(column), first + same[0] - begins


def _elsewhere(late: list[tuple[int, int]], tables: FrontendTables) -> str:
    if not late:
        return ""
    (frame, by), (last, by_last) = late[0], late[-1]
    text = f"its frame {frame} begins {_samples(by)}"
    hop, rest = divmod(by_last - by, last - frame) if last > frame else (0, 0)
    if not hop or rest:
        return text
    hops = f"its hop is {tables.hop_length + hop} samples, the configuration's {tables.hop_length}"
    return f"{text}, its frame {last} {_samples(by_last)}: {hops}"


def _samples(count: int) -> str:
    plural = "s" if abs(count) != 1 else ""
    return f"{abs(count)} sample{plural} {'late' if count > 0 else 'early'}"
