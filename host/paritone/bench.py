"""`paritone bench`: what one model and one frontend take on one board, measured in one go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from paritone import device, latency, validate
from paritone.latency import Latency
from paritone.project import Project


@dataclass(frozen=True)
class Bench:
    """What was measured, on which board, of which model."""

    board: str
    model: str
    model_sha256: str
    macs: int
    latency: Latency
    memory: dict[str, int]

    def record(self) -> dict[str, Any]:
        """As ``--json`` writes it."""
        return {
            "schema": 1,
            "board": self.board,
            "model": {"sha256": self.model_sha256, "macs": self.macs},
            "latency": self.latency.record(),
            "memory": self.memory,
        }


def bench(project: Project, port: str | None = None) -> Bench:
    """Build the firmware of a project and measure it.

    Parameters
    ----------
    port : of a board that runs this firmware already; None emulates one
    """
    firmware = project.build()
    pcm = validate.clips_of(project.config, 1)[0][1]
    with device.open(project.board, firmware, port, counting=True) as opened:
        found = latency.measure(opened, pcm, project.tables())
        memory = found.memory(opened)
    manifest = firmware.manifest
    sha, macs = manifest["model_sha256"], manifest["macs"]
    return Bench(project.board.name, project.model.name, sha, macs, found, memory)
