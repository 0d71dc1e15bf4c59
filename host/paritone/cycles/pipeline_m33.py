"""A model of the Cortex-M33's pipeline: cycles of code that runs from memory without wait states.

Arm's Technical Reference Manual of this core (100230) has no table of timings, as the Cortex-M4's
has. What was told of it when it was introduced (elektroniknet.de, "Cortex-M23 und -M33 sind erste
ARMv8-M-CPUs", page 3): three stages in order; arithmetic, shifts and branches are done in the
second, SIMD, multiplication and division in the third; the address of a load is worked out in the
second, so that it takes one cycle where a Cortex-M4 takes two; Thumb instructions of 16 bits and
branches may be issued two at a time; 12 cycles to enter an exception. The model makes of that:

- Every instruction takes 1 cycle, division 11 at the most, special registers 2, floating point as
  on a Cortex-M4. LDM, POP, LDRD, STM, PUSH and STRD take 1 for each word.
- What a load or the third stage results in costs 1 more if the next instruction needs it; but a
  multiplication that only adds it to its product does not wait.
- Two instructions of 16 bits are issued together if the first is simple arithmetic, the second
  that, one load or store, or a branch, and the second needs nothing of the first.
- A branch taken refills the pipeline in 1 cycle, as does one to a register; 2 from memory; 1 more
  to an instruction of 32 bits off a word; TBB and TBH take 5 in all. An access that is not aligned
  takes 1 more for each further one.

These are assumptions, the first two by the stages, the others by likeness to the Cortex-M4. Left
out: wait states, caches, contention on the buses. How far it is off is measured as far as it can be
without the core: `paritone.peers.published`.
"""

from __future__ import annotations

from collections.abc import Sequence

from paritone.cycles.core import CoreModel
from paritone.cycles.thumb import Instruction, Kind

EXCEPTION_CYCLES = 12

_FIXED = {
    Kind.COMPUTE: 1,
    Kind.DIVIDE: 11,
    Kind.LOAD: 1,
    Kind.STORE: 1,
    Kind.BRANCH: 1,
    Kind.BRANCH_REGISTER: 1,
    Kind.TABLE_BRANCH: 2,
    Kind.SYSTEM: 2,
    Kind.BARRIER: 1,
    Kind.FLOAT: 1,
    Kind.FLOAT_ACCUMULATE: 3,
    Kind.FLOAT_DIVIDE: 14,
    Kind.UNKNOWN: 1,
}
_REFILL = {Kind.BRANCH: 1, Kind.BRANCH_REGISTER: 1, Kind.TABLE_BRANCH: 3}
_REFILL_FROM_MEMORY = 2
_BY_WORDS = (Kind.LOAD_MANY, Kind.STORE_MANY, Kind.FLOAT_MOVE)
_LOADS = (Kind.LOAD, Kind.LOAD_MANY)
_SECOND_OF_PAIR = (Kind.COMPUTE, Kind.LOAD, Kind.STORE, Kind.BRANCH)
_FLOATS = (Kind.FLOAT, Kind.FLOAT_ACCUMULATE, Kind.FLOAT_DIVIDE)


def cycles(code: Sequence[Instruction]) -> list[int]:
    """Cycles of each instruction of a straight run of them, branches not taken.

    The second one of a pair takes none.
    """
    found: list[int] = []
    previous: Instruction | None = None
    single = False
    for one in code:
        if previous is not None and single and _pairs(previous, one):
            found.append(0)
            single = False
        else:
            alone = one.words if one.kind in _BY_WORDS else _FIXED[one.kind]
            found.append(alone + _stall(one, previous))
            single = True
        previous = one
    return found


def refill_cycles(last: Instruction) -> int:
    """Cycles added when `last` is left for anywhere but the next instruction, aligned."""
    if last.to_pc:
        return _REFILL_FROM_MEMORY
    return _REFILL.get(last.kind, EXCEPTION_CYCLES)


def _pairs(first: Instruction, second: Instruction) -> bool:
    """Whether both are issued together."""
    if first.size != 2 or second.size != 2 or second.late or second.to_pc:
        return False
    if first.kind != Kind.COMPUTE or first.late or second.kind not in _SECOND_OF_PAIR:
        return False
    needs = second.address | second.sources | second.writes
    return needs & first.writes == 0


def _stall(one: Instruction, previous: Instruction | None) -> int:
    if previous is None:
        return 0
    if previous.kind in _FLOATS:
        return int(one.kind in _FLOATS and one.reads & previous.writes != 0)
    if previous.kind not in _LOADS and not previous.late:
        return 0
    waits_for = one.address | one.sources | one.reads
    if previous.late and one.late:
        waits_for &= ~one.sums
    return int(waits_for & previous.writes != 0)


CORTEX_M33 = CoreModel("Cortex-M33", cycles, refill_cycles, skew_cycles=1, split_cycles=1)
