"""Which model of a pipeline stands for a core."""

from __future__ import annotations

from paritone.cycles.core import CoreModel
from paritone.cycles.pipeline import CORTEX_M4
from paritone.cycles.pipeline_m33 import CORTEX_M33

_MODELS = {"cortex-m4": CORTEX_M4, "cortex-m33": CORTEX_M33}


def of(core: str) -> CoreModel:
    """The model of a core by the name that compilers have for it; else the Cortex-M4's."""
    return _MODELS.get(core, CORTEX_M4)


def label(core: str) -> str:
    """What cycles of that core are, in words: never more than an estimate."""
    model = of(core)
    other = "" if core in _MODELS else f", for want of one of the {core.title()}'s"
    return (
        f"estimate: a model of the {model.name}'s pipeline{other}, memory without wait states, "
        "emulated"
    )
