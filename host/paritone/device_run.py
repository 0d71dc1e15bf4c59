"""Steps b and d: C from the quantized model, proven on the host, then run on the board."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paritone.config import Config
from paritone.parity import REFERENCE, Comparison, Tally
from paritone.preparation import Prepared
from paritone.progress import track
from paritone.tflite_reference import Reference

GENERATED = "C_header"
NOISE_PATCHES = 4
Clips = Sequence[tuple[str, NDArray[np.int16]]]
Stage = Callable[[str], AbstractContextManager[None]]


def clips(prepared: Prepared) -> Clips:
    """PCM to compare on: each clip of the test and quantization sets once, or seeded noise."""
    found: dict[str, NDArray[np.int16]] = {}
    for dataset in (prepared.test, prepared.calibration):
        for data in prepared.store.load(dataset) if dataset is not None else []:
            found.setdefault(str(data.clip.path), data.pcm)
    return list(found.items()) or [("noise", noise(prepared.config))]


def noise(config: Config) -> NDArray[np.int16]:
    """White noise, long enough for a few patches: where there is no clip at all."""
    features = config.feature_extraction
    frames = features.patch_length + (NOISE_PATCHES - 1) * features.patch_step
    samples = features.n_fft + (frames - 1) * features.hop_length
    rng = np.random.default_rng(config.general.global_seed)
    return rng.normal(0, 3000, samples).clip(-32768, 32767).astype(np.int16)


def host_parity(model: Path, pcm: Clips, config: Config) -> dict[str, Comparison]:
    """Compare frontends (integer reference, native C) and models (TFLite's kernels, native C)."""
    from paritone.features import integer
    from paritone.generate import frontend_tables
    from paritone.native.engine import Engine
    from paritone.native.frontend import Frontend

    engine, reference = Engine(model), Reference(model)
    tables = frontend_tables(engine.plan, config)
    native = Frontend(tables)
    frontend, scores = Tally(("integer", "native")), Tally((REFERENCE, "native"))
    for _, samples in track(pcm, "Comparing on the host", len(pcm)):
        wanted = integer.patches(samples, tables)
        frontend.add(wanted, native.patches(samples))
        frontend.patches += len(wanted)
        for patch in wanted:
            x = patch.reshape(engine.input.shape)
            scores.add(reference.invoke(x), engine.invoke(x))
            scores.patches += 1
    return {"frontend": frontend.done(), "model": scores.done()}


def run(
    prepared: Prepared, model: Path, run_dir: Path, stage: Stage, *, measure: bool
) -> dict[str, Any]:
    """Generate, compare on the host, build, flash, compare on the board; measure if asked.

    Returns
    -------
    sections of summary.json: parity, memory, and latency if `measure`
    """
    from paritone import generate

    pcm = clips(prepared)
    with stage("Generating C"):
        manifest = generate.generate(model, prepared.config, run_dir / GENERATED)
    with stage("Comparing the native C with its references"):
        host = host_parity(model, pcm, prepared.config)
    return {
        "parity": {
            "frontend": _parity(host["frontend"], "cells"),
            "model": _parity(host["model"], "values"),
        },
        "memory": {"arena_bytes": manifest.arena_bytes},
    }


def _parity(found: Comparison, unit: str) -> dict[str, Any]:
    return {
        "patches": found.patches,
        unit: found.values,
        "mismatched": found.mismatched,
        "between": list(found.between),
    }
