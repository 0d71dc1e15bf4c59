"""From which call to which call each row of each tensor is in use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from paritone.engine import memory
from paritone.engine.memory import Item
from paritone.engine.schedule import Network, Order


def scratch_key(step: int) -> int:
    """Key of a step's scratch memory among those of tensors."""
    return -1 - step


class Lifetimes:
    """Of every tensor that matters while `steps` run in `order`.

    What was written before is in use from call -1 on, what is read later until one behind the
    last call. The steps may be all of the network or some neighbours.
    """

    def __init__(self, network: Network, order: Order, steps: range) -> None:
        self._network, self._order, self._steps = network, order, steps
        self.end = len(order.calls)
        self.written: dict[int, NDArray[np.int64]] = {}
        self.read: dict[int, NDArray[np.int64]] = {}
        for tensor in self._tensors():
            height = network.rows[tensor].height
            self.written[tensor] = np.full(height, self.end, np.int64)
            self.read[tensor] = np.full(height, -1, np.int64)
        self._borders()
        for number, call in enumerate(order.calls):
            self._count(number, call.step, call.first_row, call.end)

    def _tensors(self) -> list[int]:
        """Those that are there before, during or after."""
        first, last = self._steps.start, self._steps.stop - 1
        found = []
        for tensor in self._network.rows:
            begin = min(self._network.writers.get(tensor, [-1]))
            end = max(self._network.consumers.get(tensor, []), default=begin)
            end = len(self._network.nodes) if tensor in self._network.outputs else end
            if tensor in self._network.inputs:
                end = max(end, 0)  # one that no step reads is written all the same
            if begin <= last and end >= first:
                found.append(tensor)
        return found

    def _borders(self) -> None:
        """What comes from before the steps, and what stays beyond them."""
        network = self._network
        for tensor, written in self.written.items():
            writers = network.writers.get(tensor, [])
            readers = network.consumers.get(tensor, [])
            if tensor in network.inputs or any(w < self._steps.start for w in writers):
                written[:] = -1
            later = any(s >= self._steps.stop for s in (*readers, *writers))
            if later or tensor in network.outputs:
                self.read[tensor][:] = self.end

    def _count(self, number: int, step: int, first: int, end: int) -> None:
        node = self._network.nodes[step]
        for operand, tensor in enumerate(node.inputs):
            if tensor is not None:
                read = self.read[tensor]
                needed = node.reads(operand, len(read), first, end)
                span = read[needed.start : needed.stop]
                np.maximum(span, number, out=span)
        # A step that writes only a part of a tensor may write anywhere in it.
        shared = len(self._network.writers[node.output]) > 1
        rows = slice(None) if shared else slice(first, end)
        written, read = self.written[node.output][rows], self.read[node.output][rows]
        np.minimum(written, number, out=written)
        np.maximum(read, number, out=read)

    def items(
        self, scratch: Mapping[int, int] | None = None, over: Sequence[int] = ()
    ) -> list[Item]:
        """What is to be placed: tensors by index, a step's scratch memory at its `scratch_key`.

        Parameters
        ----------
        scratch : bytes of each step that needs some
        over : steps whose output may begin where their first operand does
        """
        nodes = self._network.nodes
        in_place = {nodes[s].output: nodes[s].inputs[0] for s in over}
        items = [self._item(tensor, in_place.get(tensor)) for tensor in sorted(self.written)]
        calls: dict[int, list[int]] = {}
        for number, call in enumerate(self._order.calls):
            calls.setdefault(call.step, []).append(number)
        for step, size in (scratch or {}).items():
            pieces = (memory.Piece(0, size, c, c) for c in calls[step])
            items.append(Item(scratch_key(step), tuple(pieces)))
        return items

    def _item(self, tensor: int, over: int | None) -> Item:
        first, last = self.written[tensor], np.maximum(self.read[tensor], self.written[tensor])
        row_bytes, height = self._network.rows[tensor].bytes, len(first)
        ring = self._order.rings.get(tensor, height)
        if ring < height:
            rows = np.arange(ring)
            slots = [np.arange(height) % ring == r for r in rows]
            last = np.array([last[slot].max() for slot in slots])
            first = first[:ring]
        whole = ring == height and over is not None
        if whole and self._order.rings.get(over or 0, height) < height:
            whole = False
        pieces = memory.rows_of(row_bytes, first, last)
        return Item(tensor, pieces, over if whole else None)
