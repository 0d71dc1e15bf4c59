"""Which CSV and folder stand behind each data set: the zoo's fall-backs, in one place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from paritone.config.coercion import OTHERS
from paritone.config.data import Dataset
from paritone.config.records import Config

Split = Literal["training", "validation", "quantization", "test"]
SPLITS: tuple[Split, ...] = ("training", "validation", "quantization", "test")


@dataclass(frozen=True)
class Source:
    """A CSV, its folder of audio, and the folds to keep (None: all of them) or leave out."""

    split: Split
    csv: Path
    audio: Path
    folds: tuple[int, ...] | None
    without: tuple[int, ...] = ()


def given(dataset: Dataset, split: Split) -> Source | None:
    """Return the source that the section itself names for a split, or None.

    A split with folds but no paths of its own takes the training set's CSV and folder, so that
    one CSV with a ``fold`` column serves cross-validation.
    """
    csv, audio, folds = _keys(dataset, split)
    if csv is None and audio is None and folds is not None:
        csv, audio, _ = _keys(dataset, "training")
    if csv is None or audio is None:
        return None
    if folds == OTHERS:
        return Source(split, csv, audio, None, held_out(dataset, csv))
    return Source(split, csv, audio, folds)


def held_out(dataset: Dataset, csv: Path) -> tuple[int, ...]:
    """Return the folds of a CSV that the validation and test sets name."""
    apart: tuple[Split, ...] = ("validation", "test")
    sources = [given(dataset, split) for split in apart]
    return tuple(
        f for one in sources if one is not None and one.csv == csv for f in one.folds or ()
    )


def with_published_sets(config: Config) -> Config:
    """Name the sets of ``dataset.name`` fsd50k: dev is training, eval is validation.

    ``dataset_specific.fsd50k`` says where they are; other training and validation paths are of
    no use then.
    """
    specific = config.dataset_specific
    section = specific.fsd50k if specific is not None else None
    if config.dataset.name != "fsd50k" or section is None:
        return config
    folder, paths = section.csv_folder, {}
    for split, part in (("training", "dev"), ("validation", "eval")):
        paths[f"{split}_csv_path"] = folder / f"{part}.csv" if folder is not None else None
        paths[f"{split}_audio_path"] = getattr(section, f"{part}_audio_folder")
    return config.model_copy(update={"dataset": config.dataset.model_copy(update=paths)})


def behind(dataset: Dataset, split: Split) -> Source | None:
    """Return the source that a split is read from after fall-backs, or None for no data.

    test falls back to validation, validation and quantization to a part of training; without
    a ``validation_split`` there is no validation part.
    """
    own = given(dataset, split)
    if own is not None or split == "training":
        return own
    if split == "validation" and dataset.validation_split is None:
        return None
    return behind(dataset, "validation" if split == "test" else "training")


def _keys(dataset: Dataset, split: Split) -> tuple[Path | None, Path | None, Any]:
    return (
        getattr(dataset, f"{split}_csv_path"),
        getattr(dataset, f"{split}_audio_path"),
        getattr(dataset, f"{split}_folds"),
    )
