"""Tables of one real FFT in q31, equal to CMSIS-DSP's to the last bit, from their formulas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Int32 = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class FftTables:
    """Tables of ``arm_rfft_q31`` of n points (twiddle coefficient modifier 1).

    twiddle: int32 [3 * n / 4], cos and sin in turn, of the complex FFT of n / 2 points;
    bit_reverse: uint16, pairs of places to swap, times 8; split_a, split_b: int32 [n].
    """

    twiddle: Int32
    bit_reverse: npt.NDArray[np.uint16]
    split_a: Int32
    split_b: Int32


def fft_tables(n: int) -> FftTables:
    """Return the tables of a real FFT of `n` points, a power of two from 32 to 8192."""
    half = n // 2
    return FftTables(_twiddle(half), _bit_reverse(half), _split(n, -1), _split(n, +1))


def _twiddle(n: int) -> Int32:
    """cos, sin of 2 pi k / n for k < 3 n / 4.

    Upstream rounded each value to one decimal of the last bit, then down: hence the 0.05.
    """
    angle = 2 * np.pi * np.arange(3 * n // 4) / n
    exact = np.stack([np.cos(angle), np.sin(angle)], axis=1).ravel()
    return np.minimum(np.floor(exact * 2.0**31 + 0.05), 2**31 - 1).astype(np.int32)


def _split(n: int, sign: int) -> Int32:
    """(1 + sign * sin) / 2, sign * cos / 2 of 2 pi k / n for k < n / 2, rounded."""
    angle = 2 * np.pi * np.arange(n // 2) / n
    pairs = np.stack([(1 + sign * np.sin(angle)) / 2, sign * np.cos(angle) / 2], axis=1)
    return np.minimum(np.rint(pairs.ravel() * 2.0**31), 2**31 - 1).astype(np.int32)


def _bit_reverse(n: int) -> npt.NDArray[np.uint16]:
    """Pairs (k, k with its bits reversed), k the smaller, as offsets of 8 bytes each."""
    bits = n.bit_length() - 1
    mirrored = [int(f"{k:0{bits}b}"[::-1], 2) for k in range(n)]
    pairs = [(k, m) for k, m in enumerate(mirrored) if k < m]
    return (8 * np.array(pairs)).ravel().astype(np.uint16)
