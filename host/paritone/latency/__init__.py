"""Instructions (emulated) or cycles (silicon) of the frontend per frame and the model per layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paritone.device import Device
from paritone.errors import CheckFailedError
from paritone.features.tables import FrontendTables
from paritone.latency import traced
from paritone.link import protocol
from paritone.progress import track

RUNS = 3
FRAMES = 32


@dataclass(frozen=True)
class Cost:
    """Least, median and most of repeated measurements."""

    minimum: int
    median: int
    maximum: int

    @classmethod
    def of(cls, counts: Sequence[float]) -> Cost:
        """Summary of at least one measurement."""
        whole = [round(count) for count in counts]
        return cls(min(whole), round(median(whole)), max(whole))


@dataclass(frozen=True)
class LayerCost:
    """One layer: what it is, and what it takes."""

    name: str
    kernel: str
    macs: int
    cost: Cost


@dataclass(frozen=True)
class Latency:
    """What the board takes; `unit` is "instructions" or "cycles".

    Attributes
    ----------
    runs : inferences that were measured, and runs of each layer
    frontend : one frame, from its hop of PCM to its column
    inference : the whole model at once
    layers : each alone
    stages : of a frame alone, by name, in their order
    stack_bytes : high-water mark after all of it
    """

    unit: str
    clock_hz: int
    runs: int
    frontend: Cost
    inference: Cost
    layers: tuple[LayerCost, ...]
    stack_bytes: int
    stages: Mapping[str, Cost]

    def record(self) -> dict[str, Any]:
        """Section "latency" of summary.json."""
        return {
            "unit": self.unit,
            "clock_hz": self.clock_hz,
            "frontend_per_frame": self.frontend.median,
            "inference": self.inference.median,
            "layers": [
                {
                    **{"name": c.name, "kernel": c.kernel, "macs": c.macs},
                    **{self.unit: c.cost.median, "range": asdict(c.cost)},
                }
                for c in self.layers
            ],
            "frontend_stages": self._stages(),
            "inferences": self.runs,
            "range": {
                "frontend_per_frame": asdict(self.frontend),
                "inference": asdict(self.inference),
            },
        }

    def _stages(self) -> dict[str, Any]:
        return {n: {self.unit: c.median, "range": asdict(c)} for n, c in self.stages.items()}

    def memory(self, device: Device) -> dict[str, int]:
        """Section "memory" of summary.json."""
        return {**device.firmware.memory, "stack_bytes": self.stack_bytes}


class _Counter:
    """Turns the board's ticks into counts, less what reading the counter takes."""

    def __init__(self, device: Device) -> None:
        if not device.counting:
            raise CheckFailedError(
                "this board counts neither cycles nor instructions: an emulator was not started "
                "to count them (leave --port out)"
            )
        self._cycles = device.hello.counts_cycles
        self._board = device.board
        self._overhead = min(device.spin(0) for _ in range(RUNS))

    @property
    def unit(self) -> str:
        return "cycles" if self._cycles else "instructions"

    def __call__(self, ticks: int) -> float:
        return self.net(max(0, ticks - self._overhead))

    def net(self, ticks: int) -> float:
        """Of ticks in which the counter was not read."""
        return ticks if self._cycles else self._board.instructions(ticks)


def measure(
    device: Device, pcm: NDArray[np.int16], tables: FrontendTables, runs: int = RUNS
) -> Latency:
    """Measure the frontend on `pcm`, then the model on the clip's patches in turn.

    Parameters
    ----------
    device : opened with ``counting=True``
    pcm : int16, at least one patch
    runs : inferences, and runs of every layer
    """
    counter = _Counter(device)
    patches = patches_of(device, pcm, runs)
    frames = [counter(ticks) for ticks in frame_ticks(device, pcm, tables)]
    parts = traced.of_frames(device, pcm, tables)
    inferences, layers = [], []
    for patch in track(patches, "Measuring", runs):
        device.write(patch)
        inferences.append(counter(device.run()[0]))
        layers.append([sum(map(counter, ticks)) for ticks in device.layer_ticks(patch)])
    named = device.firmware.manifest["layers"]
    costs = tuple(
        LayerCost(layer["name"], layer["kernel"], layer["macs"], Cost.of(counts))
        for layer, *counts in zip(named, *layers, strict=True)
    )
    return Latency(
        counter.unit,
        device.hello.clock_hz,
        runs,
        Cost.of(frames),
        Cost.of(inferences),
        costs,
        device.counters().stack_bytes,
        {name: Cost.of([counter.net(n) for n in ticks]) for name, ticks in parts.items()},
    )


def patches_of(device: Device, pcm: NDArray[np.int16], count: int) -> list[NDArray[Any]]:
    """So many patches of a clip, as the board makes them; of a short clip some more than once."""
    found = [patch.features for patch in islice(device.stream(pcm, run=False), count)]
    known = [patch for patch in found if patch is not None]
    return [known[i % len(known)] for i in range(count)]


def frame_ticks(device: Device, pcm: NDArray[np.int16], tables: FrontendTables) -> list[int]:
    """Ticks of single frames: once the first is complete, every hop of PCM makes one."""
    device.reset()
    ticks = []
    first = tables.first_frame_samples
    _push(device, pcm[:first])
    count = min(FRAMES, tables.patch_length - 1)
    for start in range(first, first + count * tables.hop_length, tables.hop_length):
        ticks.append(_push(device, pcm[start : start + tables.hop_length]))
    device.reset()
    return ticks


def _push(device: Device, pcm: NDArray[np.int16]) -> int:
    chunk = protocol.PCM_BYTES // 2
    return sum(device.push(pcm[i : i + chunk]).ticks for i in range(0, len(pcm), chunk))


def show(latency: Latency, memory: dict[str, int], title: str, *, layers: bool = True) -> None:
    """Print what was measured as a table."""
    from rich.console import Console
    from rich.table import Table

    table = Table("", latency.unit, "MACs", "per MAC", title=title, title_justify="left")
    frame = latency.frontend
    table.add_row("frontend, a frame", f"{frame.median:,}", "", "")
    if frame.minimum != frame.maximum:
        table.add_row("  least, most", f"{frame.minimum:,}, {frame.maximum:,}", "", "")
    for layer in latency.layers if layers else ():
        count = layer.cost.median
        ratio = f"{count / layer.macs:.2f}" if layer.macs else ""
        name = layer.name.split(";")[0]
        table.add_row(f"{layer.kernel}  {name}", f"{count:,}", f"{layer.macs:,}", ratio)
    macs = sum(layer.macs for layer in latency.layers)
    ratio = f"{latency.inference.median / macs:.2f}" if macs else ""
    table.add_row("inference", f"{latency.inference.median:,}", f"{macs:,}", ratio)
    table.add_section()
    for name, size in memory.items():
        table.add_row(name.removesuffix("_bytes").replace("_", " "), f"{size:,} B", "", "")
    Console().print(table)
