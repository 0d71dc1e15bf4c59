"""In which order rows are computed: chains of layers run strip by strip, each row once.

A group of neighbouring layers is driven by its last one: before a strip of its rows is computed,
the rows that the strip needs are, and so on backwards, each as late as possible. A tensor that
only layers of the group read is never whole: a ring of its last rows is kept.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from paritone.engine.params import Window
from paritone.engine.rows import Rows

MAX_STEPS, MAX_ROWS = 1 << 10, 63
"""Of a plan, and of a call that leaves the last ones to others: what ``paritone_call_t`` holds."""


@dataclass(frozen=True)
class Call:
    """Rows `first_row` .. ``first_row + rows - 1`` of a step's output, computed at once."""

    step: int
    first_row: int
    rows: int

    @property
    def end(self) -> int:
        """Row behind the last one."""
        return self.first_row + self.rows


@dataclass(frozen=True)
class Node:
    """What a schedule needs to know of a step; tensors by index, those in the arena only.

    Attributes
    ----------
    inputs : the tensors whose memory is read, None for a constant operand
    height : rows of the output
    window : by which `inputs[0]` is read; other operands are read row by row
    viewed : operands whose rows are others than their memory's: all of it is read
    """

    inputs: tuple[int | None, ...]
    output: int
    height: int
    by_rows: bool
    window: Window | None
    viewed: frozenset[int] = frozenset()

    def reads(self, operand: int, tensor_height: int, first: int, end: int) -> range:
        """Rows of an operand that rows `first` .. ``end - 1`` of the output need."""
        if not self.by_rows or operand in self.viewed:
            return range(tensor_height)
        if self.window is None or operand > 0:
            return range(first, end)
        w = self.window
        low = first * w.stride_height - w.pad_top
        high = (end - 1) * w.stride_height - w.pad_top + (w.height - 1) * w.dilation_height + 1
        low = min(max(low, 0), tensor_height)
        return range(low, max(low, min(high, tensor_height)))


@dataclass(frozen=True)
class Network:
    """Steps and the tensors between them.

    Attributes
    ----------
    rows : of each tensor that has memory of its own
    consumers, writers : steps that read and write each tensor
    kept : tensors that are there as a whole: inputs, outputs, what has another name or shape too
    """

    nodes: tuple[Node, ...]
    rows: dict[int, Rows] = field(hash=False)
    inputs: frozenset[int]
    outputs: frozenset[int]
    kept: frozenset[int]
    consumers: dict[int, list[int]] = field(default_factory=dict, compare=False)
    writers: dict[int, list[int]] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        for number, node in enumerate(self.nodes):
            self.writers.setdefault(node.output, []).append(number)
            for tensor in node.inputs:
                if tensor is not None:
                    self.consumers.setdefault(tensor, []).append(number)

    def internal(self, first: int, last: int) -> set[int]:
        """Tensors that only steps `first` .. `last` know of: rings will do for them."""
        return {
            node.output
            for node in self.nodes[first : last + 1]
            if node.output not in self.kept
            and len(self.writers[node.output]) == 1
            and (readers := self.consumers.get(node.output))
            and all(first <= r <= last and self.nodes[r].by_rows for r in readers)
        }


@dataclass(frozen=True)
class Group:
    """Steps `first` .. `last`, run for strips of `strip` rows of the last one's output.

    Attributes
    ----------
    even : whether rings are as long as it takes for no call to be cut at their ends
    """

    first: int
    last: int
    strip: int
    even: bool = False


@dataclass(frozen=True)
class Order:
    """Calls of one group or more, and the rows of each ring."""

    calls: tuple[Call, ...]
    rings: dict[int, int]


def order(network: Network, groups: Iterable[Group]) -> Order:
    """Calls of all `groups`, one after the other."""
    calls: list[Call] = []
    rings: dict[int, int] = {}
    for group in groups:
        found = order_group(network, group)
        calls += found.calls
        rings |= found.rings
    return Order(tuple(calls), rings)


def order_group(network: Network, group: Group) -> Order:
    """Calls of one group."""
    internal = network.internal(group.first, group.last)
    calls = _Driver(network, group, internal).run()
    rings = {t: _ring(network, t, calls, group.even) for t in sorted(internal)}
    return Order(tuple(_cut(network, calls, rings)), rings)


class _Driver:
    """Computes rows on demand."""

    def __init__(self, network: Network, group: Group, internal: set[int]) -> None:
        self._network, self._group = network, group
        steps = range(group.first, group.last + 1)
        self._maker = {network.nodes[s].output: s for s in steps}
        self._done = dict.fromkeys(steps, 0)
        self._calls: list[Call] = []

    def run(self) -> list[Call]:
        last, nodes = self._group.last, self._network.nodes
        height = nodes[last].height
        for end in range(self._group.strip, height + self._group.strip, self._group.strip):
            self._advance(last, min(end, height))
        for step in self._done:  # rows that nothing needed
            self._advance(step, nodes[step].height)
        return self._calls

    def _advance(self, step: int, end: int) -> None:
        """Have rows of `step` up to `end`."""
        first = self._done[step]
        if first >= end:
            return
        node = self._network.nodes[step]
        for operand, tensor in enumerate(node.inputs):
            maker = self._maker.get(tensor) if tensor is not None else None
            if maker is None or maker >= step:
                continue
            needed = node.reads(operand, self._network.nodes[maker].height, first, end)
            self._advance(maker, needed.stop)
        self._calls.append(Call(step, first, end - first))
        self._done[step] = end


def _ring(network: Network, tensor: int, calls: list[Call], even: bool) -> int:
    """Rows of the smallest ring of `tensor`: those from the oldest still to be read on."""
    height = network.rows[tensor].height
    oldest, size, pieces = height, 1, []
    for call in reversed(calls):
        node = network.nodes[call.step]
        for operand, source in enumerate(node.inputs):
            if source == tensor:
                oldest = min(oldest, node.reads(operand, height, call.first_row, call.end).start)
        if node.output == tensor:
            size = max(size, call.end - min(oldest, call.first_row))
            pieces.append(call.first_row)
    if even:
        whole = math.gcd(*pieces) or height
        size = -(-size // whole) * whole
    return min(size, height)


def _cut(network: Network, calls: list[Call], rings: dict[int, int]) -> Iterable[Call]:
    """`calls`, cut where their output would wrap around its ring, or rows are too many to say."""
    for call in calls:
        node = network.nodes[call.step]
        ring = rings.get(node.output, node.height)
        first = call.first_row
        while first < call.end:
            end = min(call.end, (first // ring + 1) * ring)
            if end < node.height:
                end = min(end, first + MAX_ROWS)
            yield Call(call.step, first, end - first)
            first = end


def may_overwrite(network: Network, order: Order, step: int) -> bool:
    """Whether the output fits over the first operand, which is no other operand as well.

    A window would read again what a call before has overwritten: one call it must be.
    """
    node = network.nodes[step]
    source = node.inputs[0]
    if source is None or node.inputs.count(source) > 1:
        return False
    given, made = network.rows[source], network.rows[node.output]
    calls = sum(call.step == step for call in order.calls)
    return made.height * made.bytes <= given.height * given.bytes and (
        node.window is None or calls == 1
    )
