"""Data sets in the ESC layout: a CSV of file names and categories beside a folder of audio."""

from __future__ import annotations

import csv
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from paritone.config import Config, Source, Split, behind, given
from paritone.config import Dataset as Settings
from paritone.errors import AudioError, ConfigError

GARBAGE_CLASS = "other"
"""The class of every clip whose category is not among ``class_names``."""

_AUDIO_SUFFIXES = (".wav", ".flac", ".ogg")


@dataclass(frozen=True)
class Clip:
    """One audio file and its classes (exactly one, while multi-label is not there yet)."""

    path: Path
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Dataset:
    """Clips in the order of the CSV, and the class names in the order of a model's outputs."""

    clips: tuple[Clip, ...]
    class_names: tuple[str, ...]

    def counts(self) -> dict[str, int]:
        """Return the number of clips of each class, in the order of `class_names`."""
        counted = Counter(label for clip in self.clips for label in clip.labels)
        return {name: counted[name] for name in self.class_names}


@dataclass(frozen=True)
class Row:
    """A row of the CSV: a file name and its category."""

    filename: str
    category: str
    fold: int | None


def load(config: Config, split: Split) -> Dataset | None:
    """Return the clips of a split after the zoo's fall-backs, or None if there is no data.

    validation without files of its own is a stratified part of training, test falls back to
    validation, quantization to training; ``quantization_split`` keeps a stratified fraction.
    Raises ConfigError for an unfit CSV, AudioError for clips that are not there.
    """
    settings = config.dataset
    _refuse_what_is_not_there(settings)
    source = behind(settings, split)
    if source is None:
        return None
    names = class_names(config)
    rows = _keep_classes(_rows_of_folds(source), settings, names, source)
    rows = _part(rows, settings, split, source)
    if split == "quantization" and settings.quantization_split not in (None, 1.0):
        rows = _fraction(rows, settings.quantization_split or 1.0, settings)
    clips = tuple(Clip(_find(row, source, settings), (row.category,)) for row in rows)
    _refuse_missing(clips, source)
    return Dataset(clips, names)


def class_names(config: Config) -> tuple[str, ...]:
    """Return the classes, sorted alphabetically, inferred from the first CSV there is.

    ``other`` is added, and sorted in, for the garbage class. ConfigError if there is none.
    """
    settings = config.dataset
    names = settings.class_names
    if names is None:
        _refuse_what_is_not_there(settings)
        order: tuple[Split, ...] = ("training", "validation", "test", "quantization")
        source = next((s for s in (given(settings, split) for split in order) if s), None)
        if source is None:
            raise ConfigError("dataset.class_names: is needed where there is no data set")
        names = tuple({row.category for row in _read(source)})
    garbage = {GARBAGE_CLASS} if settings.use_garbage_class else set()
    return tuple(sorted({*names, *garbage}))


def _refuse_what_is_not_there(settings: Settings) -> None:
    if settings.name == "fsd50k":
        raise ConfigError("dataset.name fsd50k is not there yet")
    if settings.multi_label:
        raise ConfigError("dataset.multi_label True is not there yet")


def _read(source: Source) -> list[Row]:
    """Read a CSV's rows; ConfigError names the file, the line and the column that is unfit."""
    try:
        with source.csv.open(newline="", encoding="utf-8-sig") as file:
            table = csv.DictReader(file, skipinitialspace=True)
            missing = {"filename", "category"} - set(table.fieldnames or ())
            if missing:
                raise ConfigError(
                    f"{source.csv}: expected columns filename and category, "
                    f"got {', '.join(table.fieldnames or ()) or 'an empty file'}"
                )
            return [_row(line, source.csv, table.line_num) for line in table]
    except FileNotFoundError as error:
        raise ConfigError(f"dataset.{source.split}_csv_path: no such file: {source.csv}") from error
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise ConfigError(f"{source.csv}: expected a CSV file in UTF-8: {error}") from error


def _row(line: dict[str, str | None], path: Path, number: int) -> Row:
    filename, category = (line.get(key) or "" for key in ("filename", "category"))
    if not filename.strip() or not category.strip():
        raise ConfigError(f"{path}: line {number}: expected a filename and a category")
    if category.strip().startswith("["):
        raise ConfigError(f"{path}: line {number}: lists of categories are not there yet")
    fold = (line.get("fold") or "").strip()
    return Row(filename.strip(), category.strip(), int(fold) if fold.isdigit() else None)


def _rows_of_folds(source: Source) -> list[Row]:
    rows = _read(source)
    if source.folds is None:
        return rows
    kept = [row for row in rows if row.fold in source.folds]
    if not kept:
        there = sorted({row.fold for row in rows if row.fold is not None})
        raise ConfigError(
            f"dataset.{source.split}_folds: expected some of {there or 'a column fold'}, "
            f"got {list(source.folds)}"
        )
    return kept


def _keep_classes(
    rows: list[Row], settings: Settings, names: Sequence[str], source: Source
) -> list[Row]:
    """Keep the rows of known classes; the others become the garbage class, if there is one."""
    known = set(names) - ({GARBAGE_CLASS} if settings.use_garbage_class else set())
    kept = [row for row in rows if row.category in known]
    if not kept:
        there = sorted({row.category for row in rows})
        raise ConfigError(
            f"dataset.class_names: none of {', '.join(sorted(known))} is in {source.csv}, "
            f"which holds {', '.join(there) or 'no rows'}"
        )
    if not settings.use_garbage_class:
        return kept
    garbage = _garbage([row for row in rows if row.category not in known], settings, kept)
    order = {id(row): index for index, row in enumerate(rows)}
    chosen = sorted([*kept, *garbage], key=lambda row: order[id(row)])
    return [
        row if row.category in known else Row(row.filename, GARBAGE_CLASS, row.fold)
        for row in chosen
    ]


def _garbage(rows: list[Row], settings: Settings, kept: list[Row]) -> list[Row]:
    """Draw ``n_samples_per_garbage_class`` rows of each unused category.

    Without that key, as many as make the garbage class as large as the average class.
    """
    categories = sorted({row.category for row in rows})
    if not categories:
        return []
    wanted = settings.n_samples_per_garbage_class
    if wanted is None:
        average = len(kept) / len({row.category for row in kept})
        wanted = max(1, round(average / len(categories)))
    draw = random.Random(settings.seed)
    chosen = []
    for category in categories:
        members = [row for row in rows if row.category == category]
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
    """Divide rows with scikit-learn's stratified split; the second part has `fraction` of them."""
    from sklearn.model_selection import train_test_split

    labels = [row.category for row in rows]
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
