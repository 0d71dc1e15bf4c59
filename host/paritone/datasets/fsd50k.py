"""FSD50K's labels: what its CSVs list, less what the AudioSet ontology says follows from it.

E. Fonseca et al., FSD50K: an Open Dataset of Human-Labeled Sound Events, arXiv:2010.00475. Its
labels are propagated: a clip of a violin is labelled Bowed_string_instrument, Musical_instrument
and Music too. Unsmearing takes those back.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

from paritone.config import Config, need
from paritone.config.data import Fsd50k
from paritone.datasets.rows import Line, Row, cells
from paritone.errors import ConfigError

Children = Mapping[str, tuple[str, ...]]


def section(config: Config) -> Fsd50k:
    """Return ``dataset_specific.fsd50k``; ConfigError if it is not there."""
    specific = need(config.dataset_specific, "dataset_specific")
    return need(specific.fsd50k, "dataset_specific.fsd50k")


def rows(settings: Fsd50k) -> Callable[[Line], Row]:
    """Return what makes a `Row` of a line with ``fname``, ``labels`` and ``mids``, unsmeared.

    Raises
    ------
    ConfigError
        About the ontology.
    """
    path = need(settings.audioset_ontology_path, "dataset_specific.fsd50k.audioset_ontology_path")
    children = read_ontology(path)
    below = cache(lambda mid: descendants(mid, children))

    def row(line: Line) -> Row:
        filename, labels, mids = (
            [item.strip() for item in cell.split(",")]
            for cell in cells(line, "fname", "labels", "mids")
        )
        if len(labels) != len(mids):
            raise ValueError(f"{len(labels)} labels, but {len(mids)} mids")
        return Row(filename[0], unsmear(labels, mids, below))

    return row


def unsmear(
    labels: Sequence[str], mids: Sequence[str], below: Callable[[str], frozenset[str]]
) -> tuple[str, ...]:
    """Drop each label one of whose descendants is there too.

    Parameters
    ----------
    mids : the ontology's identifiers of `labels`, in their order
    below : descendants of an identifier
    """
    there = set(mids)
    kept = (
        label
        for label, mid in zip(labels, mids, strict=True)
        if label and not (below(mid) & there) - {mid}
    )
    return tuple(dict.fromkeys(kept))


def descendants(mid: str, children: Children) -> frozenset[str]:
    """Return everything below an entry of the ontology, where entries may have several parents."""
    found: set[str] = set()
    waiting = list(children.get(mid, ()))
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += children.get(one, ())
    return frozenset(found)


def read_ontology(path: Path) -> Children:
    """Read AudioSet's ``ontology.json``: the children of each identifier.

    Raises
    ------
    ConfigError
        Names the file, and what was expected.
    """
    expected = f"{path}: expected AudioSet's ontology, a JSON list of {{id, name, child_ids}}"
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return {str(entry["id"]): tuple(map(str, entry["child_ids"])) for entry in entries}
    except OSError as error:
        raise ConfigError(
            f"dataset_specific.fsd50k.audioset_ontology_path: {path}: {error.strerror}"
        ) from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{expected}, got: {error}") from error
    except (KeyError, TypeError) as error:
        raise ConfigError(f"{expected}, got other keys") from error
