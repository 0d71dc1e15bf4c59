"""Plans a graph's execution: which steps run, in which order, on which bytes of the arena."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from paritone.engine import arrangement, fusions, lookups, lowering, memory, tflite
from paritone.engine.arrangement import Arrangement
from paritone.engine.lowering import Step
from paritone.engine.memory import Place
from paritone.engine.rows import Rows
from paritone.engine.schedule import MAX_STEPS, Call, Network, Node
from paritone.engine.tflite import Graph, Op, TensorInfo
from paritone.errors import ModelError

IO_DTYPES = ("int8", "uint8", "float32")
OPTIMIZATIONS = ("time", "balanced", "ram")
DEFAULT = "balanced"
REMEMBERED_PLANS = 4
TABLES_BYTES = {"time": 1 << 16, "balanced": 1 << 15, "ram": 1 << 12}
"""The most that one layer's tables of functions may take."""

__all__ = ["DEFAULT", "OPTIMIZATIONS", "Call", "Plan", "of_file", "plan"]


@dataclass(frozen=True)
class Plan:
    """A static plan.

    Attributes
    ----------
    places : where each tensor lies, by its index
    optimization : the point between speed and memory that it was made for
    arrangement : of steps, calls and memory
    """

    graph: Graph
    places: dict[int, Place]
    optimization: str
    arrangement: Arrangement
    arena_align: int = memory.ALIGNMENT

    @property
    def steps(self) -> tuple[Step, ...]:
        """The layers."""
        return self.arrangement.steps

    @property
    def calls(self) -> tuple[Call, ...]:
        """What runs, in order."""
        return self.arrangement.calls

    @property
    def scratch(self) -> tuple[int, ...]:
        """Offset of each step's scratch memory."""
        return self.arrangement.scratch

    @property
    def arena_bytes(self) -> int:
        """Memory of all that is computed."""
        return self.arrangement.arena_bytes

    @property
    def inputs(self) -> tuple[TensorInfo, ...]:
        """The model's inputs."""
        return tuple(self.graph.tensors[i] for i in self.graph.inputs)

    @property
    def outputs(self) -> tuple[TensorInfo, ...]:
        """The model's outputs."""
        return tuple(self.graph.tensors[i] for i in self.graph.outputs)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one invocation."""
        return sum(step.macs for step in self.steps)

    @property
    def weights_bytes(self) -> int:
        """Bytes of weights, biases and constant operands."""
        return sum(step.weights_bytes for step in self.steps)

    def tensor(self, step: int) -> TensorInfo:
        """Output of step number `step`."""
        return self.graph.tensors[self.steps[step].output]

    def rows(self, step: int) -> Rows:
        """Rows of that output."""
        return Rows.of(self.tensor(step))

    def completes(self, step: int) -> bool:
        """Whether the output of step number `step` is whole then: no later step adds to it."""
        output = self.steps[step].output
        return all(later.output != output for later in self.steps[step + 1 :])


def plan(graph: Graph, optimization: str = DEFAULT) -> Plan:
    """Plan of `graph` for one of ``OPTIMIZATIONS``.

    ModelError when it holds what the engine cannot do.
    """
    for index in (*graph.inputs, *graph.outputs):
        _check_io(graph.tensors[index])
    _check_written_once(graph)
    _check_order(graph, _live(graph))
    graph = fusions.fold_pads(graph)
    ops = _live(graph)
    aliases = _aliases(graph, ops)
    computing = [op for op in ops if op.kind not in lowering.ALIASES]
    lowered = [step for op in computing for step in lowering.lower(graph, op)]
    joined = lookups.join(graph, lowered, aliases.values(), TABLES_BYTES[optimization])
    steps = fusions.sum_products(graph, joined, aliases.values())
    if len(steps) > MAX_STEPS:
        raise ModelError(f"{len(steps):,} layers, {MAX_STEPS:,} are the most")
    network = _network(graph, steps, aliases)
    found = arrangement.arrange(network, steps, optimization)
    places = dict(found.places)
    for tensor, root in aliases.items():
        height = Rows.of(graph.tensors[tensor]).height
        places[tensor] = Place(places[root].offset, height)
    return Plan(graph, places, optimization, found)


def _network(graph: Graph, steps: tuple[Step, ...], aliases: dict[int, int]) -> Network:
    """The steps and the tensors that have memory of their own."""

    def root(tensor: int) -> int | None:
        return None if graph.tensors[tensor].data is not None else aliases.get(tensor, tensor)

    nodes = []
    for step in steps:
        inputs = tuple(root(i) for i in step.inputs)
        viewed = frozenset(
            operand
            for operand, (tensor, own) in enumerate(zip(step.inputs, inputs, strict=True))
            if own is not None and Rows.of(graph.tensors[tensor]) != Rows.of(graph.tensors[own])
        )
        height = Rows.of(graph.tensors[step.output]).height
        window = getattr(step.params, "window", getattr(step.params, "rows_read", None))
        nodes.append(Node(inputs, step.output, height, step.by_rows, window, viewed))
    given = frozenset(graph.inputs)
    wanted = frozenset(aliases.get(i, i) for i in graph.outputs)
    kept = given | wanted | frozenset(aliases) | frozenset(aliases.values())
    own = {node.output for node in nodes} | given
    rows = {t: Rows.of(graph.tensors[t]) for t in sorted(own)}
    return Network(tuple(nodes), rows, given, wanted, kept)


def of_file(model: Path | str, optimization: str = DEFAULT) -> Plan:
    """Plan of a ``.tflite`` file; the last few are remembered."""
    graph = tflite.read(model)
    key = graph.sha256, optimization
    found = _REMEMBERED.pop(key, None) or plan(graph, optimization)
    _REMEMBERED[key] = found
    while len(_REMEMBERED) > REMEMBERED_PLANS:
        del _REMEMBERED[next(iter(_REMEMBERED))]
    return found


_REMEMBERED: dict[tuple[str, str], Plan] = {}


def _check_io(tensor: TensorInfo) -> None:
    if tensor.dtype not in IO_DTYPES or len(tensor.shape) > lowering.MAX_RANK:
        raise ModelError(
            f"input or output {tensor.name!r} is {tensor.dtype} of shape {tensor.shape}, "
            f"expected {', '.join(IO_DTYPES)} with at most {lowering.MAX_RANK} axes"
        )
    if tensor.data is not None:
        raise ModelError(f"input or output {tensor.name!r} is constant")
    limits = np.iinfo("int32" if tensor.dtype == "float32" else tensor.dtype)
    if not limits.min <= tensor.zero_point <= limits.max:
        raise ModelError(f"input or output {tensor.name!r} has the zero point {tensor.zero_point}")


def _operands(graph: Graph, op: Op) -> list[int]:
    """Computed tensors that `op` reads; the shape given to a RESHAPE is known already."""
    read = op.inputs[:1] if op.kind in lowering.ALIASES else op.inputs
    return [i for i in read if i >= 0 and graph.tensors[i].data is None]


def _live(graph: Graph) -> list[Op]:
    """Operators that the outputs depend on, in order.

    This drops the arithmetic on shapes by which a converter serves a dynamic batch.
    """
    wanted = set(graph.outputs)
    kept: list[Op] = []
    for op in reversed(graph.ops):
        if wanted & set(op.outputs):
            kept.append(op)
            wanted |= set(_operands(graph, op))
    return kept[::-1]


def _check_written_once(graph: Graph) -> None:
    """No tensor is computed twice, by operators without effect either.

    TensorFlow Lite runs those too, and writes again what lies where other tensors do by then.
    """
    written = set(graph.inputs) | {t.index for t in graph.tensors if t.data is not None}
    for op in graph.ops:
        for i in op.outputs:
            if i in written:
                raise ModelError(f"{op.kind} overwrites {graph.tensors[i].name!r}")
            written.add(i)


def _check_order(graph: Graph, ops: list[Op]) -> None:
    """Every operand is an input or was computed before."""
    known = set(graph.inputs)
    for op in ops:
        for i in _operands(graph, op):
            if i not in known:
                raise ModelError(f"{op.kind} reads {graph.tensors[i].name!r} before it is computed")
        known |= set(op.outputs)
    if missing := set(graph.outputs) - known:
        raise ModelError(f"output {graph.tensors[min(missing)].name!r} is never computed")


def _aliases(graph: Graph, ops: list[Op]) -> dict[int, int]:
    """Tensor -> the tensor whose memory it is."""
    root: dict[int, int] = {}
    for op in ops:
        if op.kind not in lowering.ALIASES:
            continue
        operands = lowering.Operands(graph, op)
        source, output = operands.activation(0), operands.output
        if source.size != output.size or source.dtype != output.dtype:
            raise ModelError(
                f"operator {op.kind} (layer {output.name!r}) turns {source.shape} "
                f"into {output.shape}"
            )
        root[output.index] = root.get(source.index, source.index)
    return root
