"""``quantization.extra_options``: ONNX Runtime's own names, which it takes without a check."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator

from paritone.config.coercion import is_none, to_literal

_KINDS: dict[str, tuple[str, ...]] = {
    "True or False": (
        "ActivationRestrictedAsymmetric",
        "ActivationSymmetric",
        "AddQDQPairToWeight",
        "CalibMovingAverage",
        "CalibTensorRangeSymmetric",
        "DedicatedQDQPair",
        "EnableSubgraph",
        "ForceQuantizeNoInputCheck",
        "MatMulConstBOnly",
        "QDQDisableWeightAdjustForInt32Bias",
        "QDQKeepRemovableActivations",
        "QuantizeBias",
        "UseQDQContribOps",
        "WeightSymmetric",
    ),
    "a number": (
        "CalibMaxIntermediateOutputs",
        "CalibMovingAverageConstant",
        "CalibStridedMinMax",
        "MinimumRealRange",
    ),
    "a list": ("OpTypesToExcludeOutputQuantization",),
    "keys and values": ("QDQOpTypePerChannelSupportToAxis", "TensorQuantOverrides"),
}
_TYPES: dict[str, tuple[type, ...]] = {
    "True or False": (bool,),
    "a number": (int, float),
    "a list": (list,),
    "keys and values": (dict,),
}


def to_options(value: Any) -> dict[str, Any]:
    """Read options by name, each of the kind that it has; none is the same as no options."""
    if is_none(value):
        return {}
    if not isinstance(value, dict):
        raise ValueError("names of options with their values")
    options = {name: item for name, item in to_literal(value).items() if item is not None}
    kinds = {name: kind for kind, names in _KINDS.items() for name in names}
    for name, item in options.items():
        if name not in kinds:
            raise ValueError(f"options among {', '.join(sorted(kinds))}, not {name}")
        number_as_truth = kinds[name] == "a number" and isinstance(item, bool)
        if not isinstance(item, _TYPES[kinds[name]]) or number_as_truth:
            raise ValueError(f"{name} as {kinds[name]}")
    return options


ExtraOptions = Annotated[dict[str, Any], BeforeValidator(to_options)]
