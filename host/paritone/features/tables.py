"""Tables of the integer frontend: the one place where its constants are computed, in float64.

The integer reference (`paritone.features.integer`) and the generated C read nothing else.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from paritone.config import FeatureExtraction
from paritone.errors import ConfigError
from paritone.features.curves import LOG_FRACTION_BITS, ln_table, root_table
from paritone.features.fft_tables import FftTables, fft_tables
from paritone.features.log_mel import LOG_OFFSET
from paritone.features.mel_bands import mel_bands, sparse_bands

N_FFT = (256, 512, 1024, 2048)
MAX_MELS = 128
LONGEST = 2**20
MAX_HEADROOM = 15
DTYPES = ("int8", "uint8", "float32")

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class InputFormat:
    """What a model takes: value = (stored - zero_point) * scale; float32 has scale 1, zero 0."""

    dtype: str
    scale: float = 1.0
    zero_point: int = 0

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise ConfigError(f"a model input of {self.dtype}: the frontend makes {DTYPES}")


@dataclass(frozen=True, eq=False)
class FrontendTables:
    """Every number of one frontend; names as in ``paritone_frontend_t`` of paritone.h."""

    rate_hz: int
    n_fft: int
    window_length: int
    window_start: int
    first_bin: int
    n_bins: int
    n_mels: int
    hop_length: int
    patch_length: int
    patch_step: int
    power: int
    include_last_patch: bool
    dtype: str
    window: npt.NDArray[np.int32]
    fft: FftTables
    root: npt.NDArray[np.uint32]
    band_start: npt.NDArray[np.uint16]
    band_length: npt.NDArray[np.uint16]
    weights: npt.NDArray[np.uint32]
    ln: npt.NDArray[np.int32]
    offset: int
    mel_exponent: int
    input_multiplier: int
    input_shift: int
    input_zero_point: int

    @property
    def value_bytes(self) -> int:
        """Bytes of one cell of a patch."""
        return 4 if self.dtype == "float32" else 1

    @property
    def column_bytes(self) -> int:
        """Bytes of one column."""
        return self.n_mels * self.value_bytes

    @property
    def patch_bytes(self) -> int:
        """Bytes of one patch."""
        return self.patch_length * self.column_bytes

    @property
    def scratch_bytes(self) -> int:
        """Bytes of ``paritone_frontend_frame``'s scratch (frontend.c, lay_out)."""
        power = 8 * self.n_bins if self.power == 2 else 0
        return 8 * self.n_mels + power + 4 * self.n_fft + 8 * self.n_fft

    @property
    def stream_bytes(self) -> int:
        """Bytes of ``paritone_stream_init``'s memory: scratch, ring of columns, samples."""
        held = 2 * (self.n_fft - self.window_start)
        return _round_up(self.scratch_bytes + _round_up(self.patch_bytes, 4) + held, 8)

    @cached_property
    def sha256(self) -> str:
        """Hash of every field: two frontends with the same hash compute the same bits."""
        digest = hashlib.sha256()
        for name, value in _flat(self):
            data = value.tobytes() if isinstance(value, np.ndarray) else repr(value).encode()
            digest.update(f"{name}:{len(data)}:".encode() + data)
        return digest.hexdigest()


def device_limits(features: FeatureExtraction, rate: int) -> list[str]:
    """Reasons why the device cannot compute this configuration; empty when it can."""
    f = features
    checks = [
        (f.n_fft in N_FFT, f"n_fft is {f.n_fft}: the device does {_either(N_FFT)}"),
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
    ]
    reasons = [f"feature_extraction.{reason}" for holds, reason in checks if not holds]
    if not 0 < rate < 2**32:
        reasons.append(f"preprocessing.target_rate is {rate}")
    return reasons or _table_limits(features)


def _table_limits(features: FeatureExtraction) -> list[str]:
    try:
        _window(features)
    except (ValueError, TypeError) as error:
        return [f"feature_extraction.window {features.window!r}: {error}"]
    return []


def make_tables(
    features: FeatureExtraction, rate: int, input_format: InputFormat
) -> FrontendTables:
    """Return the tables of one configuration; ConfigError lists what the device cannot do."""
    reasons = device_limits(features, rate)
    if reasons:
        raise ConfigError("the device cannot compute these features: " + "; ".join(reasons))
    window = _window(features)
    guard = _guard_bits(window, features.n_fft)
    power = int(features.power)
    first_bin, starts, lengths, values = sparse_bands(mel_bands(features, rate))
    unit_bits = _spectrum_bits(features.n_fft, guard, power)
    weight_bits = _weight_bits(values, lengths, unit_bits, power)
    weights = np.rint(np.ldexp(values, weight_bits)).astype(np.uint32)
    multiplier, shift = _input_multiplier(input_format)
    return FrontendTables(
        rate_hz=rate,
        n_fft=features.n_fft,
        window_length=features.window_length,
        window_start=(features.n_fft - features.window_length) // 2,
        first_bin=first_bin,
        n_bins=int(np.max(starts + lengths)),
        n_mels=features.n_mels,
        hop_length=features.hop_length,
        patch_length=features.patch_length,
        patch_step=features.patch_step,
        power=power,
        include_last_patch=features.include_last_patch,
        dtype=input_format.dtype,
        window=_q31(window * 0.5**guard),
        fft=fft_tables(features.n_fft),
        root=root_table(),
        band_start=starts.astype(np.uint16),
        band_length=lengths.astype(np.uint16),
        weights=weights,
        ln=ln_table(),
        offset=round(math.ldexp(LOG_OFFSET, unit_bits + weight_bits)),
        mel_exponent=unit_bits + weight_bits,
        input_multiplier=multiplier,
        input_shift=shift,
        input_zero_point=input_format.zero_point,
    )


