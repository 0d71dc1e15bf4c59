"""Types that accept what the zoo's users write: ``None``, tuples and expressions as strings.

Each annotated type turns the spellings of one kind into its Python value, or raises a
`ValueError` whose text says what was expected.
"""

from __future__ import annotations

import ast
import math
import operator
import os
import string
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

OTHERS = "others"
"""Of ``dataset.training_folds``: those that no other set names."""

_NONE = {"none", "null", "~", ""}
_TRUE = {"true", "yes", "on"}
_FALSE = {"false", "no", "off"}
_MAX_EXPONENT = 64
_UNITS = {"b": 1, "kb": 1000, "kib": 1024, "mb": 1000**2, "mib": 1024**2}
_LARGEST_INTEGER = 2**53
_LONGEST_NAME = 255

ARITHMETIC: dict[type, Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
"""What an operator of a parsed expression does."""


def is_none(value: object) -> bool:
    """Tell whether a value is absent, also as the zoo's ``None`` string or an empty one."""
    return value is None or (isinstance(value, str) and value.strip().lower() in _NONE)


def number(text: str) -> int | float:
    """Evaluate a numeric expression such as ``2*16``, ``1e-3`` or ``1/3``; ValueError otherwise."""
    try:
        return _evaluate(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, TypeError, ArithmeticError, RecursionError) as error:
        raise ValueError(f"{text!r} is not a number") from error


def _evaluate(node: ast.AST) -> int | float:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return node.value  # type: ignore[return-value]
    if isinstance(node, ast.UnaryOp) and type(node.op) in ARITHMETIC:
        return ARITHMETIC[type(node.op)](_evaluate(node.operand))
    if isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
        left, right = _evaluate(node.left), _evaluate(node.right)
        if isinstance(node.op, ast.Pow) and abs(right) > _MAX_EXPONENT:
            raise ValueError("the exponent is too large")
        value = ARITHMETIC[type(node.op)](left, right)
        if isinstance(value, (int, float)):
            return value
    raise ValueError("not a numeric expression")


def to_float(value: Any) -> Any:
    """Return a finite float from a number or a numeric expression."""
    if isinstance(value, str):
        value = _or_complaint(value, "a number")
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("a number")
    try:
        value = float(value)
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise ValueError("a finite number")
    return value


def to_int(value: Any) -> Any:
    """Return an integer from an integer, a whole float or a numeric expression."""
    if isinstance(value, str):
        value = _or_complaint(value, "an integer")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("an integer")
    if abs(value) > _LARGEST_INTEGER:
        raise ValueError("an integer of at most 53 bits")
    return value


def to_bytes(value: Any) -> Any:
    """Return a number of bytes from an integer, or from one with a unit such as ``64 KiB``."""
    text = value.strip() if isinstance(value, str) else ""
    digits = text.rstrip(string.ascii_letters)
    unit = text[len(digits) :].lower()
    if not unit:
        return to_int(value)
    if unit not in _UNITS:
        raise ValueError("bytes, or a number of KiB, MiB, kB or MB")
    return to_int(to_float(digits) * _UNITS[unit])


def _or_complaint(text: str, expected: str) -> int | float:
    try:
        return number(text)
    except ValueError as error:
        raise ValueError(expected) from error


def to_bool(value: Any) -> Any:
    """Return a boolean from a boolean or one of its YAML spellings."""
    if isinstance(value, str) and value.strip().lower() in _TRUE | _FALSE:
        return value.strip().lower() in _TRUE
    if not isinstance(value, bool):
        raise ValueError("True or False")
    return value


def to_text(value: Any) -> Any:
    """Return a string; a number is taken as it was written (a version, a serial number)."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise ValueError("text")
    return value.strip()


def to_window(value: Any) -> Any:
    """Return a window as ``scipy.signal.get_window`` takes it: a name, a tuple or a number.

    A tuple, or a list, holds a name and its arguments, such as ``('kaiser', 8.6)``; a number is
    the beta of a Kaiser window.
    """
    value = _unquoted(value.strip()) if isinstance(value, str) else value
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple)) and value and isinstance(value[0], str):
        return (value[0].strip(), *(_window_argument(item) for item in value[1:]))
    try:
        return to_float(value)
    except ValueError as error:
        raise ValueError("a window's name, (name, arguments) or a number") from error


def _unquoted(text: str) -> Any:
    """A tuple, a list or a number that came as text; the text itself when it is none."""
    try:
        return _nested(ast.parse(text, mode="eval").body)
    except (SyntaxError, TypeError, ValueError, ArithmeticError, RecursionError):
        return text


def _nested(node: ast.AST) -> Any:
    if isinstance(node, (ast.Tuple, ast.List)):
        return tuple(_nested(item) for item in node.elts)
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Constant) and isinstance(node.value, (str, bool, type(None))):
        return node.value
    return _evaluate(node)


def _window_argument(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return tuple(_window_argument(item) for item in value)
    if is_none(value):
        return None
    try:
        return value if isinstance(value, (bool, int)) else to_float(value)
    except ValueError as error:
        raise ValueError("numbers as a window's arguments") from error


def to_relative_path(value: Any) -> Any:
    """Return a path with forward slashes, ``~`` expanded, otherwise as it was written."""
    if isinstance(value, Path):
        return value
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise ValueError("a path")
    path = Path(value.strip().replace("\\", "/")).expanduser()
    if any(len(part.encode()) > _LONGEST_NAME for part in path.parts):
        raise ValueError(f"a path of names up to {_LONGEST_NAME} bytes")
    return path


def to_path(value: Any) -> Any:
    """Return an absolute path, resolved against the current directory."""
    return Path(os.path.abspath(to_relative_path(value)))  # noqa: PTH100 - also removes ".."


def to_extension(value: Any) -> Any:
    """Return a file extension that begins with a dot."""
    text = to_text(value)
    return text if text.startswith(".") else f".{text}"


def to_items(value: Any) -> tuple[Any, ...]:
    """Return the items of a list, of a tuple, or of either written as a string."""
    if isinstance(value, str):
        value = _split(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = (value,)
    if not isinstance(value, (list, tuple)):
        raise ValueError("a list")
    return tuple(value)


def _split(text: str) -> list[str]:
    inner = text.strip()
    if inner[:1] + inner[-1:] in ("()", "[]"):
        inner = inner[1:-1]
    return [item.strip().strip("'\"") for item in inner.split(",") if item.strip()]


def to_names(value: Any) -> Any:
    """Return a tuple of distinct, non-empty names."""
    names = tuple(to_text(name) for name in to_items(value))
    if not names or "" in names:
        raise ValueError("a list of names")
    if len(set(names)) != len(names):
        raise ValueError("a list of distinct names")
    return names


def to_integers(value: Any) -> Any:
    """Return a tuple of integers, also from the string ``(64, 96, 1)``."""
    try:
        return tuple(to_int(item) for item in to_items(value))
    except ValueError as error:
        raise ValueError("a list of integers") from error


def to_folds(value: Any) -> Any:
    """Return a tuple of integers, or the word ``others``."""
    return OTHERS if isinstance(value, str) and value.strip() == OTHERS else to_integers(value)


def to_indices(value: Any) -> Any:
    """Return integers and slices, as Python indexes a list: ``(0:-1)``, ``[2, 4:6]``, ``3``."""
    try:
        return tuple(_index(item) for item in to_items(value))
    except ValueError as error:
        raise ValueError("indices such as (0:-1) or (0, 2:5, -3)") from error


def _index(item: Any) -> int | slice:
    if isinstance(item, slice):
        return item
    if not isinstance(item, str) or ":" not in item:
        return int(to_int(item))
    bounds = [None if is_none(part) else to_int(part) for part in item.split(":")]
    if len(bounds) > 3 or bounds[2:] == [0]:
        raise ValueError("a slice of at most three parts")
    return slice(*bounds)


def to_literal(value: Any) -> Any:
    """Return free-form arguments with strings read as None, booleans, numbers or tuples."""
    if isinstance(value, dict):
        return {str(key): to_literal(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_literal(item) for item in value]
    if not isinstance(value, str):
        return value
    text = value.strip()
    if text.lower() in ("none", "null", "true", "false"):
        return {"none": None, "null": None, "true": True, "false": False}[text.lower()]
    if text[:1] + text[-1:] in ("()", "[]"):
        return [to_literal(item) for item in _split(text)]
    try:
        return number(text)
    except ValueError:
        return value


def optional(check: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a check that lets every spelling of None through."""
    return lambda value: None if is_none(value) else check(value)


Int = Annotated[int, BeforeValidator(to_int)]
Float = Annotated[float, BeforeValidator(to_float)]
Bool = Annotated[bool, BeforeValidator(to_bool)]
Text = Annotated[str, BeforeValidator(to_text)]
Window = Annotated[str | float | tuple[Any, ...], BeforeValidator(to_window)]
Extension = Annotated[str, BeforeValidator(to_extension)]
RelativePath = Annotated[Path, BeforeValidator(to_relative_path)]
OptionalInt = Annotated[int | None, BeforeValidator(optional(to_int))]
OptionalFloat = Annotated[float | None, BeforeValidator(optional(to_float))]
OptionalText = Annotated[str | None, BeforeValidator(optional(to_text))]
OptionalBool = Annotated[bool | None, BeforeValidator(optional(to_bool))]
OptionalPath = Annotated[Path | None, BeforeValidator(optional(to_path))]
OptionalNames = Annotated[tuple[str, ...] | None, BeforeValidator(optional(to_names))]
OptionalIntegers = Annotated[tuple[int, ...] | None, BeforeValidator(optional(to_integers))]
OptionalFolds = Annotated[
    tuple[int, ...] | Literal["others"] | None, BeforeValidator(optional(to_folds))
]
OptionalIndices = Annotated[Any, BeforeValidator(optional(to_indices))]
Arguments = Annotated[
    dict[str, Any], BeforeValidator(lambda v: {} if is_none(v) else to_literal(v))
]
