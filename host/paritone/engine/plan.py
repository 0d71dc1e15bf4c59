"""Plans a graph's execution: which steps run, in which order, on which bytes of the arena."""

from __future__ import annotations

from dataclasses import dataclass

from paritone.engine import lowering, memory
from paritone.engine.lowering import Step
from paritone.engine.memory import Place
from paritone.engine.rows import Rows
from paritone.engine.tflite import Graph, Op, TensorInfo
from paritone.errors import ModelError

IO_DTYPES = ("int8", "uint8", "float32")


@dataclass(frozen=True)
class Call:
    """Rows `first_row` .. ``first_row + rows - 1`` of a step's output, computed at once."""

    step: int
    first_row: int
    rows: int


@dataclass(frozen=True)
class Plan:
    """A static plan.

    Attributes
    ----------
    places : where each tensor lies, by its index
    scratch : offset of each step's scratch memory
    calls : what runs, in order
    """

    graph: Graph
    steps: tuple[Step, ...]
    places: dict[int, Place]
    scratch: tuple[int, ...]
    calls: tuple[Call, ...]
    arena_bytes: int
    arena_align: int = memory.ALIGNMENT

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


def plan(graph: Graph) -> Plan:
    """Plan of `graph`; ModelError when it holds what the engine cannot do."""
    for index in (*graph.inputs, *graph.outputs):
        _check_io(graph.tensors[index])
    ops = _live(graph)
    _check_order(graph, ops)
    aliases = _aliases(graph, ops)
    computing = [op for op in ops if op.kind not in lowering.ALIASES]
    steps = tuple(step for op in computing for step in lowering.lower(graph, op))
    blocks = _blocks(graph, steps, aliases)
    offsets, arena_bytes = memory.place(blocks)
    for tensor, root in aliases.items():
        if root in offsets:
            offsets[tensor] = offsets[root]
    places = {
        i: Place(offset, Rows.of(graph.tensors[i]).height)
        for i, offset in offsets.items()
        if i >= 0
    }
    scratch = tuple(offsets.get(_scratch_key(number), 0) for number in range(len(steps)))
    return Plan(graph, steps, places, scratch, _calls(graph, steps), arena_bytes)


def _calls(graph: Graph, steps: tuple[Step, ...]) -> tuple[Call, ...]:
    heights = [Rows.of(graph.tensors[step.output]).height for step in steps]
    return tuple(Call(number, 0, height) for number, height in enumerate(heights))


def _scratch_key(step: int) -> int:
    """Key of a step's scratch among the tensors' indices."""
    return -1 - step


def _check_io(tensor: TensorInfo) -> None:
    if tensor.dtype not in IO_DTYPES or len(tensor.shape) > lowering.MAX_RANK:
        raise ModelError(
            f"input or output {tensor.name!r} is {tensor.dtype} of shape {tensor.shape}, "
            f"expected {', '.join(IO_DTYPES)} with at most {lowering.MAX_RANK} axes"
        )
    if tensor.data is not None:
        raise ModelError(f"input or output {tensor.name!r} is constant")


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


def _check_order(graph: Graph, ops: list[Op]) -> None:
    """Every operand is an input or was computed before, every tensor computed once."""
    known = set(graph.inputs)
    for op in ops:
        for i in _operands(graph, op):
            if i not in known:
                raise ModelError(f"{op.kind} reads {graph.tensors[i].name!r} before it is computed")
        if known & set(op.outputs) or any(graph.tensors[i].data is not None for i in op.outputs):
            raise ModelError(f"{op.kind} overwrites a tensor")
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


def _blocks(graph: Graph, steps: tuple[Step, ...], aliases: dict[int, int]) -> list[memory.Block]:
    """Lifetimes: an input from the start, an output to the end."""
    first = dict.fromkeys(graph.inputs, -1)
    last = dict(first)
    for number, step in enumerate(steps):
        first.setdefault(step.output, number)
        last[step.output] = number
        for i in step.inputs:
            if graph.tensors[i].data is None:
                last[aliases.get(i, i)] = number
    for i in graph.outputs:
        last[aliases.get(i, i)] = len(steps)
    tensors = [memory.Block(i, graph.tensors[i].nbytes, first[i], last[i]) for i in sorted(first)]
    scratch = [
        memory.Block(_scratch_key(n), step.params.scratch_bytes, n, n)
        for n, step in enumerate(steps)
        if step.params.scratch_bytes
    ]
    return [*tensors, *scratch]
