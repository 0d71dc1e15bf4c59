"""What a training looks like: the learning rate beforehand, the curves of its metrics after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

RATE_NAME = "learning_rate.png"
CURVES_NAME = "training_curves.png"
_VALIDATION, _RATE = "val_", "learning_rate"
_FIRST = ("loss", "accuracy")


def save_learning_rate(rates: Sequence[float], path: Path, note: str = "") -> None:
    """Draw the learning rate of each epoch as a PNG.

    Parameters
    ----------
    note : said in the title: what may change the rates while training
    """
    figure = _figure((7, 3.5))
    axes = figure.add_subplot()
    axes.step(range(1, len(rates) + 1), rates, ".-", ms=4, where="mid")
    _log_if_wide(axes, rates)
    axes.set(ylabel="learning rate", title=f"learning rate{note}")
    _count_epochs(axes, len(rates))
    axes.grid(alpha=0.3)
    _save(figure, path)


def save_curves(
    history: Mapping[str, Sequence[float]], path: Path, best: int | None = None
) -> None:
    """Draw each metric over the epochs as a PNG, training and validation in one panel.

    Parameters
    ----------
    best : number of the epoch to mark, from 1
    """
    names = [name for name in history if not name.startswith(_VALIDATION)] or ["loss"]
    names.sort(key=lambda name: (name == _RATE, name not in _FIRST, _FIRST[:1] != (name,), name))
    figure = _figure((7, 0.7 + 2.1 * len(names)))
    panels = figure.subplots(len(names), 1, sharex=True, squeeze=False)[:, 0]
    for axes, name in zip(panels, names, strict=True):
        for key, label in ((name, "training"), (_VALIDATION + name, "validation")):
            if key in history:
                values = history[key]
                axes.plot(range(1, len(values) + 1), values, ".-", ms=4, lw=1.3, label=label)
        if best is not None:
            axes.axvline(best, color="#777777", linestyle="--", linewidth=1)
        axes.set_ylabel(name.replace("_", " "))
        axes.grid(alpha=0.3)
        if _VALIDATION + name in history:
            axes.legend(fontsize=8)
    _log_if_wide(panels[-1] if names[-1] == _RATE else None, history.get(_RATE, ()))
    _count_epochs(panels[-1], max(map(len, history.values()), default=1))
    _save(figure, path)


def _count_epochs(axes: Any, epochs: int) -> None:
    """Number epochs from 1, in whole numbers, one alone too."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="epoch", xlim=(0.5, max(epochs, 1) + 0.5))


def _log_if_wide(axes: Any, rates: Sequence[float]) -> None:
    """Make a scale logarithmic where rates differ much."""
    positive = [rate for rate in rates if rate > 0]
    if axes is not None and positive and max(positive) / min(positive) > 20:
        axes.set_yscale("log")


def _figure(size: tuple[float, float]) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _save(figure: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    try:
        figure.savefig(partial, format="png", dpi=120)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
