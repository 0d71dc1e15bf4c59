"""`paritone calibrate`: a model, whole labelled clips -> the silence gate's threshold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from paritone import datasets, evaluation
from paritone import task as tasks
from paritone.config import Config, given
from paritone.datasets import Clip, Dataset
from paritone.errors import ConfigError
from paritone.evaluation import silence, streaming
from paritone.evaluation.accuracy import Accuracy, measure
from paritone.evaluation.silence import UNITS, Choice, Curve
from paritone.evaluation.streaming import Heard
from paritone.progress import notice, track
from paritone.task import Task

KEY = "deployment.silence_threshold"
DB_KEY = "feature_extraction.db_reference"


@dataclass(frozen=True)
class Calibration:
    """What was found.

    Attributes
    ----------
    source : which clips
    without, gated : accuracy without the gate, and with it at the threshold chosen
    db_reference : reference of decibels for the device; None where the configuration needs none,
        or has one
    """

    source: str
    choice: Choice
    curve: Curve
    without: Accuracy
    gated: Accuracy
    db_reference: float | None

    def lines(self) -> dict[str, float]:
        """Keys of the configuration, and what to set them to."""
        found = {} if self.db_reference is None else {DB_KEY: self.db_reference}
        return {**found, KEY: self.choice.threshold}

    def record(self) -> dict[str, Any]:
        """The findings as JSON has them."""
        return {
            "schema": 1,
            "clips": self.source,
            "set": self.lines(),
            "good": list(self.choice.good),
            "break_even": self.choice.even,
            "without": self.without.summary(),
            "gated": self.gated.summary(),
            "curve": {name: values.tolist() for name, values in asdict(self.curve).items()},
        }


def calibrate(model: Path, config: Config) -> Calibration:
    """Find the threshold on the training set, or else on the quantization set.

    Raises
    ------
    ConfigError, ModelError, AudioError
    """
    dataset, source = clips_of(config)
    evaluation.check_fits(model, config, len(dataset.class_names))
    reference = None
    if config.feature_extraction.to_db and config.feature_extraction.db_reference is None:
        reference = db_reference(dataset.clips, config)
        config = _with(config, "feature_extraction", db_reference=reference)
    heard = streaming.hear(model, dataset.clips, config, "Listening to whole clips")
    task = tasks.of(config, dataset.class_names)
    choice = silence.choose(heard, task)
    return Calibration(
        source,
        choice,
        silence.curve(heard, task),
        _accuracy(heard, task, 0.0),
        _accuracy(heard, task, choice.threshold),
        reference,
    )


def clips_of(config: Config) -> tuple[Dataset, str]:
    """Clips to calibrate on, and what to call them; never those of the test set knowingly.

    Where training and test set share a CSV without folds, only the training part is taken.
    """
    settings = config.dataset
    if given(settings, "training") is not None:
        apart = given(settings, "test") is not None
        used = _with(config, "dataset", validation_split=None) if apart else config
        dataset, split = datasets.load(used, "training"), "training"
    elif settings.training_folds is not None:
        raise ConfigError(
            "dataset.training_folds: needs dataset.training_csv_path and training_audio_path "
            "beside it"
        )
    else:
        dataset, split = _quantization(config), "quantization"
    if dataset is None:
        raise ConfigError(
            "calibrate: expected labelled clips, got none: set dataset.training_csv_path and "
            "training_audio_path (training_folds leaves the test's fold out), or the "
            "quantization set's"
        )
    _warn_of_test_clips(dataset, config)
    folds = settings.training_folds if split == "training" else settings.quantization_folds
    listed = folds if isinstance(folds, str) else ", ".join(map(str, folds or ()))
    within = f", folds {listed}" if folds else ""
    return dataset, f"{len(dataset.clips)} clips of the {split} set{within}"


def _quantization(config: Config) -> Dataset | None:
    if given(config.dataset, "quantization") is None:
        return None
    return datasets.load(config, "quantization")


def _warn_of_test_clips(dataset: Dataset, config: Config) -> None:
    if given(config.dataset, "test") is None:
        return
    test = datasets.load(config, "test")
    heard = {clip.path.resolve() for clip in dataset.clips}
    both = sum(clip.path.resolve() in heard for clip in test.clips) if test is not None else 0
    if both:
        notice(
            f"{both} of the {len(dataset.clips)} clips are in the test set too, where the gate "
            "will look better than it is: keep them out, by dataset.training_folds for one"
        )


def db_reference(clips: Sequence[Clip], config: Config) -> float:
    """Median of the clips' loudest mel values: what decibels are relative to, for the host.

    Three digits.
    """
    from paritone.features import log_mel

    features, rate = config.feature_extraction, config.preprocessing.target_rate
    plain = features.model_copy(update={"to_db": False})
    loudest = []
    for clip in track(clips, "Finding the reference of decibels", len(clips)):
        wave = streaming.whole(clip, config).astype(np.float32) / np.float32(32768)
        peak = float(log_mel.spectrogram(wave, plain, rate).max())
        loudest.append(np.exp(peak) - log_mel.LOG_OFFSET)
    return float(f"{np.median(loudest):.3g}")


def _with(config: Config, section: str, **values: Any) -> Config:
    """The configuration with other values in one section."""
    record = getattr(config, section).model_copy(update=values)
    return config.model_copy(update={section: record})


def _accuracy(heard: Sequence[Heard], task: Task, threshold: float) -> Accuracy:
    return measure(
        [item.scores for item in heard],
        [item.clip for item in heard],
        task,
        "integer",
        [item.levels < math.ceil(threshold * UNITS) for item in heard],
        threshold,
    )


def show(found: Calibration, model: str) -> None:
    """Print what was found, and what to write into the configuration."""
    from rich.console import Console
    from rich.table import Table

    title = f"{model}, {found.source}: whole, nothing trimmed"
    table = Table(title=title, title_justify="left")
    for heading in ("", "clips right", "patches right", "silent patches", "silent clips"):
        table.add_column(heading)
    rows = {"no gate": found.without, f"gate at {found.choice.threshold:g}": found.gated}
    for name, row in rows.items():
        assert row.gate is not None
        share = row.gate.silent_patches / row.patches
        table.add_row(
            name,
            f"{row.clip:.2%} of {row.clips}",
            f"{row.patch:.2%}",
            f"{row.gate.silent_patches} of {row.patches}, {share:.1%}",
            str(row.gate.silent_clips),
        )
    console = Console(soft_wrap=True)
    console.print(table)
    low, high = found.choice.good
    console.print(f"as good within one standard error: {low:.3g} to {high:.3g}", highlight=False)
    if found.gated.clip <= found.without.clip:
        console.print("the gate makes no more clips right here: leave it off, or save inferences")
    console.print(f"\n{_yaml(found.lines())}\n", markup=False, highlight=False)
    overrides = " ".join(f"++{key}={value:g}" for key, value in found.lines().items())
    console.print(f"or on the command line: {overrides}", markup=False, highlight=False)


def _yaml(lines: dict[str, float]) -> str:
    sections = [(*key.split("."), value) for key, value in lines.items()]
    return "\n".join(f"{section}:\n  {key}: {value:g}" for section, key, value in sections)


def plot(found: Calibration, path: Path) -> None:
    """Draw accuracy and silent patches against the threshold as a PNG; no window is opened."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    steps = found.curve
    upper = np.maximum(steps.upper, 0.5 / UNITS)
    clips = 100 * steps.clips / found.gated.clips
    axes.step(upper, clips, where="pre", label="clips that are right")
    share = 100 * steps.silent / found.gated.patches
    axes.step(upper, share, where="pre", label="patches that are silent", color="grey")
    axes.axvspan(*found.choice.good, alpha=0.12, label="within one standard error of the best")
    axes.axvline(found.choice.threshold, color="C3", label=f"{KEY} {found.choice.threshold:g}")
    axes.set(xscale="log", xlabel="threshold of a patch's level, mel units", ylabel="%")
    axes.set_title(found.source)
    axes.legend(loc="center left", fontsize="small")
    figure.savefig(path)
