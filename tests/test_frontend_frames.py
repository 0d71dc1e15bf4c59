"""The native frontend against the integer reference over many frames, in chunks of any size.

PARITONE_FRAMES=1000000 compares that many frames instead of the default.
"""

from __future__ import annotations

import os

import numpy as np
import pytest

import frontend_pcm
from frontend_cases import GRID, tables
from paritone.features import integer
from paritone.generate.frontend_fused import has_fused
from paritone.native.frontend import Frontend

FRAMES = int(os.environ.get("PARITONE_FRAMES", "12000"))
STREAM_FRAMES = 2000
SHORT = {"patch_length": 16, "overlap": 0.3, "include_last_patch": True}
PADDING = (None, "constant", "edge", "reflect", "symmetric")


def frames_of(name: str) -> int:
    """Half of all frames are the tutorial's; the grid shares the rest."""
    return FRAMES // 2 if name == "tutorial" else -(-FRAMES // (2 * (len(GRID) - 1)))


@pytest.mark.parametrize("name", GRID)
def test_no_bit_differs_from_the_reference(name: str) -> None:
    pad_mode = PADDING[list(GRID).index(name) % len(PADDING)]
    padding = {} if pad_mode is None else {"center": True, "pad_mode": pad_mode}
    t = tables(name, **SHORT, **padding)
    plain = Frontend(t, fused=False)
    streams = {"plain": plain}
    if has_fused(t):
        streams["fused"] = Frontend(t, fused=True)
    done = 0
    for seed in range(-(-frames_of(name) // STREAM_FRAMES)):
        pcm = frontend_pcm.stream(t, min(STREAM_FRAMES, frames_of(name) - done), seed)
        expected = integer.patches(pcm, t)
        for transform, native in streams.items():
            found = np.stack(native.stream(frontend_pcm.chunks(pcm, seed)))
            same(expected, found, f"stream {seed}, {transform} transform")
        same(expected, plain.patches(pcm), f"stream {seed}, all frames at once")
        done += len(integer.frame_windows(pcm, t))
    assert done >= frames_of(name)
    print(f"{name}: {done:,} frames, no difference, {pad_mode}, {', '.join(streams)}")


def same(expected: np.ndarray, found: np.ndarray, what: str) -> None:
    assert found.shape == expected.shape, what
    different = np.argwhere(found != expected)
    assert len(different) == 0, f"{what}: {len(different)} differ, first {different[0]}"
