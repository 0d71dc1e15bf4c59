"""What a configuration would run on what, found out without running it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from paritone import audio, datasets
from paritone.config import STEPS, Config, behind, device_warnings, splits_used, target, unused
from paritone.evaluation import prediction

_STEP_NAMES = {
    "t": "train",
    "e": "evaluate",
    "q": "quantize",
    "p": "predict",
    "b": "benchmark",
    "d": "deploy",
}


@dataclass(frozen=True)
class DataSet:
    """One data set that would be read: its clips by class, and their length in s."""

    split: str
    csv: str
    clips: int
    seconds: float
    classes: dict[str, int]


@dataclass(frozen=True)
class Preview:
    """What would run on what; `refusals` are reasons why the device cannot do it at all."""

    operation_mode: str
    steps: tuple[str, ...]
    model: str | None
    board: str | None
    patch: tuple[int, int]
    rate_hz: int
    patch_seconds: float
    data: tuple[DataSet, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    refusals: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        """Return the preview as JSON knows it."""
        return asdict(self)


def preview(config: Config, default_board: str) -> Preview:
    """Find out what would run; ConfigError or AudioError for a data set that cannot be read."""
    features, rate = config.feature_extraction, config.preprocessing.target_rate
    span = (features.patch_length - 1) * features.hop_length + features.n_fft
    data = tuple(found for split in splits_used(config) if (found := _data_set(config, split)))
    return Preview(
        operation_mode=config.operation_mode,
        steps=tuple(_STEP_NAMES[step] for step in STEPS[config.operation_mode]),
        model=_model(config),
        board=_board(config, default_board),
        patch=(features.n_mels, features.patch_length),
        rate_hz=rate,
        patch_seconds=span / rate,
        data=data,
        notes=(*unused(config), *_notes(config)),
        warnings=tuple(device_warnings(config)),
        refusals=tuple(_refusals(config)),
    )


def show(found: Preview, console: Console) -> None:
    """Print a preview: a table, then notes and warnings."""
    table = Table(title="what would run", title_justify="left", show_header=False)
    table.add_row("operation_mode", f"{found.operation_mode}: {', '.join(found.steps)}")
    table.add_row("model", found.model or "none")
    if found.board is not None:
        table.add_row("board", found.board)
    bands, frames = found.patch
    table.add_row(
        "patch",
        f"{bands} mel bands x {frames} frames, {found.patch_seconds:.3f} s at {found.rate_hz} Hz",
    )
    for data in found.data:
        classes = ", ".join(f"{name} {count}" for name, count in data.classes.items())
        table.add_row(
            f"{data.split} set",
            f"{data.clips} clips, {data.seconds:.0f} s, of {data.csv}\n{classes}",
        )
    console.print(table)
    for kind, colour, lines in (
        ("note", "cyan", found.notes),
        ("warning", "yellow", found.warnings),
        ("the device refuses", "red", found.refusals),
    ):
        for line in lines:
            console.print(f"[{colour}]{kind}:[/] ", end="")
            console.print(line, markup=False, highlight=False)


def _data_set(config: Config, split: Any) -> DataSet | None:
    source, dataset = behind(config.dataset, split), datasets.load(config, split)
    if source is None or dataset is None:
        return None
    seconds = sum(audio.duration(clip.path) for clip in dataset.clips)
    return DataSet(split, source.csv.name, len(dataset.clips), seconds, dataset.counts())


def _model(config: Config) -> str | None:
    path, training = config.general.model_path, config.training
    if path is not None:
        return _short(path)
    if training is None or training.model is None:
        return None
    custom = training.custom_model_path
    named = training.model.name
    return f"{named} ({_short(custom)})" if named == "custom" and custom is not None else named


def _board(config: Config, default: str) -> str | None:
    """Return the board of a mode that needs one."""
    return (config.board or default) if set("bd") & set(STEPS[config.operation_mode]) else None


def _short(path: Path) -> str:
    current = Path.cwd()
    return str(path.relative_to(current) if path.is_relative_to(current) else path)


def _notes(config: Config) -> list[str]:
    steps, notes = STEPS[config.operation_mode], []
    if steps == "p":
        files, on = prediction.clips(config), target(config)
        notes.append(f"{len(files)} clips of {_short(prediction.folder(config))} on {on}")
    if "q" in steps and behind(config.dataset, "quantization") is None:
        notes.append("no quantization or training set: random data is used, accuracy will suffer")
    if "qe" in steps or (steps == "e" and (_model(config) or "").endswith(".tflite")):
        notes.append(_streaming_note(config.silence_threshold))
    if set("bd") & set(steps) and behind(config.dataset, "test") is None:
        notes.append("no test set: no clips to compare the board on")
    return notes


def _streaming_note(threshold: float) -> str:
    gate = (
        f"patches of a level under {threshold:g} being silence"
        if threshold
        else "without a silence gate: paritone calibrate finds deployment.silence_threshold"
    )
    return f"the quantized model is evaluated on whole clips too, nothing trimmed, {gate}"


def _refusals(config: Config) -> list[str]:
    """Return the device's own limits, less those that the warnings already name."""
    from paritone.features.limits import device_limits

    warned = {line.split()[0] for line in device_warnings(config)}
    limits = device_limits(config.feature_extraction, config.preprocessing.target_rate)
    return [line for line in limits if line.split()[0] not in warned]
