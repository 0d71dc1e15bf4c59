"""Clips through the board and its host twins: every feature and every score, bit for bit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paritone.device import Device
from paritone.device import Patch as BoardPatch
from paritone.errors import CheckFailedError
from paritone.features import integer
from paritone.features.tables import FrontendTables
from paritone.native.engine import Engine
from paritone.native.frontend import Frontend
from paritone.tflite_reference import Reference
from paritone.validate import divergence
from paritone.validate.divergence import Mismatch, bits

Array = NDArray[Any]
Clip = tuple[str, NDArray[np.int16]]
"""Name and int16 PCM at the configuration's rate."""

INTEGER, NATIVE, REFERENCE = "integer", "native", "tflite-reference"


@dataclass(frozen=True)
class Parity:
    """How many values three implementations were compared on, and how many differ.

    Attributes
    ----------
    values : compared; one counts once, whichever of the others differs from the first
    between : the reference first
    first : the first mismatch, located; None when all are equal. A stage or layer can differ
        where no value that is counted does
    """

    patches: int
    values: int
    mismatched: int
    between: tuple[str, ...]
    first: Mismatch | None = None

    def record(self, unit: str) -> dict[str, Any]:
        """As summary.json has it; `unit` is "cells" or "values"."""
        return {
            "patches": self.patches,
            unit: self.values,
            "mismatched": self.mismatched,
            "between": list(self.between),
            **({"first": self.first.record()} if self.first else {}),
        }


@dataclass(frozen=True)
class Validation:
    """Outcome of `validate`.

    Attributes
    ----------
    scores : of the board, clip by clip, [patches, outputs] as the model stores them; a silent
        patch has none
    """

    frontend: Parity
    model: Parity
    scores: tuple[Array, ...]

    def record(self) -> dict[str, Any]:
        """Section "parity" of summary.json."""
        return {"frontend": self.frontend.record("cells"), "model": self.model.record("values")}

    def require_equal(self) -> None:
        """CheckFailedError naming the first stage that differs."""
        for parity in (self.frontend, self.model):
            if parity.mismatched or parity.first:
                raise CheckFailedError(
                    f"{parity.mismatched:,} of {parity.values:,} values differ between "
                    f"{', '.join(parity.between)}; {parity.first}"
                )


@dataclass(frozen=True)
class _Desk:
    """What the host computes of one clip: features, silence and scores, each twice.

    Attributes
    ----------
    silent, native_silent : of each patch, by the integer reference and by native C
    reference, engine : scores of the integer reference's features
    """

    integer: Array
    native: Array
    silent: Array
    native_silent: Array
    reference: list[Array]
    engine: list[Array]


class _Twins:
    """The host's implementations of one frontend and one model."""

    def __init__(self, tables: FrontendTables, model: Path, optimization: str) -> None:
        self.tables = tables
        self.frontend = Frontend(tables)
        self.engine = Engine(model, optimization)
        self._reference = Reference(model)

    def compute(self, pcm: NDArray[np.int16]) -> _Desk:
        features, _, silent = integer.patches_and_levels(pcm, self.tables)
        scores = [self.scores(patch) for patch in features]
        native, _, native_silent = self.frontend.patches_and_levels(pcm)
        references, engines = [s[0] for s in scores], [s[1] for s in scores]
        return _Desk(features, native, silent, native_silent, references, engines)

    def scores(self, patch: Array) -> tuple[Array, Array]:
        shaped = patch.reshape(self.engine.input.shape)
        return self._reference.invoke(shaped), self.engine.invoke(shaped)


class _Count:
    """A parity under way: one reference, and others that are held against it."""

    def __init__(self, *between: str) -> None:
        self.between = between
        self.patches = self.values = self.mismatched = 0
        self.first: Mismatch | None = None

    def add(self, expected: Array, *others: Array) -> int | None:
        """Compare one patch; which of the others is the first to differ, None when none does."""
        wanted = bits(expected)
        unequal = [bits(other) != wanted for other in others]
        self.patches += 1
        self.values += wanted.size
        self.mismatched += int(np.logical_or.reduce(unequal).sum())
        return next((i for i, differs in enumerate(unequal) if differs.any()), None)

    def done(self) -> Parity:
        return Parity(self.patches, self.values, self.mismatched, self.between, self.first)


def validate(
    device: Device,
    clips: Sequence[Clip],
    tables: FrontendTables,
    model_path: Path,
    title: str = "Validating",
) -> Validation:
    """Stream clips to the board and compare all that it computes with the host's.

    Features, and which patches the silence gate takes for silence: integer reference, native C,
    board. Scores, of the board's own features: TensorFlow Lite's reference kernels, native C,
    board; of silent patches the board gives none. Of every clip, the loudest frame is compared
    stage by stage and the first patch layer by layer: a defect there need not reach a feature or a
    score. The first mismatch of each part is located.

    Raises
    ------
    CheckFailedError
        The board fails, completes another number of patches, or takes others for silence; a
        mismatch of values is returned, not raised.
    AudioError
        A clip is shorter than a patch.
    """
    twins = _Twins(tables, model_path, device.firmware.manifest["optimization"])
    frontend = _Count(INTEGER, NATIVE, device.board.name)
    model = _Count(REFERENCE, NATIVE, device.board.name)
    scores = []
    for clip, desk, patches in _streamed(device, clips, twins, title):
        _require_as_many(clip[0], desk, patches)
        for number, patch in enumerate(patches):
            _compare_features(clip, number, patch, desk, device, twins, frontend)
            _require_same_silence(clip[0], number, patch, desk, frontend)
            if not patch.silent:
                _compare_scores(clip[0], number, patch, desk, device, twins, model)
        frontend.first = frontend.first or _inside_frontend(clip, device, twins)
        model.first = model.first or divergence.in_layers(
            clip[0], 0, _of(patches[0].features), device, twins.engine
        )
        scores.append(_scores_of(patches, device))
    return Validation(frontend.done(), model.done(), tuple(scores))