def _window(features: FeatureExtraction) -> Floats:
    """Periodic window, float64 [window_length], as librosa takes it from SciPy."""
    from scipy.signal import get_window

    return np.asarray(get_window(features.window, features.window_length, fftbins=True), float)


def _guard_bits(window: Floats, n_fft: int) -> int:
    """Bits by which the window is lowered so that no partial sum of the FFT wraps: 0, 1, ...

    The FFT of n_fft / 2 pairs (even, odd sample) forms means over 4^s (or 2 * 4^s) pairs equally
    far apart; a full-scale signal makes them as large as the mean of the pairs' lengths. Its
    last step adds the means of the even and of the odd samples. 1.0 itself does no harm: only
    a frame of nothing but -32768 reaches it, as -1.0.
    """
    samples = np.zeros(n_fft)
    start = (n_fft - len(window)) // 2
    samples[start : start + len(window)] = np.abs(window)
    pairs = np.hypot(samples[0::2], samples[1::2])
    half = n_fft // 2
    bounds = [samples.max(), 2 * samples.mean()]
    size = 16 if half.bit_length() % 2 else 8
    while size <= half:
        bounds.append(pairs.reshape(size, half // size).mean(axis=0).max())
        size *= 4
    return max(0, math.ceil(math.log2(max(bounds)) - 1e-6))


def _spectrum_bits(n_fft: int, guard: int, power: int) -> int:
    """b: a bin of magnitude (power 1) or power (power 2) |X|^p counts 2^b |X|^p units.

    The FFT divides by n_fft and holds 1.0 as 2^31; magnitudes count half units; the mel stage
    drops 32 bits of weighted powers.
    """
    bits = 31 - guard - (n_fft.bit_length() - 1)
    return bits + 1 if power == 1 else 2 * bits - 32


def _weight_bits(values: Floats, lengths: npt.NDArray[np.int64], unit_bits: int, power: int) -> int:
    """Fraction bits of the mel weights, as many as fit.

    A band's weights sum to at most 2^31, each is below 2^32, and the logarithm's offset stays
    below 2^63 when shifted by the largest headroom.
    """
    ends = np.cumsum(lengths)
    largest = max(
        float(values[end - length : end].sum())
        for end, length in zip(ends, lengths, strict=True)
        if length
    )
    by_sum = math.floor(31 - math.log2(largest * (1 + 2.0**-16)))
    by_offset = math.floor(62 - math.log2(LOG_OFFSET)) - MAX_HEADROOM * power - unit_bits
    return min(by_sum, by_offset)


def _q31(values: Floats) -> npt.NDArray[np.int32]:
    limit = 2**31 - 1
    return np.clip(np.rint(np.ldexp(values, 31)), -limit, limit).astype(np.int32)


def _input_multiplier(input_format: InputFormat) -> tuple[int, int]:
    """(multiplier, shift): 1 / scale = multiplier / 2^(shift - 24), 2^30 <= multiplier < 2^31."""
    scale = input_format.scale
    if not (math.isfinite(scale) and scale > 0):
        raise ConfigError(f"the model's input scale is {scale}: it must be positive")
    fraction, exponent = math.frexp(1 / scale)
    multiplier, shift = round(math.ldexp(fraction, 31)), 31 - exponent + LOG_FRACTION_BITS
    if multiplier == 2**31:
        multiplier, shift = 2**30, shift - 1
    if not 1 <= shift <= 62:
        raise ConfigError(f"the model's input scale is {scale}: the device does 2^-54 to 2^8")
    return multiplier, shift


def _flat(record: Any, prefix: str = "") -> list[tuple[str, Any]]:
    """Fields of a record and of the records in it, in order, by dotted name."""
    fields: list[tuple[str, Any]] = []
    for field in dataclasses.fields(record):
        value, name = getattr(record, field.name), prefix + field.name
        nested = dataclasses.is_dataclass(value)
        fields += _flat(value, f"{name}.") if nested else [(name, value)]
    return fields


def _round_up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple


def _either(values: tuple[int, ...]) -> str:
    return ", ".join(map(str, values[:-1])) + f" or {values[-1]}"
