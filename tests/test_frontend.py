"""The integer frontend: NumPy reference and native C, bit for bit."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from frontend_cases import GRID, RATE, YAMNET_INPUT, features, mixed, signals, tables
from paritone.errors import AudioError, ConfigError
from paritone.features import integer
from paritone.features.limits import device_limits
from paritone.features.tables import InputFormat, make_tables
from paritone.generate.frontend import frontend_c
from paritone.native import build
from paritone.native.frontend import Frontend

POISON = 0xA5
GUARD_BYTES = 16
SHORT = {"patch_length": 5, "overlap": 0.45}


@cache
def frontend(name: str) -> Frontend:
    """A configuration of the grid with short patches, built once."""
    return Frontend(tables(name, **SHORT))


def same(expected: np.ndarray, found: np.ndarray, what: str) -> None:
    assert expected.dtype == found.dtype, what
    assert expected.shape == found.shape, what
    different = np.argwhere(expected != found)
    if len(different):
        first = tuple(int(i) for i in different[0])
        pytest.fail(
            f"{what}: {len(different)} of {expected.size} differ, first at {first}: "
            f"NumPy {expected[first]}, C {found[first]}"
        )


@pytest.mark.parity
@pytest.mark.parametrize("name", GRID)
def test_patches_equal_the_reference(name: str) -> None:
    native = frontend(name)
    length = min(3000, 60 * native.tables.hop_length + native.tables.n_fft)
    pcm = mixed(length)
    same(integer.patches(pcm, native.tables), native.patches(pcm), name)


@pytest.mark.parity
@pytest.mark.parametrize("name", GRID)
def test_every_stage_equals_the_reference(name: str) -> None:
    native = frontend(name)
    for title, signal in signals(native.tables.window_length).items():
        expected, found = integer.trace(signal, native.tables), native.trace(signal)
        assert list(found) == list(integer.STAGES)
        for stage in integer.STAGES:
            same(expected[stage], found[stage], f"{name}, {title}, {stage}")


@pytest.mark.parity
@pytest.mark.parametrize("name", ["tutorial", "power", "2048, power", "float", "one sample"])
def test_nothing_is_written_outside(name: str) -> None:
    """Scratch and outputs are poisoned; what lies behind them stays."""
    native, t = frontend(name), frontend(name).tables
    ffi, lib = build.runtime()
    pcm = signals(t.window_length)["noise 8000"]
    samples = ffi.from_buffer("int16_t[]", pcm)
    scratch, column = poisoned(native.handle.scratch_bytes), poisoned(t.column_bytes)
    status = lib.paritone_frontend_frame(
        native.handle, samples, ffi.from_buffer(scratch), ffi.from_buffer(column)
    )
    assert status == 0
    assert guarded(scratch)
    assert guarded(column)
    assert column[:-GUARD_BYTES].tobytes() == integer.trace(pcm, t)["input"].tobytes()
    for stage, values in enumerate(integer.trace(pcm, t).values()):
        out = poisoned(values.nbytes)
        lib.paritone_frontend_trace(
            native.handle, samples, ffi.from_buffer(scratch), stage, ffi.from_buffer(out)
        )
        assert guarded(out)
        assert out[:-GUARD_BYTES].tobytes() == values.tobytes()


def poisoned(size: int) -> np.ndarray:
    words = np.empty((size + GUARD_BYTES + 7) // 8, np.uint64)  # aligned to 8
    block = words.view(np.uint8)[: size + GUARD_BYTES]
    block[:] = POISON
    return block


def guarded(block: np.ndarray) -> bool:
    return bool((block[-GUARD_BYTES:] == POISON).all())


def test_a_gain_changes_no_more_than_the_window_floors() -> None:
    """Frames that differ by 2^k differ by what the window's floor took from the quieter one."""
    for name in ("tutorial", "256", "2048"):
        native = frontend(name)
        quiet = signals(native.tables.window_length)["noise 500"]
        low = native.trace(quiet)
        step = 2 ** (int(integer.headroom(quiet[None])[0]) + 1)
        for gain in (2, 16, 64):
            high = native.trace(quiet * np.int16(gain))
            lost = high["window"].astype(np.int64) - low["window"]
            assert lost.max() < step, (name, gain)
            assert lost.min() >= 0, (name, gain)
            moved = high["magnitude"].astype(np.int64) - low["magnitude"]
            bound = np.hypot(*(lost.mean() + 64,) * 2) + 2e-5 * high["magnitude"]  # FFT: 64
            assert (np.abs(moved) <= bound).all(), (name, gain)
            assert (high["log"] >= low["log"]).all(), (name, gain)


