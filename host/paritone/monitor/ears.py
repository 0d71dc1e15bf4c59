"""Who hears: a board on the line, or its C on this machine; PCM in, patches and scores out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from paritone import device
from paritone.device import Device
from paritone.errors import CheckFailedError
from paritone.link.protocol import Progress
from paritone.monitor.backlog import Pcm
from paritone.native.engine import Engine
from paritone.native.frontend import Frontend
from paritone.native.frontend import Heard as NativePatch
from paritone.project import Project

NATIVE = "native"
PUSH_SAMPLES = 512
NO_PCM: Pcm = np.zeros(0, np.int16)


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
    """What the link went through, counted: damaged frames, repeated ones, ports opened anew."""

    damaged: int
    repeated: int
    reopened: int


class Ear(Protocol):
    """What hears one stream from its beginning."""

    name: str
    firmware: Path | None

    def hear(self, pcm: Pcm) -> Iterator[Heard]:
        """Take samples; yield the patches that they complete."""

    def finish(self) -> Iterator[Heard]:
        """End the stream; yield the patches that its end completes."""

    def line(self) -> Line | None:
        """How the link fares; None where there is none."""


class BoardEar:
    """A board."""

    def __init__(self, opened: Device) -> None:
        self.name = opened.board.name
        self.firmware: Path | None = opened.firmware.elf
        self._device = opened
        self._taken = 0
        opened.reset()

    def hear(self, pcm: Pcm) -> Iterator[Heard]:
        """Stream samples to it, and read back each patch as it completes."""
        at = 0
        while at < len(pcm):
            progress = self._device.push(pcm[at : at + PUSH_SAMPLES])
            at += progress.taken
            self._taken += progress.taken
            if progress.ready:
                yield self._heard(progress)
            elif progress.taken == 0:
                raise CheckFailedError("the board takes no samples and completes no patch")

    def finish(self) -> Iterator[Heard]:
        """End the board's stream."""
        while (progress := self._device.finish()).ready:
            yield self._heard(progress)

    def _heard(self, progress: Progress) -> Heard:
        features = self._device.input()
        if progress.silent:
            return Heard(self._taken, features, None)
        ticks, scores = self._device.run()
        counted = ticks if self._device.hello.counts_cycles else None
        return Heard(self._taken, features, scores.reshape(-1), counted)

    def line(self) -> Line | None:
        """What host and board counted of this conversation."""
        health = self._device.health
        return Line(health.damage, health.repeated, health.reopened)


class NativeEar:
    """The board's C on this machine."""

    def __init__(self, project: Project) -> None:
        self.name = NATIVE
        self.firmware: Path | None = None
        self._engine = Engine(project.model, project.config.optimization)
        self._stream = Frontend(project.tables()).open()
        self._taken = 0

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
