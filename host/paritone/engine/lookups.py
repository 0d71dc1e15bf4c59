"""Chains of functions of one stored value, such as a normalisation, as one table for each channel.

A chain is exact by construction: its tables hold what the steps compute, one after the other, from
each of the 256 values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paritone.engine import params, requantization
from paritone.engine.lowering.operands import Step
from paritone.engine.tflite import Graph

MOST_SHIFT = 20
"""Of values of nine bits, so that nothing wraps."""
LEAST_PIXELS = 4
"""With fewer a table for each channel does not pay."""

Int64s = NDArray[np.int64]
Tables = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class _Chain:
    """Steps from tensor `source` on; `tables` [1 or channels, 256] is indexed by stored bytes."""

    source: int
    steps: tuple[Step, ...]
    tables: Tables


def join(
    graph: Graph, steps: Sequence[Step], viewed: Iterable[int], most_bytes: int
) -> tuple[Step, ...]:
    """`steps` with chains as single lookups, of at most `most_bytes` of tables each.

    viewed : tensors that are read under another shape as well
    """
    reads = Counter([i for step in steps for i in step.inputs])
    reads.update([*graph.outputs, *viewed])
    chains: dict[int, _Chain] = {}
    for step in steps:
        made = _tables(graph, step)
        if made is None:
            continue
        source, tables = made
        before = chains.get(source) if reads[source] == 1 else None
        chains[step.output] = _Chain(source, (step,), tables) if before is None else _Chain(
            before.source, (*before.steps, step), _composed(before.tables, tables)
        )  # fmt: skip
    kept: list[Step] = []
    absorbed: set[int] = set()
    for step in reversed(steps):
        if step.output in absorbed:
            continue
        lookup = _lookup(graph, chains[step.output], most_bytes) if step.output in chains else None
        if lookup is not None:
            absorbed |= {s.output for s in chains[step.output].steps[:-1]}
        kept.append(lookup or step)
    return tuple(reversed(kept))


def _composed(first: Tables, then: Tables) -> Tables:
    first, then = np.broadcast_arrays(first, then)
    return np.take_along_axis(then, first.astype(np.intp), axis=1)


def _lookup(graph: Graph, chain: _Chain, most_bytes: int) -> Step | None:
    """The chain as one step; None where that does not pay."""
    last, tables = chain.steps[-1], chain.tables
    output = graph.tensors[last.output]
    parameters: params.Params
    if np.array_equal(tables, np.broadcast_to(tables[0], tables.shape)):
        if len(chain.steps) == 1 and (last.kernel == "LOOKUP" or output.size < tables[0].size):
            return None
        kernel, parameters = "LOOKUP", params.Lookup(tables[0].copy())
    elif output.size < LEAST_PIXELS * len(tables) or tables.nbytes > most_bytes:
        return None
    else:
        kernel, parameters = "CHANNEL_LOOKUP", params.ChannelLookup(len(tables), tables)
    macs = sum(step.macs for step in chain.steps)
    return Step(
        kernel, last.name, (chain.source,), last.output, parameters, macs,
        by_rows=True, in_place=True,
    )  # fmt: skip


def _tables(graph: Graph, step: Step) -> tuple[int, Tables] | None:
    """What `step` reads and its tables, if it is a function of one value."""
    if isinstance(step.params, params.Lookup):
        return step.inputs[0], step.params.table[np.newaxis]
    if isinstance(step.params, params.Requantize) and step.params.shift <= MOST_SHIFT:
        return step.inputs[0], _stored(_requantized(step.params))
    if isinstance(step.params, params.Binary):
        return _of_binary(graph, step, step.params)
    return None


def _stored(values: Int64s) -> Tables:
    return values.astype(np.uint8)


def _every(dtype: str) -> Int64s:
    """Value of each stored byte."""
    return np.arange(256, dtype=np.uint8).view(dtype).astype(np.int64)


def _requantized(p: params.Requantize) -> Int64s:
    values = _every("int8" if p.input_dtype == params.enum_name("int8") else "uint8")
    scaled = _scaled(values + p.input_offset, p.multiplier, p.shift)
    return np.clip(scaled + p.output_offset, p.minimum, p.maximum)[np.newaxis]


def _scaled(values: Int64s, multiplier: int, shift: int) -> Int64s:
    return requantization.reference(values, np.array(multiplier), np.array(shift))


def _of_binary(graph: Graph, step: Step, p: params.Binary) -> tuple[int, Tables] | None:
    """Of a tensor and a constant along its last axis."""
    constants = [i for i in (0, 1) if p.constant[i] is not None]
    if len(constants) != 1 or step.kernel not in _BINARIES or max(*p.input_shift, p.shift) > 0:
        return None
    (fixed,) = constants
    source = step.inputs[1 - fixed]
    outer = [s for n, s in zip(p.shape[:3], p.stride[fixed], strict=False) if n > 1]
    values = p.constant[fixed]
    if (
        any(outer)
        or values is None
        or graph.tensors[source].size != graph.tensors[step.output].size
    ):
        return None
    operands: list[Int64s] = [_every("int8"), _every("int8")]
    operands[fixed] = values.astype(np.int64)[:, np.newaxis]
    return source, _stored(_BINARIES[step.kernel](p, *operands))


def _sum(p: params.Binary, sign: int, a: Int64s, b: Int64s) -> Int64s:
    """``add_row`` of elementwise.c."""
    first, second = (
        _scaled((v + p.input_offset[i]) << p.left_shift, p.input_multiplier[i], p.input_shift[i])
        for i, v in enumerate((a, b))
    )
    scaled = _scaled(first + sign * second, p.multiplier, p.shift)
    return np.clip(scaled + p.output_offset, p.minimum, p.maximum)


def _product(p: params.Binary, a: Int64s, b: Int64s) -> Int64s:
    """``mul_row`` of elementwise.c."""
    product = (a + p.input_offset[0]) * (b + p.input_offset[1])
    scaled = _scaled(product, p.multiplier, p.shift)
    return np.clip(scaled + p.output_offset, p.minimum, p.maximum)


_BINARIES = {
    "ADD": lambda p, a, b: _sum(p, 1, a, b),
    "SUB": lambda p, a, b: _sum(p, -1, a, b),
    "MUL": _product,
    "MAXIMUM": lambda p, a, b: np.maximum(a, b),
    "MINIMUM": lambda p, a, b: np.minimum(a, b),
}
