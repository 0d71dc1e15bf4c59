"""The portable C engine on this machine: one model, through cffi."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paritone.engine import plan as planner
from paritone.engine.plan import Call, Plan
from paritone.engine.tflite import TensorInfo
from paritone.errors import ModelError
from paritone.generate.model import model_c
from paritone.native import build

_STATUS = {-1: "bad argument", -2: "generated for another format", -3: "a kernel is missing"}


class Engine:
    """A quantized model, ready to run; every instance has its own arena.

    Parameters
    ----------
    model
        path of a ``.tflite`` file, or a plan of one
    optimization
        "time", "balanced" or "ram": the same values by another plan
    """

    def __init__(self, model: str | Path | Plan, optimization: str = planner.DEFAULT) -> None:
        if not isinstance(model, Plan):
            model = planner.of_file(model, optimization)
        self.plan = model
        self._ffi, self._lib = build.runtime()
        self._model = _load(self.plan)
        self._kernels = self._ffi.addressof(self._lib, "paritone_kernels_all")
        # The guard past the end shows a kernel that writes too far.
        self._guard = 64
        align = self.plan.arena_align
        self._memory = np.zeros(self.plan.arena_bytes + align + self._guard, np.uint8)
        start = -self._memory.ctypes.data % align
        self.arena = self._memory[start : start + self.plan.arena_bytes + self._guard]
        self._arena = self._ffi.cast("void *", self.arena.ctypes.data)

    @property
    def input(self) -> TensorInfo:
        """The model's first input."""
        return self.plan.inputs[0]

    @property
    def output(self) -> TensorInfo:
        """The model's first output."""
        return self.plan.outputs[0]

    def invoke(self, x: NDArray[Any]) -> NDArray[Any]:
        """Output for one input `x`.

        Parameters
        ----------
        x
            exactly the input's shape and dtype; ModelError otherwise

        Returns
        -------
        array of the output's shape and dtype
        """
        return self.invoke_all([x])[0]

    def invoke_all(self, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Every output for all `inputs`, both in the model's order."""
        self._write_inputs(inputs)
        self._check(self._lib.paritone_model_invoke(self._model, self._kernels, self._arena))
        return [self._read(tensor) for tensor in self.plan.outputs]

    def layers(self, x: NDArray[Any]) -> list[NDArray[Any]]:
        """Output of every step for one input `x`, in the order of ``plan.steps``.

        Where several steps write to one tensor, each but the last leaves a part of it.
        """
        self._write_inputs([x])
        tensors = [self.plan.tensor(step) for step in range(len(self.plan.steps))]
        outputs = [np.zeros(tensor.shape, tensor.dtype) for tensor in tensors]
        for number, call in enumerate(self.plan.calls):
            self._check(
                self._lib.paritone_model_step(self._model, self._kernels, self._arena, number)
            )
            rows_of(outputs[call.step], call, self.plan)[:] = self._rows(call)
        return outputs

    def _rows(self, call: Call) -> NDArray[np.uint8]:
        place, rows = self.plan.places[self.plan.steps[call.step].output], self.plan.rows(call.step)
        start = place.offset + call.first_row % place.rows * rows.bytes
        return self.arena[start : start + call.rows * rows.bytes]

    def _write_inputs(self, inputs: Sequence[NDArray[Any]]) -> None:
        if len(self.plan.inputs) != len(inputs):
            raise ModelError(f"the model has {len(self.plan.inputs)} inputs, given {len(inputs)}")
        for x, expected in zip(inputs, self.plan.inputs, strict=True):
            self._write_input(x, expected)

    def _write_input(self, x: NDArray[Any], expected: TensorInfo) -> None:
        if x.shape != expected.shape or x.dtype.name != expected.dtype:
            raise ModelError(
                f"input is {x.dtype} of shape {x.shape}, the model takes "
                f"{expected.dtype} of shape {expected.shape}"
            )
        start = self.plan.places[expected.index].offset
        raw = np.ascontiguousarray(x).reshape(-1).view(np.uint8)
        self.arena[start : start + expected.nbytes] = raw

    def _read(self, tensor: TensorInfo) -> NDArray[Any]:
        start = self.plan.places[tensor.index].offset
        raw = self.arena[start : start + tensor.nbytes].copy()
        return raw.view(tensor.dtype).reshape(tensor.shape)

    def _check(self, status: int) -> None:
        if status != 0:
            raise ModelError(f"the engine refused the model: {_STATUS.get(status, status)}")


def rows_of(values: NDArray[Any], call: Call, plan: Plan) -> NDArray[np.uint8]:
    """Bytes of the rows of `values`, the output of ``call.step``, that `call` computes."""
    size = plan.rows(call.step).bytes
    stored = values.reshape(-1).view(np.uint8)
    return stored[call.first_row * size : (call.first_row + call.rows) * size]


def _load(plan: Plan) -> Any:
    """The model's const data, compiled once for each content."""
    with tempfile.TemporaryDirectory(prefix="paritone-") as folder:
        (Path(folder) / "paritone_model.c").write_text(model_c(plan, ""))
        return build.load_data(Path(folder), "paritone_model", "paritone_model_t")
