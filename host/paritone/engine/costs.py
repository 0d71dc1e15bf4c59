"""What a plan costs: instructions of a Cortex-M4, as far as plans differ in them.

The figures were counted on the emulated core; they steer a choice and promise nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from math import ceil

from paritone.engine import params
from paritone.engine.lowering import Step
from paritone.engine.lowering.coded import with_coded
from paritone.engine.lowering.packed import with_pairs, with_widened

CALL = 150.0
"""Instructions of a call, whatever it computes."""
PER_MAC = {"DEPTHWISE_LINES": 1.3, "CONV_2D": 3.0, "DEPTHWISE_CONV_2D": 12.0}
PER_VALUE = 4.0
"""Instructions for each byte of an output that takes no products."""
TILE, TILE_DEPTH = 71.0, 6.1
"""Instructions of three pixels by four channels, and for each value that they are sums of."""
PAIRS, PAIRS_DEPTH = 77.0, 5.5
"""The same of two tiles by pairs of channels."""
ALONE, ALONE_DEPTH = 220.0, 3.2
"""The same of a pixel that threes leave over, where pairs have room for it behind a block."""
PAIRS_LEAST = 64
"""Values of a window from which on pairs are worth their cycles: they load more words at once."""
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
GROUP, GROUP_PAIRS = 190.0, 260.0
"""Instructions for four channels of a block of pixels."""
WIDENED_BYTES = {"time": 1 << 15, "balanced": 0, "ram": 0}
"""What weights stored unpacked, twice the bytes, may add to all layers' together in any case."""
WIDENED_SHARE = {"time": 1 / 3, "balanced": 0.0, "ram": 0.0}
"""What they may add, of all layers' bytes."""
FLASH_BYTE = 1.0
"""Instructions that a byte of flash must save before weights are stored so."""
CODED_BYTE = {"time": 0.0, "balanced": 0.0, "ram": 1700.0}
"""Instructions that a byte of flash may cost where weights are decoded rather than unpacked."""
ROWS_AT_ONCE = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
BLOCKS = (1, 2, 4, 6, 8, 10, 12, 16, 18, 24, 32, 48, 64, 96, 128)
"""Triples of pixels packed at a time."""


def of_step(step: Step, output_bytes: int) -> float:
    """Instructions of `step` that are the same in every plan."""
    window = getattr(step.params, "window", None)
    if isinstance(step.params, params.Products) and window is not None:
        depth = window.height * window.width * window.in_channels
        return window.out_height * window.out_width * depth * PACKING
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
    return cost + (_of_products(parameters, rows) if isinstance(parameters, params.Products) else 0)


def _of_products(p: params.Products, rows: Sequence[int]) -> float:
    w = p.window
    groups = ceil(w.out_channels / 4)
    weights = groups * 4 * p.depth
    pixels = [n * w.out_width for n in rows]
    visits = sum(ceil(ceil(n / 3) / p.block) for n in pixels)
    tile = PAIRS + PAIRS_DEPTH * p.depth if p.pairs else TILE + TILE_DEPTH * p.depth
    alone = sum(n > 3 and n % 3 == 1 and n // 3 % p.block > 0 for n in pixels) if p.pairs else 0
    tiles = (sum(ceil(n / 3) for n in pixels) - alone) * tile
    tiles += alone * (ALONE + ALONE_DEPTH * p.depth)
    unpacking = visits * (UNPACKING if p.coded is None else DECODING)
    if p.wide is not None:
        unpacking = FLASH_BYTE
    group = GROUP_PAIRS if p.pairs else GROUP
    return groups * (tiles + visits * group) + weights * unpacking


def saving_flash(step: Step, rows: Sequence[int], point: str) -> Step:
    """`step` with coded weights where the bytes they save are worth it, as calls have `rows`."""
    plain = step.params
    if not isinstance(plain, params.Products) or plain.weights is None or not CODED_BYTE[point]:
        return step
    smaller = with_coded(plain)
    if smaller is None or smaller.coded is None:
        return step
    more = of_calls(step, smaller, rows) - of_calls(step, plain, rows)
    worth = CODED_BYTE[point] * (plain.weights.nbytes - smaller.coded.nbytes)
    return replace(step, params=smaller) if more < worth else step


def widened(steps: Sequence[Step], point: str) -> frozenset[int]:
    """Steps whose weights may be stored unpacked, twice the bytes: the smallest ones."""
    sizes = sorted(
        (step.params.weights.nbytes, number)
        for number, step in enumerate(steps)
        if isinstance(step.params, params.Products) and step.params.weights is not None
    )
    total = list(accumulate(size for size, _ in sizes))
    most = max(WIDENED_BYTES[point], WIDENED_SHARE[point] * total[-1]) if total else 0
    pairs = zip(sizes, total, strict=True)
    return frozenset(n for (_, n), so_far in pairs if so_far <= most)


def variants(step: Step, point: str, *, widened: bool = False) -> tuple[params.Params, ...]:
    """Parameters that a plan may give `step`, by the scratch memory they take, least first.

    `widened` : also with weights that are unpacked already
    """
    if isinstance(step.params, params.DepthwiseLines):
        height = step.params.window.out_height
        at_once = sorted({min(rows, height) for rows in ROWS_AT_ONCE})
        return tuple(replace(step.params, rows=rows) for rows in at_once)
    if not isinstance(step.params, params.Products):
        return (step.params,)
    window = step.params.window
    triples = ceil(window.out_height * window.out_width / 3)
    forms = [step.params]
    if point == "time" and step.params.depth >= PAIRS_LEAST:
        forms += [pairs] if (pairs := with_pairs(step.params)) is not None else []
    forms += [with_widened(form) for form in forms] if widened else []
    blocks = sorted({min(b, triples) for b in BLOCKS})
    found = [replace(form, block=block) for form in forms for block in blocks]
    return tuple(sorted(found, key=lambda p: p.scratch_bytes))
