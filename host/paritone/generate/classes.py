"""Thresholds of classes as C, where a clip has several labels: in the model's own units."""

from __future__ import annotations

import numpy as np

from paritone.engine.tflite import TensorInfo
from paritone.generate.model import comment_text, float_literal
from paritone.references.tflite import dequantize
from paritone.task import MultiLabel


def declaration(task: MultiLabel, output: TensorInfo, name: str) -> str:
    """Lines of the header: class i is there where its score is at least ``NAME_thresholds[i]``."""
    named = ", ".join(comment_text(one) for one in task.names)
    kind = _c_type(output)
    return (
        f"/* Class i is there where its score, as stored, is at least {name}_thresholds[i].\n"
        f" * Classes: {named} */\n"
        f"extern const {kind} {name}_thresholds[{len(task.names)}];\n"
    )


def definition(task: MultiLabel, output: TensorInfo, name: str) -> str:
    """The table itself, for ``NAME_model.c``."""
    if output.dtype == "float32":
        cells = [float_literal(value) for value in _float32(task)]
    else:
        cells = [str(value) for value in stored(task, output)]
    kind, rows = _c_type(output), [", ".join(cells[i : i + 8]) for i in range(0, len(cells), 8)]
    body = ",\n    ".join(rows)
    head = f"const {kind} {name}_thresholds[{len(cells)}]"
    return f"extern {head};\n{head} = {{\n    {body}}};\n"


def stored(task: MultiLabel, output: TensorInfo) -> list[int]:
    """Least stored score of each class that is at or over its threshold.

    One over the type's largest where no score is: int16 holds it.
    """
    limits = np.iinfo(output.dtype)
    values = np.arange(limits.min, limits.max + 1)
    scores = dequantize(values, output.scale, output.zero_point)
    # Ascending: so many scores are under the threshold.
    return [int(limits.min + np.searchsorted(scores, value)) for value in task.thresholds]


def _float32(task: MultiLabel) -> list[float]:
    """Thresholds as float32, rounded up: comparisons end as with the whole number."""
    rounded = np.asarray(task.thresholds, np.float32)
    under = rounded < np.asarray(task.thresholds)
    return [float(x) for x in np.where(under, np.nextafter(rounded, np.float32(2)), rounded)]


def _c_type(output: TensorInfo) -> str:
    return "float" if output.dtype == "float32" else "int16_t"
