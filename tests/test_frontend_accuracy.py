"""The integer frontend against librosa in float, fed the same int16 PCM, in LSBs of the input."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from frontend_cases import RATE, YAMNET_INPUT, features
from paritone import audio
from paritone.features import log_mel
from paritone.features.tables import InputFormat, make_tables
from paritone.native.frontend import Frontend

CLIPS = int(os.environ.get("PARITONE_CLIPS", "40"))
SINGLE: dict[str, Any] = {"patch_length": 1, "overlap": 0}
CONFIGURATIONS: dict[str, tuple[dict[str, Any], InputFormat]] = {
    "power": ({"power": 2.0}, InputFormat("int8", 0.0564 * 2, 16)),
    "slaney": ({"norm": "slaney", "htk": False, "fmin": 0}, InputFormat("uint8", 0.03, 255)),
    "256": ({"n_fft": 256, "window_length": 256, "n_mels": 30}, YAMNET_INPUT),
    "1024": ({"n_fft": 1024, "window_length": 1024, "hop_length": 320}, YAMNET_INPUT),
    "2048": (
        {"n_fft": 2048, "window_length": 1024, "n_mels": 128, "power": 2.0, "norm": "slaney"},
        InputFormat("int8", 0.1, -20),
    ),
    "boxcar": ({"window": "boxcar", "window_length": 512}, YAMNET_INPUT),
    "blackman": ({"window": "blackman", "fmax": None}, YAMNET_INPUT),
}


@pytest.fixture(scope="session")
def recordings(shared_data: Path | None, examples: Path) -> dict[str, np.ndarray]:
    """int16 PCM of 40 clips (PARITONE_CLIPS), of all of ESC-10 when it is there."""
    folder = examples / "esc10" if shared_data is None else shared_data / "ESC-10"
    files = sorted(folder.rglob("*.ogg"))
    chosen = files[:: len(files) // CLIPS][:CLIPS]
    assert len(chosen) == CLIPS
    return {path.stem: audio.to_int16(audio.load(path, RATE)) for path in chosen}


def differences(
    pcm: np.ndarray, frontend: Frontend, changes: dict[str, Any], fmt: InputFormat
) -> np.ndarray:
    """|float - integer| of every cell, in LSBs."""
    wave = pcm.astype(np.float32) / 32768
    spectrogram = log_mel.spectrogram(wave, features(**changes, **SINGLE), RATE)
    limits = np.iinfo(fmt.dtype)
    quantized = np.round(spectrogram / np.float32(fmt.scale) + fmt.zero_point)
    expected = np.clip(quantized, limits.min, limits.max).astype(int)
    return np.abs(expected - frontend.patches(pcm)[:, :, 0].T)


def test_tutorial(recordings: dict[str, np.ndarray]) -> None:
    """No cell is off by more than 1; all but 0.05 % are equal, in each clip all but 0.5 %."""
    frontend = Frontend(make_tables(features(**SINGLE), RATE, YAMNET_INPUT))
    errors = {
        name: differences(pcm, frontend, {}, YAMNET_INPUT) for name, pcm in recordings.items()
    }
    equal = np.concatenate([error.ravel() for error in errors.values()]) == 0
    worst = min((error == 0).mean() for error in errors.values())
    print(f"{len(errors)} clips, {equal.size:,} cells: {equal.mean():.4%} equal, worst {worst:.4%}")
    for name, error in errors.items():
        assert error.max() <= 1, name
        assert (error == 0).mean() >= 0.995, name
    assert equal.mean() >= 0.9995


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_other_configurations(name: str, recordings: dict[str, np.ndarray]) -> None:
    changes, fmt = CONFIGURATIONS[name]
    frontend = Frontend(make_tables(features(**changes, **SINGLE), RATE, fmt))
    for clip, pcm in list(recordings.items())[::10]:
        error = differences(pcm, frontend, changes, fmt)
        assert error.max() <= 1, clip
        assert (error == 0).mean() >= 0.995, clip


def test_float_features(recordings: dict[str, np.ndarray]) -> None:
    """Without a quantized model the patches are the logarithm itself."""
    frontend = Frontend(make_tables(features(), RATE, InputFormat("float32")))
    pcm = next(iter(recordings.values()))
    exact = log_mel.patches(pcm.astype(np.float32) / 32768, features(), RATE)
    assert np.abs(frontend.patches(pcm) - exact).max() < 0.0564
