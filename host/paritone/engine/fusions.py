"""Rewrites that save work, exact by construction: of the graph before lowering, of steps after it.

A tensor disappears only if a single operator reads it and it is no output.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from paritone.engine import params
from paritone.engine.lowering.operands import Step
from paritone.engine.lowering.window import FOLDED, VALID
from paritone.engine.tflite import Graph, Op

PADDED = ("CONV_2D", "DEPTHWISE_CONV_2D", "MAX_POOL_2D")


def fold_pads(graph: Graph) -> Graph:
    """`graph` with each PAD of height and width in the window that alone reads it.

    A convolution pads with its input's zero point, as PAD does; a maximum with any one value. The
    PAD itself stays, unread.
    """
    reads = Counter([i for op in graph.ops for i in op.inputs] + list(graph.outputs))
    pads = {
        op.outputs[0]: op
        for op in graph.ops
        if _pads_height_and_width(graph, op) and reads[op.outputs[0]] == 1
    }

    def folded(op: Op) -> Op:
        pad = pads.get(op.inputs[0]) if op.kind in PADDED and len(op.inputs) > 0 else None
        return op if pad is None else _folded(graph, op, pad)

    return replace(graph, ops=tuple(folded(op) for op in graph.ops))


def _pads_height_and_width(graph: Graph, op: Op) -> bool:
    if op.kind not in ("PAD", "PADV2") or len(op.inputs) < 2 or min(op.inputs) < 0:
        return False
    source, output = graph.tensors[op.inputs[0]], graph.tensors[op.outputs[0]]
    amounts = graph.tensors[op.inputs[1]].data
    if amounts is None or amounts.size != 8 or amounts.min() < 0 or source.data is not None:
        return False
    before, after = source.shape, amounts.reshape(4, 2).sum(axis=1)
    batch_or_channels = amounts.reshape(4, 2)[[0, 3]]
    same = (source.dtype, source.scales, source.zero_points) == (
        output.dtype, output.scales, output.zero_points,
    )  # fmt: skip
    return bool(
        same and len(before) == 4 and not batch_or_channels.any()
        and output.shape == tuple(n + more for n, more in zip(before, after, strict=True))
    )  # fmt: skip


def _folded(graph: Graph, op: Op, pad: Op) -> Op:
    """`op` reading what `pad` reads, if each of its windows holds a value that is not padded."""
    amounts, span = graph.tensors[pad.inputs[1]].data, _span(graph, op)
    assert amounts is not None
    (top, bottom), (left, right) = (map(int, pair) for pair in amounts.reshape(4, 2)[1:3])
    fits = span is not None and max(top, bottom) < span[0] and max(left, right) < span[1]
    value = _value(graph, pad)
    if not fits or op.options["padding"] != VALID or value is None:
        return op
    folded: dict[str, Any] = dict(zip(FOLDED, (top, bottom, left, right), strict=True))
    if op.kind == "MAX_POOL_2D":
        folded["pad_value"] = value
    elif value != graph.tensors[pad.inputs[0]].zero_point:
        return op
    return replace(op, inputs=(pad.inputs[0], *op.inputs[1:]), options={**op.options, **folded})


def _span(graph: Graph, op: Op) -> tuple[int, int] | None:
    """Rows and columns from a window's first tap to its last."""
    options = op.options
    if op.kind == "MAX_POOL_2D":
        return options["height"], options["width"]
    weights = graph.tensors[op.inputs[1]] if len(op.inputs) > 1 and op.inputs[1] >= 0 else None
    if weights is None or len(weights.shape) != 4:
        return None
    _, height, width, _ = weights.shape
    return (
        (height - 1) * options["dilation_height"] + 1,
        (width - 1) * options["dilation_width"] + 1,
    )


def _value(graph: Graph, pad: Op) -> int | None:
    """The int8 value that `pad` adds."""
    source = graph.tensors[pad.inputs[0]]
    if source.dtype != "int8":
        return None
    if pad.kind == "PAD":
        return source.zero_point
    constant = graph.tensors[pad.inputs[2]] if len(pad.inputs) > 2 else None
    if constant is None or constant.data is None or constant.size != 1:
        return None
    same = (constant.dtype, constant.scales, constant.zero_points) == (
        source.dtype, source.scales, source.zero_points,
    )  # fmt: skip
    return int(constant.data.reshape(-1)[0]) if same else None


def sum_products(graph: Graph, steps: Sequence[Step], viewed: Iterable[int]) -> tuple[Step, ...]:
    """`steps` with each WEIGHTED_SUM in the PRODUCTS that make the later of its operands.

    viewed : tensors that are read under another shape as well
    """
    reads = Counter([i for step in steps for i in step.inputs])
    reads.update([*graph.outputs, *viewed])
    made = {step.output: number for number, step in enumerate(steps)}
    fused = list(steps)
    gone = set()
    for number, step in enumerate(steps):
        if not isinstance(step.params, params.WeightedSum):
            continue
        later = max(step.inputs, key=lambda i: made.get(i, -1))
        source = made.get(later, number)
        joined = _summed(fused[source], step, later) if reads[later] == 1 else None
        if joined is not None:
            fused[source] = joined
            gone.add(number)
    return tuple(step for number, step in enumerate(fused) if number not in gone)


def _summed(products: Step, step: Step, operand: int) -> Step | None:
    """`products`, which make `operand`, with the sum; None where they cannot."""
    made, found = products.params, step.params
    assert isinstance(found, params.WeightedSum)
    if not isinstance(made, params.Products) or made.sum is not None:
        return None
    own = step.inputs.index(operand)
    weight = (found.weight[1 - own], found.weight[own])
    together = replace(made, sum=np.array([*weight, found.start], np.int32))
    inputs = (products.inputs[0], step.inputs[1 - own])
    return replace(
        products, kernel="PRODUCTS_SUM", inputs=inputs, output=step.output, params=together
    )
