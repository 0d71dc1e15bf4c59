"""Augmentation of waveforms: what each change does, and versions that are made once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import librosa
import numpy as np
import pytest
import yaml
from scipy import signal

from paritone import config as configuration
from paritone import datasets
from paritone.config import Config
from paritone.config.augmentation import DataAugmentation
from paritone.errors import ConfigError
from paritone.training import check, data
from paritone.training.versions import with_versions
from paritone.training.waveform import change, coloured_noise
from zoo_config import FEATURES, PREPROCESSING, write_wav

RATE = 16000


def tone(hertz: float, seconds: float = 1.0, level: float = 0.2) -> np.ndarray:
    time = np.arange(int(seconds * RATE)) / RATE
    return (level * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def changed(wave: np.ndarray, seed: int = 0, **sections: Any) -> np.ndarray:
    others = {name: sections.pop(name, None) for name in ("partner", "background")}
    made = {name: {"enable": True, **keys} for name, keys in sections.items()}
    settings = DataAugmentation.model_validate(made)
    return change(wave, RATE, settings, np.random.default_rng(seed), **others)


def strongest(wave: np.ndarray) -> float:
    frequency, power = signal.periodogram(wave, RATE, window="hann", nfft=1 << 17)
    return float(frequency[power.argmax()])


def decibels(wave: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(np.square(wave, dtype=np.float64))))


def test_a_stretched_tone_keeps_its_pitch() -> None:
    wave = changed(tone(440.0), TimeStretch={"min_rate": 1.25, "max_rate": 1.25})
    assert abs(len(wave) - RATE / 1.25) <= 1
    assert abs(strongest(wave) - 440.0) < 5
    assert wave.dtype == np.float32


def test_a_shifted_tone_keeps_its_duration() -> None:
    wave = changed(tone(440.0), PitchShift={"min_semitones": 12, "max_semitones": 12})
    assert abs(len(wave) - RATE) <= 1
    assert abs(strongest(wave) - 880.0) < 5


def test_both_at_once_are_librosas_one_after_the_other() -> None:
    noise = coloured_noise(RATE, 1.0, np.random.default_rng(1)) * np.float32(0.1)
    wave = np.concatenate([tone(600.0, 0.5), noise[: RATE // 2]]).astype(np.float32)
    found = changed(
        wave,
        TimeStretch={"min_rate": 0.8, "max_rate": 0.8},
        PitchShift={"min_semitones": -3, "max_semitones": -3},
    )
    shifted = librosa.effects.pitch_shift(wave, sr=RATE, n_steps=-3)
    expected = librosa.effects.time_stretch(shifted, rate=0.8)
    assert abs(len(found) - len(expected)) <= 1
    # The phases of two vocoders differ; what a model sees does not.
    mels = [librosa.feature.melspectrogram(y=w, sr=RATE, n_mels=20) for w in (found, expected)]
    frames = min(mel.shape[1] for mel in mels)
    logs = [np.log(mel[:, :frames] + 1e-3) for mel in mels]
    assert np.corrcoef(logs[0].ravel(), logs[1].ravel())[0, 1] > 0.97


def test_a_gain_stays_within_full_scale() -> None:
    quiet = tone(440.0, level=0.1)
    louder = changed(quiet, Gain={"min_gain": 6, "max_gain": 6})
    assert abs(decibels(louder) - decibels(quiet) - 6.0) < 1e-3
    assert np.abs(changed(quiet, Gain={"min_gain": 60, "max_gain": 60})).max() == 1.0
    drawn = [decibels(changed(quiet, seed, Gain={})) - decibels(quiet) for seed in range(200)]
    assert -6 <= min(drawn) < -5
    assert 5 < max(drawn) <= 6


@pytest.mark.parametrize("background", [None, tone(3000.0, 0.3)])
def test_noise_has_the_ratio_asked_for(background: np.ndarray | None) -> None:
    wave = tone(440.0)
    noisy = changed(wave, BackgroundNoise={"min_snr": 12, "max_snr": 12}, background=background)
    assert abs(decibels(wave) - decibels(noisy - wave) - 12.0) < 0.01
    if background is not None:
        assert abs(strongest(noisy - wave) - 3000.0) < 20


def test_silence_stays_silent() -> None:
    silence = np.zeros(RATE, np.float32)
    made = changed(silence, BackgroundNoise={}, ClassMix={}, Gain={}, partner=tone(440.0))
    assert not made.any()
    assert not changed(silence, BackgroundNoise={}, background=silence).any()


def test_coloured_noise_falls_as_its_exponent_says() -> None:
    for exponent in (0.0, 1.0, 2.0):
        noise = coloured_noise(20 * RATE, exponent, np.random.default_rng(3))
        frequency, power = signal.welch(noise, RATE, nperseg=4096)
        inside = (frequency > 100) & (frequency < 6000)
        slope = np.polyfit(np.log(frequency[inside]), np.log(power[inside]), 1)[0]
        assert abs(slope + exponent) < 0.1


def test_a_clip_of_the_class_is_added_at_its_level() -> None:
    wave, partner = tone(440.0), tone(2000.0, 0.4, level=0.7)
    mixed = changed(wave, ClassMix={"min_level": -6, "max_level": -6}, partner=partner)
    assert abs(decibels(mixed - wave) - decibels(wave) + 6.0) < 0.01
    np.testing.assert_array_equal(changed(wave, ClassMix={}, partner=None), wave)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Load a training set of four tones in two classes, with sections changed."""
    monkeypatch.setattr("paritone.cache.folder", lambda: tmp_path / "cache")
    (tmp_path / "audio").mkdir()
    for number, hertz in enumerate((300, 400, 3000, 4000)):
        write_wav(tmp_path / f"audio/{number}.wav", tone(hertz, 0.4 + 0.2 * number))
    (tmp_path / "clips.csv").write_text("filename,category\n0,low\n1,low\n2,high\n3,high\n")

    def load(seed: int | None = 5, **sections: Any) -> Config:
        base = {
            "operation_mode": "training",
            "general": {"global_seed": "None" if seed is None else seed},
            "dataset": {
                "training_audio_path": str(tmp_path / "audio"),
                "training_csv_path": str(tmp_path / "clips.csv"),
                "validation_split": "None",
            },
            "preprocessing": {**PREPROCESSING, "min_length": 0.2},
            "feature_extraction": FEATURES,
            "data_augmentation": {
                "n_versions": 3,
                "TimeStretch": {"enable": True},
                "ClassMix": {"enable": True},
                **sections,
            },
            "training": {"model": {"name": "miniresnet", "pooling": "avg"}, "epochs": 1},
        }
        file = tmp_path / "user_config.yaml"
        file.write_text(yaml.safe_dump(base))
        return configuration.load_file(file)

    return load


