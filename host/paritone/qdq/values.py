"""Activations on their way into a ``.tflite``: int8 tensors whose axes lie in some order.

ONNX has channels first, TensorFlow Lite last. A value keeps the shape that ONNX gives it beside
the order in which its axes lie in memory; values are moved only where an operator needs another
order, so that transpositions of the file cost nothing where they undo each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from paritone.errors import ModelError
from paritone.qdq.flatbuffer import Builder, Tensor
from paritone.qdq.source import Params

CHANNELS_LAST = (0, 2, 3, 1)


@dataclass(frozen=True)
class Value:
    """An int8 activation.

    Attributes
    ----------
    tensor : its number
    shape : as ONNX has it
    order : axis i in memory is ONNX's axis ``order[i]``
    """

    tensor: int
    shape: tuple[int, ...]
    order: tuple[int, ...]
    params: Params

    @property
    def stored(self) -> tuple[int, ...]:
        """Shape in memory."""
        return tuple(self.shape[axis] for axis in self.order)


def identity(rank: int) -> tuple[int, ...]:
    """Order of axes that is ONNX's own."""
    return tuple(range(rank))


class Values:
    """Makes values by operators of a builder."""

    def __init__(self, builder: Builder) -> None:
        self.builder = builder

    def operate(
        self,
        kind: str,
        inputs: tuple[int, ...],
        name: str,
        shape: Sequence[int],
        order: Sequence[int],
        params: Params,
        options: str = "",
        **values: object,
    ) -> Value:
        """Add an operator that gives a value."""
        stored = tuple(int(shape[axis]) for axis in order)
        tensor = Tensor(name, stored, "int8", params)
        number = self.builder.operate(kind, inputs, tensor, options, **values)
        return Value(number, tuple(shape), tuple(order), params)

    def integers(self, name: str, values: Sequence[object]) -> int:
        """Add an int32 constant."""
        return self.builder.constant(name, np.array(values, np.int32))

    def requantized(self, value: Value, params: Params, name: str) -> Value:
        """Give a value another scale, by QUANTIZE; the same scale costs nothing."""
        if value.params == params:
            return value
        return self.operate("QUANTIZE", (value.tensor,), name, value.shape, value.order, params)

    def ordered(self, value: Value, order: Sequence[int], name: str) -> Value:
        """Lay the axes of a value in an order; axes of size 1 move at no cost."""
        order = tuple(order)
        if value.order == order:
            return value
        moving = [axis for axis in value.order if value.shape[axis] > 1]
        if moving == [axis for axis in order if value.shape[axis] > 1]:
            return self._renamed(value, value.shape, order, name)
        places = [value.order.index(axis) for axis in order]
        by = self.integers(f"{name}/order", places)
        inputs = (value.tensor, by)
        return self.operate("TRANSPOSE", inputs, f"{name}/moved", value.shape, order, value.params,
                            "TransposeOptions")  # fmt: skip

    def reshaped(self, value: Value, shape: Sequence[int], name: str) -> Value:
        """Give a value another shape, as ONNX does: its own order of axes counts."""
        if np.prod(shape) != np.prod(value.shape):
            raise ModelError(f"{name}: shape {value.shape} does not become {tuple(shape)}")
        value = self.ordered(value, identity(len(value.shape)), name)
        if value.shape == tuple(shape):
            return value
        return self._renamed(value, shape, identity(len(shape)), name)

    def _renamed(
        self, value: Value, shape: Sequence[int], order: Sequence[int], name: str
    ) -> Value:
        stored = [int(shape[axis]) for axis in order]
        inputs = (value.tensor, self.integers(f"{name}/shape", stored))
        return self.operate("RESHAPE", inputs, f"{name}/reshaped", shape, order, value.params,
                            "ReshapeOptions", newShape=stored)  # fmt: skip
