"""What a plan costs: instructions of a Cortex-M4, as far as plans differ in them.

The figures were counted on the emulated core; they steer a choice and promise nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import ceil

from paritone.engine import params
from paritone.engine.lowering import Step
from paritone.engine.lowering.coded import with_coded
from paritone.engine.lowering.packed import with_widened

CALL = 150.0
"""Instructions of a call, whatever it computes."""
PER_MAC = {"DEPTHWISE_LINES": 1.3, "CONV_2D": 3.0, "DEPTHWISE_CONV_2D": 12.0}
PER_VALUE = 4.0
"""Instructions for each byte of an output that takes no products."""
TILE, TILE_DEPTH = 80.0, 6.1
"""Instructions of three pixels by four channels, and for each value that they are sums of."""
PACKING = 2.2
"""Instructions for each value of a window that is packed."""
UNPACKING = 1.8
"""Instructions for each weight that is unpacked, once for each block of pixels."""
DECODING = 6.6
"""The same for weights that are entropy-coded."""
LINE_VALUE = 1.5
"""Instructions for each value that is brought into a line, once for each call that reads it."""
LINE_CHANNEL = 20.0
"""Instructions that prepare one channel of a call by lines."""
LINE_TURN, LINE_TILE = 400.0, 50.0
"""Instructions for four channels of the rows that a call computes at a time, and for each tile of
eight columns that they read."""
GROUP = 190.0
"""Instructions for four channels of a block of pixels."""
FLASH_BYTE = 8.0
"""Instructions that a byte of flash must save before weights are stored unpacked."""
CODED_BYTE = 300.0
"""Instructions that a byte of flash may cost where weights are decoded rather than unpacked."""
ROWS_AT_ONCE = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
BLOCKS = (1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128)
"""Triples of pixels packed at a time."""


def of_step(step: Step, output_bytes: int) -> float:
    """Instructions of `step` that are the same in every plan."""
    window = getattr(step.params, "window", None)
    if isinstance(step.params, params.Products) and window is not None:
        depth = window.height * window.width * window.in_channels
        pixels = window.out_height * window.out_width
        tiles = ceil(pixels / 3) * ceil(window.out_channels / 4)
        return tiles * (TILE + TILE_DEPTH * depth) + pixels * depth * PACKING
    return step.macs * PER_MAC.get(step.kernel, 6.0) or output_bytes * PER_VALUE


def of_calls(step: Step, parameters: params.Params, rows: Sequence[int]) -> float:
    """Instructions beyond those, when calls compute as many `rows` as that with `parameters`."""
    window = getattr(parameters, "window", None)
    cost = CALL * len(rows)
    if step.kernel == "DEPTHWISE_LINES" and window is not None:
        line = window.in_width * window.in_channels
        read = sum((n - 1) * window.stride_height + window.height for n in rows)
        cost += len(rows) * window.out_channels * LINE_CHANNEL + read * line * LINE_VALUE
    if isinstance(parameters, params.DepthwiseLines):
        turns = sum(ceil(n / parameters.rows) for n in rows)
        w = parameters.window
        tiles = ceil(w.stride_width * w.out_width / 8)
        cost += turns * w.out_channels / 4 * (LINE_TURN + LINE_TILE * tiles)
    if isinstance(parameters, params.Products):
        w = parameters.window
        weights = w.out_channels * w.height * w.width * w.in_channels
        visits = sum(ceil(ceil(n * w.out_width / 3) / parameters.block) for n in rows)
        cost += visits * ceil(w.out_channels / 4) * GROUP
        if parameters.wide is not None:
            return cost + weights * FLASH_BYTE
        if parameters.coded is not None:
            saved = weights - parameters.coded.nbytes
            return cost + weights * visits * DECODING - saved * CODED_BYTE
        cost += weights * visits * UNPACKING
    return cost


def variants(
    step: Step, *, widened: bool = False, coded: bool = False
) -> tuple[params.Params, ...]:
    """Parameters that a plan may give `step`, by the scratch memory they take, least first.

    Parameters
    ----------
    widened : also with weights that are unpacked already, twice the bytes
    coded : also with weights that are entropy-coded, where that makes them smaller
    """
    if isinstance(step.params, params.DepthwiseLines):
        height = step.params.window.out_height
        at_once = sorted({min(rows, height) for rows in ROWS_AT_ONCE})
        return tuple(replace(step.params, rows=rows) for rows in at_once)
    if not isinstance(step.params, params.Products):
        return (step.params,)
    window = step.params.window
    triples = ceil(window.out_height * window.out_width / 3)
    forms = [step.params, with_widened(step.params)] if widened else [step.params]
    if coded and (smaller := with_coded(step.params)) is not None:
        forms.append(smaller)
    blocks = sorted({min(b, triples) for b in BLOCKS})
    found = [replace(form, block=block) for form in forms for block in blocks]
    return tuple(sorted(found, key=lambda p: p.scratch_bytes))
