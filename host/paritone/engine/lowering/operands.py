"""What every lowering starts from: an operator's tensors, checked, and the step to make."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paritone.engine import arithmetic, params
from paritone.engine.tflite import Graph, Op, TensorInfo
from paritone.errors import ModelError

MAX_RANK = 4


@dataclass(frozen=True)
class Step:
    """One layer: `inputs` are the operands in the arena, by tensor index.

    Attributes
    ----------
    by_rows : whether the kernel computes any rows of the output that it is asked for. They need
        the rows of ``params.window`` or ``rows_read``, or without one those of the same numbers
    in_place : whether the output may begin where the first operand does, if it is no larger
    """

    kernel: str
    name: str
    inputs: tuple[int, ...]
    output: int
    params: params.Params
    macs: int = 0
    by_rows: bool = False
    in_place: bool = False

    @property
    def weights_bytes(self) -> int:
        """Weights, biases, constant operands and tables; per-channel scales are not counted.

        Where sums start with their bias it counts once a channel, however many chunks there are.
        """
        counted = ("weights", "wide", "coded", "bias", "constant_0", "constant_1", "table")
        biases = 0
        if isinstance(self.params, params.Products | params.DepthwiseLines):
            biases = 4 * self.params.window.out_channels
        return biases + sum(a.nbytes for n, a in params.arrays(self.params) if n in counted)


def layer_name(tensor: TensorInfo) -> str:
    """First of the names that a converter has joined for the layers it fused."""
    return tensor.name.split(";")[0] or tensor.name


class Operands:
    """Typed access to one operator's tensors; every misfit is a ModelError."""

    def __init__(self, graph: Graph, op: Op) -> None:
        self.graph, self.op = graph, op
        self.outputs = [graph.tensors[i] for i in op.outputs]

    @property
    def output(self) -> TensorInfo:
        """The only output."""
        if len(self.outputs) != 1:
            raise ModelError(f"{self.op.kind} has {len(self.outputs)} outputs, 1 is supported")
        return self.outputs[0]

    def input(self, i: int) -> TensorInfo:
        """Input `i`, which must be there."""
        found = self.optional(i)
        if found is None:
            raise ModelError(f"input {i} is missing")
        return found

    def optional(self, i: int) -> TensorInfo | None:
        """Input `i`, or None."""
        inputs = self.op.inputs
        return self.graph.tensors[inputs[i]] if i < len(inputs) and inputs[i] >= 0 else None

    def activation(self, i: int) -> TensorInfo:
        """Input `i`, which is computed, not constant."""
        found = self.input(i)
        if found.data is not None:
            raise ModelError(f"input {i} is constant, which is not supported here")
        return found

    def constant(self, i: int) -> NDArray[Any]:
        """Values of the constant input `i`."""
        found = self.input(i)
        if found.data is None:
            raise ModelError(f"input {i} ({found.name}) must be constant")
        return found.data

    def integers(self, i: int) -> list[int]:
        """Values of the constant integer input `i`, flattened."""
        values = self.constant(i)
        if values.dtype not in (np.int32, np.int64):
            raise ModelError(f"input {i} is {values.dtype}, expected int32")
        return [int(v) for v in values.reshape(-1)]

    def expect_output(self, shape: Sequence[int]) -> None:
        """Check the output's declared shape."""
        if self.output.shape != tuple(shape):
            raise ModelError(f"output has shape {self.output.shape}, computed {tuple(shape)}")


def int8(tensor: TensorInfo) -> TensorInfo:
    """`tensor`, when it is int8 with one scale and a zero point in range."""
    return quantized(tensor, ("int8",))


def quantized(tensor: TensorInfo, dtypes: Sequence[str] = ("int8", "uint8")) -> TensorInfo:
    """`tensor`, when it has one of `dtypes`, one scale and a zero point in range."""
    if tensor.dtype not in dtypes:
        raise ModelError(
            f"tensor {tensor.name!r} is {tensor.dtype}, expected {' or '.join(dtypes)}: "
            "quantize the model to int8"
        )
    limits = np.iinfo(tensor.dtype)
    if len(tensor.scales) != 1 or not tensor.scale > 0:
        raise ModelError(f"tensor {tensor.name!r} has no single positive scale")
    if not limits.min <= tensor.zero_point <= limits.max:
        raise ModelError(f"tensor {tensor.name!r} has the zero point {tensor.zero_point}")
    return tensor


def same_quantization(a: TensorInfo, b: TensorInfo) -> None:
    """ModelError unless both have the same type, scale and zero point."""
    if (a.dtype, a.scales, a.zero_points) != (b.dtype, b.scales, b.zero_points):
        raise ModelError(
            f"input {a.name!r} and output {b.name!r} differ in quantization: give them one scale "
            "and zero point, with a QUANTIZE before where they come from two"
        )


def shape4(tensor: TensorInfo) -> params.Four:
    """Shape with ones in front up to four axes."""
    if len(tensor.shape) > MAX_RANK:
        raise ModelError(f"tensor {tensor.name!r} has {len(tensor.shape)} axes, at most 4 work")
    return four(tensor.shape, 1)


def four(values: Sequence[int], filler: int) -> params.Four:
    """`values` with `filler` in front up to four."""
    a, b, c, d = [filler] * (MAX_RANK - len(values)) + list(values)
    return a, b, c, d


def strides(shape: Sequence[int]) -> list[int]:
    """Elements between neighbours along each axis of a dense tensor."""
    return [math.prod(shape[i + 1 :]) for i in range(len(shape))]


def nhwc(tensor: TensorInfo) -> tuple[int, int, int]:
    """Height, width and channels of a tensor of four axes and batch 1."""
    if len(tensor.shape) != 4 or tensor.shape[0] != 1:
        raise ModelError(f"tensor {tensor.name!r} has shape {tensor.shape}, expected (1, h, w, c)")
    return tensor.shape[1:]


def activation_range(o: Operands) -> tuple[int, int]:
    """Stored values that the operator's fused activation clips to."""
    return arithmetic.activation_range(
        o.op.options["activation"], o.output.scale, o.output.zero_point
    )


def step_of(
    o: Operands,
    kernel: str,
    parameters: params.Params,
    macs: int = 0,
    *,
    by_rows: bool = False,
    in_place: bool = False,
) -> Step:
    """Step of operator `o` by `kernel`."""
    # Only operands that are computed live in the arena; constants are in the parameters.
    count = 2 if isinstance(parameters, params.Binary | params.WeightedSum) else 1
    inputs, output = o.op.inputs[:count], o.op.outputs[0]
    name = layer_name(o.output)
    return Step(kernel, name, inputs, output, parameters, macs, by_rows, in_place)
