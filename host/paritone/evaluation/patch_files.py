"""Patches and scores as NumPy files: ``evaluation.gen_npy_input`` and ``gen_npy_output``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paritone.config import STEPS, Config
from paritone.datasets.clips import ClipData
from paritone.evaluation.accuracy import Scores
from paritone.references.tflite import Reference, quantize_input


def write(
    model: Path,
    data: Sequence[ClipData],
    scores: Sequence[Scores],
    config: Config,
    kind: str,
    run_dir: Path,
) -> list[Path]:
    """Write what the configuration asks for; returns the files.

    Arrays hold the patches of all clips in the data set's order, in the model's own dtype:
    [patches, n_mels, patch_length, 1] and [patches, classes].

    Parameters
    ----------
    scores : of the model on `data`, host features
    kind : "float" or "int8": ends the name where a chain evaluates both
    """
    settings = config.evaluation
    end = f"_{kind}" if STEPS[config.operation_mode].count("e") > 1 else ""
    written = []
    if settings.gen_npy_input:
        path = run_dir / f"{settings.npy_in_name}{end}.npy"
        written.append(_save(path, inputs(model, data)))
    if settings.gen_npy_output:
        path = run_dir / f"{settings.npy_out_name}{end}.npy"
        written.append(_save(path, outputs(model, scores)))
    return written


def inputs(model: Path, data: Sequence[ClipData]) -> NDArray[Any]:
    """Return patches as the model takes them: [patches, n_mels, patch_length, 1]."""
    patches = np.concatenate([clip.patches for clip in data])[..., None]
    if model.suffix != ".tflite":
        return patches
    end = Reference(model).input
    scale, zero = end["quantization"]
    return quantize_input(patches, end["dtype"], scale or 1.0, zero)


def outputs(model: Path, scores: Sequence[Scores]) -> NDArray[Any]:
    """Return scores as the model gives them: [patches, classes], quantized again if it does."""
    real = np.concatenate(list(scores))
    if model.suffix != ".tflite":
        return real
    end = Reference(model).output
    scale, zero = end["quantization"]
    return quantize_input(real, end["dtype"], scale or 1.0, zero)


def _save(path: Path, array: NDArray[Any]) -> Path:
    partial = path.with_name(f"{path.name}.partial")
    try:
        with partial.open("wb") as file:
            np.save(file, array, allow_pickle=False)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path
