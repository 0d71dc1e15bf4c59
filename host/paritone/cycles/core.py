"""What a model of a core's pipeline says of decoded code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from paritone.cycles.thumb import Instruction


@dataclass(frozen=True)
class CoreModel:
    """Cycles of code that runs from memory without wait states.

    Attributes
    ----------
    name : of the core
    cycles : of each instruction of a straight run of them, branches not taken
    refill_cycles : added when the last one is left for anywhere but the next instruction
    skew_cycles : added to that where the target is an instruction of 32 bits off a word
    split_cycles : added for each further access that an unaligned one takes
    """

    name: str
    cycles: Callable[[Sequence[Instruction]], list[int]]
    refill_cycles: Callable[[Instruction], int]
    skew_cycles: int
    split_cycles: int
