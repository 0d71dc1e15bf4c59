"""The conversation with a board: features, scores, layers and stages, asked for over the link."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from paritone.boards import Board
from paritone.build import Firmware
from paritone.device import replay
from paritone.engine.plan import Call
from paritone.errors import CheckFailedError
from paritone.features.integer import STAGES
from paritone.link import diagnosis, protocol
from paritone.link.health import Health
from paritone.link.protocol import Counters, Hello, Message, Progress, Region
from paritone.link.stream import PcmStream
from paritone.link.transport import (
    HELLO_REPEAT_S,
    HELLO_TIMEOUT_S,
    BoardResetError,
    Transport,
)

RUN_TIMEOUT_S = 300.0
"""An inference by plain C on an emulator of a loaded machine takes a while."""
RUN_REPEAT_S = 60.0
CHUNK_SAMPLES = 1 << 14
"""So many samples are handed to the line at once."""
RESETS = 5
"""A board that starts anew so often without getting on is given up."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class Patch:
    """One patch as the board computed it.

    Attributes
    ----------
    features : the model's input [n_mels, patch_length]; None unless asked for
    scores : the model's output, in its shape; None unless it was run
    silent : whether the silence gate takes it for silence: the model is not run on it
    """

    features: NDArray[Any] | None
    scores: NDArray[Any] | None
    silent: bool = False


@dataclass(frozen=True)
class CallRun:
    """Rows of one layer as the board computed them.

    Attributes
    ----------
    call : which rows of which layer
    ticks : of the board's counter
    crc32, size : of the rows
    """

    call: Call
    ticks: int
    crc32: int
    size: int


