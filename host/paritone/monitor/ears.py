"""Who hears: a board on the line, or its C on this machine; PCM in, patches and scores out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from paritone import device
from paritone.device import Device
from paritone.errors import CheckFailedError
from paritone.link.protocol import Progress
from paritone.link.transport import BoardResetError
from paritone.monitor.backlog import Pcm
from paritone.native.engine import Engine
from paritone.native.frontend import Frontend
from paritone.native.frontend import Heard as NativePatch
from paritone.project import Project

NATIVE = "native"
PUSH_SAMPLES = 512
NO_PCM: Pcm = np.zeros(0, np.int16)
RESETS = 5
"""A board that starts anew so often without completing a patch is given up."""


Result = TypeVar("Result")


@dataclass(frozen=True)
class Heard:
    """One patch.

    Attributes
    ----------
    end : samples of the stream when it completed
    features : the model's input [n_mels, patch_length], of its dtype
    scores : the model's output [outputs], of its dtype; None of silence, which is not classified
    cycles : of the inference; None where nobody counts them
    """

    end: int
    features: NDArray[Any]
    scores: NDArray[Any] | None
    cycles: int | None = None


@dataclass(frozen=True)
class Line:
    """What the link went through, counted.

    Attributes
    ----------
    damaged, repeated : frames
    reopened : times that the port was lost and found again
    resets : times that the board started anew
    """

    damaged: int
    repeated: int
    reopened: int
    resets: int


class Ear(Protocol):
    """What hears one stream from its beginning.

    Attributes
    ----------
    resets : samples that had been heard whenever it lost its state and began anew
    """

    name: str
    firmware: Path | None
    resets: list[int]

    def hear(self, pcm: Pcm) -> Iterator[Heard]:
        """Take samples; yield the patches that they complete."""

    def finish(self) -> Iterator[Heard]:
        """End the stream; yield the patches that its end completes."""

    def restart(self) -> None:
        """Forget what was heard: patches are made of what comes from now on."""

    def line(self) -> Line | None:
        """How the link fares; None where there is none."""


class BoardEar:
    """A board; one that is reset meanwhile is greeted again, and hears what comes from then on.

    Samples count as heard when the patch that they complete is here: where a reset falls between
    the two, they are the first ones of what the board hears anew. So every sample is in one
    stream, and a replay that restarts at the same samples has the same patches.
    """

    def __init__(self, opened: Device) -> None:
        self.name = opened.board.name
        self.firmware: Path | None = opened.firmware.elf
        self.resets: list[int] = []
        self._device = opened
        self._taken = 0
        self._in_vain = 0
        self._surviving(self.restart)

    def restart(self) -> None:
        """Reset the board's stream."""
        self._device.reset()

    def hear(self, pcm: Pcm) -> Iterator[Heard]:
        """Stream samples to it, and read back each patch as it completes."""
        at = 0
        while at < len(pcm):
            pushed = self._surviving(partial(self._push, pcm[at : at + PUSH_SAMPLES]))
            if pushed is None:
                continue
            taken, heard = pushed
            at += taken
            self._taken += taken
            if heard is not None:
                self._in_vain = 0
                yield heard

    def finish(self) -> Iterator[Heard]:
        """End the board's stream; a reset then leaves none to end, and no patch of it is told."""
        yield from self._surviving(self._last) or []

    def _push(self, pcm: Pcm) -> tuple[int, Heard | None]:
        """Samples taken, and the patch that they completed."""
        progress = self._device.push(pcm)
        if progress.ready:
            return progress.taken, self._heard(progress, self._taken + progress.taken)
        if progress.taken == 0:
            raise CheckFailedError("the board takes no samples and completes no patch")
        return progress.taken, None

    def _last(self) -> list[Heard]:
        found = []
        while (progress := self._device.finish()).ready:
            found.append(self._heard(progress, self._taken))
        return found

    def _heard(self, progress: Progress, end: int) -> Heard:
        features = self._device.input()
        if progress.silent:
            return Heard(end, features, None)
        ticks, scores = self._device.run()
        counted = ticks if self._device.hello.counts_cycles else None
        return Heard(end, features, scores.reshape(-1), counted)

    def _surviving(self, operation: Callable[[], Result]) -> Result | None:
        """Do something, or note that the board was reset meanwhile and make it listen again."""
        try:
            return operation()
        except BoardResetError as error:
            self.resets.append(self._taken)
            self._in_vain += 1
            if self._in_vain >= RESETS:
                raise CheckFailedError(
                    f"{self.name} was reset {RESETS} times without completing a patch: "
                    "is its power enough?"
                ) from error
        self._surviving(self._greet_anew)
        return None

    def _greet_anew(self) -> None:
        self._device.greet()
        self.restart()

    def line(self) -> Line | None:
        """What host and board counted of this conversation."""
        health = self._device.health
        return Line(health.damage, health.repeated, health.reopened, len(self.resets))


class NativeEar:
    """The board's C on this machine."""

    def __init__(self, project: Project) -> None:
        self.name = NATIVE
        self.firmware: Path | None = None
        self.resets: list[int] = []
        self._engine = Engine(project.model, project.config.optimization)
        self._frontend = Frontend(project.tables())
        self._taken = 0
        self.restart()

    def restart(self) -> None:
        """Begin a new stream."""
        self._stream = self._frontend.open()

    def hear(self, pcm: Pcm) -> Iterator[Heard]:
        """Take samples through frontend and engine."""
        for taken, patch in self._stream.push(pcm):
            yield self._heard(self._taken + taken, patch)
        self._taken += len(pcm)

    def finish(self) -> Iterator[Heard]:
        """End the stream."""
        for patch in self._stream.finish():
            yield self._heard(self._taken, patch)

    def _heard(self, end: int, patch: NativePatch) -> Heard:
        if patch.silent:
            return Heard(end, patch.features, None)
        scores = self._engine.invoke(patch.features.reshape(self._engine.input.shape))
        return Heard(end, patch.features, np.array(scores).reshape(-1))

    def line(self) -> Line | None:
        """None: it has no line."""
        return None


@contextmanager
def listening(project: Project, port: str | None, *, native: bool) -> Iterator[Ear]:
    """Open an ear.

    Parameters
    ----------
    port : of a board that runs the project's firmware; None: emulated, or found by its ST-Link
    native : this machine, rather than the project's board

    Raises
    ------
    ParitoneError
        As building the firmware and greeting the board do.
    """
    if native:
        yield NativeEar(project)
        return
    firmware = project.build()
    with device.open(project.board, firmware, port) as opened:
        yield BoardEar(opened)
