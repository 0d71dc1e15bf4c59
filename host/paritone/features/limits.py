"""What the device cannot compute, each with the nearest setting that it can."""

from __future__ import annotations

from paritone.config import FeatureExtraction
from paritone.features.windows import periodic_window

N_FFT = (128, 256, 512, 1024, 2048, 4096)
MAX_MELS = 256
LONGEST = 2**20


def device_limits(features: FeatureExtraction, rate: int) -> list[str]:
    """Reasons why the device cannot compute this configuration; empty when it can."""
    f = features
    checks = [
        (
            f.n_fft in N_FFT,
            f"n_fft is {f.n_fft}: the device does powers of two from {N_FFT[0]} to {N_FFT[-1]}; "
            f"the nearest is {_nearest_n_fft(f)}",
        ),
        (
            f.window_length <= f.n_fft,
            f"window_length {f.window_length} is more than n_fft {f.n_fft}",
        ),
        (f.n_mels <= MAX_MELS, f"n_mels is {f.n_mels}: the device does up to {MAX_MELS}"),
        (not f.center, "center is True: the device pads nothing; use False"),
        (not f.to_db, "to_db is True: a stream does not know the clip's maximum; use False"),
        (f.power in (1, 2), f"power is {f.power:g}: the device does 1 and 2"),
        (f.hop_length <= LONGEST, f"hop_length is {f.hop_length}: the device does {LONGEST}"),
        (f.patch_length <= LONGEST, f"patch_length is {f.patch_length}: the device does {LONGEST}"),
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
    try:
        periodic_window(features)
    except (ValueError, TypeError) as error:
        return [f"feature_extraction.window {features.window!r}: {error}"]
    return []
