"""Where board and desk part within the network: the first layer that differs.

The network is walked once: the board answers a checksum with each call, so that only the rows of
the layer that differs cross the line. A bisection would run it again for each probe.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from paritone.device import Device, crc32
from paritone.native.engine import Engine, rows_of
from paritone.validate.mismatch import Array, Maps, Mismatch, mismatch


class _Walk:
    """One pass through the network on the board, call by call, beside the native engine's."""

    def __init__(self, features: Array, engine: Engine) -> None:
        self.plan = engine.plan
        self.layers = engine.layers(features.reshape(engine.input.shape))
        self.first: int | None = None
        self.differing: set[int] = set()

    def run(self, features: Array, device: Device) -> None:
        for run in device.calls(features):
            number = run.call.step
            wanted = rows_of(self.layers[number], run.call, self.plan)
            if run.crc32 == crc32(wanted) and run.size == wanted.nbytes:
                continue
            self.differing.add(number)
            if self.first is None:
                self.first = number
                self.got = self.layers[number].copy()
            if number == self.first:
                rows = np.frombuffer(device.rows(run.size), np.uint8)
                rows_of(self.got, run.call, self.plan)[:] = rows[: wanted.nbytes]


def in_layers(
    clip: str, patch: int, features: Array, device: Device, engine: Engine
) -> Mismatch | None:
    """Compare every layer on the board with the native engine's; the first that differs."""
    walk = _Walk(features, engine)
    walk.run(features, device)
    if walk.first is None:
        return None
    number, pair = walk.first, ("native", device.board.name)
    step, expected = walk.plan.steps[number], walk.layers[number]
    stage = f"layer {number} ({step.kernel}, {step.name})"
    found = mismatch(("model", stage, clip, patch, None), expected, walk.got, pair)
    at = np.unravel_index(found.index, expected.shape)
    after = f"{len(walk.differing)} of {len(walk.layers)} layers differ"
    return replace(
        found,
        place=_place_in_layer(at),
        note="; ".join(filter(None, (found.note, after))),
        maps=_maps(f"{stage}, {clip}, patch {patch}", expected, walk.got, at),
    )


def _place_in_layer(at: Sequence[Any]) -> str:
    names = {3: ("row", "column", "channel"), 1: ("value",)}.get(len(at) - 1, ())
    return ", ".join(f"{name} {int(i)}" for name, i in zip(names, at[1:], strict=False))


def _maps(title: str, expected: Array, got: Array, at: Sequence[Any]) -> Maps:
    """The channel of the first difference as a plane; what has no planes is one row."""
    if expected.ndim == 4 and expected.shape[1] * expected.shape[2] > 1:
        planes = (values[0, :, :, int(at[3])] for values in (expected, got))
        return Maps(f"{title}, channel {int(at[3])}", ("column", "row"), *planes)
    rows = (values.reshape(1, -1) for values in (expected, got))
    return Maps(title, ("value", ""), *rows)


def in_model(
    clip: str,
    patch: int,
    features: Array,
    scores: tuple[Array, Array],
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
    return mismatch(("model", "scores", clip, patch, None), *scores, between)
