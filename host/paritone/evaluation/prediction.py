"""Classes of unlabelled clips: of each clip, and of each of its patches along its time line."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paritone import audio, cores, datasets, evaluation
from paritone import task as tasks
from paritone.config import Config, need, target
from paritone.datasets import Clip
from paritone.datasets.clips import ClipData
from paritone.errors import AudioError, ConfigError
from paritone.evaluation import scoring
from paritone.evaluation.accuracy import SILENCE, Scores
from paritone.progress import notice, track
from paritone.task import Task

SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")
CLIPS_NAME, PATCHES_NAME, FIGURES = "predictions.csv", "predictions_patches.csv", "predictions"
MOST_FIGURES = 100


@dataclass(frozen=True)
class Recording:
    """A clip to predict.

    Attributes
    ----------
    file : its path inside ``prediction.test_files_path``
    frames : the first frame of each patch, of the preprocessed clip
    starts_s : where each patch starts in the file itself, float64 [patches], in s
    """

    file: str
    data: ClipData
    frames: tuple[int, ...]
    starts_s: NDArray[np.float64]


@dataclass(frozen=True)
class Verdict:
    """What a clip or a patch is taken for.

    Attributes
    ----------
    classes : the highest score first; with one label a clip there is one, or none
    scores : of `classes`; where there are none, the highest there was, 0 for silence
    nothing : what to call it where it is of no class
    """

    classes: tuple[str, ...]
    scores: tuple[float, ...]
    nothing: str = SILENCE

    @property
    def label(self) -> str:
        """The classes as one text, ``dog;rain``."""
        return ";".join(self.classes) or self.nothing

    def score_text(self, digits: int) -> str:
        """The scores as one text, in the order of the label's classes."""
        return ";".join(f"{score:.{digits}f}" for score in self.scores)


@dataclass(frozen=True)
class Prediction:
    """What a clip is taken for.

    Attributes
    ----------
    verdict : on the mean scores of the patches that are not silence
    patches : verdicts on each patch
    scores : [patches, classes]; zero where a patch is silence
    """

    recording: Recording
    verdict: Verdict
    patches: tuple[Verdict, ...]
    scores: Scores

    @property
    def label(self) -> str:
        """The clip's class, or classes."""
        return self.verdict.label

    @property
    def score(self) -> float:
        """The clip's highest score."""
        return self.verdict.scores[0]

    @property
    def labels(self) -> tuple[str, ...]:
        """The class, or classes, of each patch."""
        return tuple(patch.label for patch in self.patches)


@dataclass(frozen=True)
class Predictions:
    """What a folder of clips is taken for; `unreadable` gives the reason for each file."""

    target: str
    class_names: tuple[str, ...]
    clips: tuple[Prediction, ...]
    unreadable: Mapping[str, str]
    seconds_per_frame: float

    def summary(self) -> dict[str, Any]:
        """Section "prediction" of summary.json."""
        found = {
            "target": self.target,
            "clips": len(self.clips),
            "patches": sum(len(clip.labels) for clip in self.clips),
            "classes": dict(sorted(Counter(_each_class(self.clips)).items())),
        }
        return {**found, "unreadable": dict(self.unreadable)} if self.unreadable else found


def clips(config: Config) -> list[Path]:
    """Return the audio files of ``prediction.test_files_path`` and the folders in it, sorted.

    Raises
    ------
    ConfigError
        There is none.
    """
    place = folder(config)
    suffixes = {*SUFFIXES, config.dataset.file_extension.lower()}
    found = sorted(p for p in place.rglob("*") if p.suffix.lower() in suffixes and p.is_file())
    if not found:
        raise ConfigError(
            f"prediction.test_files_path: no clip ({', '.join(sorted(suffixes))}) in {place}"
        )
    return found


def folder(config: Config) -> Path:
    """Return ``prediction.test_files_path``; ConfigError if it is not there."""
    return need(need(config.prediction, "prediction").test_files_path, "test_files_path")


def _name(path: Path, config: Config) -> str:
    return path.relative_to(folder(config)).as_posix()


def predict(model: Path, config: Config) -> Predictions:
    """Predict every clip of ``prediction.test_files_path`` on ``prediction.target``.

    Raises
    ------
    ConfigError, ModelError, ToolMissingError, CheckFailedError
        A clip that cannot be read or is too short is in `Predictions.unreadable` instead.
    """
    task = tasks.of(config, datasets.class_names(config))
    recordings, unreadable = _read(clips(config), config)
    heard = _heard(model, recordings, config)
    features = config.feature_extraction
    return Predictions(
        target(config),
        task.names,
        tuple(
            judge(recording, scores, silent, task)
            for recording, (scores, silent) in zip(recordings, heard, strict=True)
        ),
        unreadable,
        features.hop_length / config.preprocessing.target_rate,
    )


def _each_class(clips: Iterable[Prediction]) -> Iterator[str]:
    """Every class of every clip; what a clip of none is called."""
    for clip in clips:
        yield from clip.verdict.classes or (clip.label,)


