"""Streams: chunks, patches, padding, the gate and the end, of the C against the reference."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frontend_cases import RATE, YAMNET_INPUT, features, mixed
from paritone.errors import AudioError
from paritone.features import integer, log_mel
from paritone.features.padding import MODES
from paritone.features.tables import FrontendTables, InputFormat, make_tables
from paritone.native import build
from paritone.native.frontend import Frontend, Heard

EXAMPLES = settings(max_examples=40, deadline=None, derandomize=True)
FLOAT = InputFormat("float32")
SMALL: dict[str, Any] = {
    "n_fft": 256,
    "window_length": 200,
    "hop_length": 90,
    "n_mels": 13,
    "patch_length": 4,
    "overlap": 0.5,
    "include_last_patch": True,
}
CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "small": {},
    "fused": {"n_fft": 512, "window_length": 400, "hop_length": 160},
    "power": {"power": 2.0, "overlap": 0.75},
    "a window of odd length": {"window_length": 255, "window": "boxcar"},
    "a hop beyond the frame": {"hop_length": 700, "patch_length": 2},
    "a hop of one": {"hop_length": 1, "patch_length": 3, "overlap": 0.9},
    "a window of one sample": {"window_length": 1, "hop_length": 3},
    "patches of one column": {"patch_length": 1, "overlap": 0.0, "hop_length": 128},
    "no last patch": {"include_last_patch": False, "patch_length": 5},
}
PADDED: dict[str, dict[str, Any]] = {
    "small": {},
    "window as long as the frame": {"window_length": 256, "window": "boxcar"},
    "odd window": {"window_length": 255, "window": "boxcar", "hop_length": 77},
    "hop of half a frame": {"window_length": 256, "hop_length": 128, "patch_length": 1},
    "hop of a frame": {"window_length": 256, "window": "boxcar", "hop_length": 256},
    "hop beyond the frame": {"hop_length": 700, "patch_length": 1},
    "hop of one": {"window_length": 256, "hop_length": 1, "patch_length": 1, "overlap": 0.0},
}


@cache
def frontend(
    padding: str | None = None, threshold: float = 0.0, dtype: str = "int8", **changes: Any
) -> Frontend:
    """The small configuration with `changes`, centred with a pad_mode, built once."""
    return Frontend(small_tables(padding, threshold, dtype, **changes))


def small_tables(
    padding: str | None = None, threshold: float = 0.0, dtype: str = "int8", **changes: Any
) -> FrontendTables:
    own = {**SMALL, **changes}
    if padding is not None:
        own |= {"center": True, "pad_mode": padding}
    fmt = YAMNET_INPUT if dtype == "int8" else InputFormat(dtype)
    return make_tables(features(**own), RATE, fmt, threshold)


def signal(seed: int, length: int) -> np.ndarray:
    """int16 noise whose level wanders from silence to full scale."""
    rng = np.random.default_rng(seed)
    level = np.repeat(2.0 ** rng.integers(-1, 16, length // 50 + 1), 50)[:length]
    noise = rng.uniform(-1, 1, length) * level
    return np.clip(noise, -32768, 32767).astype(np.int16)


def pieces(pcm: np.ndarray, cuts: list[int]) -> list[np.ndarray]:
    """The signal cut at `cuts`, which may repeat: chunks of any length, none included."""
    return np.split(pcm, sorted(cut % (len(pcm) + 1) for cut in cuts))


def reference(pcm: np.ndarray, tables: FrontendTables) -> list[tuple[bytes, int, bool]]:
    """What every patch of the stream must be: its bytes, level, whether it is silent."""
    try:
        found = integer.patches_and_levels(pcm, tables)
    except AudioError:
        return []
    return [(p.tobytes(), int(level), bool(s)) for p, level, s in zip(*found, strict=True)]


def as_records(heard: list[Heard]) -> list[tuple[bytes, int, bool]]:
    return [(patch.features.tobytes(), patch.level, patch.silent) for patch in heard]


SIGNALS = st.builds(signal, st.integers(0, 2**32), st.integers(0, 2500))
CUTS = st.lists(st.integers(0, 2500), max_size=12)


# ------------------------------------------------------------------ Chunks and patches


@pytest.mark.parametrize("name", CONFIGURATIONS)
@settings(EXAMPLES, max_examples=20)
@given(pcm=SIGNALS, cuts=CUTS)
def test_any_chunks_give_the_reference(name: str, pcm: np.ndarray, cuts: list[int]) -> None:
    native = frontend(**CONFIGURATIONS[name])
    heard = list(native.listen(pieces(pcm, cuts), levels=True))
    assert as_records(heard) == reference(pcm, native.tables)
    if heard:
        assert np.array_equal(np.stack([patch.features for patch in heard]), native.patches(pcm))


@EXAMPLES
@given(pcm=SIGNALS, size=st.integers(1, 300))
def test_chunks_equal_whole(pcm: np.ndarray, size: int) -> None:
    native = frontend()
    chunked = native.listen([pcm[i : i + size] for i in range(0, len(pcm), size)], levels=True)
    whole = native.listen([pcm], levels=True)
    assert as_records(list(chunked)) == as_records(list(whole))


@EXAMPLES
@given(pcm=SIGNALS, other=SIGNALS, finished=st.booleans(), padded=st.booleans())
def test_a_stream_begun_anew_is_a_new_stream(
    pcm: np.ndarray, other: np.ndarray, finished: bool, padded: bool
) -> None:
    native = frontend("reflect") if padded else frontend()
    stream = Stream(native)
    stream.push(other)
    if finished:
        stream.finish()
    assert stream.init() == 0
    assert stream.push(pcm) + stream.finish() == native_bytes(native, pcm)


@EXAMPLES
@given(
    pcm=st.builds(signal, st.integers(0, 2**32), st.integers(256, 3000)),
    shape=st.sampled_from([(1, 0.0), (2, 0.5), (5, 0.0), (5, 0.45), (7, 0.9), (3, 0.34)]),
    last=st.booleans(),
    padded=st.booleans(),
)
def test_patches_are_cut_from_the_whole_spectrogram(
    pcm: np.ndarray, shape: tuple[int, float], last: bool, padded: bool
) -> None:
    """Overlapping ones too: no column depends on which patch it is in."""
    padding = "constant" if padded else None
    length, overlap = shape
    changes = {"patch_length": length, "overlap": overlap, "include_last_patch": last}
    columns = frontend(padding, patch_length=1, overlap=0.0).patches(pcm)[:, :, 0].T
    found = frontend(padding, **changes).stream([pcm])
    if columns.shape[1] < length:
        assert found == []
        return
    cut = log_mel.cut(columns, features(**{**SMALL, **changes}))
    assert np.array_equal(np.stack(found), cut)


@EXAMPLES
@given(
    pcm=st.builds(signal, st.integers(0, 2**32), st.integers(256, 2500)), bits=st.integers(1, 14)
)
def test_a_gain_shifts_what_the_window_left(pcm: np.ndarray, bits: int) -> None:
    """A gain of 2^-k: the window floors k bits more, all else is the same but for the scale.

    So the quieter stream's features are those of the louder one's window, its lowest bits
    cleared, with a headroom that is larger by k.
    """
    native = frontend(dtype="float32", include_last_patch=False, patch_length=1, overlap=0.0)
    t = native.tables
    quiet = pcm >> bits
    loud = quiet << bits
    frames = integer.frame_windows(loud, t)
    headroom = integer.headroom(integer.frame_windows(quiet, t))
    window = integer.window_frames(frames, integer.headroom(frames), t)
    cleared = (window >> (headroom + 1)[:, None]) << (headroom + 1)[:, None]
    mel = mel_of(cleared, t)
    log = integer.logarithm(mel, headroom, t)
    found, levels, _ = native.patches_and_levels(quiet)
    assert np.array_equal(found[:, :, 0], integer.model_input(log, t))
    assert np.array_equal(levels, integer.column_levels(mel, headroom, t))


def mel_of(window: np.ndarray, tables: FrontendTables) -> np.ndarray:
    """The reference's mel bands of windowed frames, for power 1."""
    used = slice(tables.first_bin, tables.first_bin + tables.n_bins)
    spectrum = integer.rfft_q31(window, tables.fft)
    re, im = spectrum[:, 0::2][:, used], spectrum[:, 1::2][:, used]
    return integer.mel_bands(integer.magnitude_of(re, im, tables.root), tables)


