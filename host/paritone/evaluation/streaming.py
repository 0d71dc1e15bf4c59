"""Clips as a microphone gives them to the device: whole, and patches of silence without a vote."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from paritone import task as tasks
from paritone.cache import Arrays, content_of, memo
from paritone.config import Config
from paritone.datasets import Clip, Dataset
from paritone.datasets.prepared_audio import PreparedAudio
from paritone.engine import plan
from paritone.errors import AudioError, ModelError
from paritone.evaluation import in_threads
from paritone.evaluation.accuracy import Accuracy, Scores, measure
from paritone.references.tflite import dequantize

KEPT = ("scores", "levels", "silent")
"""What is kept of a clip between runs."""


@dataclass(frozen=True)
class Heard:
    """One whole clip through the device's frontend and engine.

    Attributes
    ----------
    scores : [patches, classes], of silent patches too
    levels : uint64 [patches], in units of 2^-LEVEL_BITS, with a gate or without
    silent : bool [patches], as the device's gate judges them
    """

    clip: Clip
    scores: Scores
    levels: NDArray[np.uint64]
    silent: NDArray[np.bool_]


def evaluate(model: Path, dataset: Dataset, config: Config) -> Accuracy:
    """Accuracy as the device hears: whole clips, with ``deployment.silence_threshold``.

    Raises
    ------
    ConfigError, ModelError, AudioError
    """
    heard = hear(model, dataset.clips, config, "Evaluating whole clips as a stream")
    return measure(
        [item.scores for item in heard],
        dataset.clips,
        tasks.of(config, dataset.class_names),
        "integer",
        [item.silent for item in heard],
        config.silence_threshold,
    )


def hear(model: Path, clips: Sequence[Clip], config: Config, title: str) -> list[Heard]:
    """Run every patch of every whole clip through this project's C, as the device does.

    Raises
    ------
    ConfigError, ModelError, AudioError
    """
    if model.suffix != ".tflite":
        raise ModelError(f"{model}: the device runs quantized models (.tflite)")
    prepared = PreparedAudio(config)
    if not config.dataset.to_cache:
        return _hear(model, clips, prepared, config, title)

    def digest(clip: Clip) -> NDArray[np.uint8]:  # a large set's samples are not held at once
        return np.frombuffer(hashlib.sha256(prepared.whole(clip.path).data).digest(), np.uint8)

    def compute() -> Arrays:
        heard = _hear(model, clips, prepared, config, title)
        found = {name: np.concatenate([getattr(one, name) for one in heard]) for name in KEPT}
        return {**found, "counts": np.array([len(one.scores) for one in heard])}

    made_from = {"model": content_of(model), **memo.of_device(config)}
    prepared.ready((clip.path for clip in clips), "whole", title="whole clips")
    digests = in_threads(lambda: digest, clips, "Reading whole clips")
    prepared.tidy()
    found = memo.arrays(config, "streamed", made_from, digests, compute)
    ends = np.cumsum(found["counts"])[:-1]
    columns = zip(*(np.split(found[name], ends) for name in KEPT), strict=True)
    return [Heard(clip, *column) for clip, column in zip(clips, columns, strict=True)]


def _hear(
    model: Path, clips: Sequence[Clip], prepared: PreparedAudio, config: Config, title: str
) -> list[Heard]:
    from paritone.generate import frontend_tables
    from paritone.native.engine import Engine
    from paritone.native.frontend import Frontend

    tables = frontend_tables(plan.of_file(model, config.optimization), config)

    def listener() -> Callable[[Clip], Heard]:
        engine, frontend = Engine(model, config.optimization), Frontend(tables)

        def listen(clip: Clip) -> Heard:
            try:
                found = frontend.patches_and_levels(prepared.whole(clip.path))
            except AudioError as error:
                raise AudioError(f"{clip.path}: {error}") from error
            patches, levels, silent = found
            outputs = [engine.invoke(patch.reshape(engine.input.shape)) for patch in patches]
            scores = np.stack(outputs).reshape(len(patches), -1)
            output = engine.output
            real = dequantize(scores, output.scale, output.zero_point)
            return Heard(clip, real, levels, silent)

        return listen

    return in_threads(listener, clips, title)


def whole(clip: Clip, config: Config) -> NDArray[np.int16]:
    """A clip as a microphone gives it: cut at ``max_length``, which bounds a clip, and no more.

    Only a clip too short for a single patch is lengthened, as preprocessing does it.

    Raises
    ------
    AudioError
    """
    return PreparedAudio(config).whole(clip.path)
