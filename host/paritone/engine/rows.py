"""Rows of a tensor: what kernels compute and the planner places, piece by piece."""

from __future__ import annotations

import math
from dataclasses import dataclass

from paritone.engine.tflite import TensorInfo
from paritone.errors import ModelError

MAX_ROWS = (1 << 16) - 1
"""What a call of the runtime can number."""


@dataclass(frozen=True)
class Rows:
    """`height` rows of `bytes` each: of four axes, the first two count, the others lie inside."""

    height: int
    bytes: int

    @staticmethod
    def of(tensor: TensorInfo) -> Rows:
        """Rows of `tensor`, whose shape gets ones in front; of more than four axes, one row."""
        shape = tensor.shape
        height = math.prod(shape[: max(0, len(shape) - 2)]) if len(shape) <= 4 else 1
        if not 0 < height <= MAX_ROWS:
            raise ModelError(f"tensor {tensor.name!r} has {height} rows, at most {MAX_ROWS} work")
        return Rows(height, tensor.nbytes // height)
