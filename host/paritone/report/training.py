"""The report's section on the training that a run began with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from paritone.report.html import Card, Section, image

_TITLE = "Training"
FIGURES = {
    "training_curves.png": "metrics of each epoch; the dashed line is the best one",
    "learning_rate.png": "learning rate of each epoch, as it was set beforehand",
}
"""What a training draws into the run's directory, and its caption."""


def section(found: Mapping[str, Any], run_dir: Path) -> Section:
    """Return the section; empty where the run did not train."""
    if not found:
        return Section("training", _TITLE)
    cards = [Card("epochs", str(found["epochs"]))]
    if "best_epoch" in found:
        cards.append(Card("best epoch", str(found["best_epoch"]), f"by {found['monitor']}"))
    when = "best epoch" if "best_epoch" in found else "last epoch"
    cards += [Card(name, f"{value:.4g}", when) for name, value in found["metrics"].items()]
    shown = [(run_dir / name, caption) for name, caption in FIGURES.items()]
    return Section(
        "training",
        _TITLE,
        cards=cards,
        figures=[image(path, caption, run_dir) for path, caption in shown if path.is_file()],
    )
