"""Reads a ``.tflite`` file into plain records; the file is not trusted.

Every index is checked here, so that the planner can use a `Graph` without looking again.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paritone.errors import ModelError

FILE_IDENTIFIER = b"TFL3"

# Far beyond any model for a microcontroller: what a damaged file claims costs no time or memory.
MAX_TENSOR_BYTES = 1 << 28
MAX_TENSORS = 1 << 14
MAX_OPERATORS = 1 << 12
MAX_OPERANDS = 1 << 12
MAX_CHANNELS = 1 << 16
MAX_AXES = 8
MAX_NAME_BYTES = 600

# What Python's flatbuffers raise on a file whose offsets lead astray.
_MALFORMED = (
    struct.error,
    IndexError,
    ValueError,
    TypeError,
    AttributeError,
    KeyError,
    OverflowError,
    MemoryError,
)


@dataclass(frozen=True)
class TensorInfo:
    """One tensor: ``real = scale * (stored - zero_point)``.

    ``dtype`` is NumPy's name; ``shape`` is static, a dynamic batch counts as 1; ``scales`` has one
    entry per channel of a per-channel tensor, one for a per-tensor one, none without quantization.
    """

    index: int
    name: str
    dtype: str
    shape: tuple[int, ...]
    scales: tuple[float, ...] = ()
    zero_points: tuple[int, ...] = ()
    quantized_axis: int = 0
    data: NDArray[Any] | None = field(default=None, repr=False, compare=False)

    @property
    def scale(self) -> float:
        """Scale of a per-tensor quantized tensor, 1 without quantization."""
        return self.scales[0] if self.scales else 1.0

    @property
    def zero_point(self) -> int:
        """Zero point of a per-tensor quantized tensor, 0 without quantization."""
        return self.zero_points[0] if self.zero_points else 0

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return self.size * np.dtype(self.dtype).itemsize


@dataclass(frozen=True)
class Op:
    """One operator; an absent optional input is -1."""

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: dict[str, Any]


@dataclass(frozen=True)
class Graph:
    """The main subgraph, in the order of execution."""

    tensors: tuple[TensorInfo, ...]
    ops: tuple[Op, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    sha256: str

    @property
    def input(self) -> TensorInfo:
        """The first input."""
        return self.tensors[self.inputs[0]]

    @property
    def output(self) -> TensorInfo:
        """The first output."""
        return self.tensors[self.outputs[0]]


def read(path: Path | str) -> Graph:
    """Graph of the model at `path`; raises ModelError when it cannot be read."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise ModelError(f"model {path}: cannot be read ({error.strerror})") from error
    return parse(content, str(path))


def parse(content: bytes, name: str = "model") -> Graph:
    """Graph of the model in `content`; `name` is for the message of a ModelError."""
    import tflite

    if len(content) < 8 or content[4:8] != FILE_IDENTIFIER:
        raise ModelError(f"{name}: not a TensorFlow Lite model (no TFL3 identifier)")
    try:
        return _graph(tflite.Model.GetRootAs(content, 0), content)
    except ModelError as error:
        raise ModelError(f"{name}: {error}") from error
    except _MALFORMED as error:
        raise ModelError(f"{name}: damaged or truncated TensorFlow Lite model") from error


def _graph(model: Any, content: bytes) -> Graph:
    if model.SubgraphsLength() < 1:
        raise ModelError("the model holds no graph")
    subgraph = model.Subgraphs(0)
    n_tensors = _count(subgraph.TensorsLength(), MAX_TENSORS, "tensors")
    n_ops = _count(subgraph.OperatorsLength(), MAX_OPERATORS, "operators")
    tensors = tuple(_tensor(model, subgraph.Tensors(i), i) for i in range(n_tensors))
    ops = tuple(_op(model, subgraph.Operators(i), n_tensors) for i in range(n_ops))
    inputs = _indices(subgraph.Inputs, subgraph.InputsLength(), len(tensors), 0)
    outputs = _indices(subgraph.Outputs, subgraph.OutputsLength(), len(tensors), 0)
    if not inputs or not outputs:
        raise ModelError("the model has no input or no output")
    return Graph(tensors, ops, inputs, outputs, hashlib.sha256(content).hexdigest())


