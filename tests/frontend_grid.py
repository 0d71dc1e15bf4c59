"""Configurations over all keys of ``feature_extraction``, and librosa's float answer to each."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any

import librosa
import numpy as np
import numpy.typing as npt

from frontend_cases import features
from paritone.features.tables import FrontendTables, InputFormat, make_tables

COUNT = 42
DB_RANGE = 80.0
LOG_OFFSET = 1e-4

Floats = npt.NDArray[np.float32]
Pcm = npt.NDArray[np.int16]

# Every key runs through its values as evenly as COUNT lets it, in an order of its own.
VALUES: dict[str, tuple[Any, ...]] = {
    "n_fft": (128, 256, 512, 1024, 2048, 4096),
    "window_share": (1.0, 25 / 32, 0.61, 0.999),  # of n_fft
    "hop_share": (0.4, 0.25, 0.5, 1.1),  # of window_length
    "window": (
        "hann",
        "hamming",
        "blackman",
        "boxcar",
        "triang",
        "bartlett",
        "flattop",
        "parzen",
        "bohman",
        "blackmanharris",
        "nuttall",
        "barthann",
        "cosine",
        "lanczos",
        "('kaiser', 8.6)",
        "('tukey', 0.3)",
        "('gaussian', 40)",
        "('general_hamming', 0.6)",
        "('chebwin', 90)",
        "('dpss', 2.5)",
        "('exponential', None, 60)",
    ),
    "padding": (None, "constant", None, "reflect", None, "edge", None, "symmetric"),
    "power": (1.0, 2.0),
    "norm": (None, "slaney"),
    "htk": (True, False),
    "fmin": (0, 125, 20, 300),
    "fmax_share": (None, 0.9375, 0.7),  # of half the rate
    "mels_share": (0.125, 0.25, 0.0625),  # of n_fft
    "db_reference": (None, 1.0, None, 30.0),
    "rate": (8000, 16000, 22050, 44100, 48000),
    "dtype": ("int8", "uint8"),
}


@dataclass(frozen=True)
class Configuration:
    """One point of the grid.

    Attributes
    ----------
    changes : keys of feature_extraction that differ from the tutorial's
    db_reference : magnitude (power 1) or power (power 2) that is 0 dB; None: natural logarithm
    """

    number: int
    rate: int
    dtype: str
    changes: dict[str, Any]
    db_reference: float | None

    @property
    def title(self) -> str:
        """What a table's row says."""
        c = self.changes
        pad = c["pad_mode"] if c["center"] else "no pad"
        log = "ln" if self.db_reference is None else f"dB re {self.db_reference:g}"
        mel = f"{c['n_mels']} mels {c['fmin']}..{c['fmax'] or self.rate / 2:g}"
        scale = f"{c['norm'] or 'no norm'} {'htk' if c['htk'] else 'slaney scale'}"
        sizes = f"{c['n_fft']}/{c['window_length']}/{c['hop_length']}"
        return (
            f"{self.rate} Hz {sizes} {c['window']} {pad}, power {c['power']:g}, "
            f"{mel} {scale}, {log}, {self.dtype}"
        )

    def spectrogram(self, pcm: Pcm) -> Floats:
        """Librosa's log-mel in float: (n_mels, frames)."""
        c = self.changes
        spec = c["window"]
        mel = librosa.feature.melspectrogram(
            y=pcm.astype(np.float32) / 32768,
            sr=self.rate,
            n_fft=c["n_fft"],
            hop_length=c["hop_length"],
            win_length=c["window_length"],
            window=ast.literal_eval(spec) if spec.startswith("(") else spec,
            center=c["center"],
            pad_mode=c["pad_mode"],
            power=c["power"],
            n_mels=c["n_mels"],
            fmin=c["fmin"],
            fmax=c["fmax"],
            norm=c["norm"],
            htk=c["htk"],
        )
        if self.db_reference is None:
            return np.log(mel + LOG_OFFSET)
        to_db = librosa.amplitude_to_db if c["power"] == 1 else librosa.power_to_db
        return np.maximum(to_db(mel, ref=self.db_reference, top_db=None), -DB_RANGE)

    def input_format(self, spectrograms: list[Floats]) -> InputFormat:
        """As a converter calibrates it: the values' own range over all 256 codes."""
        low = min(float(values.min()) for values in spectrograms)
        high = max(float(values.max()) for values in spectrograms)
        scale = (high - low) / 255
        limits = np.iinfo(self.dtype)
        zero_point = int(np.clip(round(limits.min - low / scale), limits.min, limits.max))
        return InputFormat(self.dtype, float(np.float32(scale)), zero_point)

    def tables(self, input_format: InputFormat) -> FrontendTables:
        """Tables of the same, column by column."""
        own: dict[str, Any] = {"patch_length": 1, "overlap": 0, **self.changes}
        if self.db_reference is not None:
            own |= {"to_db": True, "db_reference": self.db_reference}
        return make_tables(features(**own), self.rate, input_format)


def configurations() -> list[Configuration]:
    """The grid; the same every time."""
    columns = {}
    for seed, (key, values) in enumerate(VALUES.items()):
        every = [values[i % len(values)] for i in range(COUNT)]
        order = np.random.default_rng(seed).permutation(COUNT)
        columns[key] = [every[i] for i in order]
    rows = [{key: column[i] for key, column in columns.items()} for i in range(COUNT)]
    return [_configuration(number, row) for number, row in enumerate(rows)]


def _configuration(number: int, row: dict[str, Any]) -> Configuration:
    window_length = int(row["n_fft"] * row["window_share"])
    share = row["fmax_share"]
    changes = {
        "n_fft": row["n_fft"],
        "window_length": window_length,
        "hop_length": int(window_length * row["hop_share"]),
        "window": row["window"],
        "center": row["padding"] is not None,
        "pad_mode": row["padding"] or "constant",
        "power": row["power"],
        "fmin": row["fmin"],
        "fmax": None if share is None else share * row["rate"] / 2,
        "norm": row["norm"],
        "htk": row["htk"],
        "n_mels": min(256, int(row["n_fft"] * row["mels_share"])),
    }
    return Configuration(number, row["rate"], row["dtype"], changes, row["db_reference"])
