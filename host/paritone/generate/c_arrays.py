"""Arrays and structs of tables as C text; a pointer that is not written is null."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt

_C_TYPES = {"int32": "int32_t", "uint32": "uint32_t", "uint16": "uint16_t", "uint8": "uint8_t"}


def array(name: str, values: npt.NDArray[Any]) -> str:
    """A static const array, eight values a line."""
    suffix = "u" if values.dtype.kind == "u" else ""
    cells = [f"{value}{suffix}" for value in values.tolist()]
    rows = [", ".join(cells[i : i + 8]) for i in range(0, len(cells), 8)]
    body = ",\n    ".join(rows)
    c_type = _C_TYPES[values.dtype.name]
    return f"static const {c_type} {name}[{len(cells)}] = {{\n    {body}}};\n"


def table_struct(c_type: str, name: str, pointers: Mapping[str, str], **numbers: int) -> str:
    """A struct of tables: fields that point at arrays, by the arrays' names, and numbers."""
    fields = [
        *(f".{field} = {array_name}" for field, array_name in pointers.items()),
        *(f".{field} = {value}u" for field, value in numbers.items()),
    ]
    body = ",\n    ".join(fields)
    return f"static const {c_type} {name} = {{\n    {body}}};\n"
