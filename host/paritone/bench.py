"""`paritone bench`: what one model and one frontend take on one board, measured in one go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paritone import latency, peers, validate
from paritone.cycles import run
from paritone.latency import measuring, network_cost
from paritone.latency.measuring import Measured
from paritone.peers import Peer
from paritone.project import Project


@dataclass(frozen=True)
class Bench:
    """What was measured, on which board, of which model.

    Attributes
    ----------
    peers : other engines on this network, `not_run`: those that could not be
    """

    board: str
    elf: Path
    model: str
    model_sha256: str
    macs: int
    measured: Measured
    peers: tuple[Peer, ...] = ()
    not_run: tuple[str, ...] = ()

    def record(self) -> dict[str, Any]:
        """As ``--json`` writes it."""
        modelled: dict[str, Any] = {}
        if self.measured.modelled is not None:
            peers = [peer.record() for peer in self.peers]
            modelled = {"modelled": self.measured.modelled.record(), "peers": peers}
        return {
            "schema": 1,
            "board": self.board,
            "model": {"sha256": self.model_sha256, "macs": self.macs},
            "latency": self.measured.record(),
            "memory": self.measured.memory,
            **modelled,
        }


def bench(project: Project, port: str | None = None) -> Bench:
    """Build the firmware of a project and measure it.

    Parameters
    ----------
    port : of a board that runs this firmware already; None emulates one, or finds its ST-Link
    """
    firmware, tables = project.build(), project.tables()
    pcm = validate.clips_of(project.config, 1)[0][1]
    real = port is not None or project.board.emulator is None
    # An emulator repeats itself: once is enough.
    found = measuring.on_board(firmware, port, pcm, tables, latency.RUNS if real else 1)
    ran, not_run = peers.measure(project.model) if found.modelled else ([], [])
    manifest = firmware.manifest
    sha, macs = manifest["model_sha256"], manifest["macs"]
    names = project.board.name, firmware.elf, project.model.name
    return Bench(*names, sha, macs, found, tuple(ran), tuple(not_run))


def show(found: Bench, *, functions: bool = False, annotated: Sequence[str] = ()) -> None:
    """Print what was measured as tables, and the instructions of the functions `annotated`."""
    title = f"{found.model} on {found.board}"
    measured = found.measured
    if measured.modelled is not None:
        network_cost.show(measured.modelled, title, functions=functions)
        for name in annotated:
            print(run.annotate(found.elf, measured.modelled.profile, name))
    latency.show(measured.latency, measured.memory, title, layers=measured.modelled is None)
    if measured.not_modelled is not None:
        print(measured.not_modelled)
        return
    for peer in found.peers:
        print(peer)
    for reason in found.not_run:
        print(reason)
    print(peers.QUOTED)
