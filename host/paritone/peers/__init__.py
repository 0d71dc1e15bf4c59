"""Other engines on the same network and the same emulated core, where pip can install them.

None is needed by anything else: what is not there is said, not missed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from paritone.cycles.profile import Cost

QUOTED = (
    "quoted, YAMNet-256 with a 10-class head, instructions on QEMU's mps2-an386: TensorFlow Lite "
    "Micro with CMSIS-NN 60,552,981, its reference kernels 309,712,754; bakenn 1.0.0 with CMSIS-NN "
    "91,070,635 for the backbone"
)
"""Counted before, with the same compiler: TensorFlow Lite Micro's sources are in no registry."""


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
            f"{self.name}, {len(self.layers)} layers, {first} to {last} ({self.macs:,} MACs): "
            f"{cost.instructions:,} instructions ({cost.instructions / self.macs:.3f} per MAC), "
            f"{cost.cycles:,} cycles ({cost.cycles / self.macs:.3f}), "
            f"flash {self.flash_bytes:,} B, arena {self.arena_bytes:,} B"
        )
