"""The frontend's tables against librosa and SciPy, and the plain way that they stand for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import pytest
from scipy.signal import windows

from frontend_cases import GRID, RATE, TUTORIAL, YAMNET_INPUT, features, signals, tables
from paritone import config as configuration
from paritone.errors import ConfigError
from paritone.features import integer
from paritone.features.limits import device_limits
from paritone.features.tables import FrontendTables, InputFormat, make_tables
from paritone.generate.frontend_root import ZERO_BELOW, rise_and_root, root_start
from zoo_config import PREPROCESSING

ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "chebwin": (80,),
    "dpss": (2.5,),
    "exponential": (None, 60),
    "gaussian": (40,),
    "general_cosine": ((0.5, -0.7, 0.4),),
    "general_gaussian": (1.5, 60),
    "general_hamming": (0.7,),
    "kaiser": (8.6,),
    "kaiser_bessel_derived": (4.0,),
    "taylor": (4, 40, False),
}
"""Of SciPy's windows that need them, or are worth another value than the default."""
SYMMETRIC_ONLY = "kaiser_bessel_derived"


def dense(t: FrontendTables) -> np.ndarray:
    """The filter bank that segments, weights and gains stand for: (n_mels, n_fft / 2 + 1)."""
    bank = np.zeros((t.n_mels, t.n_fft // 2 + 1))
    rise = np.ldexp(t.rise.astype(float), -t.rise_bits)
    bins = t.first_bin + np.arange(t.n_bins)
    segment = np.repeat(np.arange(t.n_mels + 1), t.segment_length)
    up, down = segment < t.n_mels, segment > 0
    bank[segment[up], bins[up]] = rise[up]
    bank[segment[down] - 1, bins[down]] = 1 - rise[down]
    return bank if t.gain is None else bank * (t.gain / 2.0**32)[:, None]


@pytest.mark.parametrize("name", GRID)
def test_mel_weights_are_those_of_librosa(name: str) -> None:
    t, keys = tables(name), TUTORIAL | GRID[name][0]
    bank = librosa.filters.mel(
        sr=RATE,
        n_fft=t.n_fft,
        n_mels=t.n_mels,
        fmin=keys["fmin"],
        fmax=keys["fmax"],
        htk=keys["htk"],
        norm=keys["norm"],
        dtype=np.float64,
    )
    found = dense(t)
    found *= bank.max() / found.max()  # the unit is the exponent's
    assert np.abs(found - bank).max() <= bank.max() * (2.0**-t.rise_bits + 2.0**-28), name
    assert t.first_bin >= 1
    assert t.first_bin + t.n_bins <= t.n_fft // 2
    assert t.segment_length.sum() == t.n_bins == len(t.rise)


@pytest.mark.parametrize("name", [name for name, (_, f) in GRID.items() if f.dtype != "float32"])
def test_codes_are_the_quantized_logarithm(name: str) -> None:
    """At both ends of every cell, and on both sides of every step: between them nothing changes."""
    t = tables(name)
    if t.codes is None:
        assert name == "fine codes"
        return
    assert t.code_ends is not None
    size = 1 << (23 - t.code_bits)
    first = np.arange(len(t.codes)) * size
    steps = np.unique(t.code_ends[t.code_ends < len(t.codes) * size].astype(np.int64))
    assert len(steps) >= len(np.unique(t.codes)) - 1
    for word in (first, first + size - 1, steps, steps - 1):
        start = t.codes[word >> (23 - t.code_bits)]
        code = start + (word >= t.code_ends[start])
        expected = plain(t, t.code_octave + (word >> 23), 2**23 + word % 2**23).astype(np.uint8)
        assert (code.astype(np.uint8) == expected).all(), name


def plain(t: FrontendTables, octave: np.ndarray, mantissa: np.ndarray) -> np.ndarray:
    """Logarithm and quantization of mantissa * 2^(octave - 23) as mel sum and offset together."""
    # A sum below 2^23 is taken higher up, as if the frame had headroom for it.
    raised = np.maximum(23 - octave, 0)
    total = mantissa.astype(np.uint64) << np.maximum(octave - 23, 0).astype(np.uint64)
    bare = replace(t, offset=0, floor=0)
    log = integer.logarithm(total[:, None], np.zeros(len(total), np.int64), bare)
    ln2 = int(t.log_lines[256]) - int(t.log_lines[0])
    return integer.model_input(log[:, 0] - raised * ln2, t)


@pytest.mark.parametrize("name", GRID)
def test_no_mel_sum_leaves_the_table_of_codes(name: str) -> None:
    t = tables(name)
    if t.codes is None:
        return
    rows = len(t.codes) >> t.code_bits
    n = np.arange(t.window_length) + t.window_start
    loud = list(signals(t.window_length).values())
    for k in range(t.first_bin, t.first_bin + t.n_bins, max(1, t.n_bins // 12)):
        wave = np.cos(2 * np.pi * k * n / t.n_fft)
        loud.append(np.where(wave * np.sign(t.window) < 0, -32768, 32767).astype(np.int16))
    for signal in loud:
        shift = t.power * int(integer.headroom(signal[None])[0])
        mel = integer.trace(signal, t)["mel"]
        for value in (int(mel.min()), int(mel.max())):
            total = max(value + (t.offset << shift), t.floor << shift)
            assert 0 <= total.bit_length() - 1 - shift - t.code_octave < rows, name


@pytest.mark.parametrize("name", GRID)
def test_square_roots_over_mel_weights_are_the_same(name: str) -> None:
    """What lies where the table of square roots is not read changes no magnitude, nor that of 0."""
    t = tables(name)
    array, start = rise_and_root(t), root_start(t)
    np.testing.assert_array_equal(array[: len(t.rise)], t.rise)
    if t.power == 2:
        assert len(array) == len(t.rise)
        return
    root = array[start:]
    assert len(root) == 257
    assert root[0] < ZERO_BELOW
    parts = np.array([0, 1, -1, 2, 3, -4, 2**29, 2**30 - 1, 2**30, -(2**30), 759250124])
    random = np.random.default_rng(5).integers(-(2**30), 2**30, 4000) >> np.arange(4000) % 31
    re, im = np.meshgrid(np.concatenate([parts, random[:200]]), np.concatenate([parts, random]))
    np.testing.assert_array_equal(
        integer.magnitude_of(re, im, root), integer.magnitude_of(re, im, t.root)
    )


@pytest.mark.parametrize("window", sorted(set(windows.__all__) - {"get_window", SYMMETRIC_ONLY}))
def test_every_window_of_scipy(window: str) -> None:
    """The table is the window, and loud signals that add up under it do not wrap the FFT."""
    spec = (window, *ARGUMENTS[window]) if window in ARGUMENTS else window
    for n_fft in (128, 256):  # a power of four of pairs, and not
        own = features(window=spec, n_fft=n_fft, window_length=n_fft, n_mels=20)
        assert device_limits(own, RATE) == []
        t = make_tables(own, RATE, YAMNET_INPUT)
        exact = librosa.filters.get_window(spec, n_fft, fftbins=True)
        guard = round(np.log2(np.abs(exact).max() / (np.abs(t.window).max() / 2**31)))
        assert guard >= 0
        assert np.abs(t.window / 2.0 ** (31 - guard) - exact).max() <= 2.0 ** (guard - 28)
        for k in (1, 7, n_fft // 4 - 1, n_fft // 4, n_fft // 2 - 1):
            wave = np.cos(2 * np.pi * k * np.arange(n_fft) / n_fft + 0.1) * np.sign(exact)
            trace = integer.trace(np.where(wave < 0, -32768, 32767).astype(np.int16), t)
            bins = np.fft.rfft(trace["window"].astype(float))[t.first_bin :][: t.n_bins] / n_fft
            found = trace["spectrum"][:, 0] + 1j * trace["spectrum"][:, 1]
            assert np.abs(found - bins).max() < 64, (window, k)


def load(folder: Path, **lines: str) -> configuration.Config:
    """The tutorial's features with some keys as a user writes them."""
    keys = TUTORIAL | lines
    text = "operation_mode: benchmarking\npreprocessing:\n"
    text += "".join(f"  {k}: {v}\n" for k, v in (PREPROCESSING | {"top_db": "None"}).items())
    text += "feature_extraction:\n" + "".join(f"  {k}: {v}\n" for k, v in keys.items())
    (folder / "user_config.yaml").write_text(text)
    return configuration.load_sections(folder / "user_config.yaml")


def test_windows_as_they_are_written(tmp_path: Path) -> None:
    for written, meant in (
        ("hann", "hann"),
        ("('kaiser', 8.6)", ("kaiser", 8.6)),
        ("(kaiser, 8.6)", ("kaiser", 8.6)),
        ("[kaiser, 8.6]", ("kaiser", 8.6)),
        ("8.6", 8.6),
        ("('general_cosine', [0.5, 1/4])", ("general_cosine", (0.5, 0.25))),
        ("('exponential', None, 30)", ("exponential", None, 30)),
    ):
        found = load(tmp_path, window=written).feature_extraction
        assert found.window == meant, written
        expected = librosa.filters.get_window(meant, 400)
        t = make_tables(found, RATE, InputFormat("float32"))
        assert np.corrcoef(t.window, expected)[0, 1] > 1 - 1e-12, written
    with pytest.raises(ConfigError, match="window: expected numbers as a window's arguments"):
        load(tmp_path, window="(kaiser, wide)")
    for written in ("()", "[3, 4]", "True"):
        with pytest.raises(ConfigError, match="window: expected a window's name"):
            load(tmp_path, window=written)


def test_what_is_refused_names_what_works() -> None:
    for changes, words in (
        ({"n_fft": 500}, "n_fft is 500: the device does powers of two from 128 to 4096; the"
         " nearest is 512"),
        ({"n_fft": 100, "window_length": 100}, "nearest is 128"),
        ({"n_fft": 8192}, "nearest is 4096"),
        ({"n_fft": 600, "window_length": 600}, "nearest is 1024"),
        ({"window_length": 513}, "window_length is 513: the device does up to n_fft, 512"),
        ({"n_mels": 257}, "n_mels is 257: the device does up to 256"),
        ({"power": 1.5}, "power is 1.5: the device does 1 and 2"),
        ({"fmax": 8001}, "fmax is 8001.0: the device does up to half of target_rate, 8000"),
        ({"window": "hanning"}, "the nearest that works is 'hann'"),
        ({"window": "kaiser"}, "the nearest that works is ('kaiser', 8.6)"),
        ({"window": ("kaiser_bessel_derived", 4.0)}, "the nearest that works is"),
        ({"window": ("gaussian", 0)}, "not finite"),
        ({"window": ("general_cosine", (1e4,))}, "its peak is 10000; the device does"),
        ({"window": ("kaiser", 1, 2)}, "the nearest that works is"),
        ({"to_db": True}, "to_db is True: a stream does not know the clip's maximum; set db_ref"),
        ({"to_db": True, "db_reference": 1e6}, "db_reference is 1000000.0: the device does 1e-05"),
        ({"to_db": True, "db_reference": 1e11, "power": 2.0}, "the device does 1e-10 to 1e+10"),
    ):  # fmt: skip
        reasons = device_limits(features(**changes), RATE)
        assert len(reasons) == 1, changes
        assert words in reasons[0], reasons[0]
        assert reasons[0].startswith("feature_extraction.")


def test_decibels_are_told_of(tmp_path: Path) -> None:
    def told(**lines: str) -> list[str]:
        found = load(tmp_path, **lines)
        return configuration.device_warnings(found) + configuration.unused(found)

    assert "refuses" in told(to_db="True")[0]
    assert "relative to db_reference, 30" in told(to_db="True", db_reference="30")[0]
    assert "without to_db" in told(db_reference="3*10")[0]
    with pytest.raises(ConfigError, match="db_reference"):
        load(tmp_path, db_reference="0")
