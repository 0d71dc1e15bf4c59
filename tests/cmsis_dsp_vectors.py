"""The test signals of ``cmsis_dsp_ref/vectors.h``, which defines them, in NumPy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Int32 = npt.NDArray[np.int32]

KINDS = 16
GOLDEN = 0x9E3779B9
MASK = 0xFFFFFFFF
Q31_MAX = 2**31 - 1
Q31_MIN = -(2**31)


def mix(x: npt.NDArray[np.uint64] | int) -> npt.NDArray[np.uint64]:
    """32 bits in, 32 well-mixed bits out; uint64 that hold 32 bits."""
    x = np.asarray(x, np.uint64) & np.uint64(MASK)
    x ^= x >> np.uint64(16)
    x = x * np.uint64(0x85EBCA6B) & np.uint64(MASK)
    x ^= x >> np.uint64(13)
    x = x * np.uint64(0xC2B2AE35) & np.uint64(MASK)
    return x ^ x >> np.uint64(16)


def signal_q31(vector: int, stream: int, kind: int, count: int, bits: int = 31) -> Int32:
    """`count` samples; `bits` is 15 where the signal is one in q15, the upper half of this."""
    seed = int(mix(vector * GOLDEN + stream))
    i = np.arange(count)
    if kind == 0:
        values = 0 * i
    elif kind in (1, 2):
        values = np.where(i == seed % count, Q31_MAX if kind == 1 else Q31_MIN, 0)
    elif kind in (3, 4):
        values = np.full(count, Q31_MAX if kind == 3 else Q31_MIN)
    elif kind in (5, 6):
        half_period = 1 + seed % 16 if kind == 5 else 1
        values = np.where(i // half_period % 2, Q31_MAX, Q31_MIN)
    elif kind == 7:
        values = Q31_MIN + i * (MASK // max(count - 1, 1))
    elif kind == 8:
        values = (i - count // 2) * 2 ** (31 - bits)
    elif kind in (9, 10):
        sine = _sine(seed + i * (int(mix(seed)) >> seed % 8))
        values = sine if kind == 9 else sine >> 1 + (seed >> 8) % (bits - 1)
    else:
        noise = mix(seed + i.astype(np.uint64) * np.uint64(GOLDEN)).astype(np.uint32)
        values = noise.view(np.int32) >> (kind - 11) * (bits - 2) // 4
    return values.astype(np.int32)


def _sine(phase: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """16 u / (5 pi^2 - 4 u), u = x (pi - x), where pi is 2^16."""
    phase = phase & MASK
    x = (phase & 0x7FFFFFFF) >> 15
    u = (x * (65536 - x)).astype(np.uint64)
    y = (u << np.uint64(33)) // (np.uint64(5 << 30) - u)
    magnitude = np.minimum(y, np.uint64(Q31_MAX)).astype(np.int64)
    return np.where(phase >> 31, -magnitude, magnitude)


def fft_kind(vector: int) -> int:
    """Kind of an FFT's input."""
    return vector % KINDS


def fft_inverse(vector: int) -> bool:
    """Direction of an FFT."""
    return vector // KINDS % 2 == 1


def fft_length(vector: int) -> int:
    """32 .. 4096: doubled for every trailing one of the run's number."""
    run, length = vector // (2 * KINDS), 32
    while run % 2 and length < 4096:
        run, length = run // 2, 2 * length
    return length
