"""Tables of the q15 FFTs, equal to CMSIS-DSP's to the last bit, from their formulas."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Int16 = npt.NDArray[np.int16]


def twiddle_q15(n: int) -> Int16:
    """cos, sin of 2 pi k / n in turn for k < 3 n / 4: int16 [3 * n / 2], rounded down.

    The term added to each keeps exact values (0 and 1) from falling a step to rounding errors
    of their sines; no other value lies within 2^-12 of a step.
    """
    angle = 2 * np.pi * np.arange(3 * n // 4) / n
    exact = np.stack([np.cos(angle), np.sin(angle)], axis=1).ravel() * 2.0**15
    return np.minimum(np.floor(exact + 2.0**-20), 2**15 - 1).astype(np.int16)


def split_q15(n: int) -> tuple[Int16, Int16]:
    """Split tables A and B of a real FFT of `n` points: two int16 [n], rounded to nearest.

    A holds (1 - sin) / 2, -cos / 2 in turn, B (1 + sin) / 2, cos / 2, of 2 pi k / n for k < n / 2.
    """
    angle = 2 * np.pi * np.arange(n // 2) / n
    half_sin, half_cos = np.sin(angle) / 2, np.cos(angle) / 2
    a = np.stack([0.5 - half_sin, -half_cos], axis=1).ravel()
    b = np.stack([0.5 + half_sin, half_cos], axis=1).ravel()
    return _rounded(a), _rounded(b)


def _rounded(values: npt.NDArray[np.float64]) -> Int16:
    return np.minimum(np.rint(values * 2.0**15), 2**15 - 1).astype(np.int16)
