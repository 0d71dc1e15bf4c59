"""Rows of a data set's CSV: file names and labels, in ESC-50's layout or FSD50K's."""

from __future__ import annotations

import ast
import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from paritone.errors import ConfigError

Line = dict[str, str | None]


@dataclass(frozen=True)
class Row:
    """A row of a CSV: a file name, its distinct labels and, in ESC-50's layout, its fold."""

    filename: str
    labels: tuple[str, ...]
    fold: int | None = None


def read(path: Path, key: str, columns: Sequence[str], row: Callable[[Line], Row]) -> list[Row]:
    """Read a CSV's rows with `row`, whose ValueError is about one line.

    Parameters
    ----------
    key : of the configuration, that names the file
    columns : that must be there

    Raises
    ------
    ConfigError
        Names the file, the line and what was expected.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            table = csv.DictReader(file, skipinitialspace=True)
            if set(columns) - set(table.fieldnames or ()):
                raise ConfigError(
                    f"{path}: expected columns {' and '.join(columns)}, "
                    f"got {', '.join(table.fieldnames or ()) or 'an empty file'}"
                )
            return [_row(row, line, path, table.line_num) for line in table]
    except FileNotFoundError as error:
        raise ConfigError(f"{key}: no such file: {path}") from error
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise ConfigError(f"{path}: expected a CSV file in UTF-8: {error}") from error


def _row(row: Callable[[Line], Row], line: Line, path: Path, number: int) -> Row:
    try:
        return row(line)
    except ValueError as error:
        raise ConfigError(f"{path}: line {number}: {error}") from error


def esc(multi_label: bool) -> Callable[[Line], Row]:
    """Return what makes a `Row` of a line with ``filename``, ``category`` and perhaps ``fold``."""

    def row(line: Line) -> Row:
        filename, category = cells(line, "filename", "category")
        labels = _categories(category) if multi_label else _only(category)
        fold = (line.get("fold") or "").strip()
        return Row(filename, labels, int(fold) if fold.isdigit() else None)

    return row


def cells(line: Line, *names: str) -> tuple[str, ...]:
    """Return the stripped text of columns, none of which may be empty."""
    found = tuple((line.get(name) or "").strip() for name in names)
    if "" in found:
        raise ValueError(f"expected {' and '.join(f'a {name}' for name in names)}")
    return found


def _only(category: str) -> tuple[str, ...]:
    if not category.startswith("["):
        return (category,)
    labels = _categories(category)
    if len(labels) > 1:
        raise ValueError(f"{len(labels)} categories, expected one: set dataset.multi_label to True")
    return labels


def _categories(text: str) -> tuple[str, ...]:
    """Split ``['dog', 'rain']``, ``dog;rain`` or ``dog,rain`` into distinct labels."""
    items: list[str] = []
    if text[:1] + text[-1:] in ("[]", "()"):
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            items = text[1:-1].split(",")  # names without quotes
        else:
            listed = value if isinstance(value, (list, tuple)) else [value]
            items = [str(item) for item in listed]
    else:
        items = text.split(";" if ";" in text else ",")
    labels = (item.strip().strip("'\"").strip() for item in items)
    found = tuple(dict.fromkeys(label for label in labels if label))
    if not found:
        raise ValueError("expected a filename and a category")
    return found
