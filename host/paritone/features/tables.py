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
from paritone.features.curves import curve_of, root_table
from paritone.features.fft_tables import FftTables, fft_tables
from paritone.features.input_codes import Quantizer, code_tables
from paritone.features.limits import device_limits
from paritone.features.mel_bands import largest_sum, mel_tables
from paritone.features.padding import more_held, padding_of
from paritone.features.windows import guard_bits, periodic_window, q31

LEVEL_BITS = 10
"""Fraction bits of a level: 1.0 is a mel band of 1.0."""
DTYPES = ("int8", "uint8", "float32")


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
    padding: int
    window: npt.NDArray[np.int32]
    fft: FftTables
    root: npt.NDArray[np.uint32]
    segment_length: npt.NDArray[np.uint16]
    rise: npt.NDArray[np.uint32]
    rise_bits: int
    gain: npt.NDArray[np.uint32] | None
    log_lines: npt.NDArray[np.int32]
    log_bits: int
    offset: int
    floor: int
    mel_exponent: int
    input_multiplier: int
    input_shift: int
    input_zero_point: int
    codes: npt.NDArray[np.uint8] | None
    code_ends: npt.NDArray[np.uint32] | None
    code_bits: int
    code_octave: int
    silence: int

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
        """Bytes of ``paritone_frontend_frame``'s scratch with ``paritone_transform_cmsis``."""
        return self.scratch_with(12 * self.n_fft)

    @property
    def stream_bytes(self) -> int:
        """Bytes of ``paritone_stream_init``'s memory with ``paritone_transform_cmsis``."""
        return self.stream_with(12 * self.n_fft)

    def scratch_with(self, transform_bytes: int) -> int:
        """Scratch where the transform takes so many bytes (frontend.c, lay_out)."""
        return 8 * self.n_mels + max(transform_bytes, 8 * self.n_mels)

    def stream_with(self, transform_bytes: int) -> int:
        """Memory of a stream where the transform takes so many bytes: scratch, rings, samples."""
        held = 2 * (self.n_fft - self.window_start + more_held(self.padding))
        levels = 4 * self.patch_length if self.silence else 0
        scratch = self.scratch_with(transform_bytes)
        return _round_up(scratch + _round_up(self.patch_bytes, 4) + levels + held, 8)

    @property
    def first_frame_samples(self) -> int:
        """Samples that give a stream its first column; each hop after them one more."""
        if self.padding == 0:
            return self.n_fft
        return self.n_fft // 2 + (1 if more_held(self.padding) else 0)

    def too_short(self, samples: int) -> str:
        """Why a clip of so many samples makes no patch."""
        span = (self.patch_length - 1) * self.hop_length
        needed = max(1, span) if self.padding else span + self.n_fft
        return f"too short for a patch: {samples} samples, a patch needs {needed}"

    @cached_property
    def sha256(self) -> str:
        """Hash of every field: two frontends with the same hash compute the same bits."""
        digest = hashlib.sha256()
        for name, value in _flat(self):
            data = value.tobytes() if isinstance(value, np.ndarray) else repr(value).encode()
            digest.update(f"{name}:{len(data)}:".encode() + data)
        return digest.hexdigest()


def make_tables(
    features: FeatureExtraction,
    rate: int,
    input_format: InputFormat,
    silence_threshold: float = 0.0,
) -> FrontendTables:
    """Return the tables of one configuration; ConfigError lists what the device cannot do.

    silence_threshold : of the gate, in mel units summed over a patch; 0: no gate
    """
    reasons = device_limits(features, rate)
    if reasons:
        raise ConfigError("the device cannot compute these features: " + "; ".join(reasons))
    window, power = periodic_window(features), int(features.power)
    guard = guard_bits(window, features.n_fft)
    window = window * 0.5**guard
    curve = curve_of(features)
    mel = mel_tables(features, rate, curve, _spectrum_bits(features.n_fft, guard, power))
    offset = round(math.ldexp(curve.offset, mel.exponent))
    floor = max(round(math.ldexp(curve.floor, mel.exponent)), 0 if offset else 1)
    multiplier, shift = _input_multiplier(input_format, curve.bits)
    quantizer = Quantizer(input_format.dtype, multiplier, shift, input_format.zero_point)
    least, most = max(offset, floor), offset + largest_sum(mel, window, features.n_fft, power)
    octaves = range(least.bit_length() - 1, max(most, floor).bit_length())
    cells = None
    if input_format.dtype != "float32":
        cells = code_tables(curve.table, quantizer, octaves, mel.exponent)
    return FrontendTables(
        rate_hz=rate,
        n_fft=features.n_fft,
        window_length=features.window_length,
        window_start=(features.n_fft - features.window_length) // 2,
        first_bin=mel.first_bin,
        n_bins=len(mel.rise),
        n_mels=features.n_mels,
        hop_length=features.hop_length,
        patch_length=features.patch_length,
        patch_step=features.patch_step,
        power=power,
        include_last_patch=features.include_last_patch,
        dtype=input_format.dtype,
        padding=padding_of(features),
        window=q31(window),
        fft=fft_tables(features.n_fft),
        root=root_table(),
        segment_length=mel.segment_length,
        rise=mel.rise,
        rise_bits=mel.rise_bits,
        gain=mel.gain,
        log_lines=curve.table,
        log_bits=curve.bits,
        offset=offset,
        floor=floor,
        mel_exponent=mel.exponent,
        input_multiplier=multiplier,
        input_shift=shift,
        input_zero_point=input_format.zero_point,
        codes=None if cells is None else cells.codes,
        code_ends=None if cells is None else cells.ends,
        code_bits=0 if cells is None else cells.cell_bits,
        code_octave=octaves.start,
        silence=math.ceil(math.ldexp(silence_threshold, LEVEL_BITS)),
    )


def _spectrum_bits(n_fft: int, guard: int, power: int) -> int:
    """b: a bin of magnitude (power 1) or power (power 2) |X|^p counts 2^b |X|^p units.

    The FFT divides by n_fft and holds 1.0 as 2^31; the mel stage drops 32 bits of weighted powers.
    """
    bits = 31 - guard - (n_fft.bit_length() - 1)
    return bits if power == 1 else 2 * bits - 32


def _input_multiplier(input_format: InputFormat, log_bits: int) -> tuple[int, int]:
    """(multiplier, shift): 1 / scale = multiplier / 2^(shift - log_bits), multiplier >= 2^30."""
    scale = input_format.scale
    if not (math.isfinite(scale) and scale > 0):
        raise ConfigError(f"the model's input scale is {scale}: it must be positive")
    fraction, exponent = math.frexp(1 / scale)
    multiplier, shift = round(math.ldexp(fraction, 31)), 31 - exponent + log_bits
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
