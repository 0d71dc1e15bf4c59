"""The native C frontend: what the board computes, bit for bit."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from paritone import config as configuration
from paritone.config import Config
from paritone.errors import AudioError
from paritone.features.integer import STAGES
from paritone.features.padding import extend
from paritone.features.tables import FrontendTables, InputFormat, make_tables
from paritone.generate.frontend import frontend_c
from paritone.native import build


@dataclass(frozen=True)
class Heard:
    """A patch as the stream gives it.

    Attributes
    ----------
    features : [n_mels, patch_length] of the model's dtype
    level : how loud it is, in units of 2^-10 of a mel band (``paritone_stream_level``)
    silent : whether the gate takes it for silence; False without a gate
    """

    features: npt.NDArray[Any]
    level: int
    silent: bool


class Frontend:
    """One configuration's frontend in C, through cffi.

    Parameters
    ----------
    tables
        of `paritone.features.tables.make_tables`
    fused
        True for ``paritone_transform_fused``, False for ``paritone_transform_cmsis``; None for
        the fused one where there is one for these tables

    Attributes
    ----------
    handle
        cffi pointer to the const ``paritone_frontend_t``
    """

    def __init__(self, tables: FrontendTables, fused: bool | None = None) -> None:
        self.tables = tables
        self._ffi, self._lib = build.runtime()
        text = frontend_c(tables, every_stage=True)
        if fused is None:
            fused = "paritone_frontend_fused" in text
        symbol = "paritone_frontend_fused" if fused else "paritone_frontend"
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "paritone_frontend.c").write_text(text)
            self.handle = build.load_data(Path(folder), symbol, "paritone_frontend_t")
            self._plain = build.load_data(Path(folder), "paritone_frontend", "paritone_frontend_t")

    @classmethod
    def from_config(cls, path: str | Path, model: str | Path | None = None) -> Frontend:
        """Return the frontend of a configuration file.

        Its output is the input of `model`, or of ``general.model_path``, when that is a .tflite
        file; otherwise the log-mel values in float32.
        """
        config = configuration.load_sections(path)
        return cls(config_tables(config, model or config.general.model_path))

    def patches(self, pcm: npt.ArrayLike, finish: bool = True) -> npt.NDArray[Any]:
        """Return the patches of int16 PCM: (patches, n_mels, patch_length), the model's dtype.

        With `finish`, the stream ends there (``include_last_patch``); AudioError when there is
        not one whole patch. The same bits as those of the stream, from `spectrogram`.
        """
        t, samples = self.tables, as_pcm(pcm)
        if t.padding and not finish:  # what follows is not known to be the end
            return self.patches_and_levels(samples, finish)[0]
        columns = self.spectrogram(samples)
        last = columns.shape[1] - t.patch_length
        if last < 0:
            raise AudioError(t.too_short(len(samples)))
        starts = list(range(0, last + 1, t.patch_step))
        if finish and t.include_last_patch and starts[-1] != last:
            starts.append(last)
        return np.stack([columns[:, start : start + t.patch_length] for start in starts])

    def spectrogram(self, pcm: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return every column of int16 PCM: (n_mels, frames) of the model's dtype.

        Many frames in lockstep, on one core: the quickest way to the bits of the board.
        """
        ffi, lib, t = self._ffi, self._lib, self.tables
        samples = extend(as_pcm(pcm), t.padding, t.n_fft)
        frames = max(0, 1 + (len(samples) - t.n_fft) // t.hop_length)
        columns = np.empty((t.n_mels, frames), t.dtype)
        scratch = np.empty(lib.paritone_frontend_spectrogram_bytes(self._plain), np.uint8)
        if frames:
            _check(
                lib.paritone_frontend_spectrogram(
                    self._plain,
                    ffi.from_buffer("int16_t[]", samples),
                    frames,
                    ffi.from_buffer(scratch),
                    ffi.from_buffer(columns),
                )
            )
        return columns

    def patches_and_levels(
        self, pcm: npt.ArrayLike, finish: bool = True
    ) -> tuple[npt.NDArray[Any], npt.NDArray[np.uint64], npt.NDArray[np.bool_]]:
        """Return the patches, each one's level, gate or not, and whether it is silent: `Heard`."""
        heard = list(self.listen([as_pcm(pcm)], finish, levels=True))
        if not heard:
            raise AudioError(self.tables.too_short(np.size(pcm)))
        return (
            np.stack([patch.features for patch in heard]),
            np.array([patch.level for patch in heard], np.uint64),
            np.array([patch.silent for patch in heard]),
        )

    def stream(
        self, chunks: Iterable[npt.NDArray[np.int16]], finish: bool = True
    ) -> list[npt.NDArray[Any]]:
        """Return the patches of a stream that arrives in `chunks`."""
        return [patch.features for patch in self.listen(chunks, finish)]

    def listen(
        self,
        chunks: Iterable[npt.NDArray[np.int16]],
        finish: bool = True,
        *,
        levels: bool = False,
    ) -> Iterator[Heard]:
        """Yield each patch of a stream that arrives in `chunks` as it completes.

        Parameters
        ----------
        finish : the stream ends with the last chunk
        levels : also without a gate; they are 0 otherwise
        """
        stream = self.open(levels=levels)
        for chunk in chunks:
            for _, heard in stream.push(chunk):
                yield heard
        if finish:
            yield from stream.finish()

    def open(self, *, levels: bool = False) -> Stream:
        """Return a stream that nothing was pushed to yet; `levels` as `listen`'s."""
        return Stream(self, self._with_levels() if levels else self.handle)

    def _with_levels(self) -> Any:
        """The frontend with a gate that no patch passes under, if it has none."""
        if self.handle.silence:
            return self.handle
        gated = self._ffi.new("paritone_frontend_t *", self.handle[0])
        gated.silence = 1
        gated.stream_bytes += 4 * self.tables.patch_length
        return gated

    def trace(self, frame_pcm: npt.ArrayLike) -> dict[str, npt.NDArray[Any]]:
        """Every stage of one frame of `window_length` samples, by name."""
        pcm = as_pcm(frame_pcm)
        if pcm.shape != (self.tables.window_length,):
            raise AudioError(
                f"a frame of {pcm.shape} samples: expected {self.tables.window_length}"
            )
        return {name: self._stage(stage, pcm) for stage, name in enumerate(STAGES)}

    def _stage(self, stage: int, pcm: npt.NDArray[np.int16]) -> npt.NDArray[Any]:
        ffi, lib = self._ffi, self._lib
        scratch = ffi.new("uint64_t[]", -(-self.handle.scratch_bytes // 8))
        count = lib.paritone_frontend_stage_bytes(self.handle, stage)
        out = np.zeros(count // self._dtypes[stage].itemsize, self._dtypes[stage])
        _check(
            lib.paritone_frontend_trace(
                self.handle,
                ffi.from_buffer("int16_t[]", pcm),
                scratch,
                stage,
                ffi.from_buffer(out),
            )
        )
        return out.reshape(-1, 2) if STAGES[stage] == "spectrum" else out

    @property
    def _dtypes(self) -> list[np.dtype[Any]]:
        bins = "uint64" if self.tables.power == 2 else "uint32"
        names = ("int32", "int32", bins, "uint64", "int32", self.tables.dtype)
        return [np.dtype(name) for name in names]


class Stream:
    """PCM that comes in chunks of any length; made by `Frontend.open`."""

    def __init__(self, frontend: Frontend, handle: Any) -> None:
        self._tables = frontend.tables
        self._ffi, self._lib = build.runtime()
        self._handle = handle
        self._stream, self._ready = self._ffi.new("paritone_stream_t *"), self._ffi.new("int *")
        self._memory = self._ffi.new("uint64_t[]", -(-handle.stream_bytes // 8))
        _check(self._lib.paritone_stream_init(self._stream, handle, self._memory))

    def push(self, chunk: npt.NDArray[np.int16]) -> Iterator[tuple[int, Heard]]:
        """Yield each patch that `chunk` completes, and after how many of its samples."""
        pcm = self._ffi.from_buffer("int16_t[]", np.ascontiguousarray(chunk, np.int16))
        taken = 0
        while taken < len(pcm):
            left = len(pcm) - taken
            taken += self._lib.paritone_stream_push(self._stream, pcm + taken, left, self._ready)
            if self._ready[0]:
                yield taken, self._heard()

    def finish(self) -> Iterator[Heard]:
        """Yield the patches that the end of the stream completes."""
        while True:
            _check(self._lib.paritone_stream_finish(self._stream, self._ready))
            if not self._ready[0]:
                return
            yield self._heard()

    def _heard(self) -> Heard:
        t, lib = self._tables, self._lib
        patch = np.zeros((t.n_mels, t.patch_length), t.dtype)
        _check(lib.paritone_stream_patch(self._stream, self._ffi.from_buffer(patch)))
        silent = bool(t.silence and lib.paritone_stream_silent(self._stream))
        return Heard(patch, lib.paritone_stream_level(self._stream), silent)


def _check(status: int) -> None:
    if status != 0:
        raise RuntimeError(f"the C frontend returned {status}")


def as_pcm(pcm: npt.ArrayLike) -> npt.NDArray[np.int16]:
    """Contiguous int16 samples; AudioError for another dtype or more than one channel."""
    samples = np.ascontiguousarray(pcm)
    if samples.dtype != np.int16 or samples.ndim != 1:
        raise AudioError(
            f"PCM of {samples.dtype} {samples.shape}: expected int16 samples of one channel"
        )
    return samples


def config_tables(config: Config, model: str | Path | None) -> FrontendTables:
    """Tables of a configuration for the input of `model` (`input_format`)."""
    rate, gate = config.preprocessing.target_rate, config.silence_threshold
    return make_tables(config.feature_extraction, rate, input_format(model), gate)


def input_format(model: str | Path | None) -> InputFormat:
    """Input format of a .tflite model; float32 for any other model or none."""
    if model is None or Path(model).suffix != ".tflite":
        return InputFormat("float32")
    from paritone.engine import tflite

    info = tflite.read(Path(model)).input
    return InputFormat(info.dtype, info.scale, info.zero_point)
