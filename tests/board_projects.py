"""The tiny model as a firmware of each board, built once for all tests that need a board."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from paritone import boards, build, project, validate
from paritone.build import Firmware
from paritone.project import Project
from paritone.validate import Clip


@dataclass(frozen=True)
class Built:
    """A project, its firmware, and clips of a few patches each."""

    project: Project
    firmware: Firmware
    clips: tuple[Clip, ...]


class Boards:
    """Builds on first use; the folders stay until the end of the session."""

    def __init__(self, config: Path, folder: Path) -> None:
        self._config, self._folder = config, folder
        self._built: dict[tuple[str, ...], Built] = {}

    def __call__(self, board: str, overrides: Sequence[str] = ()) -> Built:
        """The tiny model on a board; overrides of its configuration make another one."""
        key = (board, *overrides)
        if key not in self._built:
            self._built[key] = self._build(board, overrides)
        return self._built[key]

    def _build(self, board: str, overrides: Sequence[str]) -> Built:
        # The boards share the quantized model, as a user who tries several does.
        model = next(
            (b.project.model for k, b in self._built.items() if k[1:] == (*overrides,)), None
        )
        out = self._folder / f"{board}-{len(self._built)}"
        arguments = [*([str(model)] if model else []), *overrides]
        emulated = boards.get(board).emulator is not None
        found = project.find(arguments, self._config, board, out, run=emulated)
        clips = [(name, pcm[:12000]) for name, pcm in validate.clips_of(found.config, 2)]
        return Built(found, found.build(), tuple(clips))


def with_defect(built: Built, folder: Path, file: str, old: str, new: str) -> Firmware:
    """The firmware of a copy of the generated C with one replacement in one file.

    Builds in one folder share their objects: only the file that changed is compiled.
    """
    copy = folder / "generated"
    copy.mkdir(exist_ok=True)
    for path in (built.project.folder / "generated").iterdir():
        text = path.read_text()
        if path.name == file:
            assert text.count(old) == 1, f"{old!r} is not unique in {file}"
            text = text.replace(old, new)
        target = copy / path.name
        if not target.exists() or target.read_text() != text:
            target.write_text(text)
    firmware = build.build_firmware(copy, built.project.board, folder / "firmware")
    return replace(firmware, manifest=built.firmware.manifest)


GATE = ["+deployment.silence_threshold=25"]
"""Overrides: a silence gate between the patches of `hushed` that hold noise and that do not."""


def hushed() -> np.ndarray:
    """int16 PCM: noise, more than two patches of faint hiss, noise."""
    parts = [(noise(4000), 0), (noise(8000, 6), 13), (noise(4000, 7), 0)]
    return np.concatenate([samples >> shift for samples, shift in parts])


def noise(samples: int, seed: int = 5) -> np.ndarray:
    """int16 noise that uses the whole range."""
    return np.random.default_rng(seed).integers(-32768, 32768, samples).astype(np.int16)
