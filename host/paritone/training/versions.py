"""Changed versions of the training clips, made once and kept on disk between runs.

``general.global_seed``, a clip's content and a version's number decide what is random in it: the
same clip has the same versions in every fold of a cross-validation.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from paritone.audio import Wave, load
from paritone.cache import Cache, content_of, key_of, sources
from paritone.config import Config, FeatureExtraction
from paritone.config.augmentation import DataAugmentation
from paritone.datasets import Clip, Dataset
from paritone.datasets.prepared_audio import PreparedAudio, code, made_from, patch_samples
from paritone.errors import ConfigError
from paritone.features import log_mel
from paritone.training.data import Recordings
from paritone.training.waveform import change

Array = npt.NDArray[np.float32]
_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")
_INT16 = np.float32(32768.0)


@dataclass(frozen=True)
class _Version:
    """What one version is made from.

    Attributes
    ----------
    partner, background : files, None where there is none or none is needed
    """

    clip: Path
    number: int
    partner: Path | None
    background: Path | None
    seed: tuple[int, ...] | None


def check(config: Config) -> None:
    """Raise ConfigError unless the recordings of background noise are there."""
    _backgrounds(config.data_augmentation or DataAugmentation())


def with_versions(recordings: Recordings, dataset: Dataset, config: Config) -> Recordings:
    """Add ``n_versions`` of each clip where ``data_augmentation`` changes waveforms.

    Raises
    ------
    AudioError, ConfigError
        A recording of background noise cannot be read, or there is none.
    """
    from paritone.progress import track

    settings = config.data_augmentation or DataAugmentation()
    if not settings.of_waveforms():
        return recordings
    maker = _Maker(config, settings)
    wanted = _planned(dataset.clips, settings, config.general.global_seed)
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        done = pool.map(maker.spectrogram, wanted)
        try:
            made = list(track(done, "Changing training clips", len(wanted)))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    maker.tidy()
    each = settings.n_versions
    versions = tuple(tuple(made[first : first + each]) for first in range(0, len(made), each))
    return replace(recordings, versions=versions)


def _planned(clips: Sequence[Clip], settings: DataAugmentation, seed: int | None) -> list[_Version]:
    """Say what each version is made from, clip after clip."""
    backgrounds = _backgrounds(settings)
    by_labels: dict[tuple[str, ...], list[Path]] = {}
    for clip in clips if settings.ClassMix.enable else ():
        by_labels.setdefault(tuple(clip.labels), []).append(clip.path)
    plan = []
    for clip in clips:
        content = int(content_of(clip.path)[:8], 16)
        others = [path for path in by_labels.get(tuple(clip.labels), ()) if path != clip.path]
        for number in range(settings.n_versions):
            chosen = None if seed is None else (abs(seed), content, number)
            rng = np.random.default_rng(chosen)
            partner, background = _drawn(others, rng), _drawn(backgrounds, rng)
            plan.append(_Version(clip.path, number, partner, background, chosen))
    return plan


def _drawn(paths: Sequence[Path], rng: np.random.Generator) -> Path | None:
    return paths[int(rng.integers(len(paths)))] if paths else None


def _backgrounds(settings: DataAugmentation) -> list[Path]:
    folder = settings.BackgroundNoise.audio_path
    if not settings.BackgroundNoise.enable or folder is None:
        return []
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)
    if not found:
        raise ConfigError(
            "data_augmentation.BackgroundNoise.audio_path: expected a folder of recordings "
            f"({', '.join(_SUFFIXES)}), got {folder}"
        )
    return found


class _Maker:
    """Makes spectrograms of versions, or finds them on disk; safe in several threads."""

    def __init__(self, config: Config, settings: DataAugmentation) -> None:
        self._config, self._settings = config, settings
        self._prepared = PreparedAudio(config)
        # Without a seed every run has versions of its own: there is nothing to find again.
        kept = config.dataset.to_cache and config.general.global_seed is not None
        self._cache = Cache() if kept else None

    def spectrogram(self, version: _Version) -> Array:
        if self._cache is None:
            return self._make(version)
        key = key_of(self._key(version))
        found = (self._cache.get(key) or {}).get("spectrogram")
        if found is None:
            found = self._make(version)
            self._cache.put(key, {"spectrogram": found})
        return found

    def tidy(self) -> None:
        if self._cache is not None:
            self._cache.tidy()

    def _key(self, version: _Version) -> dict[str, Any]:
        files = (version.clip, version.partner, version.background)
        return {
            "kind": "version",
            "files": [(content_of(f), f.suffix.lower()) if f is not None else None for f in files],
            "seed": version.seed,
            "settings": {
                name: section.model_dump(mode="json", exclude={"audio_path"})
                for name, section in self._settings.of_waveforms().items()
            },
            **made_from("spectrogram", self._config),
            "code": {**code(), "versions": sources("training/versions.py", "training/waveform.py")},
        }

    def _make(self, version: _Version) -> Array:
        config = self._config
        rate, features = config.preprocessing.target_rate, config.feature_extraction
        seed = None if version.seed is None else [*version.seed, 1]
        partner = None if version.partner is None else self._wave(version.partner)
        background = None if version.background is None else load(version.background, rate)
        wave = change(
            self._wave(version.clip),
            rate,
            self._settings,
            np.random.default_rng(seed),
            partner,
            background,
        )
        return log_mel.spectrogram(_long_enough(wave, features), features, rate)

    def _wave(self, path: Path) -> Wave:
        return (self._prepared.pcm(path) / _INT16).astype(np.float32)


def _long_enough(wave: Wave, features: FeatureExtraction) -> Wave:
    """Repeat what became shorter than a patch until it is one."""
    return np.resize(wave, max(len(wave), patch_samples(features)))
