"""Log-mel patches of clips by any one implementation: float, integer, native C or a board.

Every implementation is given the same int16 PCM, that of the clips after preprocessing, so that
what differs is the implementation.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paritone import boards
from paritone.config import Config
from paritone.datasets.prepared_audio import PreparedAudio
from paritone.errors import AudioError, ConfigError, ModelError

HOST_BACKENDS = ("float", "integer", "native")

Pcm = NDArray[np.int16]
Extract = Callable[[Pcm], NDArray[Any]]


def extract(
    clips: Sequence[Path],
    config: Config,
    backend: str,
    model: Path | None = None,
    port: str | None = None,
) -> dict[str, NDArray[Any]]:
    """Compute the patches of each clip.

    Parameters
    ----------
    backend
        float, integer, native or a board's name
    model
        the .tflite model whose input the patches are; default ``general.model_path``. Without
        one, integer and native give the logarithm in float32; float always does.
    port
        of a board; default: the emulated one

    Returns
    -------
    arrays (patches, n_mels, patch_length) by the clip's name without its extension

    Raises
    ------
    AudioError
        Names the clip that cannot be read or is too short for a patch.
    ConfigError, ModelError, ToolMissingError
    """
    if backend not in (*HOST_BACKENDS, *boards.names()):
        known = ", ".join((*HOST_BACKENDS, *boards.names()))
        raise ConfigError(f"no backend {backend!r}: expected one of {known}")
    _refuse_namesakes(clips)
    with _backend(backend, config, model, port) as patches:
        prepared = PreparedAudio(config)
        prepared.ready(clips, "pcm")
        return {clip.stem: _named(clip, patches, prepared) for clip in clips}


def _refuse_namesakes(clips: Sequence[Path]) -> None:
    seen: dict[str, Path] = {}
    for clip in clips:
        other = seen.setdefault(clip.stem, clip)
        if other is not clip:
            raise AudioError(f"{clip} and {other}: the arrays of both would be {clip.stem!r}")


def _named(clip: Path, patches: Extract, prepared: PreparedAudio) -> NDArray[Any]:
    """Patches of one clip; an error names it."""
    pcm = prepared.pcm(clip)
    try:
        return patches(pcm)
    except AudioError as error:
        raise AudioError(f"{clip}: {error}") from error


@contextmanager
def _backend(
    backend: str, config: Config, model: Path | None, port: str | None
) -> Iterator[Extract]:
    """The implementation as a function of int16 PCM."""
    if backend == "float":
        yield lambda pcm: _float(pcm, config)
    elif backend in HOST_BACKENDS:
        yield _fixed_point(backend, config, model)
    else:
        with _board(backend, config, model, port) as patches:
            yield patches


def _float(pcm: Pcm, config: Config) -> NDArray[Any]:
    from paritone.features import log_mel

    wave = pcm.astype(np.float32) / np.float32(32768)
    return log_mel.patches(wave, config.feature_extraction, config.preprocessing.target_rate)


def _fixed_point(backend: str, config: Config, model: Path | None) -> Extract:
    from paritone.features import integer
    from paritone.native.frontend import Frontend, config_tables

    tables = config_tables(config, model or config.general.model_path)
    if backend == "native":
        return Frontend(tables).patches
    return lambda pcm: integer.patches(pcm, tables)


@contextmanager
def _board(name: str, config: Config, model: Path | None, port: str | None) -> Iterator[Extract]:
    from paritone import build, device

    chosen = model or config.general.model_path
    if chosen is None or Path(chosen).suffix != ".tflite":
        raise ModelError(f"backend {name}: the firmware needs a model, give --model MODEL.tflite")

    with tempfile.TemporaryDirectory() as folder:
        firmware = build.prepare(Path(chosen), config, boards.get(name), Path(folder))
        with device.open(name, firmware, port) as board:
            yield lambda pcm: _streamed(board, pcm)


def _streamed(board: Any, pcm: Pcm) -> NDArray[Any]:
    found = [patch.features for patch in board.stream(pcm, features=True, run=False)]
    if not found:
        raise AudioError(f"too short for a patch: {len(pcm)} samples")
    return np.stack(found)


def save(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    """Write arrays to an .npz file, whole or not at all."""
    if not path.parent.is_dir():
        raise ConfigError(f"{path}: there is no folder {path.parent}")
    partial = path.with_name(f"{path.name}.partial")
    named: dict[str, Any] = dict(arrays)
    try:
        with partial.open("wb") as file:
            np.savez(file, **named)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
