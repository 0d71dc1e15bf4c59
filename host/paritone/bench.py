"""`paritone bench`: what one model and one frontend take on one board, measured in one go."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paritone import build, device, latency, validate
from paritone.boards import Board
from paritone.latency import Latency

if TYPE_CHECKING:
    from paritone.config import Config


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


def bench(
    model: Path, config: Config, board: Board, port: str | None = None, folder: Path | None = None
) -> Bench:
    """Build the firmware of a quantized model and measure it.

    Parameters
    ----------
    port : of a board that runs this firmware already; None emulates one
    folder : for generated C and firmware; temporary by default
    """
    from paritone.generate import frontend_tables
    from paritone.native.engine import Engine

    with tempfile.TemporaryDirectory(prefix="paritone-") as scratch:
        firmware = build.prepare(model, config, board, folder or Path(scratch))
        tables = frontend_tables(Engine(model).plan, config)
        pcm = validate.clips_of(config, 1)[0][1]
        with device.open(board, firmware, port, counting=True) as opened:
            found = latency.measure(opened, pcm, tables)
            memory = found.memory(opened)
    manifest = firmware.manifest
    return Bench(
        board.name, model.name, manifest["model_sha256"], manifest["macs"], found, memory
    )
