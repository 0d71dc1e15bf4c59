"""What the device cannot compute, each with the nearest setting that it can."""

from __future__ import annotations

import difflib
from typing import Any

import numpy as np

from paritone.config import FeatureExtraction
from paritone.features.padding import NEAREST
from paritone.features.windows import periodic_window

N_FFT = (128, 256, 512, 1024, 2048, 4096)
MAX_MELS = 256
LONGEST = 2**20
DB_REFERENCE = {1: (1e-5, 1e5), 2: (1e-10, 1e10)}
WINDOWS = (
    "barthann",
    "bartlett",
    "blackman",
    "blackmanharris",
    "bohman",
    "boxcar",
    "cosine",
    "flattop",
    "hamming",
    "hann",
    "lanczos",
    "nuttall",
    "parzen",
    "taylor",
    "triang",
    "tukey",
)
"""SciPy's windows that take no argument, or have defaults for theirs."""
WINDOWS_WITH_ARGUMENTS = {
    "chebwin": ("chebwin", 100),
    "dpss": ("dpss", 2.5),
    "gaussian": ("gaussian", 64),
    "general_cosine": ("general_cosine", (0.5, 0.5)),
    "general_gaussian": ("general_gaussian", 1.5, 64),
    "general_hamming": ("general_hamming", 0.54),
    "kaiser": ("kaiser", 8.6),
}
"""The others, with arguments that work."""
PEAK = (2**-4, 2**4)


def device_limits(features: FeatureExtraction, rate: int) -> list[str]:
    """Reasons why the device cannot compute this configuration; empty when it can."""
    f = features
    low, high = DB_REFERENCE[2 if f.power == 2 else 1]
    checks = [
        (
            f.n_fft in N_FFT,
            f"n_fft is {f.n_fft}: the device does powers of two from {N_FFT[0]} to {N_FFT[-1]}; "
            f"the nearest is {_nearest_n_fft(f)}",
        ),
        (
            f.window_length <= f.n_fft,
            f"window_length is {f.window_length}: the device does up to n_fft, {f.n_fft}",
        ),
        (f.n_mels <= MAX_MELS, f"n_mels is {f.n_mels}: the device does up to {MAX_MELS}"),
        (
            not f.center or f.pad_mode not in NEAREST,
            f"pad_mode is {f.pad_mode}: {NEAREST.get(f.pad_mode)}",
        ),
        (
            not f.to_db or f.db_reference is not None,
            "to_db is True: a stream does not know the clip's maximum; set db_reference to the "
            "mel value that is 0 dB, or use False",
        ),
        (
            not f.to_db or f.db_reference is None or low <= f.db_reference <= high,
            f"db_reference is {f.db_reference}: the device does {low:g} to {high:g}",
        ),
        (f.power in (1, 2), f"power is {f.power:g}: the device does 1 and 2"),
        (f.hop_length <= LONGEST, f"hop_length is {f.hop_length}: the device does up to {LONGEST}"),
        (
            f.patch_length <= LONGEST,
            f"patch_length is {f.patch_length}: the device does up to {LONGEST}",
        ),
        (
            f.fmax is None or f.fmax <= rate / 2,
            f"fmax is {f.fmax}: the device does up to half of target_rate, {rate / 2:g}",
        ),
    ]
    reasons = [f"feature_extraction.{reason}" for holds, reason in checks if not holds]
    if not 0 < rate < 2**32:
        reasons.append(f"preprocessing.target_rate is {rate}")
    return reasons or _window_limits(features)


def _nearest_n_fft(features: FeatureExtraction) -> int:
    """The nearest length that holds the window."""
    wide = [n for n in N_FFT if n >= features.window_length] or [N_FFT[-1]]
    return min(wide, key=lambda n: abs(n - features.n_fft))


def _window_limits(features: FeatureExtraction) -> list[str]:
    key = f"feature_extraction.window is {features.window!r}"
    try:
        peak = np.abs(periodic_window(features)).max()
    except (ValueError, TypeError, ArithmeticError) as error:
        return [f"{key}: {error}; the nearest that works is {_nearest_window(features)!r}"]
    if not PEAK[0] <= peak <= PEAK[1]:
        return [f"{key}: its peak is {peak:g}; the device does {PEAK[0]:g} to {PEAK[1]:g}"]
    return []


def _nearest_window(features: FeatureExtraction) -> str | tuple[Any, ...]:
    """The window that is written most like the one given, and works."""
    window = features.window
    name = str(window[0]) if isinstance(window, tuple) else str(window)
    names = [*WINDOWS, *WINDOWS_WITH_ARGUMENTS]
    found = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.5)
    nearest = found[0] if found else "hann"
    return WINDOWS_WITH_ARGUMENTS.get(nearest, nearest)
