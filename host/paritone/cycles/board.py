"""An emulated board whose firmware is counted between the two looks at its clock of a request."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from paritone.boards import tool
from paritone.build import Firmware, footprint
from paritone.cycles import counting, models
from paritone.cycles.core import CoreModel
from paritone.cycles.counting import Count, Reader, Segment
from paritone.cycles.profile import NOTHING, Cost, functions

CLOCK = "board_ticks"
CALLER = "model.c.obj"
"""Object of the firmware that calls the kernels one after another."""
QEMU = ((6, 0), (8, 2))
"""Versions that have the plugin interface which the plugin is written for."""


@dataclass(frozen=True)
class Window:
    """What ran while the firmware timed one request.

    Attributes
    ----------
    before : until the first kernel was called, or to the end when none was
    calls : each from its kernel's call to the next one
    """

    before: Cost
    calls: tuple[Cost, ...]
    counts: tuple[Count, ...]

    @property
    def total(self) -> Cost:
        """From the first look at the clock to the second."""
        return sum(self.calls, self.before)


class Counts:
    """The counts of one emulated board.

    Parameters
    ----------
    folder : for the file by which the emulator tells them
    model : by which cycles are worked out; None: its core's
    """

    def __init__(self, firmware: Firmware, folder: Path, model: CoreModel | None = None) -> None:
        kernels = {f"paritone_{layer['kernel'].lower()}" for layer in firmware.manifest["layers"]}
        starts = {name: start for name, start, _ in functions(firmware.elf)}
        self._clock = starts[CLOCK]
        self._kernels = {starts[name] for name in kernels}
        sections = footprint.sections(firmware.elf.with_suffix(".map"))
        self._callers = [
            range(section.address, section.address + section.size)
            for section in sections
            if section.object == CALLER
        ]
        self._file = folder / "counts"
        self._reader = Reader(self._file, model or models.of(firmware.board.core))
        self._timing: list[Segment] | None = None

    @property
    def arguments(self) -> list[str]:
        """Of the emulator."""
        return counting.arguments(self._file, (self._clock, *sorted(self._kernels)))

    def windows(self) -> list[Window]:
        """What was timed since the last call, once the answers have come."""
        found = []
        for segment in self._reader.segments():
            if self._timing is not None:
                self._timing.append(segment)
            if segment.end == self._clock:
                if self._timing is not None:
                    found.append(self._window(self._timing))
                self._timing = [] if self._timing is None else None
        return found

    def _window(self, segments: Iterable[Segment]) -> Window:
        before, calls = NOTHING, []
        counts: list[Count] = []
        for segment in segments:
            cost = Cost(segment.instructions, segment.cycles)
            counts += segment.counts
            if self._is_call(segment):
                calls.append(cost)
            elif calls:
                calls[-1] += cost
            else:
                before += cost
        return Window(before, tuple(calls), tuple(counts))

    def _is_call(self, segment: Segment) -> bool:
        """Whether a segment begins with a call by the runtime, not by another kernel."""
        source = segment.came_from
        called = any(source in callers for callers in self._callers)
        return segment.mark in self._kernels and called


def missing() -> str | None:
    """Why code cannot be counted here, in a line; None when it can."""
    # One that was built without plugins refuses the option before it says its version.
    command = [tool("qemu-system-arm"), "-plugin", "file=none", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["it does not say why"])[-1]
        return f"no modelled cycles: this QEMU takes no plugins: {reason}"
    found = re.search(r"version (\d+)\.(\d+)", done.stdout)
    version = (int(found[1]), int(found[2])) if found else None
    if version is not None and QEMU[0] <= version <= QEMU[1]:
        return None
    known = " to ".join(f"{major}.{minor}" for major, minor in QEMU)
    has = f"{version[0]}.{version[1]}" if version else "unknown"
    return f"no modelled cycles: they need a QEMU from {known} for its plugins, this is {has}"
