"""The native engine beside TensorFlow Lite's reference kernels: the same patches."""

from __future__ import annotations

from pathlib import Path

from paritone.config import Config
from paritone.speed import Speed, side_by_side

PATCHES = 60
ROUNDS = 5


def measure(model: Path, config: Config, name: str, count: int = PATCHES) -> Speed:
    """Time a quantized model on patches of a configuration's test clips, noise without any.

    Copying a patch in and its scores out is counted on both sides.

    Raises
    ------
    ModelError
        The model cannot be used, or the two give scores that differ.
    ConfigError, AudioError
        The configuration is another model's; a clip that cannot be used.
    """
    from paritone import parity
    from paritone.errors import ModelError
    from paritone.native.engine import Engine
    from paritone.references.tflite import Reference

    engine, reference = Engine(model, config.optimization), Reference(model)
    patches, on = parity.real_patches(engine.plan, config, count), "the test clips"
    if not patches:
        patches, on = (
            parity.random_patches(engine.input, count, config.general.global_seed or 0),
            "noise",
        )
    found = parity.compare_runs(name, reference.invoke, engine, patches)
    if found.mismatched:
        raise ModelError(f"{name}: scores of TensorFlow Lite and ours differ: {found.first}")
    theirs, ours = side_by_side(reference.invoke, engine.invoke, patches, ROUNDS)
    us = 1e6 / len(patches)
    beside = "TensorFlow Lite's reference kernels"
    return Speed(name, on, len(patches), "patch", beside, theirs * us, ours * us)
