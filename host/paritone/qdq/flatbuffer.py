"""A ``.tflite`` file from tensors and operators, in the order of execution."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paritone import quiet
from paritone.qdq.source import Params

# Versions of the operators that understand int8 as this project's engine does.
_VERSIONS = {
    **dict.fromkeys(("DEQUANTIZE", "RESHAPE"), 1),
    **dict.fromkeys(("CONV_2D", "DEPTHWISE_CONV_2D"), 3),
    "FULLY_CONNECTED": 4,
}


@dataclass(frozen=True)
class Tensor:
    """One tensor; a constant when it has `data`."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    params: Params | None = None
    data: NDArray[Any] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class _Operation:
    kind: str
    inputs: tuple[int, ...]
    output: int
    options: tuple[str, dict[str, Any]] | None


class Builder:
    """Tensors and operators added one after the other."""

    def __init__(self) -> None:
        self.tensors: list[Tensor] = []
        self._operations: list[_Operation] = []

    def add(self, tensor: Tensor) -> int:
        """Add a tensor; returns its number."""
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def constant(self, name: str, data: NDArray[Any], params: Params | None = None) -> int:
        """Add a constant; returns its number."""
        return self.add(Tensor(name, tuple(data.shape), data.dtype.name, params, data))

    def operate(
        self, kind: str, inputs: tuple[int, ...], output: Tensor, options: str = "", **values: Any
    ) -> int:
        """Add an operator and its output; returns the output's number.

        Parameters
        ----------
        options : name of the table that holds `values`, none for an operator without
        """
        number = self.add(output)
        table = (options, values) if options else None
        self._operations.append(_Operation(kind, inputs, number, table))
        return number

    def pack(self, source: int, output: int) -> bytes:
        """Return the file's content."""
        quiet.import_tensorflow()
        import flatbuffers
        from tensorflow.lite.python import schema_py_generated as schema

        model = schema.ModelT(version=3, buffers=[schema.BufferT()], description="paritone")
        kinds = sorted({operation.kind for operation in self._operations})
        graph = schema.SubGraphT(
            tensors=[_tensor(schema, model, tensor) for tensor in self.tensors],
            operators=[_operator(schema, o, kinds.index(o.kind)) for o in self._operations],
            inputs=[source],
            outputs=[output],
            name="main",
        )
        model.operatorCodes = [_code(schema, kind) for kind in kinds]
        model.subgraphs = [graph]
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())


def _code(schema: Any, kind: str) -> Any:
    code = getattr(schema.BuiltinOperator, kind)
    return schema.OperatorCodeT(
        builtinCode=code, deprecatedBuiltinCode=min(code, 127), version=_VERSIONS.get(kind, 2)
    )


def _operator(schema: Any, operation: _Operation, code: int) -> Any:
    made = schema.OperatorT(
        opcodeIndex=code, inputs=list(operation.inputs), outputs=[operation.output]
    )
    if operation.options is not None:
        name, values = operation.options
        made.builtinOptionsType = getattr(schema.BuiltinOptions, name)
        made.builtinOptions = getattr(schema, f"{name}T")()
        for key, value in values.items():
            assert hasattr(made.builtinOptions, key), key
            setattr(made.builtinOptions, key, value)
    return made


def _tensor(schema: Any, model: Any, tensor: Tensor) -> Any:
    # A buffer of its own for each tensor, as converters do: tflite-micro takes 0 for missing.
    buffer = schema.BufferT()
    if tensor.data is not None:
        buffer.data = np.frombuffer(np.ascontiguousarray(tensor.data).tobytes(), np.uint8)
    model.buffers.append(buffer)
    made = schema.TensorT(
        shape=list(tensor.shape),
        type=getattr(schema.TensorType, tensor.dtype.upper()),
        name=tensor.name,
        buffer=len(model.buffers) - 1,
    )
    if tensor.params is not None:
        made.quantization = schema.QuantizationParametersT(
            scale=list(tensor.params.scales),
            zeroPoint=list(tensor.params.zeros),
            quantizedDimension=tensor.params.axis,
        )
    return made
