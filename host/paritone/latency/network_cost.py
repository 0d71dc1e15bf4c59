"""What a network takes on an emulated core, layer by layer: instructions, modelled cycles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from paritone import latency
from paritone.cycles import models
from paritone.cycles.board import Counts
from paritone.cycles.profile import NOTHING, Cost, Profile, sum_up
from paritone.device import Device
from paritone.engine.kinds import KINDS, REST
from paritone.errors import CheckFailedError
from paritone.features.tables import FrontendTables
from paritone.latency import stages
from paritone.link import protocol

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True)
class Part:
    """A layer, all layers of a kind, or a network."""

    name: str
    macs: int
    cost: Cost
    constant_bytes: int = 0

    def __add__(self, other: Part) -> Part:
        return Part(
            self.name,
            self.macs + other.macs,
            self.cost + other.cost,
            self.constant_bytes + other.constant_bytes,
        )

    def record(self) -> dict[str, Any]:
        """As JSON has it; a ratio to no multiply-accumulates is absent."""
        counts = {"instructions": self.cost.instructions, "cycles": self.cost.cycles}
        ratios = {f"{what}_per_mac": round(count / self.macs, 4) for what, count in counts.items()
                  if self.macs}  # fmt: skip
        sizes = {"macs": self.macs, "constant_bytes": self.constant_bytes}
        return {"name": self.name, **sizes, **counts, **ratios}


@dataclass(frozen=True)
class Layer:
    """One layer of a network.

    Attributes
    ----------
    part : its name and cost; of all its calls when it is computed some rows at a time
    kind : one of `paritone.engine.kinds`
    """

    part: Part
    kind: str
    kernel: str
    shape: tuple[int, ...]
    calls: int

    def record(self) -> dict[str, Any]:
        """As JSON has it."""
        what = {"kernel": self.kernel, "kind": self.kind, "shape": self.shape, "calls": self.calls}
        return {**self.part.record(), **what}


@dataclass(frozen=True)
class NetworkCost:
    """One invocation, whole, and one frame of the frontend: the median of several each.

    Attributes
    ----------
    between : the runtime's own part of the invocation: checks, the loop over the calls
    profile : by function
    label : what the cycles are
    frames, inferences : cycles, the least, the median and the most
    stages : of a frame, by name, the mean of several
    """

    frame: Cost
    layers: tuple[Layer, ...]
    between: Cost
    profile: Profile
    label: str
    frames: latency.Cost
    inferences: latency.Cost
    stages: Mapping[str, Cost]

    @property
    def whole(self) -> Part:
        """The invocation."""
        return sum((layer.part for layer in self.layers), Part("inference", 0, self.between))

    def kinds(self) -> list[Part]:
        """Layers summed up by kind, those kinds that there are."""
        present = [kind for kind in KINDS if any(layer.kind == kind for layer in self.layers)]
        return [_summed(kind, self.layers) for kind in present]

    def record(self) -> dict[str, Any]:
        """Section "modelled" of what bench writes."""
        return {
            "what": self.label,
            "frontend_per_frame": vars(self.frame),
            "inference": self.whole.record(),
            "kinds": [part.record() for part in self.kinds()],
            "layers": [layer.record() for layer in self.layers],
            "frontend_stages": {name: vars(cost) for name, cost in self.stages.items()},
            "range": {
                "frontend_per_frame": vars(self.frames),
                "inference": vars(self.inferences),
            },
            "functions": {name: vars(cost) for name, cost in self.profile.symbols.items()},
        }


def _summed(kind: str, layers: Iterable[Layer]) -> Part:
    parts = (layer.part for layer in layers if layer.kind == kind)
    return sum(parts, Part(kind, 0, NOTHING))


def measure(
    device: Device,
    counts: Counts,
    pcm: NDArray[np.int16],
    tables: FrontendTables,
    runs: int = 1,
) -> NetworkCost:
    """Count the frontend on `pcm` and the model on so many of the clip's patches, in turn.

    Parameters
    ----------
    device : an emulated board that was started with ``counts.arguments``
    pcm : int16, at least one patch
    """
    patches = latency.patches_of(device, pcm, runs)
    counts.windows()
    device.spin(0)
    overhead = counts.windows()[-1].total
    ticks = latency.frame_ticks(device, pcm, tables)
    requests = -(-2 * tables.hop_length // protocol.PCM_BYTES)
    pushed = counts.windows()[-len(ticks) * requests :]
    frames = [
        sum((window.total for window in pushed[i : i + requests]), NOTHING)
        for i in range(0, len(pushed), requests)
    ]
    every_count = [count for window in pushed for count in window.counts]
    windows = []
    for patch in patches:
        device.write(patch)
        device.run()
        windows.append(counts.windows()[-1])
    frame = sorted(frames, key=lambda cost: cost.cycles)[len(frames) // 2]
    run = sorted(windows, key=lambda window: window.total.cycles)[len(windows) // 2]
    return NetworkCost(
        _less(frame, overhead),
        _layers(run.calls, device.firmware.manifest),
        _less(run.before, overhead),
        sum_up(run.counts, device.firmware.elf),
        models.label(device.board.core),
        latency.Cost.of([_less(frame, overhead).cycles for frame in frames]),
        latency.Cost.of([_less(window.total, overhead).cycles for window in windows]),
        stages.of_frames(every_count, len(frames), device.firmware.elf),
    )


def _less(cost: Cost, overhead: Cost) -> Cost:
    """`cost` without what it takes to look at the clock."""
    return Cost(
        max(0, cost.instructions - overhead.instructions), max(0, cost.cycles - overhead.cycles)
    )


def _layers(calls: Sequence[Cost], manifest: Mapping[str, Any]) -> tuple[Layer, ...]:
    steps = [step for step, *_ in manifest.get("calls", enumerate(manifest["layers"]))]
    if len(calls) != len(steps):
        raise CheckFailedError(
            f"the firmware called {len(calls)} kernels in an inference, {len(steps)} are planned"
        )
    found = []
    for number, layer in enumerate(manifest["layers"]):
        own = [cost for step, cost in zip(steps, calls, strict=True) if step == number]
        part = Part(layer["name"], layer["macs"], sum(own, NOTHING), layer["constant_bytes"])
        shape = tuple(layer["shape"])
        found.append(Layer(part, layer["kind"], layer["kernel"], shape, len(own)))
    return tuple(found)


# ------------------------------------------------------------------- To be read

_HEADS = ("MACs", "instructions", "per MAC", "cycles", "per MAC", "bytes")
_NAME_WIDTH = 36
_WIDTH = 150
"""Characters, where nobody says how many fit."""


def show(cost: NetworkCost, title: str, *, functions: bool = False) -> None:
    """Print layers, kinds of layers and the whole as tables; with `functions`, those too."""
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH)
    rows = [
        (layer.part.name, _kernel(layer), "x".join(map(str, layer.shape)), *_cells(layer.part))
        for layer in cost.layers
    ]
    rows.append(("inference", "", "", *_cells(cost.whole)))
    console.print(_table(("layer", "kernel", "output", *_HEADS), rows, left=3, title=title))
    kinds = [(p.name, *_cells(p), *_shares(p.cost, cost.whole.cost)) for p in cost.kinds()]
    console.print(_table(("kind of layer", *_HEADS, "of instructions", "of cycles"), kinds))
    if functions:
        counts = [(n, f"{c.instructions:,}", f"{c.cycles:,}") for n, c in _functions(cost)]
        console.print(_table(("function, in an inference", "instructions", "cycles"), counts))
    frame = cost.frame
    console.print(
        f"frontend, a frame: {frame.instructions:,} instructions, {frame.cycles:,} cycles"
    )
    console.print(f"Cycles are an {cost.label}.")


def _functions(cost: NetworkCost) -> Iterable[tuple[str, Cost]]:
    return cost.profile.symbols.items()


def _shares(cost: Cost, whole: Cost) -> tuple[str, str]:
    shares = (cost.instructions / whole.instructions, cost.cycles / whole.cycles)
    return f"{shares[0]:.1%}", f"{shares[1]:.1%}"


def _kernel(layer: Layer) -> str:
    times = f" x {layer.calls}" if layer.calls > 1 else ""
    return layer.kernel.lower() + times


def _table(
    heads: Sequence[str], rows: Iterable[Sequence[str]], *, left: int = 1, title: str | None = None
) -> Table:
    """A table whose columns past the first `left` are numbers."""
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    rows = list(rows)
    for number, head in enumerate(heads):
        widest = max(len(text) for text in (head, *(row[number] for row in rows)))
        if number == 0:
            table.add_column(head, no_wrap=True, max_width=_NAME_WIDTH)
        else:
            justify: Literal["left", "right"] = "left" if number < left else "right"
            table.add_column(head, justify=justify, no_wrap=True, min_width=widest)
    for row in rows:
        table.add_row(*row)
    return table


def _cells(part: Part) -> list[str]:
    cost = part.cost
    comparable = part.macs > 0 and part.name != REST
    ratios = [f"{n / part.macs:.3f}" if comparable else "" for n in vars(cost).values()]
    macs = f"{part.macs:,}" if part.macs else ""
    counts = [f"{cost.instructions:,}", ratios[0], f"{cost.cycles:,}", ratios[1]]
    return [macs, *counts, f"{part.constant_bytes:,}"]
