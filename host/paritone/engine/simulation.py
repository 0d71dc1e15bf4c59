"""Proof of a plan: every byte that a call reads is what its producer wrote there.

The arena is played through with names instead of values. It shares no code with what made the
plan but the description of the steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from paritone.engine.schedule import Call, Network, Node

if TYPE_CHECKING:
    from paritone.engine.arrangement import Arrangement

NOTHING = -1


class UnsoundPlanError(Exception):
    """A plan that would compute something else: a defect of the planner."""


def require_sound(plan: Arrangement, network: Network) -> None:
    """UnsoundPlanError unless each call finds what it reads, and the outputs are there at last."""
    arena = _Arena(plan, network)
    for tensor in sorted(network.inputs):
        arena.write(tensor, range(network.rows[tensor].height))
    for tensor in sorted(network.inputs):
        arena.require(tensor, range(network.rows[tensor].height), "input")
    done = [0] * len(network.nodes)
    for call in plan.calls:
        node = network.nodes[call.step]
        if call.first_row != done[call.step] or (not node.by_rows and call.rows != node.height):
            raise UnsoundPlanError(f"{call} does not follow row {done[call.step]}")
        done[call.step] += call.rows
        arena.run(call, node, in_place=plan.steps[call.step].in_place)
    if done != [node.height for node in network.nodes]:
        raise UnsoundPlanError("not every row is computed")
    for tensor in sorted(network.outputs):
        arena.require(tensor, range(network.rows[tensor].height), "output")


class _Arena:
    """Which row of which tensor each byte holds."""

    def __init__(self, plan: Arrangement, network: Network) -> None:
        self._plan, self._network = plan, network
        self._bytes = np.full(plan.arena_bytes, NOTHING, np.int64)
        self._tensors = sorted(network.rows)

    def _name(self, tensor: int, row: int) -> int:
        return self._tensors.index(tensor) << 16 | row

    def _at(self, tensor: int, row: int) -> slice:
        place, size = self._plan.places[tensor], self._network.rows[tensor].bytes
        start = place.offset + row % place.rows * size
        if start + size > len(self._bytes):
            raise UnsoundPlanError(f"tensor {tensor} leaves the arena")
        return slice(start, start + size)

    def write(self, tensor: int, rows: range) -> None:
        for row in rows:
            self._bytes[self._at(tensor, row)] = self._name(tensor, row)

    def require(self, tensor: int, rows: range, reader: object) -> None:
        for row in rows:
            if np.any(self._bytes[self._at(tensor, row)] != self._name(tensor, row)):
                raise UnsoundPlanError(f"{reader} finds no row {row} of tensor {tensor}")

    def run(self, call: Call, node: Node, *, in_place: bool) -> None:
        """Scratch memory is written before and while operands are read, the output too."""
        scratch = self._plan.steps[call.step].params.scratch_bytes
        start = self._plan.scratch[call.step]
        if start + scratch > len(self._bytes):
            raise UnsoundPlanError(f"scratch memory of step {call.step} leaves the arena")
        self._bytes[start : start + scratch] = NOTHING
        output = self._output_bytes(call, node)
        if scratch and np.any((output >= start) & (output < start + scratch)):
            raise UnsoundPlanError(f"{call} writes over its scratch memory")
        for operand, tensor in enumerate(node.inputs):
            if tensor is None:
                continue
            rows = _rows_read(node, operand, call, self._network.rows[tensor].height)
            self.require(tensor, rows, call)
            allowed = in_place and operand == 0 and self._same_start(tensor, node)
            if not allowed and self._shares(tensor, rows, output):
                raise UnsoundPlanError(f"{call} overwrites what it reads of tensor {tensor}")
        if len(self._network.writers[node.output]) > 1:
            self._add(call, node)
        else:
            self.write(node.output, range(call.first_row, call.end))

    def _add(self, call: Call, node: Node) -> None:
        """Of a tensor that several steps fill, what the ones before wrote must be there still."""
        rows = range(node.height)
        if call.step != min(self._network.writers[node.output]):
            self.require(node.output, rows, call)
        self.write(node.output, rows)

    def _output_bytes(self, call: Call, node: Node) -> NDArray[np.int64]:
        rows = [self._at(node.output, y) for y in range(call.first_row, call.end)]
        found = np.concatenate([np.arange(r.start, r.stop) for r in rows])
        if np.any(np.diff(found) != 1):
            raise UnsoundPlanError(f"{call} wraps around its ring")
        return found

    def _same_start(self, tensor: int, node: Node) -> bool:
        places, network = self._plan.places, self._network
        whole = all(places[t].rows == network.rows[t].height for t in (tensor, node.output))
        smaller = network.rows[node.output].bytes * node.height <= (
            network.rows[tensor].bytes * network.rows[tensor].height
        )
        return whole and smaller and places[tensor].offset == places[node.output].offset

    def _shares(self, tensor: int, rows: range, output: NDArray[np.int64]) -> bool:
        low, high = int(output[0]), int(output[-1])
        return any((at := self._at(tensor, row)).start <= high and at.stop > low for row in rows)


def _rows_read(node: Node, operand: int, call: Call, height: int) -> range:
    """Rows of an operand, found tap by tap."""
    if not node.by_rows or operand in node.viewed:
        return range(height)
    if node.window is None or operand > 0:
        return range(call.first_row, call.end)
    w = node.window
    taps = {
        y * w.stride_height - w.pad_top + tap * w.dilation_height
        for y in range(call.first_row, call.end)
        for tap in range(w.height)
    }
    inside = [row for row in taps if 0 <= row < height]
    return range(min(inside), max(inside) + 1) if inside else range(0)