def _streamed(
    device: Device, clips: Sequence[Clip], twins: _Twins, title: str
) -> Iterator[tuple[Clip, _Desk, list[BoardPatch]]]:
    """Each clip with what desk and board made of it; the two work side by side."""
    from paritone.progress import track

    with ThreadPoolExecutor(1) as desk:
        for clip in track(clips, title, len(clips)):
            expected = desk.submit(twins.compute, clip[1])
            patches = list(device.stream(clip[1]))
            yield clip, expected.result(), patches


def _require_as_many(name: str, desk: _Desk, patches: list[BoardPatch]) -> None:
    if not len(desk.integer) == len(desk.native) == len(patches):
        raise CheckFailedError(
            f"frontend, stream: {name} has {len(desk.integer)} patches on the host, "
            f"{len(desk.native)} in native C and {len(patches)} on the board"
        )


def _require_same_silence(
    name: str, number: int, patch: BoardPatch, desk: _Desk, frontend: _Count
) -> None:
    """The gate's verdicts must agree wherever the features do."""
    verdicts = (bool(desk.silent[number]), bool(desk.native_silent[number]), patch.silent)
    if len(set(verdicts)) > 1 and not frontend.mismatched:
        said = ", ".join(
            f"{'silence' if silent else 'sound'} ({who})"
            for who, silent in zip(frontend.between, verdicts, strict=True)
        )
        raise CheckFailedError(f"frontend, silence gate: {name}, patch {number}: {said}")


def _scores_of(patches: list[BoardPatch], device: Device) -> Array:
    found = [_of(patch.scores).reshape(-1) for patch in patches if not patch.silent]
    return np.stack(found) if found else np.zeros((0, device.output_shape[-1]))


def _compare_features(
    clip: Clip,
    number: int,
    patch: BoardPatch,
    desk: _Desk,
    device: Device,
    twins: _Twins,
    count: _Count,
) -> None:
    expected, others = desk.integer[number], (desk.native[number], _of(patch.features))
    which = count.add(expected, *others)
    if which is None or count.first is not None:
        return
    traces = (
        lambda frame, stage: twins.frontend.trace(frame)[stage],
        divergence.board_trace(device, twins.tables),
    )
    between = (INTEGER, count.between[1 + which])
    count.first = divergence.in_frontend(
        clip, number, expected, others[which], twins.tables, traces[which], between
    )


def _compare_scores(
    name: str,
    number: int,
    patch: BoardPatch,
    desk: _Desk,
    device: Device,
    twins: _Twins,
    count: _Count,
) -> None:
    features, got = _of(patch.features), _of(patch.scores)
    expected, native = desk.reference[number], desk.engine[number]
    if not np.array_equal(bits(features), bits(desk.integer[number])):
        expected, native = twins.scores(features)  # the model is judged on what it was given
    which = count.add(expected, native, got)
    if which is None or count.first is not None:
        return
    between = (REFERENCE, count.between[1 + which])
    pair = (expected, (native, got)[which])
    count.first = divergence.in_model(name, number, features, pair, device, twins.engine, between)


def _inside_frontend(clip: Clip, device: Device, twins: _Twins) -> Mismatch | None:
    """Compare the clip's loudest frame on the board, stage by stage."""
    tables = twins.tables
    frames = integer.frame_windows(clip[1], tables)
    number = int(np.abs(frames.astype(np.int32)).max(axis=1).argmax())
    patch = max(0, number - tables.patch_length + 1) // tables.patch_step
    trace = divergence.board_trace(device, tables)
    between = (INTEGER, device.board.name)
    return divergence.in_stages(clip[0], patch, (number, frames[number]), tables, trace, between)


def _of(values: Array | None) -> Array:
    assert values is not None, "the stream was asked for features and scores"
    return values


def clips_of(config: Any, limit: int | None = None) -> list[Clip]:
    """PCM of the configuration's test clips, at most `limit`, evenly drawn; noise without any."""
    from paritone import datasets
    from paritone.datasets.clips import ClipStore, noise

    data = datasets.load(config, "test")
    if data is None:
        return [("noise", noise(config))]
    step = 1 if limit is None else max(1, -(-len(data.clips) // limit))
    chosen = datasets.Dataset(data.clips[::step], data.class_names)
    return [(item.clip.path.name, item.pcm) for item in ClipStore(config).load(chosen)]


def show(validation: Validation, clips: int) -> None:
    """Print the counts as a table."""
    from rich.console import Console
    from rich.table import Table

    table = Table(f"parity, {clips} clips", "between", "patches", "values", "mismatched")
    for part, parity in (("frontend", validation.frontend), ("model", validation.model)):
        counts = (f"{n:,}" for n in (parity.patches, parity.values, parity.mismatched))
        table.add_row(part, " = ".join(parity.between), *counts)
    Console().print(table)
    silent = validation.frontend.patches - validation.model.patches
    if silent:
        print(f"{silent} patches are silence, for the board as for the host: it gave no scores")