def judge(
    recording: Recording, scores: Scores, silent: NDArray[np.bool_], task: Task
) -> Prediction:
    """Classes of a clip and its patches; silent patches do not vote, low scores have no class."""
    mute, voting = Verdict((), (0.0,)), scores[~silent]
    return Prediction(
        recording,
        _verdict(voting.mean(axis=0, dtype=np.float64), task) if len(voting) else mute,
        tuple(
            mute if still else _verdict(row, task)
            for row, still in zip(scores, silent, strict=True)
        ),
        scores,
    )


def _verdict(row: NDArray[np.floating[Any]], task: Task) -> Verdict:
    there = task.found(row)
    scores = tuple(float(row[i]) for i in there) or (float(row.max()),)
    return Verdict(tuple(task.names[i] for i in there), scores, task.nothing)


def _read(paths: Sequence[Path], config: Config) -> tuple[list[Recording], dict[str, str]]:
    """Prepare clips on every core; those that cannot be, with the reason."""

    def read(path: Path) -> Recording | AudioError:
        try:
            return _recording(path, config)
        except AudioError as error:
            return error

    good, bad = [], {}
    with ThreadPoolExecutor(cores.count()) as pool:
        done = track(pool.map(read, paths), "Reading clips to predict", len(paths))
        for path, found in zip(paths, done, strict=True):
            if isinstance(found, AudioError):
                bad[_name(path, config)] = str(found)
            else:
                good.append(found)
    return good, bad


def _recording(path: Path, config: Config) -> Recording:
    """Read a clip as evaluation does, and find its patches in the file; AudioError names it."""
    from paritone.features import log_mel

    settings, features = config.preprocessing, config.feature_extraction
    wave = audio.load(path, settings.target_rate)
    kept = audio.positions(wave, settings)
    clip = audio.preprocess(wave, settings)
    try:
        patches = log_mel.patches(clip, features, settings.target_rate)
    except AudioError as error:
        raise AudioError(f"{path}: after preprocessing {error}") from error
    frames = log_mel.patch_starts(log_mel.frame_count(len(clip), features), features)
    samples = np.minimum(np.array(frames) * features.hop_length, len(kept) - 1)
    return Recording(
        _name(path, config),
        ClipData(Clip(path, ()), audio.to_int16(clip), patches),
        tuple(frames),
        kept[samples] / settings.target_rate,
    )


def _heard(model: Path, recordings: Sequence[Recording], config: Config) -> list[scoring.Heard]:
    if not recordings:
        return []
    on = target(config)
    if on == "host":
        scores = evaluation.float_scores(model, [item.data for item in recordings], config)
        return [(found, np.zeros(len(found), bool)) for found in scores]
    port = need(config.prediction, "prediction").port
    with scoring.scorer(model, config, on, port) as score:
        return [
            score(item.data.pcm) for item in track(recordings, f"Predicting, {on}", len(recordings))
        ]


def save(found: Predictions, run_dir: Path) -> None:
    """Write both CSV files, each whole or not at all, and a figure of each clip's time line."""
    rows = [(c.recording.file, c.label, c.verdict.score_text(6)) for c in found.clips]
    _write(run_dir / CLIPS_NAME, ("file", "class", "score"), rows)
    lines = (
        (clip.recording.file, f"{start:.3f}", patch.label, patch.score_text(6))
        for clip in found.clips
        for start, patch in zip(clip.recording.starts_s, clip.patches, strict=True)
    )
    _write(run_dir / PATCHES_NAME, ("file", "start_s", "class", "score"), lines)
    _draw(found, run_dir / FIGURES)


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    partial = path.with_name(f"{path.name}.partial")
    try:
        with partial.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([header, *rows])
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _draw(found: Predictions, folder: Path) -> None:
    from paritone.evaluation import figures

    drawn = found.clips[:MOST_FIGURES]
    if len(drawn) < len(found.clips):
        notice(f"time lines are drawn of the first {len(drawn)} of {len(found.clips)} clips")
    for clip in track(drawn, "Drawing time lines", len(drawn)):
        path = folder / f"{clip.recording.file}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        figure = figures.time_line(
            clip.recording.data.patches,
            clip.recording.frames,
            clip.scores,
            found.class_names,
            found.seconds_per_frame,
            f"{clip.recording.file}: {clip.label} {clip.verdict.score_text(2)}",
        )
        figures.save(figure, path)


def show(found: Predictions) -> None:
    """Print a table: file, class and score of each clip, and its classes in time."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("file", "class", title="predictions", title_justify="left")
    table.add_column("score", justify="right")
    table.add_column("time line")
    for clip in found.clips:
        texts = (clip.recording.file, clip.label, clip.verdict.score_text(3), _spans(clip))
        table.add_row(*map(escape, texts))
    Console().print(table)


def _spans(clip: Prediction) -> str:
    """Neighbouring patches of one class together: ``0.0 s dog, 2.2 s rain``."""
    spans, last = [], None
    for start, label in zip(clip.recording.starts_s, clip.labels, strict=True):
        if label != last:
            spans.append(f"{start:.1f} s {label}")
        last = label
    return ", ".join(spans)
