"""A frame's cost by stage of the frontend, from what each of its functions takes.

The stages are fused: windowing goes with the first pass of the transform, the last step of the
transform with the magnitude.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from paritone.cycles.counting import Count
from paritone.cycles.profile import NOTHING, Cost, sum_up

_STAGES = (
    ("mel bands", r"_mel"),
    ("model input", r"_codes|_input|_log|_level"),
    ("spectrum and magnitude", r"magnitude|split|spectrum|power|cmplx|root"),
    ("window and transform", r"_fused_|transform|window|[cr]fft|radix|butterfly|bitreversal"),
)
_REST = "samples"
"""Holding samples, their headroom, the ring of columns."""
NAMES = (_REST, "window and transform", "spectrum and magnitude", "mel bands", "model input")
"""In the order in which they run."""


def of_function(name: str) -> str:
    """The stage that a function belongs to."""
    return next((stage for stage, names in _STAGES if re.search(names, name)), _REST)


def of_frames(counts: Iterable[Count], frames: int, elf: Path) -> dict[str, Cost]:
    """Mean of so many frames by stage."""
    found = dict.fromkeys(NAMES, NOTHING)
    for name, cost in sum_up(counts, elf).symbols.items():
        found[of_function(name)] += cost
    return {
        name: Cost(round(cost.instructions / frames), round(cost.cycles / frames))
        for name, cost in found.items()
    }