def test_the_fft_never_wraps() -> None:
    """Full-scale signals that add up: a wrapped sum would lose their power."""
    for name in GRID:
        t = tables(name)
        if t.window_length < 200:
            continue
        n = np.arange(t.window_length)
        for k in (0, 1, 7, t.n_fft // 8, t.n_fft // 4 - 1, t.n_fft // 2):
            wave = np.cos(2 * np.pi * k * (n + t.window_start) / t.n_fft + 0.1)
            square = np.where(wave < 0, -32768, 32767).astype(np.int16)
            windowed = integer.trace(square, t)["window"].astype(np.float64)
            spectrum = integer.trace(square, t)["spectrum"].astype(np.float64)
            exact = (np.fft.rfft(windowed) / t.n_fft)[t.first_bin :][: t.n_bins]
            found = spectrum[:, 0] + 1j * spectrum[:, 1]
            assert np.abs(found - exact).max() < 64, (name, k)


def test_limits_of_the_device() -> None:
    assert device_limits(features(), RATE) == []
    for changes, words in (
        ({"n_fft": 8192}, "n_fft is 8192"),
        ({"n_fft": 500}, "n_fft is 500"),
        ({"window_length": 513}, "window_length is 513"),
        ({"n_mels": 257}, "n_mels is 257"),
        ({"center": True, "pad_mode": "linear_ramp"}, "nearest is edge"),
        ({"center": True, "pad_mode": "empty"}, "nearest is constant"),
        ({"to_db": True}, "to_db is True"),
        ({"power": 1.5}, "power is 1.5"),
        ({"hop_length": 2**21}, "hop_length is 2097152"),
        ({"patch_length": 2**21}, "patch_length is 2097152"),
        ({"window": "no such window"}, "window"),
    ):
        reasons = device_limits(features(**changes), RATE)
        assert len(reasons) == 1, changes
        assert words in reasons[0]
        with pytest.raises(ConfigError, match="the device cannot compute"):
            make_tables(features(**changes), RATE, YAMNET_INPUT)


def test_bad_formats_are_refused() -> None:
    with pytest.raises(ConfigError, match="int16"):
        InputFormat("int16", 1.0, 0)
    for scale in (0.0, -1.0, float("nan"), 1e12, 1e-30):
        with pytest.raises(ConfigError, match="scale"):
            make_tables(features(), RATE, InputFormat("int8", scale, 0))
    with pytest.raises(ConfigError, match="no mel band"):
        make_tables(features(n_mels=1, fmin=3, fmax=4), RATE, YAMNET_INPUT)


def test_bad_audio_is_refused() -> None:
    native = frontend("tutorial")
    for implementation in (native.patches, lambda pcm: integer.patches(pcm, native.tables)):
        with pytest.raises(AudioError, match="too short for a patch"):
            implementation(np.zeros(4 * 160 + 511, np.int16))
        with pytest.raises(AudioError, match="too short for a patch"):
            implementation(np.zeros(0, np.int16))
    for pcm in (np.zeros(5000, np.float32), np.zeros((2, 5000), np.int16)):
        with pytest.raises(AudioError, match="expected int16"):
            native.patches(pcm)
    with pytest.raises(AudioError, match="expected 400"):
        native.trace(np.zeros(399, np.int16))


@pytest.mark.parity
def test_c_refuses_bad_arguments() -> None:
    ffi, lib = build.runtime()
    native = frontend("tutorial")
    scratch = ffi.new("uint64_t[]", -(-native.handle.scratch_bytes // 8))
    memory = ffi.new("uint64_t[]", -(-native.handle.stream_bytes // 8))
    pcm, column = ffi.new("int16_t[400]"), ffi.new("int8_t[64]")
    stream = ffi.new("paritone_stream_t *")
    null = ffi.NULL
    frame, trace = lib.paritone_frontend_frame, lib.paritone_frontend_trace
    assert frame(null, pcm, scratch, column) == -1
    assert frame(native.handle, null, scratch, column) == -1
    assert frame(native.handle, pcm, null, column) == -1
    assert frame(native.handle, pcm, scratch, null) == -1
    assert trace(native.handle, pcm, scratch, 6, column) == -1
    assert lib.paritone_stream_init(stream, null, memory) == -1
    assert lib.paritone_stream_init(stream, native.handle, null) == -1
    other = ffi.new("paritone_frontend_t *", native.handle[0])
    ffi.cast("uint32_t *", other)[0] += 1  # the format
    assert frame(other, pcm, scratch, column) == -2
    assert lib.paritone_stream_init(stream, other, memory) == -2
    assert lib.paritone_stream_init(stream, native.handle, memory) == 0
    assert lib.paritone_stream_patch(stream, column) == -1  # no patch yet


def test_generated_c_is_stable_and_versioned() -> None:
    t = tables("tutorial")
    text = frontend_c(t)
    assert text == frontend_c(tables("tutorial"))
    assert t.sha256 in text
    assert "#if PARITONE_FORMAT != 4" in text
    rise = t.rise.copy()
    rise[5] ^= 1
    assert replace(t, rise=rise).sha256 != t.sha256
