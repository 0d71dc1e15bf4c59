"""Clips through the board and its host twins: every feature and every score, bit for bit.

`desk` computes what the host makes of a clip; what differs is followed back to its stage by
`divergence` (a frame, by bisection), `layers` (the network) and `framing` (frames in a wrong
place); `spread` says how far it goes, `picture` draws it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paritone.device import Device
from paritone.device import Patch as BoardPatch
from paritone.features import integer
from paritone.features.tables import FrontendTables
from paritone.validate import divergence, framing, layers
from paritone.validate.desk import Desk, Twins
from paritone.validate.mismatch import Array, Mismatch, bits
from paritone.validate.parity import Count, Parity, Validation, show
from paritone.validate.spread import Spreading

__all__ = ["Clip", "Parity", "Validation", "clips_of", "show", "validate"]

Clip = tuple[str, NDArray[np.int16]]
"""Name and int16 PCM at the configuration's rate."""

INTEGER, NATIVE, REFERENCE = "integer", "native", "tflite-reference"


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
    score. The first mismatch of each part is located, and how far it spreads is counted.

    Raises
    ------
    CheckFailedError
        The board fails; a mismatch is returned, not raised.
    AudioError
        A clip is shorter than a patch.
    """
    twins = Twins(tables, model_path, device.firmware.manifest["optimization"])
    work = _Work(device, tables, twins)
    scores = [
        work.compare(clip, desk, patches)
        for clip, desk, patches in _streamed(device, clips, work.twins, title)
    ]
    first = work.model.first
    maps = work.spread.maps or (first.maps if first else None)
    return Validation(
        work.frontend.done(), work.model.done(), tuple(scores), work.spread.done(), maps
    )


def _streamed(
    device: Device, clips: Sequence[Clip], twins: Twins, title: str
) -> Iterator[tuple[Clip, Desk, list[BoardPatch]]]:
    """Each clip with what desk and board made of it; the two work side by side."""
    from paritone.progress import track

    with ThreadPoolExecutor(1) as desk:
        for clip in track(clips, title, len(clips)):
            expected = desk.submit(twins.compute, clip[1])
            patches = list(device.stream(clip[1]))
            yield clip, expected.result(), patches


class _Work:
    """A validation under way."""

    def __init__(self, device: Device, tables: FrontendTables, twins: Twins) -> None:
        self.device, self.tables, self.twins = device, tables, twins
        self.frontend = Count(INTEGER, NATIVE, device.board.name)
        self.model = Count(REFERENCE, NATIVE, device.board.name)
        self.spread = Spreading(tables)

    def compare(self, clip: Clip, desk: Desk, patches: list[BoardPatch]) -> Array:
        """Compare one clip; the board's scores."""
        for number, patch in enumerate(patches[: len(desk.integer)]):
            self._features(clip, number, patch, desk)
            self._silence(clip[0], number, patch, desk)
            if not patch.silent:
                self._scores(clip[0], number, patch, desk)
        self._count(clip, desk, patches)
        self._spread(clip, desk, patches)
        if self.frontend.first is None:
            self.frontend.first = self._inside_frontend(clip)
        if self.model.first is None and patches:
            self.model.first = layers.in_layers(
                clip[0], 0, _of(patches[0].features), self.device, self.twins.engine
            )
        return _scores_of(patches, self.device)

    # -------------------------------------------------------------- Frontend

    def _features(self, clip: Clip, number: int, patch: BoardPatch, desk: Desk) -> None:
        expected, others = desk.integer[number], (desk.native[number], _of(patch.features))
        which = self.frontend.add(expected, *others)
        if which is None or self.frontend.first is not None:
            return
        traces = (
            lambda frame, stage: self.twins.frontend.trace(frame)[stage],
            divergence.board_trace(self.device, self.tables),
        )
        between = (INTEGER, self.frontend.between[1 + which])
        found = divergence.in_frontend(
            clip, number, expected, others[which], self.tables, traces[which], between
        )
        if found.stage == "stream":
            found = replace(found, note=self._framing(clip, number, expected, others[which]))
        self.frontend.first = found

    def _framing(self, clip: Clip, number: int, expected: Array, got: Array) -> str:
        frames = len(integer.frame_windows(clip[1], self.tables))
        start = divergence.first_frame(number, frames, self.tables)
        return framing.explain(clip[1], start, expected, got, self.tables)

    def _count(self, clip: Clip, desk: Desk, patches: list[BoardPatch]) -> None:
        """Desk and board must make as many patches of a clip."""
        counts = len(desk.integer), len(desk.native), len(patches)
        if len(set(counts)) == 1:
            return
        text = (
            f"{clip[0]} has {counts[0]} patches on the host, {counts[1]} in native C and "
            f"{counts[2]} on the board"
        )
        if self.frontend.first is not None:
            note = "; ".join(filter(None, (self.frontend.first.note, text)))
            self.frontend.first = replace(self.frontend.first, note=note)
            return
        pair = (INTEGER, self.device.board.name)
        self.frontend.first = Mismatch(
            "frontend", "stream", clip[0], min(counts), None, 0, counts[0], counts[2], pair,
            place="number of patches", note=text,
        )  # fmt: skip

    def _silence(self, name: str, number: int, patch: BoardPatch, desk: Desk) -> None:
        """The gate's verdicts must agree wherever the features do."""
        verdicts = (bool(desk.silent[number]), bool(desk.native_silent[number]), patch.silent)
        if len(set(verdicts)) == 1 or self.frontend.mismatched or self.frontend.first is not None:
            return
        said = ", ".join(
            f"{'silence' if silent else 'sound'} ({who})"
            for who, silent in zip(self.frontend.between, verdicts, strict=True)
        )
        other = NATIVE if verdicts[1] != verdicts[0] else self.device.board.name
        pair = (INTEGER, other)
        self.frontend.first = Mismatch(
            "frontend", "silence gate", name, number, None, 0, int(verdicts[0]),
            int(not verdicts[0]), pair, place="silent", note=f"patch {number}: {said}",
        )  # fmt: skip

    def _inside_frontend(self, clip: Clip) -> Mismatch | None:
        """Compare the clip's loudest frame on the board, stage by stage."""
        tables = self.tables
        frames = integer.frame_windows(clip[1], tables)
        number = int(np.abs(frames.astype(np.int32)).max(axis=1).argmax())
        patch = max(0, number - tables.patch_length + 1) // tables.patch_step
        trace = divergence.board_trace(self.device, tables)
        between = (INTEGER, self.device.board.name)
        frame = number, frames[number]
        return divergence.in_stages(clip[0], patch, frame, tables, trace, between)

    # ----------------------------------------------------------------- Model

    def _scores(self, name: str, number: int, patch: BoardPatch, desk: Desk) -> None:
        features, got = _of(patch.features), _of(patch.scores)
        expected, native = desk.reference[number], desk.engine[number]
        if not np.array_equal(bits(features), bits(desk.integer[number])):
            expected, native = self.twins.scores(features)  # judged on what it was given
        which = self.model.add(expected, native, got)
        if which is None or self.model.first is not None:
            return
        between = (REFERENCE, self.model.between[1 + which])
        pair = (expected, (native, got)[which])
        self.model.first = layers.in_model(
            name, number, features, pair, self.device, self.twins.engine, between
        )

    def _spread(self, clip: Clip, desk: Desk, patches: list[BoardPatch]) -> None:
        both = min(len(patches), len(desk.integer))
        frames = len(integer.frame_windows(clip[1], self.tables))
        if both:
            got = np.stack([_of(patch.features) for patch in patches[:both]])
            self.spread.features(clip[0], frames, desk.integer[:both], got)
        for number, patch in enumerate(patches[:both]):
            if not patch.silent and not desk.silent[number]:
                self.spread.scores(desk.reference[number], _of(patch.scores))


def _scores_of(patches: list[BoardPatch], device: Device) -> Array:
    found = [_of(patch.scores).reshape(-1) for patch in patches if not patch.silent]
    return np.stack(found) if found else np.zeros((0, device.output_shape[-1]))


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
