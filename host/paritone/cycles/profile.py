"""Counts summed up by function and by instruction of an ELF image."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from paritone.cycles.counting import Count

OUTSIDE = "(no function)"


@dataclass(frozen=True)
class Cost:
    """Executed instructions and modelled cycles."""

    instructions: int
    cycles: int

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.instructions + other.instructions, self.cycles + other.cycles)


NOTHING = Cost(0, 0)


@dataclass(frozen=True)
class Profile:
    """What a run executed.

    Attributes
    ----------
    symbols : by function, the dearest in cycles first
    addresses : by instruction
    unknown : addresses of instructions that were not recognised, counted as 1 cycle each
    """

    symbols: dict[str, Cost]
    addresses: dict[int, Cost]
    unknown: tuple[int, ...]

    @property
    def total(self) -> Cost:
        """Of everything."""
        return sum(self.symbols.values(), NOTHING)


class Functions:
    """The functions of an ELF image by address."""

    def __init__(self, elf: Path) -> None:
        found = {start: (end, name) for name, start, end in functions(elf)}
        self._starts = sorted(found)
        self._found = [found[start] for start in self._starts]

    def at(self, address: int) -> str:
        """Name of the function that holds `address`."""
        index = bisect_right(self._starts, address) - 1
        if index < 0 or address >= self._found[index][0]:
            return OUTSIDE
        return self._found[index][1]


def functions(elf: Path) -> Iterable[tuple[str, int, int]]:
    """Name, first address and the address past the end of every function.

    One without a size, as assemblers leave them, ends where the next begins.
    """
    from elftools.elf.elffile import ELFFile
    from elftools.elf.sections import SymbolTableSection

    with elf.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        assert isinstance(table, SymbolTableSection)
        symbols = [s for s in table.iter_symbols() if s["st_info"]["type"] == "STT_FUNC"]
        found = sorted((s["st_value"] & ~1, s["st_size"], s.name) for s in symbols)
    following = [start for start, _, _ in found[1:]] + [1 << 32]
    for (start, size, name), after in zip(found, following, strict=True):
        yield name, start, start + size if size else after


def sum_up(counts: Iterable[Count], elf: Path) -> Profile:
    """Sum up the counts of code in an image."""
    addresses: dict[int, Cost] = defaultdict(lambda: NOTHING)
    unknown: set[int] = set()
    for count in counts:
        at = count.block.address
        unknown.update(at + offset for offset in count.block.unknown)
        for size, cycles in zip(count.block.sizes, count.block.cycles, strict=True):
            addresses[at] += Cost(count.executed, count.executed * cycles)
            last, at = at, at + size
        addresses[last] += Cost(0, count.leaving_cycles)
    named = Functions(elf)
    symbols: dict[str, Cost] = defaultdict(lambda: NOTHING)
    for address, cost in addresses.items():
        symbols[named.at(address)] += cost
    dearest = sorted(symbols.items(), key=lambda item: -item[1].cycles)
    return Profile(dict(dearest), dict(addresses), tuple(sorted(unknown)))
