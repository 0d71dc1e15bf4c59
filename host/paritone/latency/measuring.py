"""A board's latency, load and memory, measured in one go."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paritone import device, latency
from paritone.build import Firmware
from paritone.cycles import board as counted_board
from paritone.device import Device
from paritone.features.tables import FrontendTables
from paritone.latency import Latency, network_cost
from paritone.latency.load import Load
from paritone.latency.network_cost import NetworkCost


@dataclass(frozen=True)
class Measured:
    """What was measured.

    Attributes
    ----------
    load : None where no cycles are known
    modelled : instructions and modelled cycles of each layer; None where they cannot be counted
    not_modelled : why not
    """

    latency: Latency
    memory: dict[str, int]
    load: Load | None
    modelled: NetworkCost | None = None
    not_modelled: str | None = None

    def record(self) -> dict[str, Any]:
        """Section "latency" of summary.json."""
        found = self.latency.record()
        if self.load is not None:
            found["real_time"] = self.load.record()
        if self.modelled is not None:
            stages = self.modelled.stages.items()
            found["frontend_stages"] = {name: vars(cost) for name, cost in stages}
        return found


def on_device(
    opened: Device, pcm: NDArray[np.int16], tables: FrontendTables, runs: int
) -> Measured:
    """Measure a board that counts its own cycles, or an emulated one by its instructions alone."""
    found = latency.measure(opened, pcm, tables, runs)
    load = None
    if found.unit == "cycles":
        load = Load.of(found.clock_hz, tables, found.frontend, found.inference)
    why_not = "a real board counts cycles itself" if load else None
    return Measured(found, found.memory(opened), load, not_modelled=why_not)


def on_board(
    firmware: Firmware,
    port: str | None,
    pcm: NDArray[np.int16],
    tables: FrontendTables,
    runs: int,
) -> Measured:
    """Measure a board on a port, or emulate one that counts; cycles of that one are modelled."""
    real = port is not None or firmware.board.emulator is None
    why_not = None if real else counted_board.missing()
    with tempfile.TemporaryDirectory() as folder:
        counts = None if real or why_not else counted_board.Counts(firmware, Path(folder))
        arguments = counts.arguments if counts else ()
        with device.open(
            firmware.board, firmware, port, counting=True, arguments=arguments
        ) as opened:
            found = on_device(opened, pcm, tables, runs)
            if counts is None:
                reason = found.not_modelled or why_not
                return Measured(found.latency, found.memory, found.load, not_modelled=reason)
            modelled = network_cost.measure(opened, counts, pcm, tables, runs)
    clock = found.latency.clock_hz
    load = Load.of(clock, tables, modelled.frames, modelled.inferences, modelled.label)
    return Measured(found.latency, found.memory, load, modelled)
