"""From where to stream a clip again after the board lost its state; pure arithmetic.

Frames depend on their samples alone, and patches on their frames. So a stream that begins a whole
number of patch steps later has the same patches, but for the first ones, whose frames reach back
before its beginning: as many as the first patch of all needs samples are replayed and dropped.
"""

from __future__ import annotations

from collections.abc import Sequence


def step(ends: Sequence[int]) -> int:
    """Samples from patch to patch, `ends` being where the first two completed; 0 before that."""
    return ends[1] - ends[0] if len(ends) > 1 else 0


def first_patch(ends: Sequence[int], done: int) -> int:
    """Number of the patch at whose first sample the replay begins; 0: the clip's beginning.

    Parameters
    ----------
    ends : samples that had been taken when each of the first two patches completed
    done : patches that have completed
    """
    each = step(ends)
    if each <= 0:
        return 0
    return max(0, done - -(-ends[0] // each))
