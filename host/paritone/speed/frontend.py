"""The native frontend beside librosa: the same int16 PCM."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paritone.config import Config
from paritone.speed import Speed, side_by_side

CLIPS = 20
ROUNDS = 10


def measure(config: Config, model: Path) -> Speed:
    """Time the spectrograms of a configuration's test clips.

    librosa's from PCM / 2^15 to float32 log-mel, the native one's from PCM to the input of `model`.

    Raises
    ------
    ConfigError, AudioError
        What the device cannot compute; a clip that cannot be used.
    """
    from paritone import validate
    from paritone.features import log_mel
    from paritone.native.frontend import Frontend, config_tables

    features, rate = config.feature_extraction, config.preprocessing.target_rate
    native = Frontend(config_tables(config, model)).spectrogram

    def librosa(pcm: NDArray[np.int16]) -> NDArray[Any]:
        return log_mel.spectrogram(pcm.astype(np.float32) / np.float32(32768), features, rate)

    clips = [pcm for _, pcm in validate.clips_of(config, CLIPS)]
    frames = sum(native(pcm).shape[1] for pcm in clips)
    librosa(clips[0])  # it compiles itself
    theirs, ours = side_by_side(librosa, native, clips, ROUNDS)
    us = 1e6 / frames
    on = f"{len(clips)} clips"
    return Speed("features", on, frames, "frame", "librosa", theirs * us, ours * us)
