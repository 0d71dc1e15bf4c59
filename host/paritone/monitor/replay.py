"""A recording heard once more: the same bits, or the first that are not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paritone import boards
from paritone.errors import CheckFailedError
from paritone.monitor import ears, recording
from paritone.monitor.ears import Ear, Heard
from paritone.monitor.recording import Recording
from paritone.progress import track
from paritone.project import Project

CHUNK_SAMPLES = 1024


@dataclass(frozen=True)
class Replay:
    """What a replay found.

    Attributes
    ----------
    features, scores : values compared
    differing : of both
    first : the first difference in one line; None when all bits are the same
    same_firmware : whether the board ran the very firmware of the recording; None: no board did
    """

    name: str
    recorded_by: str
    patches: int
    features: int
    scores: int
    differing: int
    first: str | None
    same_firmware: bool | None

    def record(self) -> dict[str, Any]:
        """As ``--json`` writes it."""
        return {"schema": 1, **self.__dict__}

    def require_equal(self) -> None:
        """CheckFailedError naming the first difference."""
        if self.first is not None:
            raise CheckFailedError(
                f"replay on {self.name} differs from what {self.recorded_by} said: {self.first}"
            )


def replay(folder: Path, board: str | None, port: str | None, build_in: Path) -> Replay:
    """Run a recording's PCM again and compare every patch, score and silence, bit for bit.

    Parameters
    ----------
    board : "native" or a board; None: the one that was recorded
    build_in : folder for the firmware

    Raises
    ------
    ConfigError
        No recording, or one that cannot be read.
    ParitoneError
        As building the firmware and greeting the board do.
    """
    recorded = recording.read(folder)
    chosen = board or recorded.about["board"]
    native = chosen == ears.NATIVE
    on = boards.get(boards.DEFAULT if native else chosen)
    project = Project(recorded.config, recorded.model, on, build_in)
    if not native:
        boards.require_tools(on, port)
    with ears.listening(project, port, native=native) as ear:
        again = list(_hear(ear, recorded))
        return _compare(recorded, again, ear)


def _hear(ear: Ear, recorded: Recording) -> Iterator[Heard]:
    samples, resets = len(recorded.pcm), set(recorded.resets)
    places = sorted({*range(0, samples, CHUNK_SAMPLES), *resets, samples})
    for start, end in track(list(pairwise(places)), f"Replaying on {ear.name}", len(places) - 1):
        if start in resets:
            ear.restart()
        yield from ear.hear(recorded.pcm[start:end])
    if samples in resets:
        ear.restart()
    if recorded.about["finished"]:
        yield from ear.finish()
    if ear.resets:
        raise CheckFailedError(f"{ear.name} was reset during the replay: replay again")


def _compare(recorded: Recording, again: list[Heard], ear: Ear) -> Replay:
    firsts, differing, features, scores = [], 0, 0, 0
    for number, (old, new) in enumerate(zip(recorded.heard, again, strict=False)):
        pairs = _pairs(old, new)
        features += old.features.size
        scores += old.scores.size if old.scores is not None else 0
        for what, (expected, got) in pairs.items():
            unequal = _bits(expected) != _bits(got)
            differing += int(unequal.sum())
            if unequal.any():
                at = tuple(int(i) for i in np.argwhere(unequal)[0])
                was = f"{expected[at]} was recorded, {got[at]} came now"
                firsts.append(f"patch {number}, {what}{list(at)}: {was}")
    if len(again) != len(recorded.heard):
        firsts.append(f"{len(recorded.heard)} patches were recorded, {len(again)} came now")
    old_firmware = recorded.about["sha256"]["firmware"]
    same = None
    if ear.firmware is not None and old_firmware is not None:
        same = recording.sha256(ear.firmware) == old_firmware
    first = firsts[0] if firsts else None
    by, patches = recorded.about["board"], len(again)
    return Replay(ear.name, by, patches, features, scores, differing, first, same)


def _pairs(old: Heard, new: Heard) -> dict[str, tuple[NDArray[Any], NDArray[Any]]]:
    """What is compared of a patch, by name."""
    ends = (np.array([old.end]), np.array([new.end]))
    silences = tuple(np.array([patch.scores is None]) for patch in (old, new))
    found = {"end": ends, "features": (old.features, new.features), "silence": silences}
    if old.scores is not None and new.scores is not None:
        found["scores"] = (old.scores, new.scores)
    return found  # type: ignore[return-value]


def _bits(values: NDArray[Any]) -> NDArray[Any]:
    """Floats as the integers that they are stored as: a NaN equals itself, -0 is not 0."""
    whole = np.ascontiguousarray(values)
    return whole.view(f"u{whole.itemsize}") if whole.dtype.kind == "f" else whole


def show(found: Replay) -> None:
    """Print what was compared."""
    told = {None: "", True: ", the same firmware", False: ", another build of the firmware"}
    print(
        f"{found.patches} patches of {found.recorded_by} replayed on {found.name}"
        f"{told[found.same_firmware]}: {found.differing:,} of {found.features:,} features and "
        f"{found.scores:,} scores differ"
    )