def test_a_gain_moves_loud_bands_by_its_logarithm() -> None:
    native = frontend(dtype="float32", patch_length=1, overlap=0.0)
    pcm = signal(3, 20000) | 0x2000
    loud, quiet = native.patches(pcm), native.patches(pcm >> 4 << 3)
    moved = loud - native.patches(pcm >> 4)
    assert np.abs(moved[loud > 0] - 4 * np.log(2)).max() < 0.01
    assert np.abs((quiet - native.patches(pcm >> 4))[loud > 0] - 3 * np.log(2)).max() < 0.01


# --------------------------------------------------------------------------- Padding


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", PADDED)
@settings(EXAMPLES, max_examples=12)
@given(
    seed=st.integers(0, 2**32),
    length=st.one_of(st.sampled_from([0, 1, 2, 127, 128, 129, 130, 256, 257]), st.integers(0, 900)),
    cuts=CUTS,
)
def test_padding_is_numpys(mode: str, name: str, seed: int, length: int, cuts: list[int]) -> None:
    """Also of signals that are shorter than the padding."""
    pcm = signal(seed, length)
    padded, plain = frontend(mode, **PADDED[name]), frontend(**PADDED[name])
    found = padded.stream(pieces(pcm, cuts))
    whole = np.pad(pcm, 128, mode=mode) if length else pcm  # type: ignore[call-overload]
    expected = plain.stream([whole])
    assert [p.tobytes() for p in found] == [p.tobytes() for p in expected]
    assert as_records(list(padded.listen([pcm], levels=True))) == reference(pcm, padded.tables)


