"""Mel filter bank, and its sparse form: what each band reads."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from paritone.config import FeatureExtraction
from paritone.errors import ConfigError

Floats = npt.NDArray[np.float64]


def mel_bands(features: FeatureExtraction, rate: int) -> Floats:
    """Mel filter bank, float64 [n_mels, n_fft / 2 + 1], librosa's."""
    import warnings

    import librosa

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # empty bands: the float features have them
        bands = librosa.filters.mel(
            sr=rate,
            n_fft=features.n_fft,
            n_mels=features.n_mels,
            fmin=features.fmin,
            fmax=features.fmax,
            htk=features.htk,
            norm=features.norm,
            dtype=np.float64,
        )
    return np.asarray(bands, np.float64)


def sparse_bands(
    bands: Floats,
) -> tuple[int, npt.NDArray[np.int64], npt.NDArray[np.int64], Floats]:
    """First bin in use; each band's first bin (counted from it) and length; all weights in a row.

    ConfigError when no band reads a bin.
    """
    spans = [np.flatnonzero(band) for band in bands]
    used = [span for span in spans if len(span)]
    if not used:
        raise ConfigError("feature_extraction.fmin, fmax: no mel band reads a bin of the spectrum")
    first = min(int(span[0]) for span in used)
    starts = np.array([span[0] - first if len(span) else 0 for span in spans])
    lengths = np.array([span[-1] - span[0] + 1 if len(span) else 0 for span in spans])
    values = [
        band[first + start : first + start + length]
        for band, start, length in zip(bands, starts, lengths, strict=True)
    ]
    return first, starts, lengths, np.concatenate(values)