def recordings(config: Config) -> data.Recordings:
    clips = datasets.load(config, "training")
    assert clips is not None
    return with_versions(data.read(clips, config, "clips"), clips, config)


def test_versions_are_made_once_and_follow_the_seed(project: Any, tmp_path: Path) -> None:
    first = recordings(project())
    assert [len(each) for each in first.versions] == [3, 3, 3, 3]
    flat = [version for each in first.versions for version in each]
    assert all(v.shape[0] == 20 and v.shape[1] >= 16 and v.dtype == np.float32 for v in flat)
    assert len({version.tobytes() for version in flat}) == 12
    entries = {p: p.stat().st_mtime_ns for p in (tmp_path / "cache").glob("*/*")}
    assert len(entries) == 4 + 4 + 12, "PCM, spectrograms, versions"
    again = recordings(project())
    assert set((tmp_path / "cache").glob("*/*")) == set(entries)
    for old, new in zip(flat, (v for each in again.versions for v in each), strict=True):
        np.testing.assert_array_equal(old, new)
    for other in (project(seed=6), project(TimeStretch={"enable": True, "max_rate": 1.5})):
        for old, new in zip(first.versions, recordings(other).versions, strict=True):
            assert not any(np.array_equal(a, b) for a, b in zip(old, new, strict=True))
    assert recordings(project(ClassMix={}, TimeStretch={})).versions == ()


def test_without_a_seed_every_run_has_its_own(project: Any) -> None:
    first, second = (recordings(project(seed=None)) for _ in range(2))
    assert not np.array_equal(first.versions[0][0], second.versions[0][0])


def test_patches_come_from_the_clip_and_all_its_versions(project: Any) -> None:
    """Spectrograms that hold one number each tell where a patch was cut."""
    made = data.Recordings(
        (np.zeros((20, 40), np.float32),),
        np.eye(1, dtype=np.float32),
        ((np.full((20, 16), 1, np.float32), np.full((20, 90), 2, np.float32)),),
    )
    config = project(TimeShift={"enable": True, "max_shift": 5})
    stream = data.batches(made, config)
    seen = [float(patch[0, 0, 0]) for _ in range(60) for patch in next(stream)[0]]
    shares = [np.mean(np.asarray(seen) == number) for number in range(3)]
    assert sum(shares) == 1
    assert min(shares) > 0.2


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"Gain": {"min_gain": 3, "max_gain": -3}}, r"Gain\.max_gain: expected at least min_gain"),
        ({"VolumeAugment": {"min_scale": 2}}, r"VolumeAugment\.max_scale: expected at least"),
        ({"TimeStretch": {"min_rate": 0}}, r"TimeStretch\.min_rate: expected a number greater"),
        ({"PitchShift": {"semitones": 2}}, "PitchShift': unknown key 'semitones'"),
        ({"n_versions": 0}, "n_versions: expected a number greater"),
        (
            {"BackgroundNoise": {"enable": True, "audio_path": "nowhere"}},
            r"BackgroundNoise\.audio_path: no such folder: .*nowhere",
        ),
    ],
)
def test_unfit_settings(project: Any, sections: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        project(**sections)


def test_a_folder_without_recordings_is_refused_before_training(
    project: Any, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    config = project(BackgroundNoise={"enable": True, "audio_path": str(tmp_path / "empty")})
    with pytest.raises(ConfigError, match="expected a folder of recordings"):
        check(config, 2)
