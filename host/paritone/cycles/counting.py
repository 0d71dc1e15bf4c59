"""QEMU's plugin: built once, loaded into an emulator, and the counts that it writes."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from paritone import sources
from paritone.cycles import thumb
from paritone.cycles.core import CoreModel
from paritone.cycles.pipeline import CORTEX_M4
from paritone.errors import ToolMissingError
from paritone.native import build

SOURCE = Path(__file__).with_name("plugin.c")
FLAGS = ("-O2", "-fPIC", "-shared", "-fvisibility=hidden")
TIMEOUT_S = 60


@cache
def plugin() -> Path:
    """The plugin, built when no build of its source exists."""
    key = build._digest([SOURCE, sources.root() / "firmware/cflags.rsp"], FLAGS)

    def compile_it(folder: Path) -> None:
        command = [build.compiler(), *FLAGS, build.warning_flags(), str(SOURCE)]
        command += ["-o", str(folder / "plugin.so")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)
        if done.returncode != 0:
            raise ToolMissingError(f"{' '.join(command)} failed:\n{done.stderr.strip()}")

    return build._cached(f"cycles_{key}", compile_it) / "plugin.so"


def arguments(out: Path, marks: Iterable[int] = ()) -> list[str]:
    """Arguments of QEMU that have it count into the file `out`."""
    options = [str(plugin()), f"out={out}", *(f"mark={mark:#x}" for mark in marks)]
    return ["-plugin", ",".join(options)]


@dataclass(frozen=True)
class Block:
    """Code that is entered at its beginning only.

    Attributes
    ----------
    address : of the first instruction
    sizes, cycles : of each instruction; not counting how the block is left
    refill_cycles : where it is left by a jump
    model : by which
    unknown : offsets of instructions that were not recognised
    """

    address: int
    sizes: tuple[int, ...]
    cycles: tuple[int, ...]
    refill_cycles: int
    model: CoreModel
    unknown: tuple[int, ...] = ()

    @classmethod
    def of(cls, address: int, code: bytes, model: CoreModel = CORTEX_M4) -> Block:
        """Decode `code`, work out what it costs."""
        found = list(thumb.instructions(code))
        sizes = tuple(one.size for one in found)
        unknown = tuple(
            sum(sizes[:i]) for i, one in enumerate(found) if one.kind == thumb.Kind.UNKNOWN
        )
        cost = tuple(model.cycles(found))
        return cls(address, sizes, cost, model.refill_cycles(found[-1]), model, unknown)


@dataclass(frozen=True)
class Count:
    """How often a block was executed and left by a jump; the penalties that were found out."""

    block: Block
    executed: int
    taken: int
    skewed: int
    split: int

    @property
    def instructions(self) -> int:
        """All that were executed."""
        return self.executed * len(self.block.sizes)

    @property
    def leaving_cycles(self) -> int:
        """What the jumps and the unaligned accesses took, beside the instructions' own."""
        model = self.block.model
        refills = self.taken * self.block.refill_cycles + self.skewed * model.skew_cycles
        return refills + self.split * model.split_cycles

    @property
    def cycles(self) -> int:
        """Modelled, of all executions."""
        return self.executed * sum(self.block.cycles) + self.leaving_cycles


@dataclass(frozen=True)
class Segment:
    """What ran from one mark to the next.

    Attributes
    ----------
    mark, end : addresses of the marks that began and ended it; None at the run's start and end
    came_from : address of the block that jumped to `mark`
    """

    mark: int | None
    came_from: int | None
    end: int | None
    counts: tuple[Count, ...]

    @property
    def instructions(self) -> int:
        """All that were executed."""
        return sum(count.instructions for count in self.counts)

    @property
    def cycles(self) -> int:
        """Modelled."""
        return sum(count.cycles for count in self.counts)


class Reader:
    """Reads what the plugin has written so far, again and again."""

    def __init__(self, file: Path, model: CoreModel = CORTEX_M4) -> None:
        self._file, self._model = file, model
        self._blocks: dict[str, Block] = {}
        self._known: dict[tuple[str, str], Block] = {}
        self._offset = 0
        self._mark: tuple[int | None, int | None] = (None, None)
        self._counts: list[Count] = []

    def segments(self, *, ended: bool = False) -> Iterator[Segment]:
        """The segments that ended since the last call; `ended`: the run did, and with it one."""
        for line in self._lines():
            what, *fields = line.split()
            if what == "block":
                self._blocks[fields[0]] = self._block(fields[1], fields[2])
            elif what == "count":
                count = Count(self._blocks[fields[0]], *(int(text) for text in fields[1:]))
                self._counts.append(count)
            else:
                mark, came_from = (int(text, 16) for text in fields)
                yield self._segment(mark)
                self._mark, self._counts = (mark, came_from), []
        if ended:
            yield self._segment(None)

    def _segment(self, end: int | None) -> Segment:
        return Segment(*self._mark, end, tuple(self._counts))

    def _block(self, address: str, code: str) -> Block:
        """Blocks are translated again and again: each code is decoded once."""
        if (address, code) not in self._known:
            block = Block.of(int(address, 16), bytes.fromhex(code), self._model)
            self._known[address, code] = block
        return self._known[address, code]

    def _lines(self) -> Sequence[str]:
        """Whole lines; the last one may be half written."""
        with self._file.open("rb") as file:
            file.seek(self._offset)
            text = file.read()
        text = text[: text.rfind(b"\n") + 1]
        self._offset += len(text)
        return text.decode().splitlines()
