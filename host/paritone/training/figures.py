"""What a training looks like: the learning rate beforehand, the curves of its metrics after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

RATE_NAME = "learning_rate.png"
CURVES_NAME = "training_curves.png"
_VALIDATION = "val_"


def save_learning_rate(rates: Sequence[float], path: Path, note: str = "") -> None:
    """Draw the learning rate of each epoch as a PNG.

    Parameters
    ----------
    note : said in the title: what may change the rates while training
    """
    figure = _figure((7, 3.5))
    axes = figure.add_subplot()
    axes.step(range(1, len(rates) + 1), rates, where="mid")
    positive = [rate for rate in rates if rate > 0]
    if positive and max(positive) / min(positive) > 20:
        axes.set_yscale("log")
    axes.set(xlabel="epoch", ylabel="learning rate", title=f"learning rate{note}")
    axes.grid(alpha=0.3)
    _save(figure, path)


def save_curves(history: Mapping[str, Sequence[float]], path: Path) -> None:
    """Draw each metric over the epochs as a PNG, training and validation in one panel."""
    names = [name for name in history if not name.startswith(_VALIDATION)]
    figure = _figure((7, 2.6 * max(len(names), 1)))
    panels = figure.subplots(max(len(names), 1), 1, sharex=True, squeeze=False)[:, 0]
    for axes, name in zip(panels, names, strict=False):
        for key, label in ((name, "training"), (_VALIDATION + name, "validation")):
            if key in history:
                axes.plot(range(1, len(history[key]) + 1), history[key], ".-", label=label)
        axes.set_ylabel(name)
        axes.grid(alpha=0.3)
        axes.legend()
    panels[-1].set_xlabel("epoch")
    _save(figure, path)


def _figure(size: tuple[float, float]) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _save(figure: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
