"""Turns pydantic's findings into the lines that a user reads."""

from __future__ import annotations

import difflib
import typing
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

_MOST_LINES = 5


def explain(error: ValidationError, root: type[BaseModel]) -> str:
    """Return one line a problem (five at most): where, what was expected, what came."""
    lines = [_explain_one(detail, root) for detail in error.errors(include_url=False)]
    lines = list(dict.fromkeys(lines))
    if len(lines) > _MOST_LINES:
        lines = [*lines[:_MOST_LINES], f"... and {len(lines) - _MOST_LINES} more"]
    return "\n".join(lines)


def near_miss(word: str, legal: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)`` for the legal word nearest to `word`, or nothing."""
    by_lower = {name.lower(): name for name in legal}
    found = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return f" (did you mean '{by_lower[found[0]]}'?)" if found else ""


def _explain_one(detail: Any, root: type[BaseModel]) -> str:
    path, place = detail["loc"], ".".join(str(step) for step in detail["loc"])
    kind, came, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown(path, root)
    if kind == "missing":
        return f"{place}: is required, and is not there"
    if kind == "literal_error":
        legal = _legal_values(path, root)
        return (
            f"{place}: expected {_or(legal) or context.get('expected')}, "
            f"got {_short(came)}{near_miss(str(came), legal)}"
        )
    if kind == "value_error":
        return f"{place}: expected {context['error']}, got {_shown(came)}"
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return f"{place}: expected keys and values, got {_shown(came)}"
    wanted = detail["msg"].removeprefix("Input should be ")
    return f"{place}: expected {_range(kind, wanted)}, got {_shown(came)}"


def _range(kind: str, wanted: str) -> str:
    numeric = kind in ("greater_than", "greater_than_equal", "less_than", "less_than_equal")
    return f"a number {wanted}" if numeric else wanted


def _shown(value: object) -> str:
    return f"{_short(value)} ({type(value).__name__})"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _or(words: Sequence[str]) -> str:
    return ", ".join(words[:-1]) + " or " + words[-1] if len(words) > 1 else "".join(words)


def _unknown(path: tuple[Any, ...], root: type[BaseModel]) -> str:
    record = record_at(root, path[:-1])
    word, legal = str(path[-1]), list(record.model_fields) if record else []
    if len(path) == 1:
        return (
            f"unknown section '{word}'{near_miss(word, legal)}; legal sections: {', '.join(legal)}"
        )
    section = ".".join(str(step) for step in path[:-1])
    return (
        f"section '{section}': unknown key '{word}'{near_miss(word, legal)}; "
        f"legal keys: {', '.join(legal)}"
    )


def record_at(root: type[BaseModel], path: Sequence[Any]) -> type[BaseModel] | None:
    """Return the record that the keys of `path` lead to, or None if they lead elsewhere."""
    record: type[BaseModel] | None = root
    for step in path:
        field = record.model_fields.get(str(step)) if record else None
        record = (
            next((t for t in _types(field.annotation) if _is_record(t)), None) if field else None
        )
    return record


def _legal_values(path: Sequence[Any], root: type[BaseModel]) -> list[str]:
    record = record_at(root, path[:-1])
    field = record.model_fields.get(str(path[-1])) if record else None
    types = _types(field.annotation) if field else []
    legal = [str(v) for t in types if typing.get_origin(t) is typing.Literal for v in t.__args__]
    return [*legal, "None"] if legal and type(None) in types else legal


def _types(annotation: Any) -> list[Any]:
    if typing.get_origin(annotation) in (None, typing.Literal):
        return [annotation]
    return [kind for part in typing.get_args(annotation) for kind in _types(part)]


def _is_record(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
