"""Clips -> preprocessed audio and float log-mel patches, computed once for all later stages."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paritone import cores
from paritone.config import Config
from paritone.datasets import Clip, Dataset
from paritone.datasets.prepared_audio import PreparedAudio
from paritone.features import log_mel

NOISE_PATCHES = 4


@dataclass(frozen=True)
class ClipData:
    """One clip after preprocessing: what the host's model and the device are fed.

    Attributes
    ----------
    pcm : int16 [samples], the preprocessed clip at the target rate, as the device hears it
    patches : float32 [patches, n_mels, patch_length], log-mel of the same clip before rounding
    """

    clip: Clip
    pcm: NDArray[np.int16]
    patches: NDArray[np.float32]


class ClipStore:
    """Prepared clips of one configuration, each read and transformed once."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._data: dict[str, ClipData] = {}

    def load(self, dataset: Dataset, title: str = "clips") -> list[ClipData]:
        """Prepare the clips of a data set, in its order.

        Raises
        ------
        AudioError
            Names the clip that cannot be read or is shorter than a patch.
        """
        missing = [clip for clip in dataset.clips if str(clip.path) not in self._data]
        if missing:
            self._prepare(missing, title)
        # A clip may be listed again with other labels: the audio is shared, the labels are not.
        known = (self._data[str(clip.path)] for clip in dataset.clips)
        return [
            ClipData(clip, data.pcm, data.patches)
            for clip, data in zip(dataset.clips, known, strict=True)
        ]

    def _prepare(self, clips: Sequence[Clip], title: str) -> None:
        from paritone.progress import track

        prepared = PreparedAudio(self._config)
        prepared.ready((clip.path for clip in clips), "pcm", "spectrogram", title=title)
        with ThreadPoolExecutor(cores.count()) as pool:
            done = pool.map(lambda clip: prepare(clip, self._config, prepared), clips)
            try:
                for data in track(done, f"Reading {title}", len(clips)):
                    self._data[str(data.clip.path)] = data
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        prepared.tidy()


def prepare(clip: Clip, config: Config, prepared: PreparedAudio) -> ClipData:
    """Read one clip, preprocess it and compute its float patches.

    Raises
    ------
    AudioError
        Names the clip that cannot be read or is shorter than a patch.
    """
    pcm, spectrogram = prepared.pcm_and_spectrogram(clip.path)
    return ClipData(clip, pcm, log_mel.cut(spectrogram, config.feature_extraction))


def noise(config: Config) -> NDArray[np.int16]:
    """White noise, long enough for a few patches: what a board is fed where there is no clip."""
    features = config.feature_extraction
    frames = features.patch_length + (NOISE_PATCHES - 1) * features.patch_step
    samples = features.n_fft + (frames - 1) * features.hop_length
    rng = np.random.default_rng(config.general.global_seed)
    return rng.normal(0, 3000, samples).clip(-32768, 32767).astype(np.int16)
