"""Single-operator ``.tflite`` models and the interpreters that judge them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from paritone import parity
from paritone.references.tflite import Reference

ACTIVATIONS = {"NONE": 0, "RELU": 1, "RELU_N1_TO_1": 2, "RELU6": 3}


@dataclass(frozen=True)
class Case:
    """A model and patches for it; quiet when a test prints it."""

    content: bytes = field(repr=False)
    patches: list = field(repr=False)  # arrays; tuples of them for several inputs
    micro: bool = True  # False where tflite-micro lacks the operator or departs from TensorFlow

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        """What hypothesis prints."""
        printer.text(f"Case of {len(self.content)} bytes")


@dataclass
class Tensor:
    """One tensor of a model to build; constant when it has `data`."""

    shape: tuple[int, ...]
    dtype: str = "int8"
    scales: tuple[float, ...] = ()
    zeros: tuple[int, ...] = ()
    axis: int = 0
    data: np.ndarray | None = field(default=None, repr=False)


@dataclass
class Operation:
    """One operator of a model to build: tensors by number, -1 for one left out."""

    kind: str
    inputs: list[int]
    outputs: list[int]
    options: Any = None


# Converters write the lowest version that has what is used; the default here is 2.
VERSIONS = {
    **dict.fromkeys(
        ("HARD_SWISH", "PRELU", "RELU_N1_TO_1", "RESHAPE", "SQUEEZE", "EXPAND_DIMS"), 1
    ),
    **dict.fromkeys(("CONV_2D", "DEPTHWISE_CONV_2D"), 3),
    "FULLY_CONNECTED": 4,
}


def build(
    kind: str, inputs: list[Tensor | None], output: Tensor | list[Tensor], options: Any = None
) -> bytes:
    """A model of the one operator `kind`; its inputs are the tensors without data."""
    given = [t for t in inputs if t is not None]
    made = output if isinstance(output, list) else [output]
    outputs = list(range(len(given), len(given) + len(made)))
    numbers = iter(range(len(given)))
    operands = [-1 if t is None else next(numbers) for t in inputs]
    free = [i for i, t in enumerate(given) if t.data is None]
    return pack(given + made, [Operation(kind, operands, outputs, options)], free, outputs)


def pack(
    tensors: list[Tensor], operations: list[Operation], inputs: list[int], outputs: list[int]
) -> bytes:
    """A model of any `operations`, in the order of execution."""
    import flatbuffers
    from tensorflow.lite.python import schema_py_generated as schema

    model = schema.ModelT(version=3, buffers=[schema.BufferT()], description="test")
    records = [_tensor(schema, model, t, i) for i, t in enumerate(tensors)]
    kinds = sorted({operation.kind for operation in operations})
    model.operatorCodes = [_code(schema, kind) for kind in kinds]
    graph = schema.SubGraphT(
        tensors=records,
        operators=[_operator(schema, o, kinds.index(o.kind)) for o in operations],
        inputs=inputs,
        outputs=outputs,
        name="main",
    )
    model.subgraphs = [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _code(schema: Any, kind: str) -> Any:
    code = getattr(schema.BuiltinOperator, kind)
    return schema.OperatorCodeT(
        builtinCode=code, deprecatedBuiltinCode=min(code, 127), version=VERSIONS.get(kind, 2)
    )


def _operator(schema: Any, operation: Operation, code: int) -> Any:
    op = schema.OperatorT(opcodeIndex=code, inputs=operation.inputs, outputs=operation.outputs)
    if operation.options is not None:
        op.builtinOptions = operation.options
        op.builtinOptionsType = getattr(
            schema.BuiltinOptions, type(operation.options).__name__.removesuffix("T")
        )
    return op


def _tensor(schema: Any, model: Any, tensor: Tensor, index: int) -> Any:
    record = schema.TensorT(
        shape=list(tensor.shape),
        type=getattr(schema.TensorType, tensor.dtype.upper()),
        name=f"tensor_{index}",
        buffer=0,
    )
    if tensor.scales:
        zeros = tensor.zeros or (0,) * len(tensor.scales)
        record.quantization = schema.QuantizationParametersT(
            scale=np.array(tensor.scales, np.float32).tolist(),
            zeroPoint=list(zeros),
            quantizedDimension=tensor.axis,
        )
    # A buffer of its own for each tensor, as converters do: tflite-micro takes 0 for missing.
    buffer = schema.BufferT()
    if tensor.data is not None:
        buffer.data = np.frombuffer(tensor.data.astype(tensor.dtype).tobytes(), np.uint8)
    model.buffers.append(buffer)
    record.buffer = len(model.buffers) - 1
    return record


def options(name: str, **values: Any) -> Any:
    """Options table `name`, such as Conv2DOptions, with `values` set."""
    from tensorflow.lite.python import schema_py_generated as schema

    table = getattr(schema, name + "T")()
    for key, value in values.items():
        assert hasattr(table, key), key
        setattr(table, key, value)
    return table


def expect_parity(case: Case) -> None:
    """Every output of our engine equals those of the reference kernels and of tflite-micro."""
    from paritone.engine.plan import plan
    from paritone.engine.tflite import parse
    from paritone.native.engine import Engine

    engine = Engine(plan(parse(case.content)))
    oracles = {"reference": Reference(case.content).invoke_all}
    if case.micro:
        oracles["micro"] = parity.micro_all(case.content, len(engine.plan.outputs))
    size = engine.plan.arena_bytes
    for patch in case.patches:
        values = patch if isinstance(patch, tuple) else (patch,)
        engine.arena.fill(parity.POISON)
        outputs = engine.invoke_all(values)
        assert np.all(engine.arena[size:] == parity.POISON), "written past the arena"
        for name, run in oracles.items():
            for expected, got in zip(run(values), outputs, strict=True):
                _expect_equal(name, expected, got)


def _expect_equal(name: str, expected: np.ndarray, got: np.ndarray) -> None:
    differ = np.flatnonzero(expected.reshape(-1) != got.reshape(-1))
    assert expected.dtype == got.dtype
    assert not differ.size, (
        f"{name}: {differ.size} of {got.size} differ, first at {differ[0]}: "
        f"{expected.reshape(-1)[differ[0]]} != {got.reshape(-1)[differ[0]]}"
    )
