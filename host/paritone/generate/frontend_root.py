"""Where the table of square roots lies: over the last mel weights, whose words it never reads."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from paritone.features.tables import FrontendTables

FIRST_READ = 32
"""Sums of squares are 0 or from 2^28 (frontend_root.h), so words 1 to 31 are not read."""
ZERO_BELOW = 2**28
"""Word 0 serves the sum 0 alone, of which any word below makes the magnitude 0."""


def root_start(tables: FrontendTables) -> int:
    """The place in ``rise`` of the square roots' word 0."""
    end = len(tables.rise)
    for start in range(max(end - FIRST_READ, 0), end):
        if tables.rise[start] < ZERO_BELOW:
            return start
    return end


def rise_and_root(tables: FrontendTables) -> npt.NDArray[np.uint32]:
    """The array ``rise``; the square roots end it where there are any."""
    if tables.power == 2:
        return tables.rise
    covered = len(tables.rise) - root_start(tables)
    return np.concatenate([tables.rise, tables.root[covered:]])


def root_pointer(tables: FrontendTables) -> dict[str, str]:
    """The field ``root`` of a transform's tables, none for powers."""
    return {"root": f"&rise[{root_start(tables)}]"} if tables.power == 1 else {}
