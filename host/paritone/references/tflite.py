"""TensorFlow Lite's interpreter with its reference kernels: the oracle of every int8 score."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from paritone import quiet
from paritone.errors import ModelError


class Reference:
    """A ``.tflite`` model, a file or its content, on BUILTIN_REF: no delegate, a patch at a time.

    Parameters
    ----------
    every_tensor : keep what each layer gives, for `tensor`

    Attributes
    ----------
    input, output : the interpreter's details: dtype, shape, quantization (scale, zero point)
    quantized : whether any tensor inside is int8
    """

    def __init__(self, model: Path | bytes, *, every_tensor: bool = False) -> None:
        quiet.import_tensorflow()
        import tensorflow as tf

        name = "the model" if isinstance(model, bytes) else model
        try:
            content = model if isinstance(model, bytes) else Path(model).read_bytes()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # its own deprecation notice
                self._interpreter = tf.lite.Interpreter(
                    model_content=content,
                    experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_REF,
                    experimental_preserve_all_tensors=every_tensor,
                    num_threads=1,
                )
                self._interpreter.allocate_tensors()
        except OSError as error:
            raise ModelError(f"{name}: cannot be read: {error.strerror}") from error
        except (ValueError, RuntimeError) as error:
            reason = str(error).partition("\n")[0]
            raise ModelError(f"{name}: TensorFlow Lite cannot run it: {reason}") from error
        self.input = self._interpreter.get_input_details()[0]
        self.output = self._interpreter.get_output_details()[0]
        tensors = self._interpreter.get_tensor_details()
        self.quantized = any(tensor["dtype"] is np.int8 for tensor in tensors)

    def invoke(self, value: NDArray) -> NDArray:
        """Run one patch.

        Parameters
        ----------
        value : dtype of the model's input, with as many elements
        """
        return self.invoke_all([value])[0]

    def invoke_all(self, values: Sequence[NDArray]) -> list[NDArray]:
        """Run once on all inputs, in the model's order; every output."""
        inputs = self._interpreter.get_input_details()
        for info, value in zip(inputs, values, strict=True):
            shaped = np.ascontiguousarray(value, info["dtype"]).reshape(info["shape"])
            self._interpreter.set_tensor(info["index"], shaped)
        self._interpreter.invoke()
        return [self.tensor(info["index"]) for info in self._interpreter.get_output_details()]

    def tensor(self, index: int) -> NDArray:
        """Return a tensor of the last patch; other than the output only with `every_tensor`."""
        return np.array(self._interpreter.get_tensor(index))


def quantize_input(patch: NDArray[np.float32], dtype: type, scale: float, zero: int) -> NDArray:
    """Float features -> a model's input: round(x / scale + zero point), clipped."""
    if np.issubdtype(dtype, np.floating):
        return patch.astype(np.float32)
    limits = np.iinfo(dtype)
    return np.clip(np.round(patch / scale + zero), limits.min, limits.max).astype(dtype)


def dequantize(values: NDArray, scale: float, zero: int) -> NDArray[np.float32]:
    """A model's output -> real scores."""
    if np.issubdtype(values.dtype, np.floating):
        return values.astype(np.float32)
    return ((values.astype(np.int32) - zero) * np.float64(scale)).astype(np.float32)
