"""Accuracy over all keys: every configuration of the grid against librosa in float, in LSBs.

PARITONE_CLIPS=10 takes as many clips, whole, instead of the beginnings of two.
PARITONE_GRID=FILE.json writes what was found.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import frontend_pcm
from frontend_grid import Configuration, configurations
from paritone.native.frontend import Frontend

CLIPS = int(os.environ.get("PARITONE_CLIPS", "0"))
DEFAULT_CLIPS, DEFAULT_SECONDS = 2, 1.5
pytestmark = pytest.mark.filterwarnings("ignore:Empty filters detected")
EVERY = {f"{c.number}": c for c in configurations()}


@dataclass(frozen=True)
class Found:
    """How one configuration compares: cells, and the shares that are equal."""

    configuration: str
    cells: int
    largest_error: int
    equal: float
    equal_in_worst_clip: float


def clips(rate: int) -> list[np.ndarray]:
    """int16 PCM of clips drawn evenly."""
    files = frontend_pcm.clip_files()
    chosen = files[:: len(files) // (CLIPS or DEFAULT_CLIPS)][: CLIPS or DEFAULT_CLIPS]
    whole = [frontend_pcm.clip(path, rate) for path in chosen]
    return whole if CLIPS else [pcm[: int(DEFAULT_SECONDS * rate)] for pcm in whole]


def errors(configuration: Configuration, recordings: list[np.ndarray]) -> list[np.ndarray]:
    """|librosa - native| of every cell of every clip, in LSBs of the model's input."""
    exact = [configuration.spectrogram(pcm) for pcm in recordings]
    wanted = configuration.input_format(exact)
    frontend = Frontend(configuration.tables(wanted))
    limits = np.iinfo(wanted.dtype)
    found = []
    for pcm, values in zip(recordings, exact, strict=True):
        quantized = np.round(values / np.float32(wanted.scale) + wanted.zero_point)
        expected = np.clip(quantized, limits.min, limits.max).astype(int)
        columns = frontend.patches(pcm)[:, :, 0].T
        assert columns.shape == expected.shape
        found.append(np.abs(expected - columns))
    return found


@cache
def measured(number: str) -> Found:
    configuration = EVERY[number]
    per_clip = errors(configuration, clips(configuration.rate))
    cells = np.concatenate([error.ravel() for error in per_clip])
    return Found(
        configuration.title,
        cells.size,
        int(cells.max()),
        float((cells == 0).mean()),
        min(float((error == 0).mean()) for error in per_clip),
    )


@pytest.mark.parametrize("number", EVERY)
def test_within_one_lsb_of_librosa(number: str) -> None:
    found = measured(number)
    assert found.largest_error <= 1, found
    assert found.equal_in_worst_clip >= 0.995, found


def test_all_but_few_cells_are_equal() -> None:
    """Over the whole grid; prints it, the worst configuration first."""
    every = sorted(map(measured, EVERY), key=lambda found: found.equal)
    path = os.environ.get("PARITONE_GRID")
    if path is not None:
        Path(path).write_text(json.dumps([asdict(found) for found in every], indent=1) + "\n")
    for found in every:
        shares = f"{found.equal:9.4%} {found.equal_in_worst_clip:9.4%}"
        print(f"{shares} {found.largest_error} {found.cells:9,}  {found.configuration}")
    cells = sum(found.cells for found in every)
    equal = sum(found.equal * found.cells for found in every) / cells
    print(f"{equal:9.4%} of {cells:,} cells in {len(every)} configurations")
    assert len(every) >= 40
    assert equal >= 0.9995
    assert every[0].equal >= 0.998
