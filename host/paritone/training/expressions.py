"""A schedule written as a lambda in the configuration, evaluated as arithmetic and nothing else.

The text is parsed, never executed: only numbers, the two arguments, operators, comparisons, a
conditional expression and the functions listed here have a meaning. All numbers are floats and no
construct repeats, so that every evaluation ends.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from paritone.config.coercion import ARITHMETIC

LONGEST, DEEPEST = 2000, 200
_MODULES = ("math", "np", "numpy")
_OPERATORS: dict[type, Callable[..., Any]] = {
    **ARITHMETIC,
    ast.Pow: math.pow,  # of floats: it cannot grow without end
    ast.Not: operator.not_,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": min,
    "max": max,
    "abs": abs,
    "round": lambda value, digits=0.0: round(value, int(digits)),
    "int": lambda value: float(int(value)),
    "float": float,
    "floor": lambda value: float(math.floor(value)),
    "ceil": lambda value: float(math.ceil(value)),
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "cos": math.cos,
    "sin": math.sin,
    "pow": math.pow,
}
_CONSTANTS = {"pi": math.pi, "e": math.e}
Values = Mapping[str, float]


def compile_lambda(text: str) -> Callable[[int, float], float]:
    """Return a function of the epoch and of the learning rate before it.

    Parameters
    ----------
    text : ``lambda epoch: …`` or ``lambda epoch, lr: …``, at most `LONGEST` characters

    Raises
    ------
    ValueError
        It is no such lambda, or holds something that is not arithmetic, which is named.
    """
    if len(text) > LONGEST:
        raise ValueError(f"expected at most {LONGEST} characters, got {len(text)}")
    try:
        node = ast.parse(" ".join(text.split()), mode="eval").body  # YAML blocks have lines
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise ValueError(f"not a Python expression: {error}") from error
    if not isinstance(node, ast.Lambda):
        raise ValueError("expected lambda epoch, lr: and an expression")
    names, body = _arguments(node), node.body
    _check(body, {*names, *_CONSTANTS})

    def rate(epoch: int, lr: float) -> float:
        values = {**_CONSTANTS, **dict(zip(names, (float(epoch), float(lr)), strict=False))}
        return float(_value(body, values))

    return rate


def _arguments(node: ast.Lambda) -> list[str]:
    given = node.args
    names = [argument.arg for argument in (*given.posonlyargs, *given.args)]
    extra = given.vararg or given.kwarg or given.kwonlyargs or given.defaults
    if extra or not 1 <= len(names) <= 2:
        raise ValueError("expected one or two arguments, epoch and lr, without defaults")
    return names


def _check(node: Any, names: set[str], depth: int = 0) -> None:
    """Refuse what `_value` has no meaning for, before anything is evaluated."""
    if depth > DEEPEST:
        raise ValueError(f"nested more than {DEEPEST} deep")
    if isinstance(node, ast.Call):
        if _function(node.func) not in _FUNCTIONS or node.keywords:
            raise ValueError(
                f"{ast.unparse(node.func)} is none of the functions {', '.join(_FUNCTIONS)}"
            )
        children: list[ast.AST] = list(node.args)
    elif isinstance(node, ast.Attribute):
        if _function(node) not in _CONSTANTS:
            raise ValueError(f"{ast.unparse(node)} is not known here")
        children = []
    elif isinstance(node, ast.Name):
        if node.id not in names:
            raise ValueError(f"{node.id} is neither an argument nor pi")
        children = []
    elif isinstance(node, ast.Constant):
        value: Any = node.value
        if type(value) not in (int, float, bool) or abs(value) > 1e300:
            raise ValueError(f"{str(value)[:20]} is not a number")
        children = []
    else:
        children = _parts(node)
    for child in children:
        _check(child, names, depth + 1)


def _parts(node: ast.AST) -> list[ast.AST]:
    operators = {
        ast.BinOp: lambda n: [n.op],
        ast.UnaryOp: lambda n: [n.op],
        ast.Compare: lambda n: n.ops,
        ast.BoolOp: lambda n: [],
        ast.IfExp: lambda n: [],
    }
    if type(node) not in operators:
        raise ValueError(f"{ast.unparse(node)[:40]} is not arithmetic")
    used = operators[type(node)](node)
    if any(type(one) not in _OPERATORS for one in used):
        raise ValueError(f"{ast.unparse(node)[:40]} has an operator that is not arithmetic")
    return [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]


def _function(node: ast.AST) -> str | None:
    """Name of ``exp``, ``math.exp`` or ``np.exp``."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return node.attr if node.value.id in _MODULES else None
    return None


def _value(node: Any, values: Values) -> Any:
    if isinstance(node, ast.Constant):
        number: Any = node.value
        return float(number)
    if isinstance(node, (ast.Name, ast.Attribute)):
        return values[_function(node) or ""]
    if isinstance(node, ast.IfExp):
        return _value(node.body if _value(node.test, values) else node.orelse, values)
    if isinstance(node, ast.BoolOp):
        found = [bool(_value(part, values)) for part in node.values]
        return all(found) if isinstance(node.op, ast.And) else any(found)
    if isinstance(node, ast.Compare):
        sides = [_value(side, values) for side in (node.left, *node.comparators)]
        pairs = zip(node.ops, sides, sides[1:], strict=False)
        return all(_OPERATORS[type(op)](left, right) for op, left, right in pairs)
    if isinstance(node, ast.UnaryOp):
        return _OPERATORS[type(node.op)](_value(node.operand, values))
    if isinstance(node, ast.BinOp):
        return _OPERATORS[type(node.op)](_value(node.left, values), _value(node.right, values))
    arguments = [_value(argument, values) for argument in node.args]
    return _FUNCTIONS[_function(node.func) or ""](*arguments)
