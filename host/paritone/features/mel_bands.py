"""Mel bands by segments: between two neighbouring mel points one band falls as the next rises."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from paritone.config import FeatureExtraction
from paritone.errors import ConfigError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MelSegments:
    """The n_mels + 2 mel points cut the bins into n_mels + 1 segments.

    Attributes
    ----------
    first_bin : >= 1; the bins in use follow it, segment after segment
    lengths : int64 [n_mels + 1], bins in a segment, 0 for many of a fine bank
    rise : float64 [bins in use], 0..1: weight in the band that rises; 1 - rise in the one before
    gain : float64 [n_mels], of each band's sum; None where all are 1
    """

    first_bin: int
    lengths: npt.NDArray[np.int64]
    rise: Floats
    gain: Floats | None


def mel_segments(features: FeatureExtraction, rate: int) -> MelSegments:
    """Mel filter bank of librosa's mel points (``librosa.filters.mel``: triangles between them).

    Bins 0 and n_fft / 2 are left out: no triangle gives them weight, as `features.fmax` is half
    of `rate` at most. ConfigError when no band reads a bin.
    """
    import librosa

    fmax = rate / 2 if features.fmax is None else features.fmax
    points = librosa.mel_frequencies(
        features.n_mels + 2, fmin=features.fmin, fmax=fmax, htk=features.htk
    )
    bins = np.arange(1, features.n_fft // 2)
    frequencies = bins * (rate / features.n_fft)
    inside = (frequencies > points[0]) & (frequencies < points[-1])
    if not inside.any():
        raise ConfigError("feature_extraction.fmin, fmax: no mel band reads a bin of the spectrum")
    bins, frequencies = bins[inside], frequencies[inside]
    segment = np.searchsorted(points, frequencies, side="right") - 1
    rise = (frequencies - points[segment]) / np.diff(points)[segment]
    return MelSegments(
        first_bin=int(bins[0]),
        lengths=np.bincount(segment, minlength=features.n_mels + 1),
        rise=rise,
        gain=2 / (points[2:] - points[:-2]) if features.norm == "slaney" else None,
    )