class Device:
    """The conversation with a board; made by `paritone.device.open`."""

    def __init__(
        self, board: Board, firmware: Firmware, transport: Transport, *, counting: bool
    ) -> None:
        self.board = board
        self.firmware = firmware
        self._link = transport
        manifest = firmware.manifest
        self._input = np.dtype(manifest["input"]["dtype"])
        self._output = np.dtype(manifest["output"]["dtype"])
        self.input_shape = tuple(manifest["input"]["shape"])
        self.output_shape = tuple(manifest["output"]["shape"])
        self.hello = self.greet()
        self._undisturbed = counting
        self._stream = PcmStream(
            transport, self.hello.ring_bytes, RUN_TIMEOUT_S, undisturbed=counting
        )
        self.counting = counting or self.hello.counts_cycles
        """Whether the board's counter counts: cycles on silicon, instructions when emulated."""

    def greet(self, timeout_s: float = HELLO_TIMEOUT_S) -> Hello:
        """Ask who is there, refuse anything but the firmware that we know, and speed up.

        A board that starts anew meanwhile is asked again.
        """
        for _ in range(RESETS - 1):
            with suppress(BoardResetError):
                return self._greet(timeout_s)
        return self._greet(timeout_s)

    def _greet(self, timeout_s: float) -> Hello:
        payload = self._link.request(Message.HELLO, timeout_s=timeout_s, repeat_s=HELLO_REPEAT_S)
        diagnosis.require_version(int.from_bytes(payload[:2], "little"))
        hello = Hello.unpack(payload)
        manifest = self.firmware.manifest
        for what, expected, got in (
            ("board", self.board.name, hello.board),
            ("model", manifest["model_sha256"], hello.model_sha256),
            ("frontend", manifest["frontend_sha256"], hello.frontend_sha256),
        ):
            if expected != got:
                raise CheckFailedError(
                    f"the board runs a firmware for another {what}: expected {expected}, "
                    f"it says {got}; flash it with `paritone flash`"
                )
        self._link.speed_up()
        return hello

    @property
    def health(self) -> Health:
        """How the line fared so far."""
        return self._link.health

    # ------------------------------------------------------------------ Stream

    def reset(self) -> None:
        """Forget the PCM streamed so far."""
        self._stream.reset()

    def push(self, pcm: NDArray[np.int16], *, run: bool = False) -> Progress:
        """Send samples, at most PCM_BYTES; the board takes them until a patch completes.

        With `run`, it runs the model at once on a patch that is not silent.
        """
        return self._stream.push(pcm, infer=run)

    def finish(self, *, run: bool = False) -> Progress:
        """End the stream, which may complete patches: to be repeated until none is ready."""
        return self._stream.finish(infer=run)

    def stream(
        self, pcm: NDArray[np.int16], *, features: bool = True, run: bool = True
    ) -> Iterator[Patch]:
        """Stream one clip from its beginning to its end, several frames under way.

        A board that is reset meanwhile is sent again what its next patch depends on: the patches
        are the same to the bit.

        Parameters
        ----------
        pcm : int16 [samples]
        features : read back every patch
        run : run the model on every patch that is not silent
        """
        ends: list[int] = []  # of the first two patches
        done = resets = 0
        while True:
            first, known = replay.first_patch(ends, done), done
            start = first * replay.step(ends)
            try:
                found = self._stream_once(pcm[start:], features, run)
                for number, (end, patch) in enumerate(found, first):
                    if number < done:
                        continue  # told before the reset
                    ends += [end][: 2 - len(ends)]
                    done += 1
                    yield patch
                return
            except BoardResetError:
                resets = 0 if done > known else resets + 1
                if resets >= RESETS:
                    raise
                self.greet()

    def _stream_once(
        self, pcm: NDArray[np.int16], features: bool, run: bool
    ) -> Iterator[tuple[int, Patch]]:
        """Patches, each with the samples that were taken when it completed."""
        self.reset()
        at_once = run and not features
        at = last = 0
        chunk = CHUNK_SAMPLES
        while at < len(pcm):
            progress = self._stream.transfer(pcm[at : at + chunk], infer=at_once)
            at += progress.taken
            if progress.ready:
                # Where patches complete regularly, nothing is sent that would not be taken yet.
                chunk, last = (at - last, at) if last else (chunk, at)
                yield at, self._patch(progress, features, run)
            elif progress.taken == 0:
                raise CheckFailedError("the board takes no samples and completes no patch")
        while (progress := self.finish(run=at_once)).ready:
            yield at, self._patch(progress, features, run)

    def _patch(self, progress: Progress, features: bool, run: bool) -> Patch:
        patch = self.input() if features else None
        if progress.silent:
            return Patch(patch, None, silent=True)
        if progress.scores is not None:
            return Patch(patch, self._as_output(progress.scores))
        return Patch(patch, self.run()[1] if run else None)

    # ------------------------------------------------------------------- Model

    def input(self) -> NDArray[Any]:
        """The patch in the model's input, [n_mels, patch_length]: before the model is run."""
        raw = self._read(Region.INPUT, self.hello.patch_bytes)
        return np.frombuffer(raw, self._input).reshape(self.input_shape[1:3])

    def write(self, patch: NDArray[Any]) -> None:
        """Put a patch into the model's input."""
        self._write(Region.INPUT, np.ascontiguousarray(patch, self._input).tobytes())

    def run(self) -> tuple[int, NDArray[Any]]:
        """Run the model on its input, which is lost: ticks, scores."""
        ticks, scores = protocol.unpack_run(self._slow(Message.RUN))
        return ticks, self._as_output(scores)

    def scores(self, patch: NDArray[Any]) -> NDArray[Any]:
        """Scores of one patch."""

        def once() -> NDArray[Any]:
            self.write(patch)
            return self.run()[1]

        return self._resumed(once)

    def _as_output(self, raw: bytes) -> NDArray[Any]:
        return np.frombuffer(raw, self._output).reshape(self.output_shape)

    def calls(self, patch: NDArray[Any]) -> Iterator[CallRun]:
        """Run the model call by call; `rows` reads what the last one wrote."""
        self.write(patch)
        for index, call in enumerate(self.firmware.manifest["calls"]):
            step = protocol.Step.unpack(self._slow(Message.STEP, 0, index.to_bytes(4, "little")))
            yield CallRun(Call(*call), step.ticks, step.crc32, step.size)

    def rows(self, size: int) -> bytes:
        """Rows that the last call wrote."""
        return self._read(Region.STEP, size)

    def layer_ticks(self, patch: NDArray[Any]) -> list[tuple[int, ...]]:
        """Ticks of each call of each layer, in the order of the manifest's layers."""
        ticks: list[tuple[int, ...]] = [() for _ in self.firmware.manifest["layers"]]
        for run in self.calls(patch):
            ticks[run.call.step] += (run.ticks,)
        return ticks

    # ------------------------------------------------------------------ Looking

    def trace(self, frame: NDArray[np.int16], stage: str) -> bytes:
        """Values of one stage of the frontend for one frame of window_length samples."""
        return self._resumed(lambda: self._read(Region.TRACE, self._trace(frame, stage)[0]))

    def stage_ticks(self, frame: NDArray[np.int16], stage: str) -> int:
        """Ticks of one frame alone up to a stage."""
        return self._resumed(lambda: self._trace(frame, stage)[1])

    def _trace(self, frame: NDArray[np.int16], stage: str) -> tuple[int, int]:
        self._write(Region.FRAME, frame.astype("<i2").tobytes())
        return protocol.unpack_trace(self._slow(Message.TRACE, STAGES.index(stage)))

    def counters(self) -> Counters:
        """Stack high-water mark, patches, damaged and repeated frames."""
        return Counters.unpack(self._resumed(lambda: self._link.request(Message.COUNTERS)))

    def spin(self, n: int) -> int:
        """Ticks of a loop of 2 n instructions, and of reading the counter twice."""
        return int.from_bytes(self._slow(Message.SPIN, 0, n.to_bytes(4, "little")), "little")

    # --------------------------------------------------------------------- Link

    def _slow(self, message: Message, argument: int = 0, payload: bytes = b"") -> bytes:
        """A request that the board may work on for a while."""
        return self._link.request(
            message,
            argument,
            payload,
            timeout_s=RUN_TIMEOUT_S,
            repeat_s=RUN_REPEAT_S,
            undisturbed=self._undisturbed,
        )

    def _resumed(self, operation: Callable[[], Result]) -> Result:
        """Do what depends on nothing that the board was told before, again after a reset."""
        for _ in range(RESETS):
            try:
                return operation()
            except BoardResetError:
                self.greet()
        return operation()

    def _read(self, region: Region, size: int) -> bytes:
        found = b""
        while len(found) < size:
            part = min(self._link.health.piece_bytes, size - len(found))
            request = protocol.pack_read(len(found), part)
            found += self._link.request(Message.READ, region, request)
        return found

    def _write(self, region: Region, data: bytes) -> None:
        at = 0
        while at < len(data):
            part = data[at : at + min(self._link.health.piece_bytes, protocol.WRITE_BYTES)]
            self._link.request(Message.WRITE, region, protocol.pack_write(at, part))
            at += len(part)


def crc32(values: NDArray[Any]) -> int:
    """CRC-32 of an array's bytes, as the board computes it of a layer's output."""
    return zlib.crc32(np.ascontiguousarray(values).tobytes())