@pytest.mark.parametrize("mode", MODES)
def test_padding_is_librosas(mode: str) -> None:
    """The same frames in float: no cell is off by more than 1."""
    changes: dict[str, Any] = {"n_fft": 512, "window_length": 400, "hop_length": 160, "n_mels": 64}
    native = frontend(mode, **changes, patch_length=1, overlap=0.0)
    own = features(**{**SMALL, **changes, "center": True, "pad_mode": mode})
    pcm = mixed(1500)
    for length in (600, 16000, len(pcm)):
        wave = pcm[-length:].astype(np.float32) / 32768
        exact = log_mel.spectrogram(wave, own, RATE)
        quantized = np.round(exact / np.float32(YAMNET_INPUT.scale) + YAMNET_INPUT.zero_point)
        found = native.patches(pcm[-length:])[:, :, 0].T
        assert found.shape == exact.shape
        assert np.abs(np.clip(quantized, -128, 127) - found).max() <= 1


# ---------------------------------------------------------------------------- Silence


def test_levels_are_sums_of_mel_bands() -> None:
    """In units of 1/1024, of what librosa computes in float, for either power and norm."""
    pcm = mixed(2000)
    for changes in ({}, {"power": 2.0}, {"norm": "slaney", "htk": False, "power": 2.0}):
        own = {**SMALL, "include_last_patch": False, **changes}
        native = frontend(**own)
        wave = pcm.astype(np.float32) / 32768
        spectrogram = log_mel.spectrogram(wave, features(**own), RATE).astype(np.float64)
        mel = np.exp(spectrogram) - log_mel.LOG_OFFSET
        exact = log_mel.cut(mel, features(**own)).sum(axis=(1, 2))
        levels = native.patches_and_levels(pcm)[1] / 1024
        assert len(levels) == len(exact)
        assert np.abs(levels - exact).max() / exact.max() < 1e-3
        assert np.abs(levels - exact)[exact < 1].max() < 0.05


