"""Log-mel patches in float, as the zoo computes them with librosa: what a model was trained on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from paritone.audio import Wave
from paritone.config import FeatureExtraction
from paritone.errors import AudioError, ConfigError

Array = npt.NDArray[np.float32]

LOG_OFFSET = 1e-4
"""Added to each mel magnitude before the logarithm, where ``to_db`` is false."""


def patches(wave: Wave, features: FeatureExtraction, rate: int) -> Array:
    """Return the log-mel patches of a waveform at `rate` Hz.

    float32 of shape (patches, n_mels, patch_length); AudioError if there is not one whole patch.
    """
    require_patch(len(wave), features)
    return cut(spectrogram(wave, features, rate), features)


def require_patch(samples: int, features: FeatureExtraction) -> None:
    """Raise AudioError unless a waveform of `samples` gives one whole patch."""
    frames = frame_count(samples, features)
    if frames < features.patch_length:
        raise AudioError(
            f"too short for a patch: {samples} samples give {frames} frames, a patch needs "
            f"{features.patch_length} ({_samples_needed(features)} samples)"
        )


def spectrogram(wave: Wave, features: FeatureExtraction, rate: int) -> Array:
    """Return the log-mel spectrogram: float32 of shape (n_mels, frames).

    ln(mel + 1e-4), or with ``to_db`` decibels relative to the spectrogram's own maximum (down
    to -80). The window is periodic, centred in n_fft and zero-padded.
    """
    import librosa

    try:
        mel = librosa.feature.melspectrogram(
            y=wave,
            sr=rate,
            n_fft=features.n_fft,
            hop_length=features.hop_length,
            win_length=features.window_length,
            window=features.window,
            center=features.center,
            pad_mode=features.pad_mode,
            power=features.power,
            n_mels=features.n_mels,
            fmin=features.fmin,
            fmax=features.fmax,
            norm=features.norm,
            htk=features.htk,
        )
    except (librosa.ParameterError, ValueError) as error:
        raise ConfigError(f"feature_extraction: librosa refuses it: {error}") from error
    if not features.to_db:
        return np.log(mel + LOG_OFFSET).astype(np.float32)
    to_db = librosa.amplitude_to_db if features.power == 1.0 else librosa.power_to_db
    return to_db(mel, ref=np.max).astype(np.float32)


def cut(spectrogram: Array, features: FeatureExtraction) -> Array:
    """Cut a spectrogram into patches: shape (patches, n_mels, patch_length).

    ``include_last_patch`` adds one that ends at the last frame, unless a regular one does.
    """
    length, frames = features.patch_length, spectrogram.shape[1]
    if frames < length:
        raise AudioError(f"too short for a patch: {frames} frames, a patch needs {length}")
    starts = patch_starts(frames, features)
    return np.stack([spectrogram[:, start : start + length] for start in starts])


def patch_starts(frames: int, features: FeatureExtraction) -> list[int]:
    """Return the first frame of each patch that so many frames give."""
    last = frames - features.patch_length
    starts = list(range(0, last + 1, features.patch_step))
    if starts and features.include_last_patch and starts[-1] != last:
        starts.append(last)
    return starts


def frame_count(samples: int, features: FeatureExtraction) -> int:
    """Return how many frames a waveform of `samples` gives."""
    if features.center:
        return 1 + samples // features.hop_length if samples else 0
    return max(0, 1 + (samples - features.n_fft) // features.hop_length)


def _samples_needed(features: FeatureExtraction) -> int:
    span = (features.patch_length - 1) * features.hop_length
    return max(1, span) if features.center else span + features.n_fft
