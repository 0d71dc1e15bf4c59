"""Where board and desk part: the first stage of the frontend, or the first layer, that differs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paritone.device import Device, crc32
from paritone.features import integer
from paritone.features.tables import FrontendTables
from paritone.native.engine import Engine, rows_of

Trace = Callable[[NDArray[np.int16], str], NDArray[Any]]


@dataclass(frozen=True)
class Mismatch:
    """The first difference that was found.

    Attributes
    ----------
    part : "frontend" or "model"
    stage : of the frontend, or the layer; "stream" where every stage of the frame agrees by itself
    frame : of the clip, None for the model
    index : of the first value of that stage that differs, row by row
    between : whose value is expected, whose came
    """

    part: str
    stage: str
    clip: str
    patch: int
    frame: int | None
    index: int
    expected: float
    got: float
    between: tuple[str, str]

    def __str__(self) -> str:
        frame = "" if self.frame is None else f", frame {self.frame}"
        return (
            f"{self.part}, {self.stage}: first difference in {self.clip}, patch {self.patch}"
            f"{frame}, index {self.index}: {self.expected} ({self.between[0]}), "
            f"{self.got} ({self.between[1]})"
        )

    def record(self) -> dict[str, Any]:
        """The mismatch as JSON has it."""
        return asdict(self)


def bits(values: NDArray[Any]) -> NDArray[Any]:
    """Values as they are stored: equal bits are equal, NaN included."""
    return np.ascontiguousarray(values).reshape(-1).view(f"u{values.dtype.itemsize}")


def first_difference(expected: NDArray[Any], got: NDArray[Any]) -> int | None:
    """Flat index of the first value that differs; None when all are equal."""
    found = np.flatnonzero(bits(expected) != bits(got))
    return int(found[0]) if found.size else None


def board_trace(device: Device, tables: FrontendTables) -> Trace:
    """Trace of one frame on the board, for `in_frontend`."""
    like = integer.trace(np.zeros(tables.window_length, np.int16), tables)

    def trace(frame: NDArray[np.int16], stage: str) -> NDArray[Any]:
        values = np.frombuffer(device.trace(frame, stage), like[stage].dtype)
        return values.reshape(like[stage].shape)

    return trace


def in_stages(
    clip: str,
    patch: int,
    frame: tuple[int, NDArray[np.int16]],
    tables: FrontendTables,
    trace: Trace,
    between: tuple[str, str],
) -> Mismatch | None:
    """Compare the stages of one frame with the integer reference's; the first that differs.

    Parameters
    ----------
    frame : its number in the clip, its samples
    trace : of the implementation that is held against the reference
    """
    number, samples = frame
    expected = integer.trace(samples, tables)
    for stage in integer.stages_of(tables):
        wanted, values = expected[stage], trace(samples, stage)
        index = first_difference(wanted, values)
        if index is not None:
            left, right = wanted.flat[index].item(), values.flat[index].item()
            return Mismatch("frontend", stage, clip, patch, number, index, left, right, between)
    return None


def in_frontend(
    clip: tuple[str, NDArray[np.int16]],
    patch: int,
    expected: NDArray[Any],
    got: NDArray[Any],
    tables: FrontendTables,
    trace: Trace,
    between: tuple[str, str],
) -> Mismatch:
    """Find the first stage at which a frame of a differing patch differs.

    Parameters
    ----------
    clip : name, PCM
    expected, got : [n_mels, patch_length], differing somewhere
    trace : of the implementation that `got` came from
    """
    name, pcm = clip
    band, column = np.argwhere((bits(expected) != bits(got)).reshape(expected.shape))[0]
    frames = integer.frame_windows(pcm, tables)
    # The last patch of include_last_patch ends with the clip, off the grid of the others.
    start = min(patch * tables.patch_step, len(frames) - tables.patch_length)
    number = start + int(column)
    found = in_stages(name, patch, (number, frames[number]), tables, trace, between)
    if found is not None:
        return found
    index = int(band) * tables.patch_length + int(column)
    left, right = expected.flat[index].item(), got.flat[index].item()
    return Mismatch("frontend", "stream", name, patch, number, index, left, right, between)


def in_layers(
    clip: str, patch: int, features: NDArray[Any], device: Device, engine: Engine
) -> Mismatch | None:
    """Compare every layer on the board with the native engine's; the first that differs."""
    layers = engine.layers(features.reshape(engine.input.shape))
    for run in device.calls(features):
        number, layer = run.call.step, layers[run.call.step]
        wanted = rows_of(layer, run.call, engine.plan)
        if run.crc32 == crc32(wanted) and run.size == wanted.nbytes:
            continue
        wanted = wanted.view(layer.dtype)
        got = np.frombuffer(device.rows(run.size), layer.dtype)
        index = first_difference(wanted, got) or 0
        left, right = wanted[index].item(), got[index].item()
        step = engine.plan.steps[number]
        stage = f"layer {number} ({step.kernel}, {step.name})"
        index += run.call.first_row * (layer.size // engine.plan.rows(number).height)
        pair = ("native", device.board.name)
        return Mismatch("model", stage, clip, patch, None, index, left, right, pair)
    return None


def in_model(
    clip: str,
    patch: int,
    features: NDArray[Any],
    scores: tuple[NDArray[Any], NDArray[Any]],
    device: Device,
    engine: Engine,
    between: tuple[str, str],
) -> Mismatch:
    """Find the first layer whose output on the board differs from the native engine's.

    Parameters
    ----------
    features : the patch that both were given
    scores : expected and got, differing somewhere
    """
    found = in_layers(clip, patch, features, device, engine)
    if found is not None:
        return found
    expected, got = scores
    index = first_difference(expected, got) or 0
    left, right = expected.flat[index].item(), got.flat[index].item()
    return Mismatch("model", "scores", clip, patch, None, index, left, right, between)
