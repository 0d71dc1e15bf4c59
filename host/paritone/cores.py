"""How many cores this process may keep busy: fewer where several jobs share a machine."""

from __future__ import annotations

import os

LIMIT = "OMP_NUM_THREADS"
"""Joblib and Ray set it in their workers, so that jobs side by side do not crowd the machine."""


def count() -> int:
    """Return the number of threads to start at once: at least 1, at most the machine's cores."""
    cores = os.cpu_count() or 1
    try:
        limit = int(os.environ.get(LIMIT, cores))
    except ValueError:
        return cores
    return max(1, min(limit, cores))


def limit_tensorflow() -> None:
    """Hold TensorFlow to `count` threads, unless the user said; before it is imported."""
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(name, str(count()))
