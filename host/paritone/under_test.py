"""A board with one model on it, as tests want to ask it: the same calls as of its host twins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from paritone import device, latency, validate
from paritone.build import Firmware
from paritone.device import Device, Patch, deploy
from paritone.errors import AudioError
from paritone.latency import Latency
from paritone.native.frontend import as_pcm
from paritone.project import Project
from paritone.validate import Clip, Validation


class BoardUnderTest:
    """A board that runs a project's firmware; made by `connected`.

    Attributes
    ----------
    name : of the board
    device : the conversation with it, for whatever is not here
    firmware : what it runs: sizes, manifest, bound of the stack
    """

    def __init__(self, project: Project, firmware: Firmware, opened: Device) -> None:
        self.name = project.board.name
        self.device = opened
        self.firmware = firmware
        self._project = project

    def stream(self, pcm: ArrayLike) -> list[Patch]:
        """Stream a clip of int16 PCM: features and scores of each patch, and whether it is silent.

        Raises
        ------
        AudioError
            The clip is shorter than a patch.
        """
        samples = as_pcm(pcm)
        found = list(self.device.stream(samples))
        if not found:
            raise AudioError(self._project.tables().too_short(len(samples)))
        return found

    def patches(self, pcm: ArrayLike) -> NDArray[Any]:
        """Features of int16 PCM, as `paritone.Frontend.patches`: (patches, n_mels, frames)."""
        return np.stack([_of(patch.features) for patch in self.stream(pcm)])

    def invoke(self, x: NDArray[Any]) -> NDArray[Any]:
        """Scores of one patch, as `paritone.Engine.invoke`: the model's own shapes and dtypes."""
        return self.device.scores(x)

    def validate(self, clips: Sequence[Clip] | int | None = None) -> Validation:
        """Compare every feature and every score with the references; `require_equal` fails a test.

        Parameters
        ----------
        clips : names and int16 PCM; a number: as many of the configuration's test clips at most,
            None: all of them
        """
        if clips is None or isinstance(clips, int):
            clips = validate.clips_of(self._project.config, clips)
        project = self._project
        return validate.validate(self.device, clips, project.tables(), project.model)

    def latency(self, pcm: ArrayLike | None = None) -> Latency:
        """Measure frontend, layers and inference: cycles on silicon, instructions emulated.

        Parameters
        ----------
        pcm : int16, a patch at least; None: the configuration's first test clip
        """
        project = self._project
        samples = validate.clips_of(project.config, 1)[0][1] if pcm is None else as_pcm(pcm)
        if self.device.counting:
            return latency.measure(self.device, samples, project.tables())
        # An emulator that counts instructions is slower than one that does not: one of its own.
        with device.open(project.board, self.firmware, counting=True) as counting:
            return latency.measure(counting, samples, project.tables(), runs=1)

    @property
    def memory(self) -> dict[str, int]:
        """Bytes of flash, RAM and arena; of stack, the most that was in use so far."""
        return {**self.firmware.memory, "stack_bytes": self.device.counters().stack_bytes}


@contextmanager
def connected(project: Project, folder: Path, port: str | None = None) -> Iterator[BoardUnderTest]:
    """Build a project's firmware, bring it onto its board and greet it.

    Raises
    ------
    ParitoneError
        As building, flashing and greeting do.
    """
    firmware = project.build()
    with deploy.deployed(project.board, firmware, folder, port) as opened:
        yield BoardUnderTest(project, firmware, opened)


def _of(features: NDArray[Any] | None) -> NDArray[Any]:
    assert features is not None, "the stream was asked for them"
    return features
