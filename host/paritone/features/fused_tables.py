"""Tables of the fused transform (firmware/src/frontend_fused.h), in its order of reading.

They hold the numbers of the tables of ``arm_rfft_q31`` and of the window, arranged anew. What
the transform relies on beyond that is checked here, number by number.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from paritone.features.fft_tables import FftTables

Int32 = npt.NDArray[np.int32]

N_FFT = (128, 512, 2048)
"""Lengths whose half is a power of four: stages of four points from first to last."""

TURNS = (2, 1, 3)
"""By how many times a butterfly's angle its second, third and fourth result are turned."""


@dataclass(frozen=True, eq=False)
class FusedTables:
    """As ``paritone_fused_tables_t``; M = n_fft / 2.

    window: int32 [M / 4, 12], rows for k < M / 4: [three legs within the window, even and odd
    sample], zeros where that is two legs, [2k k 3k, cos and sin]; fourth: int32, the fourth leg
    of those k that have all four; split: int32 [n_pairs, 3]. All flat.
    """

    window: Int32
    fourth: Int32
    split: Int32
    first_pair: int
    n_pairs: int


def can_fuse(n_fft: int, window_start: int, window_length: int) -> bool:
    """Whether the fused transform does frames of this geometry."""
    even = window_start % 2 == 0 and window_length % 2 == 0
    return n_fft in N_FFT and even and 2 * window_length >= n_fft


def fused_tables(
    n_fft: int, window: Int32, window_start: int, first_bin: int, n_bins: int, fft: FftTables
) -> FusedTables:
    """Return the tables for a window (as the plain transform multiplies by it) and bins in use.

    Parameters
    ----------
    window
        int32 [window_length]; `can_fuse` must hold for n_fft, window_start and its length
    first_bin, n_bins
        1 <= first_bin and first_bin + n_bins <= n_fft / 2
    """
    half = n_fft // 2
    if not can_fuse(n_fft, window_start, len(window)):
        raise ValueError(f"a window of {len(window)} in {n_fft} samples cannot be fused")
    if first_bin < 1 or first_bin + n_bins > half:
        raise ValueError(f"bins {first_bin} to {first_bin + n_bins - 1} are not within {half}")
    bins = np.arange(first_bin, first_bin + n_bins)
    pairs = np.minimum(bins, half - bins)
    first, last = int(pairs.min()), int(pairs.max())
    weights, turns = _by_leg(window, window_start, n_fft), _turns(fft.twiddle, half)
    in_row = [np.resize([*row[:6], 0, 0], 6) for row in weights]
    return FusedTables(
        window=np.concatenate([in_row, turns], axis=1).astype(np.int32).ravel(),
        fourth=np.concatenate([row[6:] for row in weights]),
        split=_by_pair(fft, half)[first - 1 : last].ravel(),
        first_pair=first,
        n_pairs=last - first + 1,
    )


def _by_leg(window: Int32, start: int, n_fft: int) -> list[Int32]:
    """Weights that butterfly k < M / 4 reads: leg l is the pair of samples 2 (k + l M / 4)."""
    samples = np.zeros(n_fft, np.int32)
    samples[start : start + len(window)] = window
    inside = np.zeros(n_fft, bool)
    inside[start : start + len(window)] = True
    legs = (np.arange(n_fft).reshape(4, n_fft // 8, 2)[:, k].ravel() for k in range(n_fft // 8))
    return [samples[leg][inside[leg]] for leg in legs]


def _turns(twiddle: Int32, half: int) -> Int32:
    """Cos and sin of 2k, k and 3k for the first stage's butterflies: [M / 4, 6].

    The next stage's are every fourth of these, and so on: its angles are 4, 8 and 12 k.
    """
    places = np.arange(half // 4)[:, None] * np.array(TURNS)
    return twiddle.reshape(-1, 2)[places].reshape(half // 4, 6)


def _by_pair(fft: FftTables, half: int) -> Int32:
    """Parts of a, real part of b, of bins k = 1..M / 2: int32 [M / 2, 3].

    Bin M - k is computed from the same three numbers, a's imaginary part negated. Checked: the
    tables have that symmetry, and nothing is -2^31.
    """
    a, b = fft.split_a.reshape(-1, 2), fft.split_b.reshape(-1, 2)
    k = np.arange(1, half // 2 + 1)
    mirrored = np.stack([a[half - k, 0], -a[half - k, 1], b[half - k, 0]], axis=1)
    rows = np.stack([a[k, 0], a[k, 1], b[k, 0]], axis=1)
    if not np.array_equal(rows, mirrored) or rows.min() == np.iinfo(np.int32).min:
        raise ValueError(f"the tables of a real FFT of {2 * half} points are not symmetric")
    return rows
