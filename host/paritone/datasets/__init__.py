"""Data sets: a CSV of file names and labels beside a folder of audio, and their splits."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from paritone import task as tasks
from paritone.config import Config, Source, Split, behind, given
from paritone.config import Dataset as Settings
from paritone.datasets import fsd50k, stratified
from paritone.datasets.rows import Row, esc, read
from paritone.errors import AudioError, ConfigError
from paritone.task import Labels

GARBAGE_CLASS = "other"
"""The class of every clip whose category is not among ``class_names``."""

_AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")


@dataclass(frozen=True)
class Clip:
    """One audio file and its classes: exactly one, unless ``dataset.multi_label`` is true."""

    path: Path
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Dataset:
    """Clips in the order of the CSV, and the class names in the order of a model's outputs."""

    clips: tuple[Clip, ...]
    class_names: tuple[str, ...]

    @property
    def labels(self) -> Labels:
        """Which clip is of which class: bool [clips, classes]."""
        return tasks.matrix([clip.labels for clip in self.clips], self.class_names)

    def counts(self) -> dict[str, int]:
        """Return the number of clips of each class, in the order of `class_names`."""
        counted = Counter(label for clip in self.clips for label in clip.labels)
        return {name: counted[name] for name in self.class_names}


def load(config: Config, split: Split) -> Dataset | None:
    """Return the clips of a split after the zoo's fall-backs, or None if there is no data.

    validation without files of its own is a stratified part of training, test falls back to
    validation, quantization to training; ``quantization_split`` keeps a stratified fraction.
    Raises ConfigError for an unfit CSV, AudioError for clips that are not there.
    """
    settings = config.dataset
    source = behind(settings, split)
    if source is None:
        return None
    names = class_names(config)
    rows = _keep_classes(_rows_of_folds(source, config), settings, names, source)
    rows = _part(rows, settings, split, source)
    if split == "quantization" and settings.quantization_split not in (None, 1.0):
        rows = _fraction(rows, settings.quantization_split or 1.0, settings)
    clips = tuple(Clip(_find(row, source, settings), row.labels) for row in rows)
    _refuse_missing(clips, source)
    return Dataset(clips, names)


def class_names(config: Config) -> tuple[str, ...]:
    """Return the classes, sorted alphabetically, inferred from the first CSV there is.

    ``other`` is added, and sorted in, for the garbage class. ConfigError if there is none.
    """
    settings = config.dataset
    names = settings.class_names
    if names is None:
        order: tuple[Split, ...] = ("training", "validation", "test", "quantization")
        source = next((s for s in (given(settings, split) for split in order) if s), None)
        if source is None:
            raise ConfigError("dataset.class_names: is needed where there is no data set")
        names = tuple({label for row in _read(source, config) for label in row.labels})
    garbage = {GARBAGE_CLASS} if settings.use_garbage_class else set()
    return tuple(sorted({*names, *garbage}))


def _read(source: Source, config: Config) -> list[Row]:
    """Read a CSV's rows; FSD50K's are unsmeared, and left out if they are to have one label."""
    if config.dataset.name != "fsd50k":
        key = f"dataset.{source.split}_csv_path"
        return read(source.csv, key, ("filename", "category"), esc(config.dataset.multi_label))
    settings = fsd50k.section(config)
    key = "dataset_specific.fsd50k.csv_folder"
    found = read(source.csv, key, ("fname", "labels", "mids"), fsd50k.rows(settings))
    return [row for row in found if len(row.labels) == 1 or not settings.only_keep_monolabel]


def _rows_of_folds(source: Source, config: Config) -> list[Row]:
    rows = _read(source, config)
    if source.folds is None and not source.without:
        return rows
    there = sorted({row.fold for row in rows if row.fold is not None})
    wanted = there if source.folds is None else source.folds
    kept = [row for row in rows if row.fold in set(wanted) - set(source.without)]
    if not kept:
        raise ConfigError(
            f"dataset.{source.split}_folds: expected some of {there or 'a column fold'}, "
            f"got {list(source.folds or source.without)}"
        )
    return kept


