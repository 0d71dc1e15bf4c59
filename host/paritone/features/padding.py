"""Padding of ``center``: what stands where a clip's first and last frames reach beyond it."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from paritone.config import FeatureExtraction

Mode = Literal["constant", "edge", "reflect", "symmetric"]
MODES: tuple[Mode, ...] = ("constant", "edge", "reflect", "symmetric")
"""Values of ``pad_mode`` that the device does, in the order of ``paritone_padding_t``."""

NEAREST = {
    "linear_ramp": "its samples are none of the stream's; the nearest is edge",
    "empty": "it leaves samples undefined; the nearest is constant",
}
"""Why the device does not do the others, and what comes nearest."""


def padding_of(features: FeatureExtraction) -> int:
    """``paritone_padding_t`` of a configuration that the device can compute: 0 for none."""
    if not features.center:
        return 0
    return 1 + [str(mode) for mode in MODES].index(features.pad_mode)


def extend(pcm: npt.NDArray[np.int16], padding: int, n_fft: int) -> npt.NDArray[np.int16]:
    """PCM with half a frame of padding on either side; no samples stay none."""
    if padding == 0 or len(pcm) == 0:
        return pcm
    return np.pad(pcm, n_fft // 2, mode=MODES[padding - 1])


def more_held(padding: int) -> int:
    """Samples that a stream holds beside those of a frame (frontend_stream.c)."""
    return 3 if padding == 1 + MODES.index("reflect") else 0
