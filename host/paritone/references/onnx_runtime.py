"""ONNX Runtime as the oracle of ``.onnx`` models: the graph as its file says, on one thread."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paritone import quiet
from paritone.errors import ModelError
from paritone.models import onnx_file


class OnnxReference:
    """An ``.onnx`` model, float or int8, on the CPU: one patch at a time, on one thread.

    Nothing is fused or reordered: a quantized model computes each layer between its
    DequantizeLinear and QuantizeLinear in float, on any machine. (Fused kernels saturate sums of
    products on processors without VNNI.)

    Parameters
    ----------
    model : a file or its content
    also : names of tensors inside, for `tensors`

    Raises
    ------
    ModelError
        It cannot be read, takes no float patch, or ONNX Runtime lacks an operator of it.
    ToolMissingError
        The extra ``onnx`` is not installed.
    """

    def __init__(self, model: Path | bytes, also: Sequence[str] = ()) -> None:
        name = "the model" if isinstance(model, bytes) else str(model)
        content = model if isinstance(model, bytes) else _read(model)
        proto = onnx_file.parse(content, name)
        if also:
            content = _giving(proto, also)
        onnx_file.require("onnxruntime")
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.log_severity_level = 4
        try:
            with quiet.silenced():
                self._session = onnxruntime.InferenceSession(
                    content, options, providers=["CPUExecutionProvider"]
                )
        except Exception as error:  # its own classes, one for each kind of failure
            reason = onnx_file.one_line(error)
            raise ModelError(f"{name}: ONNX Runtime cannot run it: {reason}") from error
        info = self._session.get_inputs()[0]
        if info.type != "tensor(float)":
            raise ModelError(f"{name}: expected an input of float32, got {info.type}")
        self._name, self._shape = info.name, _one_patch(info.shape, name)
        self.quantized = onnx_file.is_quantized(proto)
        self._shown = name

    def scores(self, patches: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run patches one by one.

        Parameters
        ----------
        patches : float32 [n, n_mels, patch_length]

        Returns
        -------
        float32 [n, classes]
        """
        name = self._session.get_outputs()[0].name
        found = [self.tensors(patch, [name])[name].reshape(-1) for patch in patches]
        return np.stack(found).astype(np.float32)

    def tensors(self, patch: NDArray[np.float32], names: Sequence[str]) -> dict[str, NDArray[Any]]:
        """Run one patch, float32 [n_mels, patch_length]; give its output or tensors of `also`."""
        try:
            found = self._session.run(list(names), {self._name: patch.reshape(self._shape)})
        except Exception as error:
            reason = onnx_file.one_line(error)
            raise ModelError(f"{self._shown}: ONNX Runtime cannot run it: {reason}") from error
        return dict(zip(names, found, strict=True))


def _giving(proto: Any, names: Sequence[str]) -> bytes:
    """A model's content with tensors inside as outputs too; ONNX Runtime finds their types."""
    import onnx

    known = {output.name for output in proto.graph.output}
    proto.graph.output.extend(onnx.ValueInfoProto(name=n) for n in names if n not in known)
    return bytes(proto.SerializeToString())


def _read(path: Path) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from error


def _one_patch(shape: list[int | str | None], name: str) -> tuple[int, ...]:
    """Shape of one patch with its batch dimension; a batch that is not fixed is 1."""
    batch, *sizes = shape or [None]
    if isinstance(batch, int) and batch != 1:
        raise ModelError(
            f"{name}: takes {batch} patches at a time: export it for a batch of 1 or of any size"
        )
    if not sizes or not all(isinstance(size, int) for size in sizes):
        got = " x ".join(str(size) for size in sizes)
        raise ModelError(f"{name}: expected an input of a fixed size behind the batch, got {got}")
    return (1, *(int(size) for size in sizes if size is not None))
