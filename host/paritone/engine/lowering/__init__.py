"""One operator of a graph becomes a step, or several: shapes checked, every parameter computed.

The formulas are those of TensorFlow Lite's reference kernels, in the same precision.
"""

from __future__ import annotations

from collections.abc import Callable

from paritone.engine.lowering import (
    activations,
    depthwise,
    elementwise,
    layout,
    products,
    quantization,
    reductions,
    softmax,
)
from paritone.engine.lowering.operands import MAX_RANK, Operands, Step, layer_name
from paritone.engine.tflite import Graph, Op
from paritone.errors import ModelError

__all__ = ["ALIASES", "MAX_RANK", "SUPPORTED", "Operands", "Step", "lower"]

_LOWERINGS: dict[str, Callable[[Operands], Step | tuple[Step, ...]]] = {
    "CONV_2D": products.conv_2d,
    "DEPTHWISE_CONV_2D": depthwise.depthwise_conv_2d,
    "FULLY_CONNECTED": products.fully_connected,
    "AVERAGE_POOL_2D": reductions.pool_2d,
    "MAX_POOL_2D": reductions.pool_2d,
    "MEAN": reductions.reduce,
    "SUM": reductions.reduce,
    "REDUCE_MAX": reductions.reduce,
    "ADD": elementwise.binary,
    "SUB": elementwise.binary,
    "MUL": elementwise.binary,
    "MAXIMUM": elementwise.extremum,
    "MINIMUM": elementwise.extremum,
    "PRELU": elementwise.prelu,
    **dict.fromkeys(activations.KINDS, activations.lookup),
    "SOFTMAX": softmax.softmax,
    "QUANTIZE": quantization.quantize,
    "DEQUANTIZE": quantization.dequantize,
    "TRANSPOSE": layout.transpose,
    "PAD": layout.pad,
    "PADV2": layout.pad,
    "STRIDED_SLICE": layout.strided_slice,
    "SPLIT": layout.split,
    "CONCATENATION": layout.concatenation,
}

# Same memory under another shape: no step.
ALIASES = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")

SUPPORTED = tuple(sorted([*_LOWERINGS, *ALIASES]))


_FIXED_BATCH = "convert the model with a batch of 1"
_NORMALISE = "normalise by batches (BatchNormalization): it folds into the weights"
_RECURRENT = "replace recurrent layers by convolutions"

# What to do about operators that models for audio do have.
_ADVICE = {
    **dict.fromkeys(("ELU", "GELU"), "use RELU, LEAKY_RELU, PRELU or HARD_SWISH"),
    **dict.fromkeys(("RSQRT", "SQUARED_DIFFERENCE", "DIV", "SQRT", "L2_NORMALIZATION"), _NORMALISE),
    **dict.fromkeys(("BATCH_TO_SPACE_ND", "SPACE_TO_BATCH_ND", "SHAPE", "PACK"), _FIXED_BATCH),
    **dict.fromkeys(("UNIDIRECTIONAL_SEQUENCE_LSTM", "LSTM", "RNN", "WHILE", "SVDF"), _RECURRENT),
    **dict.fromkeys(("SLICE", "GATHER", "UNPACK", "SPLIT_V"), "use STRIDED_SLICE or SPLIT"),
    **dict.fromkeys(("REDUCE_MIN", "REDUCE_PROD"), "use MEAN, SUM or REDUCE_MAX"),
}


def _advice(kind: str) -> str:
    if kind.startswith("Flex"):
        return "convert the model without SELECT_TF_OPS"
    return _ADVICE.get(kind, "change that layer, or do its work before or after the network")


def lower(graph: Graph, op: Op) -> tuple[Step, ...]:
    """The steps that compute `op`; ModelError names the operator and its layer."""
    layer = layer_name(graph.tensors[op.outputs[0]]) if op.outputs else "?"
    if op.kind not in _LOWERINGS:
        raise ModelError(
            f"operator {op.kind} (layer {layer!r}) is not supported: {_advice(op.kind)}; "
            f"supported are {', '.join(SUPPORTED)}"
        )
    try:
        steps = _LOWERINGS[op.kind](Operands(graph, op))
    except ModelError as error:
        raise ModelError(f"operator {op.kind} (layer {layer!r}): {error}") from error
    return (steps,) if isinstance(steps, Step) else steps
