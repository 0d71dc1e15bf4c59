"""Scores as the device computes them, on this machine or on a board: one function of PCM."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from paritone import boards
from paritone import task as tasks
from paritone.boards import Board
from paritone.config import Config
from paritone.datasets import Dataset
from paritone.datasets.clips import ClipStore
from paritone.engine import plan
from paritone.errors import ConfigError
from paritone.evaluation.accuracy import Accuracy, Scores, measure
from paritone.progress import track
from paritone.references.tflite import dequantize

if TYPE_CHECKING:
    from paritone.device import Device

Heard = tuple[Scores, NDArray[np.bool_]]
"""Scores [patches, classes], zero where a patch is silent; which patches are silent."""
Score = Callable[[NDArray[np.int16]], Heard]


def board(name: str) -> Board:
    """Board of that name; ConfigError naming everything that scores."""
    if name not in boards.names():
        known = ", ".join(("host", "native", *boards.names()))
        raise ConfigError(f"no target {name!r}: expected one of {known}")
    return boards.get(name)


def evaluate(
    model: Path, dataset: Dataset, config: Config, target: str, store: ClipStore
) -> Accuracy:
    """Accuracy of a quantized model on a board, on the clips as evaluation preprocesses them.

    Raises
    ------
    ConfigError, ModelError, AudioError, ToolMissingError, CheckFailedError
    """
    data = store.load(dataset, "test clips")
    with scorer(model, config, target, config.evaluation.port) as score:
        heard = [score(clip.pcm) for clip in track(data, f"Evaluating on {target}", len(data))]
    gate = config.silence_threshold
    return measure(
        [scores for scores, _ in heard],
        [clip.clip for clip in data],
        tasks.of(config, dataset.class_names),
        "integer",
        [silent for _, silent in heard] if gate else None,
        gate,
    )


@contextmanager
def scorer(model: Path, config: Config, target: str, port: str | None = None) -> Iterator[Score]:
    """Give a function from int16 PCM to what the device's frontend, gate and engine make of it.

    Parameters
    ----------
    target : "native", or a board's name
    port : the board's; None: the emulated one

    Raises
    ------
    ConfigError, ModelError, ToolMissingError, CheckFailedError
        The function raises AudioError for PCM that is too short for a patch.
    """
    if target == "native":
        yield _native(model, config)
    else:
        with _board(model, config, board(target), port) as score:
            yield score


def _native(model: Path, config: Config) -> Score:
    from paritone.generate import frontend_tables
    from paritone.native.engine import Engine
    from paritone.native.frontend import Frontend

    engine = Engine(model, config.optimization)
    frontend = Frontend(frontend_tables(engine.plan, config))

    def score(pcm: NDArray[np.int16]) -> Heard:
        patches, _, silent = frontend.patches_and_levels(pcm)
        outputs = [
            None if mute else engine.invoke(patch.reshape(engine.input.shape))
            for patch, mute in zip(patches, silent, strict=True)
        ]
        return _heard(outputs, engine.plan)

    return score


@contextmanager
def _board(model: Path, config: Config, on: Board, port: str | None) -> Iterator[Score]:
    from paritone import build, device
    from paritone.generate import frontend_tables

    planned = plan.of_file(model, config.optimization)
    tables = frontend_tables(planned, config)
    with tempfile.TemporaryDirectory(prefix="paritone-") as folder:
        firmware = build.prepare(model, config, on, Path(folder))
        with device.open(on, firmware, port) as opened:
            yield lambda pcm: _streamed(opened, pcm, planned, tables)


def _streamed(opened: Device, pcm: NDArray[np.int16], planned: plan.Plan, tables: Any) -> Heard:
    from paritone.errors import AudioError

    outputs = [patch.scores for patch in opened.stream(pcm, features=False)]
    if not outputs:
        raise AudioError(tables.too_short(len(pcm)))
    return _heard(outputs, planned)


def _heard(outputs: list[NDArray[Any] | None], planned: plan.Plan) -> Heard:
    """Raw outputs, None for a silent patch, as real scores."""
    output = planned.outputs[0]
    scores = np.zeros((len(outputs), output.size), np.float32)
    for row, raw in zip(scores, outputs, strict=True):
        if raw is not None:
            row[:] = dequantize(raw.reshape(-1), output.scale, output.zero_point)
    return scores, np.array([raw is None for raw in outputs])
