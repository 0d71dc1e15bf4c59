"""Keras model -> ``.tflite``, by TensorFlow Lite's converter: int8, or float as it is."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paritone import quiet
from paritone.errors import ModelError


def convert(
    model: Any,
    patches: NDArray[np.float32],
    input_type: str,
    output_type: str,
    *,
    per_channel: bool = True,
) -> bytes:
    """Convert a Keras model for one patch at a time, calibrated on float patches.

    Parameters
    ----------
    patches : float32 [n, n_mels, patch_length]
    input_type, output_type : int8, uint8 or float

    Raises
    ------
    ModelError
        With the converter's last meaningful line.
    """
    shape = (1, *model.input_shape[1:])

    def prepare(converter: Any) -> None:
        _quantized(converter, patches.reshape(-1, *shape), per_channel)
        converter.inference_input_type = _tensor_type(input_type)
        converter.inference_output_type = _tensor_type(output_type)

    return _convert(model, prepare, "quantized")


def convert_float(model: Any) -> bytes:
    """Convert a Keras model as it is, float, for one patch at a time.

    Raises
    ------
    ModelError
        With the converter's last meaningful line.
    """
    return _convert(model, lambda _: None, "converted")


def _convert(model: Any, prepare: Callable[[Any], None], what: str) -> bytes:
    quiet.import_tensorflow()
    import tensorflow as tf

    shape = (1, *model.input_shape[1:])
    with tempfile.TemporaryDirectory(prefix="paritone-") as folder:
        try:
            with quiet.silenced():
                _export(model, shape, folder)
                converter = tf.lite.TFLiteConverter.from_saved_model(folder)
                prepare(converter)
                return bytes(converter.convert())
        except Exception as error:  # whatever the converter throws, it is about the model
            raise ModelError(f"the model cannot be {what}: {_reason(error)}") from error


def _export(model: Any, shape: Sequence[int], folder: str) -> None:
    """Write a SavedModel whose batch dimension is 1: no dynamic shape survives conversion."""
    import keras
    import tensorflow as tf

    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint(
        "serve",
        lambda x: model(x, training=False),
        input_signature=[tf.TensorSpec(shape, tf.float32)],
    )
    archive.write_out(folder, verbose=False)


def _tensor_type(name: str) -> Any:
    import tensorflow as tf

    return tf.dtypes.as_dtype({"float": "float32"}.get(name, name))


def _quantized(converter: Any, batches: NDArray[np.float32], per_channel: bool) -> None:
    import tensorflow as tf

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([batch] for batch in batches)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    # TensorFlow has no public switch for it; dense layers have one of their own.
    converter._experimental_disable_per_channel = not per_channel
    converter._experimental_disable_per_channel_quantization_for_dense_layers = not per_channel


def _reason(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if "error" in line.lower() or "not supported" in line.lower()]
    return (told or lines or [type(error).__name__])[-1][:300]
