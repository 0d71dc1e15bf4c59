"""The window of a frame, and the room that the FFT needs above it."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from paritone.config import FeatureExtraction

Floats = npt.NDArray[np.float64]


def periodic_window(features: FeatureExtraction) -> Floats:
    """Periodic window, float64 [window_length], as librosa takes it from SciPy.

    ValueError or TypeError where SciPy knows no such window, or its values are none.
    """
    from scipy.signal import get_window

    window = np.asarray(get_window(features.window, features.window_length, fftbins=True), float)
    if not np.isfinite(window).all() or not window.any():
        raise ValueError("its values are not finite, or all zero")
    return window


def guard_bits(window: Floats, n_fft: int) -> int:
    """Bits by which the window is lowered so that no partial sum of the FFT wraps: 0, 1, ...

    The FFT of n_fft / 2 pairs (even, odd sample) forms means over 4^s (or 2 * 4^s) pairs equally
    far apart; a full-scale signal makes them as large as the mean of the pairs' lengths. Its
    last step adds the means of the even and of the odd samples. Flooring the windowed samples of
    the quietest frames adds 2^-15 to them. A single value of 1.0 does no harm: only a sample of
    -32768 reaches it, as -1.0.
    """
    samples = np.zeros(n_fft)
    start = (n_fft - len(window)) // 2
    samples[start : start + len(window)] = np.abs(window)
    pairs = np.hypot(samples[0::2], samples[1::2])
    half = n_fft // 2
    means = [2 * samples.mean()]
    size = 16 if half.bit_length() % 2 else 8
    while size <= half:
        means.append(pairs.reshape(size, half // size).mean(axis=0).max())
        size *= 4
    bound = max(float(samples.max()) - 1e-6, max(means) * (1 + 2.0**-14))
    return max(0, math.ceil(math.log2(bound)))


def q31(values: Floats) -> npt.NDArray[np.int32]:
    """Values in -1..1 times 2^31, rounded; the ends within +- (2^31 - 1)."""
    limit = 2**31 - 1
    return np.clip(np.rint(np.ldexp(values, 31)), -limit, limit).astype(np.int32)
