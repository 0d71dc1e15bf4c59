"""The native engine beside TensorFlow Lite's reference kernels: milliseconds a patch, one thread.

``python -m paritone.engine_speed MODEL.tflite ...`` prints both, turn by turn, and their ratio.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROUNDS = 60


def measure(model: Path) -> tuple[float, float]:
    """Least milliseconds of a patch over the rounds: the reference's and the engine's.

    Copying a patch in and its scores out is counted on both sides; the scores must be equal.
    """
    from paritone import parity
    from paritone.errors import ModelError
    from paritone.native.engine import Engine
    from paritone.tflite_reference import Reference

    reference, engine = Reference(model), Engine(model)
    patch = parity.random_patches(engine.input, 7, 1)[-1]
    if (reference.invoke(patch).reshape(-1) != engine.invoke(patch).reshape(-1)).any():
        raise ModelError(f"{model}: the scores of the reference and of the engine differ")
    turns = [(_ms(reference.invoke, patch), _ms(engine.invoke, patch)) for _ in range(ROUNDS)]
    theirs, ours = (min(column) for column in zip(*turns, strict=True))
    return theirs, ours


def _ms(invoke: Callable[[Any], Any], patch: Any) -> float:
    start = time.perf_counter()
    invoke(patch)
    return 1e3 * (time.perf_counter() - start)


def main(models: list[str]) -> None:
    """Measure each model."""
    for model in models:
        theirs, ours = measure(Path(model))
        print(
            f"{model}: TensorFlow Lite's reference {theirs:.2f} ms a patch, the engine {ours:.2f}, "
            f"{theirs / ours:.1f} times as fast"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
