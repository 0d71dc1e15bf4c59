"""The fused transform and frames in lockstep: the plain transform's bits, stage by stage."""

from __future__ import annotations

from functools import cache
from itertools import islice

import numpy as np
import pytest

from frontend_cases import GRID, mixed, signals, tables
from paritone.features import integer
from paritone.features.fft_tables import fft_tables
from paritone.features.fused_tables import N_FFT, can_fuse, fused_tables
from paritone.generate.frontend import frontend_c
from paritone.generate.frontend_fused import has_fused
from paritone.native import build
from paritone.native.frontend import Frontend
from test_frontend import guarded, poisoned, same

FUSED = [name for name in GRID if has_fused(tables(name))]
SPECTROGRAM_FRAMES = (1, 2, 15, 16, 17, 31, 32, 33, 70)


@cache
def frontend(name: str, fused: bool) -> Frontend:
    return Frontend(tables(name, patch_length=1, overlap=0), fused)


def frames_of(name: str) -> dict[str, np.ndarray]:
    """Frames from silence to the extremes, and every headroom."""
    length = tables(name).window_length
    rng = np.random.default_rng(11)
    full = np.where(rng.random(length) < 0.5, -32768, 32767)
    found = signals(length)
    for bits in range(16):
        found[f"full scale >> {bits}"] = (full >> bits).astype(np.int16)
    for k in (1, 3, tables(name).n_fft // 4, tables(name).n_fft // 2 - 1):
        phase = 2 * np.pi * k * np.arange(length) / tables(name).n_fft
        found[f"bin {k}"] = np.rint(32767 * np.cos(phase)).astype(np.int16)
        found[f"square of bin {k}"] = np.where(np.sin(phase + 0.1) < 0, -32768, 32767).astype(
            np.int16
        )
    return found


def test_the_grid_fuses_every_length() -> None:
    assert {tables(name).n_fft for name in FUSED} == set(N_FFT)
    assert {tables(name).power for name in FUSED} == {1, 2}


@pytest.mark.parity
@pytest.mark.parametrize("name", FUSED)
def test_every_stage_equals_the_plain_transform_and_the_reference(name: str) -> None:
    plain, fused = frontend(name, False), frontend(name, True)
    assert fused.handle.scratch_bytes < plain.handle.scratch_bytes
    for title, pcm in frames_of(name).items():
        found, expected = fused.trace(pcm), integer.trace(pcm, fused.tables)
        for stage, values in plain.trace(pcm).items():
            same(values, found[stage], f"{name}, {title}, {stage}: plain, fused")
            same(expected[stage], found[stage], f"{name}, {title}, {stage}")


@pytest.mark.parity
@pytest.mark.parametrize("name", FUSED)
def test_the_stream_takes_either_transform(name: str) -> None:
    pcm = mixed(900)[-6000:]
    plain, fused = (frontend(name, choice).stream([pcm]) for choice in (False, True))
    same(np.stack(plain), np.stack(fused), name)


@pytest.mark.parity
@pytest.mark.parametrize("name", FUSED)
def test_the_fused_transform_stays_in_its_scratch(name: str) -> None:
    native = frontend(name, True)
    ffi, lib = build.runtime()
    pcm = signals(native.tables.window_length)["noise 8000"]
    samples = ffi.from_buffer("int16_t[]", pcm)
    for stage, values in enumerate(integer.trace(pcm, native.tables).values()):
        scratch, out = poisoned(native.handle.scratch_bytes), poisoned(values.nbytes)
        status = lib.paritone_frontend_trace(
            native.handle, samples, ffi.from_buffer(scratch), stage, ffi.from_buffer(out)
        )
        assert status == 0
        assert guarded(scratch)
        assert guarded(out)


@pytest.mark.parity
@pytest.mark.parametrize("name", GRID)
def test_lanes_equal_single_frames(name: str) -> None:
    """A spectrogram's columns are those of the stream, however many frames there are."""
    native = frontend(name, False)
    t = native.tables
    for frames in SPECTROGRAM_FRAMES if name in ("tutorial", "256", "power") else (1, 37):
        pcm = mixed(1 + frames * t.hop_length // 8)[-((frames - 1) * t.hop_length + t.n_fft) :]
        pcm = np.resize(pcm, (frames - 1) * t.hop_length + t.n_fft)
        heard = native.stream([pcm])
        single = np.concatenate(heard[:frames], axis=1)
        same(single, native.spectrogram(pcm)[:, : single.shape[1]], f"{name}, {frames} frames")


@pytest.mark.parity
@pytest.mark.parametrize("name", ["tutorial", "power", "one sample", "float", "4096, 256 bands"])
def test_a_spectrogram_stays_in_its_memory(name: str) -> None:
    ffi, lib = build.runtime()
    native = frontend(name, False)
    t = native.tables
    frames = 19
    pcm = np.resize(mixed(2000), (frames - 1) * t.hop_length + t.n_fft)
    size = lib.paritone_frontend_spectrogram_bytes(native.handle)
    for misplaced in (0, 1, 63):
        scratch = poisoned(size + misplaced)
        out = poisoned(frames * t.column_bytes)
        arguments = (ffi.from_buffer("int16_t[]", pcm), frames)
        status = lib.paritone_frontend_spectrogram(
            native.handle, *arguments, ffi.from_buffer(scratch[misplaced:]), ffi.from_buffer(out)
        )
        assert status == 0
        assert guarded(scratch)
        assert guarded(out)
        columns = out[: frames * t.column_bytes].view(t.dtype).reshape(t.n_mels, frames)
        same(native.spectrogram(pcm)[:, :frames], columns, f"{name}, scratch + {misplaced}")


@pytest.mark.parity
def test_bad_arguments_of_a_spectrogram() -> None:
    ffi, lib = build.runtime()
    native, fused = frontend("tutorial", False), frontend("tutorial", True)
    call, null = lib.paritone_frontend_spectrogram, ffi.NULL
    pcm, columns = ffi.new("int16_t[512]"), ffi.new("int8_t[64]")
    scratch = ffi.new("uint8_t[]", lib.paritone_frontend_spectrogram_bytes(native.handle))
    assert call(native.handle, pcm, 1, scratch, columns) == 0
    assert call(null, pcm, 1, scratch, columns) == -1
    assert call(native.handle, null, 1, scratch, columns) == -1
    assert call(native.handle, pcm, 1, null, columns) == -1
    assert call(native.handle, pcm, 1, scratch, null) == -1
    assert call(fused.handle, pcm, 1, scratch, columns) == -1
    other = ffi.new("paritone_frontend_t *", native.handle[0])
    ffi.cast("uint32_t *", other)[0] += 1  # the format
    assert call(other, pcm, 1, scratch, columns) == -2


def test_what_cannot_be_fused() -> None:
    assert can_fuse(512, 56, 400)
    assert can_fuse(2048, 512, 1024)
    for geometry in ((256, 0, 256), (1024, 0, 1024), (4096, 0, 4096)):
        assert not can_fuse(*geometry), geometry  # half a frame is no power of four
    for geometry in ((512, 57, 398), (512, 56, 399), (512, 129, 254)):
        assert not can_fuse(*geometry), geometry
    for name in GRID:
        assert ("paritone_frontend_fused" in frontend_c(tables(name))) == (name in FUSED)
    window, fft = np.ones(400, np.int32), fft_tables(512)
    with pytest.raises(ValueError, match="cannot be fused"):
        fused_tables(512, window, 57, 1, 10, fft)
    for first, bins in ((0, 10), (1, 256)):
        with pytest.raises(ValueError, match="not within"):
            fused_tables(512, window, 56, first, bins, fft)


@pytest.mark.parametrize("eighths", [4, 5, 6, 7, 8])
@pytest.mark.parametrize("n_fft", N_FFT)
def test_fused_tables_hold_what_the_plain_ones_do(n_fft: int, eighths: int) -> None:
    """Each number is found again, by what the header says of its place."""
    half, length = n_fft // 2, n_fft * eighths // 8
    window = np.arange(1, length + 1, dtype=np.int32)
    start, first_bin, bins = (n_fft - length) // 2, 3, half // 2 + 5
    fft = fft_tables(n_fft)
    fused = fused_tables(n_fft, window, start, first_bin, bins, fft)
    rows, fourth = fused.window.reshape(half // 4, 12), iter(fused.fourth)
    for k in range(half // 4):
        samples = [2 * (k + leg * half // 4) + odd for leg in range(4) for odd in (0, 1)]
        samples = [sample for sample in samples if start <= sample < start + length]
        weights = [*rows[k, :6], *islice(fourth, max(0, len(samples) - 6))]
        assert weights == [*(window[sample - start] for sample in samples), 0, 0][: len(weights)]
        for i, turn in enumerate((2, 1, 3)):
            assert tuple(rows[k, 6 + 2 * i :][:2]) == tuple(fft.twiddle[2 * turn * k :][:2])
    assert next(fourth, None) is None
    stage = 1
    while half >> 2 * (stage + 1) > 1:
        for k in range(half >> 2 * (stage + 1)):
            for i, angle in enumerate(turn * k for turn in (2, 1, 3)):
                found = rows[k << 2 * stage, 6 + 2 * i :][:2]
                assert tuple(found) == tuple(fft.twiddle[2 * angle << 2 * stage :][:2])
        stage += 1
    used = {min(k, half - k) for k in range(first_bin, first_bin + bins)}
    pairs = range(fused.first_pair, fused.first_pair + fused.n_pairs)
    assert (min(used), max(used)) == (pairs[0], pairs[-1])
    for i, k in enumerate(pairs):
        expected = (fft.split_a[2 * k], fft.split_a[2 * k + 1], fft.split_b[2 * k])
        assert tuple(fused.split[3 * i : 3 * i + 3]) == expected
