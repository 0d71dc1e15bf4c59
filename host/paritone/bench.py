"""`paritone bench`: what one model and one frontend take on one board, measured in one go."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paritone import device, latency, peers, validate
from paritone.cycles import board as counted_board
from paritone.cycles import run
from paritone.latency import Latency, network_cost
from paritone.latency.network_cost import NetworkCost
from paritone.peers import Peer
from paritone.project import Project


@dataclass(frozen=True)
class Bench:
    """What was measured, on which board, of which model.

    Attributes
    ----------
    modelled : instructions and modelled cycles of each layer; None where they cannot be counted
    not_modelled : why not
    peers : other engines on this network, `not_run`: those that could not be
    """

    board: str
    elf: Path
    model: str
    model_sha256: str
    macs: int
    latency: Latency
    memory: dict[str, int]
    modelled: NetworkCost | None = None
    not_modelled: str | None = None
    peers: tuple[Peer, ...] = ()
    not_run: tuple[str, ...] = ()

    def record(self) -> dict[str, Any]:
        """As ``--json`` writes it."""
        modelled: dict[str, Any] = {}
        if self.modelled is not None:
            peers = [peer.record() for peer in self.peers]
            modelled = {"modelled": self.modelled.record(), "peers": peers}
        return {
            "schema": 1,
            "board": self.board,
            "model": {"sha256": self.model_sha256, "macs": self.macs},
            "latency": self.latency.record(),
            "memory": self.memory,
            **modelled,
        }


def bench(project: Project, port: str | None = None) -> Bench:
    """Build the firmware of a project and measure it.

    Parameters
    ----------
    port : of a board that runs this firmware already; None emulates one
    """
    firmware, tables = project.build(), project.tables()
    pcm = validate.clips_of(project.config, 1)[0][1]
    why_not = "a real board counts cycles itself" if port else counted_board.missing()
    modelled = None
    with tempfile.TemporaryDirectory() as folder:
        counts = None if why_not else counted_board.Counts(firmware, Path(folder))
        arguments = counts.arguments if counts else ()
        with device.open(
            project.board, firmware, port, counting=True, arguments=arguments
        ) as opened:
            # An emulator repeats itself: once is enough.
            runs = latency.RUNS if port else 1
            found = latency.measure(opened, pcm, tables, runs)
            memory = found.memory(opened)
            if counts:
                modelled = network_cost.measure(opened, counts, pcm, tables)
    ran, not_run = peers.measure(project.model) if modelled else ([], [])
    manifest = firmware.manifest
    sha, macs = manifest["model_sha256"], manifest["macs"]
    names = project.board.name, firmware.elf, project.model.name
    return Bench(*names, sha, macs, found, memory, modelled, why_not, tuple(ran), tuple(not_run))


def show(found: Bench, *, functions: bool = False, annotated: Sequence[str] = ()) -> None:
    """Print what was measured as tables, and the instructions of the functions `annotated`."""
    title = f"{found.model} on {found.board}"
    if found.modelled is not None:
        network_cost.show(found.modelled, title, functions=functions)
        for name in annotated:
            print(run.annotate(found.elf, found.modelled.profile, name))
    latency.show(found.latency, found.memory, title, layers=found.modelled is None)
    if found.not_modelled is not None:
        print(found.not_modelled)
        return
    for peer in found.peers:
        print(peer)
    for reason in found.not_run:
        print(reason)
    print(peers.QUOTED)
