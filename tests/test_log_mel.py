"""Float log-mel patches against the formulas themselves, written out in NumPy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from paritone import audio
from paritone.config.data import TUTORIAL_FEATURES, TUTORIAL_PREPROCESSING, FeatureExtraction
from paritone.errors import AudioError, ConfigError
from paritone.features import log_mel

RATE = 16000


def features(**changes: object) -> FeatureExtraction:
    return FeatureExtraction.model_validate({**TUTORIAL_FEATURES.model_dump(), **changes})


def noise(samples: int) -> np.ndarray:
    return np.random.default_rng(3).uniform(-0.5, 0.5, samples).astype(np.float32)


def hertz_to_mel(hertz: np.ndarray, htk: bool) -> np.ndarray:
    """HTK: 2595 log10(1 + f / 700). Slaney: 3 f / 200 up to 1 kHz, then 27 steps per ln 6.4."""
    if htk:
        return 2595 * np.log10(1 + hertz / 700)
    above = 15 + np.log(np.maximum(hertz, 1) / 1000) * 27 / np.log(6.4)
    return np.where(hertz < 1000, hertz * 3 / 200, above)


def mel_weights(f: FeatureExtraction) -> np.ndarray:
    """Triangles between n_mels + 2 corners that are evenly spaced in mel; slaney: area 1."""
    grid = np.linspace(0, RATE / 2, 200001)
    low, high = hertz_to_mel(np.array([f.fmin, f.fmax or RATE / 2]), f.htk)
    corners = np.interp(np.linspace(low, high, f.n_mels + 2), hertz_to_mel(grid, f.htk), grid)
    bins = np.arange(f.n_fft // 2 + 1) * RATE / f.n_fft
    rows = []
    for left, top, right in zip(corners, corners[1:], corners[2:], strict=False):
        row = np.clip(
            np.minimum((bins - left) / (top - left), (right - bins) / (right - top)), 0, 1
        )
        rows.append(row * 2 / (right - left) if f.norm == "slaney" else row)
    return np.array(rows)


def log_mel_by_hand(wave: np.ndarray, f: FeatureExtraction) -> np.ndarray:
    """Frames at multiples of hop_length, periodic Hann window centred in n_fft, |DFT|^power."""
    steps = np.arange(f.window_length)
    window = np.zeros(f.n_fft)
    start = (f.n_fft - f.window_length) // 2
    window[start : start + f.window_length] = 0.5 - 0.5 * np.cos(
        2 * np.pi * steps / f.window_length
    )
    count = 1 + (len(wave) - f.n_fft) // f.hop_length
    frames = np.stack([wave[i * f.hop_length :][: f.n_fft] for i in range(count)])
    magnitude = np.abs(np.fft.rfft(frames.astype(np.float64) * window)) ** f.power
    return np.log(mel_weights(f) @ magnitude.T + 1e-4)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"power": 2.0, "norm": "slaney", "htk": False},
        {"n_fft": 1024, "window_length": 1024, "hop_length": 256, "n_mels": 40, "fmin": 0},
        {"window_length": 401, "fmax": None, "htk": False},
    ],
)
def test_spectrogram_is_the_formula(changes: dict[str, object]) -> None:
    f, wave = features(**changes), noise(RATE)
    result = log_mel.spectrogram(wave, f, RATE)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, log_mel_by_hand(wave, f), atol=2e-4)


def test_silence_is_the_logarithm_of_the_offset() -> None:
    result = log_mel.spectrogram(np.zeros(RATE, np.float32), TUTORIAL_FEATURES, RATE)
    assert result.shape == (64, 97)
    np.testing.assert_allclose(result, -9.2103404, atol=1e-6)


@pytest.mark.parametrize(("power", "decibels"), [(1.0, 20), (2.0, 10)])
def test_decibels_are_relative_to_the_clips_maximum(power: float, decibels: int) -> None:
    wave = noise(RATE)
    f = features(power=power, to_db=True)
    mel = np.exp(log_mel_by_hand(wave, f)) - 1e-4
    expected = decibels * np.log10(mel / mel.max())
    result = log_mel.spectrogram(wave, f, RATE)
    assert result.max() == 0
    np.testing.assert_allclose(result, expected, atol=2e-3)


@pytest.mark.parametrize(
    ("overlap", "last", "frames", "starts"),
    [
        (0.25, False, 96, [0]),
        (0.25, False, 167, [0]),
        (0.25, False, 168, [0, 72]),
        (0.25, True, 168, [0, 72]),
        (0.25, True, 169, [0, 72, 73]),
        (0.0, False, 300, [0, 96, 192]),
        (0.0, True, 300, [0, 96, 192, 204]),
        (0.5, False, 200, [0, 48, 96]),
        (0.999, False, 98, [0, 1, 2]),
    ],
)
def test_patches_start_where_the_zoo_starts_them(
    overlap: float, last: bool, frames: int, starts: list[int]
) -> None:
    ramp = np.tile(np.arange(frames, dtype=np.float32), (64, 1))
    patches = log_mel.cut(ramp, features(overlap=overlap, include_last_patch=last))
    assert patches.shape == (len(starts), 64, 96)
    assert patches[:, 0, 0].tolist() == starts
    assert patches[:, 63, 95].tolist() == [start + 95 for start in starts]


def test_a_clip_shorter_than_a_patch_names_the_lengths() -> None:
    shortest = 95 * 160 + 512
    assert len(log_mel.patches(noise(shortest), TUTORIAL_FEATURES, RATE)) == 1
    for samples in (0, 100, shortest - 1):
        with pytest.raises(AudioError, match=rf"{samples} samples give \d+ .*\({shortest} samples"):
            log_mel.patches(noise(samples), TUTORIAL_FEATURES, RATE)
    with pytest.raises(AudioError, match="95 frames, a patch needs 96"):
        log_mel.cut(np.zeros((64, 95), np.float32), TUTORIAL_FEATURES)


@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("samples", [512, 671, 672, 16000, 16001])
def test_frame_count_is_the_spectrograms(center: bool, samples: int) -> None:
    f = features(center=center)
    count = log_mel.frame_count(samples, f)
    assert log_mel.spectrogram(noise(samples), f, RATE).shape == (64, count)


def test_an_unknown_window_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match="feature_extraction: librosa refuses it"):
        log_mel.spectrogram(noise(RATE), features(window="hanning_of_sorts"), RATE)


def test_real_clips_give_what_the_zoo_saw(examples: Path) -> None:
    """5 s clips give 6 patches; values lie between ln(1e-4) and about 5.3."""
    counts = []
    for path in sorted((examples / "esc10/audio").glob("5-*.ogg"))[:8]:
        wave = audio.preprocess(audio.load(path, RATE), TUTORIAL_PREPROCESSING)
        patches = log_mel.patches(wave, TUTORIAL_FEATURES, RATE)
        counts.append(len(patches))
        assert patches.min() >= np.float32(np.log(1e-4)) - 1e-6
        assert patches.max() < 6
    assert max(counts) == 6
