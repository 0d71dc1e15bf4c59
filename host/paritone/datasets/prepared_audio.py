"""Clips -> preprocessed PCM and log-mel spectrograms, computed once for every run that asks.

What is kept on disk (`paritone.cache`) depends on the bytes of the clip's file, on the keys that
its computation reads and no others, and on the versions of the code that did it. So a clip may
be moved or copied, and ``patch_length``, ``overlap`` or a model changed, without computing again.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paritone import audio
from paritone.cache import Cache, content_of, key_of, sources, versions
from paritone.config import Config, FeatureExtraction
from paritone.datasets import distributed
from paritone.errors import AudioError
from paritone.features import log_mel

Pcm = NDArray[np.int16]
Spectrogram = NDArray[np.float32]

CUTTING = {"patch_length", "overlap", "include_last_patch", "db_reference"}
"""Keys of ``feature_extraction`` that say how a spectrogram is cut, or concern the device only."""


class PreparedAudio:
    """The audio of a configuration's clips; ``dataset.to_cache`` keeps it between runs.

    Safe to use from several threads, and the folder behind it by several processes.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._cache = Cache() if config.dataset.to_cache else None

    def pcm(self, path: Path) -> Pcm:
        """Return a clip as int16 [samples] after preprocessing: what the device is fed.

        Raises
        ------
        AudioError
        """
        return self._arrays(path, "pcm")[0]

    def whole(self, path: Path) -> Pcm:
        """Return a clip as int16 [samples], as a microphone gives it: cut at ``max_length``.

        Only a clip too short for a single patch is lengthened, as preprocessing does it.

        Raises
        ------
        AudioError
        """
        return self._arrays(path, "whole")[0]

    def spectrogram(self, path: Path) -> Spectrogram:
        """Return a clip's log-mel spectrogram: float32 [n_mels, frames], at least a patch of it.

        Raises
        ------
        AudioError
            Names the clip that cannot be read or is shorter than a patch.
        """
        return self._long_enough(path, *self._arrays(path, "spectrogram"))

    def pcm_and_spectrogram(self, path: Path) -> tuple[Pcm, Spectrogram]:
        """Return `pcm` and `spectrogram` of a clip, which is read once for both."""
        pcm, spectrogram = self._arrays(path, "pcm", "spectrogram")
        return pcm, self._long_enough(path, spectrogram)

    def ready(self, paths: Iterable[Path], *kinds: str, title: str = "clips") -> None:
        """Have Ray compute what the disk lacks of clips, if ``execution.engine`` says so.

        Parameters
        ----------
        kinds : pcm, whole or spectrogram, what is going to be asked for

        Raises
        ------
        ConfigError, ToolMissingError
        """
        execution = self._config.execution
        if execution.engine != "ray" or self._cache is None or distributed.inside_worker():
            return
        wanted = {}
        for path in dict.fromkeys(path for path in paths if path.is_file()):
            keys = {kind: self._key(kind, _file(path)) for kind in kinds}
            if not all(map(self._cache.has, keys.values())):
                wanted[path] = keys
        if not wanted:
            return
        title = f"Reading {title} through Ray"
        for key, arrays in distributed.arrays(wanted, self.keyed, execution.address, title):
            self._cache.put(key, arrays)

    def keyed(self, path: Path, kinds: Sequence[str]) -> dict[str, tuple[str, NDArray[Any]]]:
        """Compute arrays of a clip, whatever is on the disk; with the key of each."""
        clip, file = _Clip(path, self._config), _file(path)
        return {kind: (self._key(kind, file), getattr(clip, kind)) for kind in kinds}

    def tidy(self) -> None:
        """Keep what is on disk within its limit; to be called after much was computed."""
        if self._cache is not None:
            self._cache.tidy()

    def _arrays(self, path: Path, *kinds: str) -> list[NDArray[Any]]:
        """Arrays of a clip, from the disk where they are there, else computed and kept there."""
        clip = _Clip(path, self._config)
        if self._cache is None or not path.is_file():
            return [getattr(clip, kind) for kind in kinds]
        found, file = [], _file(path)
        for kind in kinds:
            key = self._key(kind, file)
            array = (self._cache.get(key) or {}).get(kind)
            if array is None:
                array = getattr(clip, kind)
                self._cache.put(key, {kind: array})
            found.append(array)
        return found

    def _key(self, kind: str, file: Mapping[str, str]) -> str:
        return key_of({"kind": kind, **file, **made_from(kind, self._config), "code": code()})

    def _long_enough(self, path: Path, spectrogram: Spectrogram) -> Spectrogram:
        if spectrogram.shape[1] < self._config.feature_extraction.patch_length:
            _Clip(path, self._config).require_patch()
        return spectrogram


def _file(path: Path) -> dict[str, str]:
    """What an entry depends on of a clip's file."""
    try:
        return {"content": content_of(path), "suffix": path.suffix.lower()}
    except OSError as error:
        raise AudioError(f"{path}: cannot be read: {error.strerror}") from error


def made_from(kind: str, config: Config) -> dict[str, Any]:
    """Return the keys of a configuration that an array of this kind depends on."""
    made_from: dict[str, Any] = {"preprocessing": config.preprocessing.model_dump(mode="json")}
    features = config.feature_extraction
    if kind == "whole":
        made_from["least"] = patch_samples(features)
    elif kind == "spectrogram":
        made_from["features"] = features.model_dump(mode="json", exclude=CUTTING)
    return made_from


class _Clip:
    """One clip being computed: read once, whatever is asked of it."""

    def __init__(self, path: Path, config: Config) -> None:
        self._path = path
        self._settings = config.preprocessing
        self._features = config.feature_extraction

    @cached_property
    def _loaded(self) -> audio.Wave:
        return audio.load(self._path, self._settings.target_rate)

    @cached_property
    def _wave(self) -> audio.Wave:
        return audio.preprocess(self._loaded, self._settings)

    @property
    def pcm(self) -> Pcm:
        return audio.to_int16(self._wave)

    @property
    def whole(self) -> Pcm:
        untrimmed: dict[str, Any] = {"top_db": None, "trim_last_second": False}
        if len(self._loaded) >= patch_samples(self._features):
            untrimmed["min_length"] = 0.0
        settings = self._settings.model_copy(update=untrimmed)
        return audio.to_int16(audio.preprocess(self._loaded, settings))

    @property
    def spectrogram(self) -> Spectrogram:
        self.require_patch()
        return log_mel.spectrogram(self._wave, self._features, self._settings.target_rate)

    def require_patch(self) -> None:
        try:
            log_mel.require_patch(len(self._wave), self._features)
        except AudioError as error:
            raise AudioError(
                f"{self._path}: after preprocessing {error}; drop the clip or raise "
                "preprocessing.min_length"
            ) from error


def patch_samples(features: FeatureExtraction) -> int:
    """Samples that give one patch, before the padding of ``center``."""
    last = (features.patch_length - 1) * features.hop_length
    return last + (1 if features.center else features.n_fft)


@cache
def code() -> dict[str, Any]:
    """Return what computes the entries: the machine's kind, libraries and our own modules."""
    import soundfile

    return {
        "machine": platform.machine(),
        "libsndfile": soundfile.__libsndfile_version__,
        **versions("librosa", "numpy", "scipy", "soundfile", "soxr"),
        "paritone": sources("audio.py", "datasets/prepared_audio.py", "features/log_mel.py"),
    }
