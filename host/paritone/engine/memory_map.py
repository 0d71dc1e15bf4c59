"""The arena's memory map: what lies where, from which call to which."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paritone.engine.plan import Plan


@dataclass(frozen=True)
class Region:
    """One thing in the arena.

    Attributes
    ----------
    what : "input", "tensor", "ring" (of a tensor's last rows) or "scratch"
    layer : the layer that writes it; of an input, its name
    rows : that are there at once, and that the tensor has
    offset, end : bytes from the arena's beginning
    first_call, last_call : between which it is in use; -1 and the number of calls: beyond them
    """

    what: str
    layer: str
    rows: tuple[int, int]
    offset: int
    end: int
    first_call: int
    last_call: int


def regions(plan: Plan) -> Iterator[Region]:
    """Everything in the arena of `plan`, in the order in which it comes into use."""
    makers = {step.output: number for number, step in enumerate(plan.steps)}
    found = plan.arrangement
    for item in sorted(found.items, key=lambda i: (i.life, found.offsets[i.key])):
        offset = found.offsets[item.key]
        if item.key < 0:
            what, layer, rows = "scratch", _layer(plan, -1 - item.key), (0, 0)
        else:
            rows = found.places[item.key].rows, _height(plan, item.key)
            what = "ring" if rows[0] < rows[1] else "tensor"
            layer = plan.graph.tensors[item.key].name
            if item.key in makers:
                layer = _layer(plan, makers[item.key])
            else:
                what = "input"
        yield Region(what, layer, rows, offset, offset + item.size, *item.life)


def _layer(plan: Plan, step: int) -> str:
    return f"{step} {plan.steps[step].kernel}"


def _height(plan: Plan, tensor: int) -> int:
    from paritone.engine.rows import Rows

    return Rows.of(plan.graph.tensors[tensor]).height


def show(found: Sequence[Region], arena_bytes: int, optimization: str, calls: int) -> None:
    """Print the map as a table."""
    from rich.console import Console
    from rich.table import Table

    title = f"Arena: {arena_bytes:,} B, optimization {optimization}, {calls} calls"
    table = Table("", "layer", title=title, title_justify="left")
    for name in ("rows", "from", "to", "bytes", "calls"):
        table.add_column(name, justify="right")
    for region in found:
        held, height = region.rows
        rows = "" if not height else f"{height}" if held == height else f"{held} of {height}"
        first = "" if region.first_call < 0 else region.first_call
        last = "" if region.last_call >= calls else region.last_call
        sizes = (f"{region.offset:,}", f"{region.end:,}", f"{region.end - region.offset:,}")
        table.add_row(region.what, region.layer, rows, *sizes, f"{first}-{last}")
    Console().print(table)
