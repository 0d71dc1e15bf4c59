"""ONNX models from files: read, checked and described; none of their code or companions is run."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paritone.errors import ModelError, ToolMissingError

if TYPE_CHECKING:
    import onnx

SUFFIX = ".onnx"
INSTALL = "python -m pip install 'paritone[onnx]'"
_QUANTIZED_KINDS = ("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear")


def is_onnx(path: Path) -> bool:
    """Tell by its name whether a file is an ONNX model."""
    return path.suffix.lower() == SUFFIX


def require(*packages: str) -> None:
    """Import packages of the extra ``onnx``.

    Raises
    ------
    ToolMissingError
        One is not installed; gives the line that mends it.
    """
    for name in packages:
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise ToolMissingError(
                f"{name} is not there, ONNX models need it: {INSTALL}"
            ) from error


def read(path: Path) -> onnx.ModelProto:
    """Read a model of one input and one output, weights and all.

    Raises
    ------
    ModelError
        The file is missing, damaged, no valid ONNX model, or keeps its weights in other files.
    ToolMissingError
        The extra ``onnx`` is not installed.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from error
    return parse(content, str(path))


def parse(content: bytes, name: str = "") -> onnx.ModelProto:
    """As `read`, of a file's content; `name` begins the message of an error."""
    try:
        return _parse(content)
    except ModelError as error:
        raise ModelError(f"{name}: {error}" if name else str(error)) from error


def _parse(content: bytes) -> onnx.ModelProto:
    require("onnx")
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load_model_from_string(content)
    except (DecodeError, ValueError, RuntimeError) as error:
        raise ModelError("not an ONNX model, or damaged") from error
    if not model.ir_version or not model.graph.node:
        raise ModelError("not an ONNX model, or damaged: it holds no graph")
    _refuse_external(model)
    try:
        onnx.checker.check_model(model)
    except Exception as error:  # whatever the checker throws, it is about the file
        raise ModelError(f"no valid ONNX model: {one_line(error)}") from error
    counts = len(inputs(model)), len(model.graph.output)
    if counts != (1, 1):
        raise ModelError(
            f"the model has {counts[0]} inputs and {counts[1]} outputs, expected one of each"
        )
    return model


def one_line(error: BaseException) -> str:
    """Return the first line of a message that says something, printable and at most 300 long."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = (lines or [type(error).__name__])[0][:300]
    return "".join(c if c.isprintable() else "?" for c in text)


def inputs(model: onnx.ModelProto) -> list[Any]:
    """Inputs that are none of the weights, which old files list as inputs too."""
    weights = {item.name for item in model.graph.initializer}
    return [item for item in model.graph.input if item.name not in weights]


def shape(value: Any) -> tuple[int | None, ...]:
    """Shape of an input or output; None for a size that is not fixed."""
    sizes = value.type.tensor_type.shape.dim
    return tuple(size.dim_value if size.HasField("dim_value") else None for size in sizes)


def ends(model: onnx.ModelProto) -> tuple[tuple[int | None, ...], tuple[int | None, ...]]:
    """Input and output shape with their batch dimension, the input's channel last.

    A patch has one channel, so that [batch, 1, n_mels, patch_length], as PyTorch has it, and
    [batch, n_mels, patch_length, 1] hold the same values in the same order.
    """
    first, last = shape(inputs(model)[0]), shape(model.graph.output[0])
    if len(first) == 4 and first[1] == 1 and first[3] != 1:
        first = (first[0], first[2], first[3], 1)
    return first, last


def is_quantized(model: onnx.ModelProto) -> bool:
    """Tell whether a model computes in integers, in either of ONNX's formats (QDQ, QOperator)."""
    kinds = {node.op_type for node in model.graph.node}
    return any(kind in _QUANTIZED_KINDS or kind.startswith("QLinear") for kind in kinds)


def parameters(model: onnx.ModelProto) -> int:
    """How many numbers of floating point a model's weights hold."""
    import onnx

    return sum(
        onnx.numpy_helper.to_array(tensor).size
        for tensor in model.graph.initializer
        if tensor.data_type in (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16)
    )


def opset(model: onnx.ModelProto) -> int:
    """Version of ONNX's own operators that a model is written in."""
    return next((int(o.version) for o in model.opset_import if o.domain in ("", "ai.onnx")), 1)


def _refuse_external(model: onnx.ModelProto) -> None:
    import onnx

    for tensor in _tensors(model):
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            place = {entry.key: entry.value for entry in tensor.external_data}.get("location", "?")
            raise ModelError(
                f"weights of it lie in another file ({one_line(ValueError(place))}), "
                "which is not read: save it as one file, "
                "onnx.save(onnx.load('model.onnx'), 'whole.onnx')"
            )


def _tensors(model: onnx.ModelProto) -> Iterator[Any]:
    yield from model.graph.initializer
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
