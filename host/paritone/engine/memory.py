"""Places tensors in one arena: those that live at the same time do not overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

ALIGNMENT = 16


@dataclass(frozen=True)
class Place:
    """Row y of a tensor lies at ``offset + y % rows * bytes of a row``."""

    offset: int
    rows: int


NOWHERE = Place(0, 1)
"""Of an operand that is not in the arena."""


@dataclass(frozen=True)
class Block:
    """`size` bytes that are in use from step `first` to step `last`, both included."""

    key: int
    size: int
    first: int
    last: int

    def meets(self, other: Block) -> bool:
        """Whether both are in use at some step."""
        return self.first <= other.last and other.first <= self.last


def align(size: int) -> int:
    """`size` rounded up to the arena's alignment."""
    return -(-size // ALIGNMENT) * ALIGNMENT


def place(blocks: Sequence[Block]) -> tuple[dict[int, int], int]:
    """``(offset of each key, arena bytes)``: largest block first, each in its lowest gap."""
    placed: list[tuple[int, Block]] = []
    for block in sorted(blocks, key=lambda b: (-b.size, b.first, b.key)):
        taken = sorted((o, align(b.size)) for o, b in placed if b.meets(block))
        placed.append((_lowest_gap(taken, align(block.size)), block))
    total = max((offset + align(block.size) for offset, block in placed), default=0)
    return {block.key: offset for offset, block in placed}, total


def _lowest_gap(taken: Sequence[tuple[int, int]], size: int) -> int:
    end = 0
    for offset, length in taken:
        if end + size <= offset:
            break
        end = max(end, offset + length)
    return end