def _count(length: int, most: int, what: str) -> int:
    """A vector's length, which a damaged file can make absurd."""
    if not 0 <= length <= most:
        raise ModelError(f"the file claims {length:,} {what}, at most {most:,} are read")
    return length


def _indices(at: Callable[[int], int], length: int, tensors: int, lowest: int) -> tuple[int, ...]:
    found = tuple(int(at(i)) for i in range(_count(length, MAX_OPERANDS, "operands")))
    if any(not lowest <= i < tensors for i in found):
        raise ModelError(f"an operator refers to a tensor outside 0 .. {tensors - 1}")
    return found


def _tensor(model: Any, tensor: Any, index: int) -> TensorInfo:
    name = _printable(tensor.Name() or b"") or f"tensor {index}"
    rank = _count(tensor.ShapeLength(), MAX_AXES, "axes of a tensor")
    shape = [int(tensor.Shape(i)) for i in range(rank)]
    if shape and shape[0] in (-1, 0):  # a dynamic batch
        shape[0] = 1
    if any(d < 1 for d in shape):
        raise ModelError(f"tensor {name!r} has no static shape: {shape}")
    dtype = _dtype_name(tensor.Type())
    if _bytes(shape, dtype) > MAX_TENSOR_BYTES:
        raise ModelError(f"tensor {name!r} of shape {shape} is too large")
    scales, zero_points, axis = _quantization(tensor.Quantization())
    data = _data(model, tensor, shape, dtype, name)
    return TensorInfo(index, name, dtype, tuple(shape), scales, zero_points, axis, data)


def _printable(text: bytes) -> str:
    """A name that keeps a message on one line."""
    decoded = text[:MAX_NAME_BYTES].decode("utf-8", "replace")
    return "".join(c if c.isprintable() else "?" for c in decoded)


def _bytes(shape: list[int], dtype: str) -> int:
    size = 1
    for d in shape:
        size *= d
    return size * (np.dtype(dtype).itemsize if dtype in _NUMPY_DTYPES else 1)


_NUMPY_DTYPES = ("float32", "int32", "uint8", "int64", "int16", "int8", "bool", "float64")


def _dtype_name(code: int) -> str:
    import tflite

    names = {v: k.lower() for k, v in vars(tflite.TensorType).items() if isinstance(v, int)}
    return names.get(code, f"type {code}")


def _quantization(
    quantization: Any,
) -> tuple[tuple[float, ...], tuple[int, ...], int]:
    if quantization is None or quantization.ScaleLength() == 0:
        return (), (), 0
    n = _count(quantization.ScaleLength(), MAX_CHANNELS, "scales")
    if quantization.ZeroPointLength() != n:
        raise ModelError("a tensor has a different number of scales and zero points")
    scales = tuple(float(quantization.Scale(i)) for i in range(n))
    if not all(np.isfinite(s) and s >= 0 for s in scales):
        raise ModelError("a tensor's scale is negative or not a number")
    zero_points = tuple(int(quantization.ZeroPoint(i)) for i in range(n))
    return scales, zero_points, int(quantization.QuantizedDimension())


def _data(model: Any, tensor: Any, shape: list[int], dtype: str, name: str) -> NDArray[Any] | None:
    """The constant in the tensor's buffer, or None for an activation."""
    buffer_index = tensor.Buffer()
    if buffer_index == 0:
        return None
    if buffer_index >= model.BuffersLength():
        raise ModelError(f"tensor {name!r} refers to a buffer that is not there")
    buffer = model.Buffers(buffer_index)
    if buffer.DataLength() == 0:
        return None
    if dtype not in _NUMPY_DTYPES:
        raise ModelError(f"constant {name!r} has the unsupported type {dtype}")
    raw = np.asarray(buffer.DataAsNumpy(), dtype=np.uint8)  # a view of the file
    if raw.size != _bytes(shape, dtype):
        raise ModelError(f"constant {name!r} holds {raw.size} bytes, its shape {shape} another")
    return raw.view(dtype).reshape(shape)


