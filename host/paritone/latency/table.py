"""What was measured, to be read: a line for the frontend, one for each layer, load and memory."""

from __future__ import annotations

from collections.abc import Iterator

from paritone.latency import Cost, Latency
from paritone.latency.measuring import Measured

NAMES = {"ram_bytes": "RAM", "stack_bytes": "stack, high water"}
FRAME = "a frame"
_WIDTH = 140
"""Characters, where nobody says how many fit."""


def show(found: Measured, title: str) -> None:
    """Print least, median and most of everything, then load and memory."""
    from rich.console import Console
    from rich.table import Table

    measured, modelled = found.latency, found.modelled
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH)
    heads = ["", "kernel", "least", "median", "most", "MACs", "per MAC"]
    estimated = ["cycles, estimate"] if modelled else []
    runs = f"{title}: {measured.unit}, {measured.runs} inferences"
    table = Table(title=runs, title_justify="left")
    for number, head in enumerate((*heads, *estimated)):
        table.add_column(head, justify="left" if number < 2 else "right", no_wrap=True)
    cycles = _cycles(found)
    for (name, kernel, cost, macs), estimate in zip(_lines(measured), cycles, strict=True):
        table.add_row(name, kernel, *_cells(cost, macs), *([estimate] if modelled else []))
        if kernel == FRAME and modelled is not None:
            for stage, mean in modelled.stages.items():
                counts = "", f"{mean.instructions:,}", "", "", "", f"{mean.cycles:,}"
                table.add_row(f"  {stage}", "", *counts)
        elif kernel == FRAME:
            for stage, cost in measured.stages.items():
                table.add_row(f"  {stage}", "alone", *_cells(cost, 0))
    console.print(table)
    for name, text in found.load.rows() if found.load else ():
        console.print(f"{name:<20} {text}", highlight=False)
    for name, size in found.memory.items():
        text = NAMES.get(name) or name.removesuffix("_bytes").replace("_", " ")
        console.print(f"{text:<20} {size:>10,} B", highlight=False)
    if modelled is not None:
        console.print(f"Cycles are an {modelled.label}.", highlight=False)
    elif found.not_modelled is not None:
        console.print(found.not_modelled, highlight=False)


def _lines(measured: Latency) -> Iterator[tuple[str, str, Cost, int]]:
    yield "frontend", FRAME, measured.frontend, 0
    for number, layer in enumerate(measured.layers):
        name = "/".join(layer.name.split(";")[0].split("/")[-2:])
        yield f"{number} {name}", layer.kernel.lower(), layer.cost, layer.macs
    yield "inference", "", measured.inference, sum(layer.macs for layer in measured.layers)


def _cycles(found: Measured) -> list[str]:
    modelled = found.modelled
    if modelled is None:
        return [""] * (len(found.latency.layers) + 2)
    layers = (layer.part.cost.cycles for layer in modelled.layers)
    counts = (modelled.frame.cycles, *layers, modelled.whole.cost.cycles)
    return [f"{count:,}" for count in counts]


def _cells(cost: Cost, macs: int) -> tuple[str, ...]:
    counts = (f"{count:,}" for count in (cost.minimum, cost.median, cost.maximum))
    ratio = f"{cost.median / macs:.2f}" if macs else ""
    return (*counts, f"{macs:,}" if macs else "", ratio)
