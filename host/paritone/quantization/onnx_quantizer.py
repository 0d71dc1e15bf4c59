"""Float model, Keras or ONNX -> int8 ``.onnx``: ONNX Runtime's static quantization, as QDQ."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paritone import quiet
from paritone.config.records import Quantization
from paritone.errors import ConfigError, ModelError
from paritone.models import onnx_export, onnx_file
from paritone.progress import track

# TensorFlow Lite fixes the output of these; with the same one here nothing is rounded twice there.
FIXED_OUTPUTS = {"Softmax": (1 / 256, -128), "Sigmoid": (1 / 256, -128), "Tanh": (1 / 128, 0)}

# What the device computes in integers, and ONNX Runtime would leave in float unless told.
DEVICE_KINDS = ("GlobalMaxPool", "ReduceMax", "ReduceMean", "Sub")


def float_onnx(path: Path, opset: int) -> bytes:
    """Return a float model, Keras or ONNX, as ONNX in operators of version `opset`.

    Raises
    ------
    ModelError
        It cannot be read or converted, or is quantized already.
    ToolMissingError
        The extra ``onnx`` is not installed.
    """
    if not onnx_file.is_onnx(path):
        from paritone.models.load import load_keras

        return onnx_export.export(load_keras(path), opset)
    model = onnx_file.read(path)
    if onnx_file.is_quantized(model):
        raise ModelError(f"{path}: is quantized already; quantization takes a float model")
    return bytes(onnx_export.at_opset(model, opset).SerializeToString(deterministic=True))


def quantize_onnx(content: bytes, patches: NDArray[np.float32], settings: Quantization) -> bytes:
    """Quantize a float ONNX model to int8, weights and activations, in the QDQ format.

    Its input and output stay float. The same model, patches and settings give the same bytes.

    Parameters
    ----------
    content : as `float_onnx` returns it
    patches : float32 [n, n_mels, patch_length], for calibration (least and greatest value)

    Raises
    ------
    ConfigError, ModelError, ToolMissingError
    """
    onnx_file.require("onnx", "onnxruntime")
    with _about_the_model(), tempfile.TemporaryDirectory(prefix="paritone-") as folder:
        return _quantized(prepared(content), patches, settings, Path(folder) / "made.onnx")


@contextmanager
def _about_the_model() -> Iterator[None]:
    try:
        yield
    except (ConfigError, ModelError):
        raise
    except Exception as error:  # whatever the quantizer throws, it is about model or options
        reason = onnx_file.one_line(error)
        raise ModelError(f"ONNX Runtime cannot quantize the model: {reason}") from error


def prepared(content: bytes) -> Any:
    """Return a float model as it is quantized: normalization folded into the weights before it.

    Raises
    ------
    ModelError, ToolMissingError
    """
    onnx_file.require("onnx", "onnxruntime")
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with _about_the_model(), tempfile.TemporaryDirectory(prefix="paritone-") as folder:
        given, made = (Path(folder) / f"{name}.onnx" for name in ("given", "prepared"))
        given.write_bytes(content)
        with quiet.silenced():
            # Without SymPy there is no symbolic inference; one patch at a time needs none.
            quant_pre_process(given, made, skip_symbolic_shape=True)
        return onnx_file.read(made)


def _quantized(
    model: Any, patches: NDArray[np.float32], settings: Quantization, made: Path
) -> bytes:
    from onnxruntime import quantization

    _check_kinds(model, settings)
    quantization.quantize_static(
        model,
        made,
        _Patches(model, patches),
        op_types_to_quantize=_kinds(model, settings),
        per_channel=settings.granularity == "per_channel",
        extra_options=_options(model, settings),
    )
    return bytes(onnx_file.read(made).SerializeToString(deterministic=True))


class _Patches:
    """What ONNX Runtime asks for batch by batch: its CalibrationDataReader, by its methods."""

    def __init__(self, model: Any, patches: NDArray[np.float32]) -> None:
        source = onnx_file.inputs(model)[0]
        self._name = source.name
        self._patches = patches.reshape(-1, 1, *(size or 1 for size in onnx_file.shape(source)[1:]))
        self._left = self._batches(0, len(patches))

    def __len__(self) -> int:
        return len(self._patches)

    def set_range(self, start_index: int, end_index: int) -> None:
        """Go on with some of the patches: asked for by ``CalibStridedMinMax``."""
        self._left = self._batches(start_index, end_index)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """Return the next patch by the input's name; None after the last one."""
        return next(self._left, None)

    def _batches(self, start: int, end: int) -> Iterator[dict[str, NDArray[np.float32]]]:
        for patch in track(self._patches[start:end], "Calibrating", end - start):
            yield {self._name: patch}


def _check_kinds(model: Any, settings: Quantization) -> None:
    """Refuse operators that the model lacks: ONNX Runtime would quantize nothing, silently."""
    kinds = {node.op_type for node in model.graph.node}
    for name in settings.op_types_to_quantize or ():
        if name not in kinds:
            raise ConfigError(
                f"quantization.op_types_to_quantize: {name}: the model has none; it has "
                f"{', '.join(sorted(kinds))}"
            )


def _kinds(model: Any, settings: Quantization) -> list[str]:
    """Operators to quantize: those asked for, else all that ONNX Runtime or the device can."""
    from onnxruntime.quantization.registry import QDQRegistry, QLinearOpsRegistry

    if settings.op_types_to_quantize:
        return list(settings.op_types_to_quantize)
    known = {*QDQRegistry, *QLinearOpsRegistry, *DEVICE_KINDS}
    return sorted({node.op_type for node in model.graph.node} & known)


def _options(model: Any, settings: Quantization) -> dict[str, Any]:
    wanted = settings.op_types_to_quantize
    fixed = {
        node.output[0]: [
            {"scale": np.array(scale, np.float32), "zero_point": np.array(zero, np.int8)}
        ]
        for node in model.graph.node
        for scale, zero in [FIXED_OUTPUTS.get(node.op_type, (0.0, 0))]
        if scale and (not wanted or node.op_type in wanted)
    }
    given = settings.extra_options
    overrides = {name: _override(item) for name, item in _overrides(given).items()}
    return {**given, "TensorQuantOverrides": {**fixed, **overrides}}


def _overrides(options: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = options.get("TensorQuantOverrides", {})
    return found


def _override(channels: Any) -> list[dict[str, Any]]:
    """One tensor's overrides in ONNX Runtime's types, which a configuration cannot write."""
    from onnxruntime.quantization import QuantType

    if not isinstance(channels, list) or not all(isinstance(item, dict) for item in channels):
        raise ConfigError(
            "quantization.extra_options.TensorQuantOverrides: expected a list of keys and values "
            f"for each tensor, got {channels!r}"
        )
    made = [dict(item) for item in channels]
    for item in made:
        if isinstance(item.get("quant_type"), str):
            item["quant_type"] = QuantType.from_string(item["quant_type"])
        for name in {"scale", "rmin", "rmax"} & set(item):
            item[name] = np.array(item[name], np.float32)
        if "zero_point" in item:
            unsigned = item.get("quant_type") == QuantType.QUInt8
            item["zero_point"] = np.array(item["zero_point"], np.uint8 if unsigned else np.int8)
    return made
