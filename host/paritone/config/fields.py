"""Types of single values that the records share, and the record they all are."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from paritone.config.coercion import (
    Arguments,
    Text,
    is_none,
    optional,
    to_float,
    to_int,
    to_path,
    to_text,
)

_INT, _FLOAT = BeforeValidator(optional(to_int)), BeforeValidator(optional(to_float))
# The bounds lie inside the optional: they do not apply to None.
OptionalCount = Annotated[Annotated[int, Field(ge=1)] | None, _INT]
OptionalFraction = Annotated[
    Annotated[float, Field(gt=0, lt=1)] | None, BeforeValidator(optional(to_float))
]
OptionalShare = Annotated[
    Annotated[float, Field(gt=0, le=1)] | None, BeforeValidator(optional(to_float))
]
OptionalSeed = Annotated[Annotated[int, Field(ge=0)] | None, _INT]
OptionalPositive = Annotated[
    Annotated[float, Field(gt=0)] | None, BeforeValidator(optional(to_float))
]
OptionalRate = Annotated[
    Annotated[float, Field(ge=0, lt=1)] | None, BeforeValidator(optional(to_float))
]
OptionalThreshold = Annotated[
    Annotated[float, Field(ge=0, le=1)] | None, BeforeValidator(optional(to_float))
]
OptionalLevel = Annotated[
    Annotated[float, Field(ge=0, le=1e9)] | None, BeforeValidator(optional(to_float))
]


def _thresholds(value: Any) -> Any:
    """A number from 0 to 1, one for each class, or the JSON file that holds these."""
    try:
        if isinstance(value, str) and value.strip().lower().endswith(".json"):
            value = json.loads(to_path(value).read_text(encoding="utf-8"))
        if not isinstance(value, dict):
            return _share(value)
        return {str(name): _share(one) for name, one in value.items()}
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(
            "a number from 0 to 1, one for each class, or a JSON file (.json) of these"
        ) from error


def _share(value: Any) -> float:
    number = float(to_float(value))
    if not 0 <= number <= 1:
        raise ValueError("a number from 0 to 1")
    return number


OptionalThresholds = Annotated[Any, BeforeValidator(optional(_thresholds))]
PadMode = Literal["constant", "edge", "linear_ramp", "reflect", "symmetric", "empty"]


def none(value: Any) -> Any:
    """Read what YAML may write for nothing as None; anything else stays as it is."""
    return None if is_none(value) else value


def one_named(value: Any) -> Any:
    """Read ``Adam`` or ``{Adam: {learning_rate: 0.001}}`` as a name with arguments."""
    named = many_named(value)
    if len(named) != 1:
        raise ValueError("one name, or one name with its arguments")
    return named[0]


def many_named(value: Any) -> tuple[Any, ...]:
    """Read a mapping of names to arguments, or a list of names, in the order written."""
    if is_none(value):
        return ()
    if isinstance(value, str):
        value = {value: None}
    if isinstance(value, (list, tuple)):
        return tuple(named for item in value for named in many_named(item))
    if not isinstance(value, dict):
        raise ValueError("names with their arguments")
    for arguments in value.values():
        if not (is_none(arguments) or isinstance(arguments, dict)):
            raise ValueError("names with their arguments as keys and values")
    return tuple({"name": str(name), "arguments": items} for name, items in value.items())


def file_name(default: str) -> Callable[[Any], str]:
    """Read the name of a ``.npy`` file, with its extension or without; no folder."""

    def read(value: Any) -> str:
        name = default if is_none(value) else to_text(value).removesuffix(".npy")
        if not name or set("/\\:") & set(name) or name.startswith("."):
            raise ValueError("the name of a file, without a folder")
        return name

    return read


class Record(BaseModel):
    """Base of every section: immutable, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class Named(Record):
    """An optimizer or a callback: its Keras name and its keyword arguments."""

    name: Text
    arguments: Arguments = {}