@EXAMPLES
@given(pcm=SIGNALS, threshold=st.floats(0, 300))
def test_a_patch_is_silent_below_the_threshold(pcm: np.ndarray, threshold: float) -> None:
    native = frontend()
    gated = replace(native.tables, silence=int(np.ceil(threshold * 1024)))
    for heard in native.listen([pcm], levels=True):
        assert heard.silent is False
    expected = reference(pcm, gated)
    assert [silent for _, _, silent in expected] == [
        level / 1024 < threshold for _, level, _ in expected
    ]


@pytest.mark.parametrize("dtype", ["int8", "float32"])
@pytest.mark.parametrize("padding", [None, "reflect"])
def test_the_gate_of_the_c(padding: str | None, dtype: str) -> None:
    pcm = signal(11, 12000)
    levels = frontend(padding, dtype=dtype).patches_and_levels(pcm)[1]
    middle = float(np.sort(levels)[len(levels) // 2]) / 1024
    gated = frontend(padding, middle, dtype)
    heard = list(gated.listen([pcm]))
    assert [h.level for h in heard] == levels.tolist()
    assert [h.silent for h in heard] == [level / 1024 < middle for level in levels]
    assert {h.silent for h in heard} == {False, True}
    assert as_records(heard) == reference(pcm, gated.tables)
    assert gated.tables.sha256 != frontend(padding, dtype=dtype).tables.sha256


def test_levels_do_not_overflow() -> None:
    """A column's is cut to 32 bits; sums of mel bands take more than 64."""
    own = {"power": 2.0, "n_fft": 4096, "window_length": 4096, "window": "boxcar", "fmin": 0}
    t = make_tables(features(**{**SMALL, **own, "hop_length": 4096}), RATE, FLOAT)
    square = np.where(np.arange(24000) % 32 < 16, 32767, -32768)
    pcm = np.concatenate([square, square >> 6, square >> 11, square >> 15]).astype(np.int16)
    found = Frontend(t).patches_and_levels(pcm)[1]
    assert np.array_equal(found, integer.patches_and_levels(pcm, t)[1])
    assert found.max() == t.patch_length * (2**32 - 1)
    assert len(np.unique(found)) >= 4


def test_the_gate_costs_memory_only_where_it_is_on() -> None:
    off, on = small_tables(), small_tables(threshold=0.001)
    assert (off.silence, on.silence) == (0, 2)
    assert on.stream_bytes - off.stream_bytes == 4 * off.patch_length


# ------------------------------------------------------------------- The end, and bounds


class Stream:
    """A stream of the C in memory of its own, poisoned around."""

    GUARD = 64

    def __init__(self, frontend: Frontend) -> None:
        self.frontend, self.tables = frontend, frontend.tables
        self.ffi, self.lib = build.runtime()
        size = frontend.handle.stream_bytes
        self.memory = np.full((size + 7) // 8 * 8 + 2 * self.GUARD, 0xA5, np.uint8)
        self.state, self.ready = self.ffi.new("paritone_stream_t *"), self.ffi.new("int *")
        self._at = self.ffi.from_buffer(self.memory[self.GUARD :])
        self._after = self.GUARD + size
        assert self.init() == 0

    def init(self) -> int:
        result: int = self.lib.paritone_stream_init(self.state, self.frontend.handle, self._at)
        return result

    def push(self, pcm: np.ndarray) -> list[bytes]:
        """Patches that the samples complete."""
        found, taken = [], 0
        samples = self.ffi.from_buffer("int16_t[]", np.ascontiguousarray(pcm))
        while taken < len(pcm):
            taken += self.lib.paritone_stream_push(
                self.state, samples + taken, len(pcm) - taken, self.ready
            )
            found += [self.patch()] if self.ready[0] else []
        return found

    def finish(self) -> list[bytes]:
        """Patches that the end completes."""
        found = []
        while self.lib.paritone_stream_finish(self.state, self.ready) == 0 and self.ready[0]:
            found.append(self.patch())
        return found

    def patch(self) -> bytes:
        out = np.full(self.tables.patch_bytes + self.GUARD, 0xA5, np.uint8)
        assert self.lib.paritone_stream_patch(self.state, self.ffi.from_buffer(out)) == 0
        assert (out[self.tables.patch_bytes :] == 0xA5).all()
        return out[: self.tables.patch_bytes].tobytes()

    def guarded(self) -> bool:
        outside = np.concatenate([self.memory[: self.GUARD], self.memory[self._after :]])
        return bool((outside == 0xA5).all())


def native_bytes(native: Frontend, pcm: np.ndarray) -> list[bytes]:
    return [patch.tobytes() for patch in native.stream([pcm])]


@pytest.mark.parity
@pytest.mark.parametrize("padding", [None, *MODES])
@pytest.mark.parametrize("name", PADDED)
def test_nothing_is_written_outside(name: str, padding: str | None) -> None:
    """And the memory that is promised suffices, with a gate and without."""
    for threshold in (0.0, 1.0):
        native = frontend(padding, threshold, **PADDED[name])
        for length in (1, 900):
            stream = Stream(native)
            pcm = signal(length, length)
            found = stream.push(pcm) + stream.finish()
            assert found == [patch for patch, _, _ in reference(pcm, native.tables)]
            assert stream.guarded()


def test_the_end_may_complete_several_patches() -> None:
    native = frontend("constant", patch_length=1, overlap=0.0, hop_length=10)
    stream, pcm = Stream(native), signal(5, 1000)
    live = stream.push(pcm)
    assert len(live) == 1 + (1000 - 128) // 10
    ended = stream.finish()
    assert len(live) + len(ended) == 1 + 1000 // 10
    assert live + ended == native_bytes(native, pcm)


@pytest.mark.parametrize("padding", [None, "edge"])
def test_after_the_end_there_is_nothing(padding: str | None) -> None:
    stream = Stream(frontend(padding))
    assert len(stream.push(signal(1, 1500)) + stream.finish()) > 2
    assert stream.finish() == []
    assert stream.push(signal(1, 1500)) == []
    assert stream.finish() == []


def test_frames_are_counted_as_librosa_does() -> None:
    single = frontend(patch_length=1, overlap=0.0)
    for samples in (256, 257, 345, 346, 347, 5000):
        assert len(single.patches(np.zeros(samples, np.int16))) == 1 + (samples - 256) // 90


def test_the_last_patch_is_not_given_twice() -> None:
    native = frontend()  # every second column, and a last one
    whole = 256 + 3 * 90
    for samples, patches in ((whole, 1), (whole + 89, 1), (whole + 90, 2), (whole + 180, 2)):
        assert len(native.patches(np.ones(samples, np.int16))) == patches
    assert len(native.patches(np.ones(whole + 90, np.int16), finish=False)) == 1


def test_a_stream_without_samples_has_no_frames() -> None:
    for padding in (None, *MODES):
        stream = Stream(frontend(padding, patch_length=1, overlap=0.0))
        assert stream.finish() == []
        assert stream.state.frames == 0


@pytest.mark.parity
def test_bad_arguments_are_refused() -> None:
    stream = Stream(frontend(threshold=1.0))
    ffi, lib = stream.ffi, stream.lib
    assert lib.paritone_stream_finish(ffi.NULL, stream.ready) == -1
    assert lib.paritone_stream_finish(stream.state, ffi.NULL) == -1
    assert lib.paritone_stream_patch(stream.state, ffi.NULL) == -1
    assert lib.paritone_stream_level(stream.state) == 0  # no patch yet
    assert lib.paritone_stream_silent(stream.state) == 0
    assert lib.paritone_stream_push(stream.state, ffi.NULL, 0, stream.ready) == 0
    for padding, needed in (("reflect", 270), (None, 526)):
        with pytest.raises(AudioError, match=f"0 samples, a patch needs {needed}"):
            frontend(padding).patches(np.zeros(0, np.int16))
        with pytest.raises(AudioError, match=f"a patch needs {needed}"):
            frontend(padding).patches(np.zeros(needed - 1, np.int16))
        assert len(frontend(padding).patches(np.zeros(needed, np.int16))) == 1
