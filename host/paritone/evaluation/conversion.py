"""What an ONNX model loses on its way to the device: ONNX Runtime against TensorFlow Lite."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from paritone import evaluation
from paritone.cache import content_of
from paritone.config import Config
from paritone.datasets.clips import ClipData
from paritone.errors import CheckFailedError
from paritone.references.tflite import Reference

MOST_MEAN = 0.02
"""Mean difference of a score beyond which a conversion is refused."""


def compare(
    model: Path, converted: Path, data: Sequence[ClipData], config: Config
) -> dict[str, Any]:
    """Measure both models on the same float patches.

    Between its layers ONNX Runtime computes in float and rounds once; TensorFlow Lite and the
    device compute in integers. A layer's values may so differ by a step.

    Parameters
    ----------
    model, converted : an int8 ``.onnx``, and the ``.tflite`` that was made of it
    data : clips; their patches go in

    Returns
    -------
    Section "conversion" of summary.json: how many scores differ by half a step or more of the
    output, and by how many steps at most; how many patches have the same best class.

    Raises
    ------
    CheckFailedError
        Scores differ by more than `MOST_MEAN` in the mean.
    """
    wanted, got = (
        np.concatenate(evaluation.float_scores(path, data, config)) for path in (model, converted)
    )
    step = Reference(converted).output["quantization"][0] or 1 / 256
    difference = np.abs(wanted.astype(np.float64) - got)
    mean = float(difference.mean())
    if mean > MOST_MEAN:
        raise CheckFailedError(
            f"{model}: what the device would compute differs from ONNX Runtime by {mean:.4f} a "
            f"score in the mean, at most {MOST_MEAN} is accepted"
        )
    return {
        "between": ["onnxruntime", "tflite-reference"],
        "sha256": content_of(converted),
        "patches": len(wanted),
        "values": int(wanted.size),
        "differ": int((difference >= step / 2).sum()),
        "most_steps": round(float(difference.max() / step)),
        "mean_difference": mean,
        "same_class": int((wanted.argmax(axis=1) == got.argmax(axis=1)).sum()),
    }
