"""Tables of the fused transform as C text: what ``paritone_frontend_fused`` points at."""

from __future__ import annotations

from collections.abc import Iterable

from paritone.features.fused_tables import can_fuse, fused_tables
from paritone.features.tables import FrontendTables
from paritone.generate.c_arrays import array, table_struct
from paritone.generate.frontend_root import root_pointer

FUSED_NEAR = 512
"""Largest n_fft of ``paritone_transform_fused``; ``paritone_transform_fused_far`` takes more."""


def has_fused(tables: FrontendTables) -> bool:
    """Whether ``paritone_frontend.c`` defines ``paritone_frontend_fused`` too."""
    return can_fuse(tables.n_fft, tables.window_start, tables.window_length)


def fused_bytes(tables: FrontendTables) -> int:
    """Scratch of ``paritone_transform_fused``: two buffers of n_fft / 2 points."""
    return 8 * tables.n_fft


def simd_stream_bytes(tables: FrontendTables) -> int:
    """Memory of a stream on a core with the DSP extension."""
    return tables.stream_with(fused_bytes(tables)) if has_fused(tables) else tables.stream_bytes


def fused_tables_c(tables: FrontendTables) -> Iterable[str]:
    """The arrays and the struct ``fused_tables``; the square roots are written elsewhere."""
    t = tables
    fused = fused_tables(t.n_fft, t.window, t.window_start, t.first_bin, t.n_bins, t.fft)
    arrays = {"window": fused.window, "split": fused.split}
    if len(fused.fourth):
        arrays["fourth"] = fused.fourth
    for name, values in arrays.items():
        yield array(f"fused_{name}", values)
    pointers = {name: f"fused_{name}" for name in arrays} | root_pointer(tables)
    numbers = {
        "first_pair": fused.first_pair,
        "n_pairs": fused.n_pairs,
    }
    yield table_struct("paritone_fused_tables_t", "fused_tables", pointers, **numbers)
