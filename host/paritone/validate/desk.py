"""What the host computes of a clip, by each of its implementations of frontend and model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paritone.features import integer
from paritone.features.tables import FrontendTables
from paritone.native.engine import Engine
from paritone.native.frontend import Frontend
from paritone.references.tflite import Reference

Array = NDArray[Any]


@dataclass(frozen=True)
class Desk:
    """What the host computes of one clip: features, silence and scores, each twice.

    Attributes
    ----------
    silent, native_silent : of each patch, by the integer reference and by native C
    reference, engine : scores of the integer reference's features
    """

    integer: Array
    native: Array
    silent: Array
    native_silent: Array
    reference: list[Array]
    engine: list[Array]


class Twins:
    """The host's implementations of one frontend and one model."""

    def __init__(self, tables: FrontendTables, model: Path, optimization: str) -> None:
        self.tables = tables
        self.frontend = Frontend(tables)
        self.engine = Engine(model, optimization)
        self._reference = Reference(model)

    def compute(self, pcm: NDArray[np.int16]) -> Desk:
        """Features and scores of one clip."""
        features, _, silent = integer.patches_and_levels(pcm, self.tables)
        scores = [self.scores(patch) for patch in features]
        native, _, native_silent = self.frontend.patches_and_levels(pcm)
        references, engines = [s[0] for s in scores], [s[1] for s in scores]
        return Desk(features, native, silent, native_silent, references, engines)

    def scores(self, patch: Array) -> tuple[Array, Array]:
        """Scores of one patch, by TensorFlow Lite's reference kernels and by native C."""
        shaped = patch.reshape(self.engine.input.shape)
        return self._reference.invoke(shaped), self.engine.invoke(shaped)
