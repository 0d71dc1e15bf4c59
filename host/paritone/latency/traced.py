"""A frame's cost by stage of the frontend, as the board itself times it.

The board runs a frame alone up to a stage, by the very functions of the stream; a stage's own cost
is what it takes more than the one before. Windowing, transform and magnitude are fused, so that
none of them is timed without the others. With them goes what the frame alone does beside them:
its headroom is searched in the whole window, where a stream searches the new samples only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from paritone.device import Device
from paritone.features.tables import FrontendTables

FRAMES = 8
LAST = {"window to magnitude": "magnitude", "mel bands": "mel", "model input": "input"}
"""Each part's last stage, as `paritone.features.integer.STAGES` names it."""


def of_frames(
    device: Device, pcm: NDArray[np.int16], tables: FrontendTables
) -> dict[str, list[int]]:
    """Ticks of each part in several frames of `pcm`."""
    ticks: dict[str, list[int]] = {name: [] for name in LAST}
    starts = range(0, len(pcm) - tables.window_length + 1, tables.hop_length)[:FRAMES]
    for start in starts:
        frame, before = pcm[start : start + tables.window_length], 0
        for name, stage in LAST.items():
            until = device.stage_ticks(frame, stage)
            ticks[name].append(until - before)
            before = until
    return ticks
