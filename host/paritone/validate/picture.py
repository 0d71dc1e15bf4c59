"""Desk, board and where they differ, one above the other."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import numpy as np

from paritone.evaluation import figures
from paritone.validate.mismatch import Array, Maps, bits

NAME = "divergence.png"
_TITLE_WIDTH = 110
_LEAST, _MOST = "#fcae91", "#67000d"
"""Colours of the smallest and the largest difference; cells that are equal stay white."""


def draw(maps: Maps, board: str, path: Path) -> Path:
    """Draw both planes in one scale, and a third one: which cells differ, and by how much."""
    from matplotlib.colors import LinearSegmentedColormap

    unequal = (bits(maps.expected) != bits(maps.got)).reshape(maps.expected.shape)
    planes = [values.astype(np.float64) for values in (maps.expected, maps.got)]
    drawn = figures.figure(9.0, 7.2)
    panels = drawn.subplots(3, 1, sharex=True)
    limits = _limits(*planes)
    for axes, plane, title in zip(panels, planes, ("desk", board), strict=False):
        _plane(axes, plane, maps, title, cmap="viridis", **limits)
    apart = np.where(unequal, np.abs(planes[1] - planes[0]), np.nan)
    reds = LinearSegmentedColormap.from_list("apart", [_LEAST, _MOST])
    most = max(1e-9, float(np.nanmax(apart, initial=0.0)))
    count = f"difference: {int(unequal.sum()):,} of {unequal.size:,} values"
    _plane(panels[2], apart, maps, count, cmap=reds, vmin=0, vmax=most)
    panels[2].set_xlabel(maps.axes[0])
    drawn.suptitle("\n".join(textwrap.wrap(maps.title, _TITLE_WIDTH)), fontsize=10)
    return figures.save(drawn, path)


def _limits(*planes: Array) -> dict[str, float]:
    values = np.concatenate([plane[np.isfinite(plane)] for plane in planes])
    return {"vmin": float(values.min()), "vmax": float(values.max())} if values.size else {}


def _plane(axes: Any, plane: Array, maps: Maps, title: str, **colours: Any) -> None:
    drawn = axes.imshow(plane, aspect="auto", origin="lower", interpolation="nearest", **colours)
    axes.set_title(title, fontsize=9)
    axes.set_ylabel(maps.axes[1])
    if plane.shape[0] == 1:
        axes.set_yticks([])
    axes.figure.colorbar(drawn, ax=axes, pad=0.01)
