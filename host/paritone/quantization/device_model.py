"""The ``.tflite`` that the device runs: a quantized model itself, or what an int8 ONNX becomes."""

from __future__ import annotations

from pathlib import Path

from paritone import quantization
from paritone.config import Config
from paritone.errors import ModelError
from paritone.models import onnx_file


def content(model: Path, config: Config) -> bytes:
    """Return a quantized model as TensorFlow Lite has it.

    An ONNX model keeps its weights and scales; the ends of the ``.tflite`` are of
    ``quantization_input_type`` and ``quantization_output_type``.

    Raises
    ------
    ModelError
        It cannot be read, or something of it has no counterpart: names the node.
    """
    try:
        read = model.read_bytes()
    except OSError as error:
        raise ModelError(f"{model}: cannot be read: {error.strerror}") from error
    if not onnx_file.is_onnx(model):
        return read
    from paritone import qdq

    ends = config.quantization
    types = ends.quantization_input_type, ends.quantization_output_type
    return qdq.translate(read, str(model), *types)


def write(model: Path, config: Config, folder: Path) -> Path:
    """Return the path of a ``.tflite``: the model's own, or a new one of its name in `folder`."""
    if not onnx_file.is_onnx(model):
        return model
    path = folder / f"{model.stem}.tflite"
    quantization.write(path, content(model, config))
    return path