def _op(model: Any, op: Any, tensors: int) -> Op:
    import tflite

    codes = model.OperatorCodesLength()
    if not 0 <= op.OpcodeIndex() < codes:
        raise ModelError("an operator has no code")
    code = model.OperatorCodes(op.OpcodeIndex())
    builtin = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    kinds = {v: k for k, v in vars(tflite.BuiltinOperator).items() if isinstance(v, int)}
    kind = kinds.get(builtin, f"operator {builtin}")
    if kind == "CUSTOM":
        kind = (code.CustomCode() or b"CUSTOM").decode("utf-8", "replace")
    return Op(
        kind,
        _indices(op.Inputs, op.InputsLength(), tensors, -1),
        _indices(op.Outputs, op.OutputsLength(), tensors, 0),
        _options(kind, op),
    )


# Options that the planner reads: kind -> (flatbuffers class, {ours: its accessor}).
_WINDOW = {"stride_height": "StrideH", "stride_width": "StrideW", "padding": "Padding"}
_DILATION = {"dilation_height": "DilationHFactor", "dilation_width": "DilationWFactor"}
_FUSED = {"activation": "FusedActivationFunction"}
_POOL = {**_WINDOW, **_FUSED, "height": "FilterHeight", "width": "FilterWidth"}
_READ_OPTIONS: dict[str, tuple[str, dict[str, str]]] = {
    "CONV_2D": ("Conv2DOptions", {**_WINDOW, **_DILATION, **_FUSED}),
    "DEPTHWISE_CONV_2D": (
        "DepthwiseConv2DOptions",
        {**_WINDOW, **_DILATION, **_FUSED, "depth_multiplier": "DepthMultiplier"},
    ),
    "FULLY_CONNECTED": ("FullyConnectedOptions", {**_FUSED, "weights_format": "WeightsFormat"}),
    "AVERAGE_POOL_2D": ("Pool2DOptions", _POOL),
    "MAX_POOL_2D": ("Pool2DOptions", _POOL),
    "ADD": ("AddOptions", _FUSED),
    "SUB": ("SubOptions", _FUSED),
    "MUL": ("MulOptions", _FUSED),
    "SPLIT": ("SplitOptions", {"parts": "NumSplits"}),
    "CONCATENATION": ("ConcatenationOptions", {**_FUSED, "axis": "Axis"}),
    "STRIDED_SLICE": (
        "StridedSliceOptions",
        {
            "begin_mask": "BeginMask",
            "end_mask": "EndMask",
            "ellipsis_mask": "EllipsisMask",
            "new_axis_mask": "NewAxisMask",
            "shrink_axis_mask": "ShrinkAxisMask",
            "offset": "Offset",
        },
    ),
}


def _options(kind: str, op: Any) -> dict[str, Any]:
    import tflite

    if kind == "SOFTMAX":
        return {"beta": float(_table(op, "SoftmaxOptions", tflite).Beta())}
    if kind == "LEAKY_RELU":
        return {"alpha": float(_table(op, "LeakyReluOptions", tflite).Alpha())}
    if kind not in _READ_OPTIONS:
        return {}
    class_name, accessors = _READ_OPTIONS[kind]
    options = _table(op, class_name, tflite)
    return {ours: int(getattr(options, theirs)()) for ours, theirs in accessors.items()}


def _table(op: Any, class_name: str, tflite: Any) -> Any:
    """The operator's options as a `class_name`; refuses another table in their place."""
    wanted = getattr(tflite.BuiltinOptions, class_name)
    table = op.BuiltinOptions()
    if table is None or op.BuiltinOptionsType() != wanted:
        raise ModelError(f"an operator lacks its {class_name}")
    options = getattr(tflite, class_name)()
    options.Init(table.Bytes, table.Pos)
    return options