def _keep_classes(
    rows: list[Row], settings: Settings, names: Sequence[str], source: Source
) -> list[Row]:
    """Keep the rows of known classes; the others become the garbage class, if there is one."""
    known = set(names) - ({GARBAGE_CLASS} if settings.use_garbage_class else set())
    kept = [row for row in rows if known & set(row.labels)]
    if not kept:
        there = sorted({label for row in rows for label in row.labels})
        raise ConfigError(
            f"dataset.class_names: none of {', '.join(sorted(known))} is in {source.csv}, "
            f"which holds {', '.join(there) or 'no rows'}"
        )
    chosen = kept
    if settings.use_garbage_class:
        garbage = _garbage([row for row in rows if not known & set(row.labels)], settings, kept)
        order = {id(row): index for index, row in enumerate(rows)}
        chosen = sorted([*kept, *garbage], key=lambda row: order[id(row)])
    return [replace(row, labels=_known(row, known)) for row in chosen]


def _known(row: Row, known: set[str]) -> tuple[str, ...]:
    """A row's labels among `known`, or else the garbage class."""
    return tuple(label for label in row.labels if label in known) or (GARBAGE_CLASS,)


def _garbage(rows: list[Row], settings: Settings, kept: list[Row]) -> list[Row]:
    """Draw ``n_samples_per_garbage_class`` rows of each unused category, a row's first label.

    Without that key, as many as make the garbage class as large as the average class.
    """
    categories = sorted({row.labels[0] for row in rows})
    if not categories:
        return []
    wanted = settings.n_samples_per_garbage_class
    if wanted is None:
        average = len(kept) / len({row.labels[0] for row in kept})
        wanted = max(1, round(average / len(categories)))
    draw = random.Random(settings.seed)
    chosen = []
    for category in categories:
        members = [row for row in rows if row.labels[0] == category]
        chosen += draw.sample(members, min(wanted, len(members)))
    return chosen


def _part(rows: list[Row], settings: Settings, split: Split, source: Source) -> list[Row]:
    """Return a split's side of training and validation, where both share the training rows."""
    if source.split != "training" or given(settings, "validation") is not None:
        return rows
    fraction = settings.validation_split
    if fraction is None:
        return rows
    training, validation = _split(rows, fraction, settings, "validation_split")
    return validation if split in ("validation", "test") else training


def _fraction(rows: list[Row], fraction: float, settings: Settings) -> list[Row]:
    """Keep a fraction, stratified unless it is too small to hold every class."""
    try:
        return _split(rows, fraction, settings, "quantization_split")[1]
    except ConfigError:
        count = max(1, round(len(rows) * fraction))
        return random.Random(settings.seed).sample(rows, count)


def _split(
    rows: list[Row], fraction: float, settings: Settings, key: str
) -> tuple[list[Row], list[Row]]:
    """Divide rows so that each class is divided too; the second part has `fraction` of them."""
    from sklearn.model_selection import train_test_split

    if settings.multi_label:
        return _divide(rows, fraction, settings, key)
    labels = [row.labels[0] for row in rows]
    try:
        first, second = train_test_split(
            rows, test_size=fraction, random_state=settings.seed, stratify=labels
        )
    except ValueError as error:
        raise ConfigError(
            f"dataset.{key}: {fraction:g} of {len(rows)} clips cannot be divided over "
            f"{len(set(labels))} classes: {error}"
        ) from error
    return first, second


def _divide(
    rows: list[Row], fraction: float, settings: Settings, key: str
) -> tuple[list[Row], list[Row]]:
    """As `_split`, where rows have several labels."""
    names = sorted({label for row in rows for label in row.labels})
    labels = tasks.matrix([row.labels for row in rows], names)
    apart = stratified.divide(labels, fraction, settings.seed)
    if apart.all() or not apart.any():
        raise ConfigError(f"dataset.{key}: {fraction:g} of {len(rows)} clips leaves a part empty")
    parts = [
        [row for row, there in zip(rows, apart, strict=True) if there is side]
        for side in (False, True)
    ]
    return parts[0], parts[1]


def _find(row: Row, source: Source, settings: Settings) -> Path:
    """Return the path of a row's clip; the extension may be left out, or be another's."""
    name = row.filename.replace("\\", "/")
    named, appended = source.audio / name, source.audio / (name + settings.file_extension)
    replaced = named.with_suffix(settings.file_extension)
    has_suffix = named.suffix.lower() in (*_AUDIO_SUFFIXES, settings.file_extension.lower())
    candidates = (named, replaced, appended) if has_suffix else (appended, named)
    return next((path for path in candidates if path.is_file()), candidates[0])


def _refuse_missing(clips: Sequence[Clip], source: Source) -> None:
    missing = [clip.path for clip in clips if not clip.path.is_file()]
    if missing:
        more = f" (and {len(missing) - 1} more of {len(clips)})" if len(missing) > 1 else ""
        raise AudioError(f"{missing[0]}: named in {source.csv.name}, and is not there{more}")
