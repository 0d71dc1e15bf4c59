"""Other engines on the same network and the same emulated core, where pip can install them.

None is needed by anything else: what is not there is said, not missed.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paritone.cycles.profile import Cost
from paritone.errors import CheckFailedError, ModelError, ToolMissingError

QUOTED = (
    "Counted before on the same emulated core, YAMNet-256 with a 10-class head (23.90 M MACs), "
    "instructions: TensorFlow Lite Micro with CMSIS-NN 60,552,981, with its reference kernels "
    "309,712,754; bakenn 1.0.0 with CMSIS-NN 91,070,635, its backbone only."
)
"""TensorFlow Lite Micro's C++ is in no package registry: its figures can only be quoted."""


@dataclass(frozen=True)
class Peer:
    """What another engine took.

    Attributes
    ----------
    name : with its version
    layers : of the network that it ran: it may refuse some
    macs : of these
    flash_bytes, arena_bytes : of program and constants; of tensors, input and output left out
    """

    name: str
    layers: tuple[str, ...]
    macs: int
    cost: Cost
    flash_bytes: int
    arena_bytes: int

    def record(self) -> dict[str, Any]:
        """As JSON has it."""
        return {**vars(self), "cost": vars(self.cost)}

    def __str__(self) -> str:
        cost, first, last = self.cost, self.layers[0], self.layers[-1]
        return (
            f"{self.name}, {len(self.layers)} layers from {first} to {last}, {self.macs:,} MACs: "
            f"{cost.instructions:,} instructions, {cost.instructions / self.macs:.3f} per MAC; "
            f"{cost.cycles:,} cycles, {cost.cycles / self.macs:.3f}; "
            f"program and weights {self.flash_bytes:,} B, tensors between {self.arena_bytes:,} B"
        )


def measure(model: Path) -> tuple[list[Peer], list[str]]:
    """Run every peer that is installed; what each took, and why others did not run."""
    from paritone.peers import bakenn

    if not bakenn.installed():
        return [], ["bakenn is not installed here: pip install 'paritone[peers]'"]
    try:
        with tempfile.TemporaryDirectory() as folder:
            return [bakenn.measure(model, Path(folder))], []
    except (ModelError, CheckFailedError, ToolMissingError) as error:
        return [], [f"bakenn did not run: {error}"]
