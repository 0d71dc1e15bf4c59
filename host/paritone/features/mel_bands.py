"""Mel bands by segments: between two neighbouring mel points one band falls as the next rises."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from paritone.config import FeatureExtraction
from paritone.errors import ConfigError
from paritone.features.curves import Curve

MAX_HEADROOM = 15
NO_BIN = "feature_extraction.fmin, fmax: no mel band reads a bin of the spectrum"

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
        raise ConfigError(NO_BIN)
    bins, frequencies = bins[inside], frequencies[inside]
    segment = np.searchsorted(points, frequencies, side="right") - 1
    rise = (frequencies - points[segment]) / np.diff(points)[segment]
    return MelSegments(
        first_bin=int(bins[0]),
        lengths=np.bincount(segment, minlength=features.n_mels + 1),
        rise=rise,
        gain=2 / (points[2:] - points[:-2]) if features.norm == "slaney" else None,
    )


@dataclass(frozen=True, eq=False)
class MelTables:
    """The mel segments in integers; names as in FrontendTables."""

    first_bin: int
    segment_length: npt.NDArray[np.uint16]
    rise: npt.NDArray[np.uint32]
    rise_bits: int
    gain: npt.NDArray[np.uint32] | None
    exponent: int


def mel_tables(features: FeatureExtraction, rate: int, curve: Curve, unit_bits: int) -> MelTables:
    """Round the weights; bins at the ends that weigh nothing then are left out.

    unit_bits : a bin of magnitude or power 1.0 counts 2^unit_bits
    """
    segments = mel_segments(features, rate)
    gain_bits = 0
    if segments.gain is not None:
        gain_bits = -math.frexp(float(segments.gain.max()))[1]
    bits = _rise_bits(int(features.power), segments.lengths, curve, unit_bits + gain_bits)
    rise = np.rint(np.ldexp(segments.rise, bits)).astype(np.uint32)
    lengths = segments.lengths.copy()
    low = _leading(rise[: lengths[0]] == 0)
    high = _leading(rise[::-1][: lengths[-1]] == 2**bits)
    lengths[0] -= low
    lengths[-1] -= high
    if not lengths.any():
        raise ConfigError(NO_BIN)
    gain = None
    if segments.gain is not None:
        scaled = np.rint(np.ldexp(segments.gain, 32 + gain_bits))
        gain = np.minimum(scaled, 2**32 - 1).astype(np.uint32)
    return MelTables(
        first_bin=segments.first_bin + low,
        segment_length=lengths.astype(np.uint16),
        rise=rise[low : len(rise) - high],
        rise_bits=bits,
        gain=gain,
        exponent=unit_bits + bits + gain_bits,
    )


def _leading(holds: npt.NDArray[np.bool_]) -> int:
    """How many are true before the first that is not."""
    return len(holds) if holds.all() else int(np.argmin(holds))


def _rise_bits(power: int, lengths: npt.NDArray[np.int64], curve: Curve, scale_bits: int) -> int:
    """Fraction bits of the mel weights, as many as fit, 31 at most.

    A band reads the bins of two segments, with weights up to 1: their sum stays below 2^62 for
    magnitudes up to 2^30 (1 + 2^-14) and for powers up to its square, of which the mel stage
    drops 32 bits. Offset and floor stay below 2^62 when shifted by the largest headroom.
    """
    bins_bits = math.log2(int((lengths[:-1] + lengths[1:]).max()))
    by_sum = math.floor((31.99 if power == 1 else 33.99) - bins_bits)
    added_bits = math.log2(max(curve.offset, curve.floor))
    by_offset = math.floor(61.99 - added_bits) - MAX_HEADROOM * power - scale_bits
    return min(31, by_sum, by_offset)


def largest_sum(mel: MelTables, window: Floats, n_fft: int, power: int) -> int:
    """No mel sum of any frame is above it, at any headroom.

    |X| is at most the mean of the window's values (half of a full scale at most, or the FFT has
    guard bits), plus what flooring adds to a windowed sample (2^16) and the FFT to a bin (64).
    """
    spectrum = (np.abs(window).sum() * 2.0**31 + len(window) * 2.0**16) / n_fft + 64
    magnitude = spectrum * (1 + 2.0**-14) + 1
    bin_units = magnitude if power == 1 else magnitude**2 * 2.0**-32
    rise = np.split(mel.rise.astype(float), np.cumsum(mel.segment_length)[:-1])
    rising = np.array([part.sum() for part in rise])
    falling = mel.segment_length * 2.0**mel.rise_bits - rising
    bands = (rising[:-1] + falling[1:]) * bin_units
    if mel.gain is not None:
        bands *= mel.gain * 2.0**-32
    return math.ceil(bands.max() * (1 + 2.0**-20))
