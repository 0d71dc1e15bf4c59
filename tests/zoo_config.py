"""Configurations and sounds in the size of a test."""

import numpy as np
import soundfile

from paritone.config.records import Config

RATE = 16000
PREPROCESSING = {
    "min_length": 1,
    "max_length": 5,
    "target_rate": RATE,
    "top_db": 60,
    "frame_length": 3200,
    "hop_length": 3200,
}
FEATURES = {
    "patch_length": 16,
    "n_mels": 20,
    "overlap": 0.25,
    "n_fft": 512,
    "hop_length": 160,
    "window_length": 400,
    "window": "hann",
    "center": False,
    "power": 1.0,
    "fmin": 125,
    "fmax": 7500,
    "norm": "None",
    "htk": True,
    "to_db": False,
}


def make_config(mode, **sections):
    """A validated record; the cross-field checks are `paritone.config.load`'s."""
    return Config.model_validate({"operation_mode": mode, **sections})


def write_wav(path, wave, rate=RATE):
    soundfile.write(path, np.asarray(wave, np.float32), rate, subtype="PCM_16")
