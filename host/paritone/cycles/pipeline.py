"""A model of the Cortex-M4's pipeline: cycles of code that runs from memory without wait states.

After the timing tables and the remarks on loads and stores of Arm's Cortex-M4 Technical Reference
Manual (DDI 0439, chapters 3.3 and 7.2.3), in these words:

- Arithmetic, logic, shifts, comparisons, every multiplication with or without accumulation, of 32
  or 64 bits, and every instruction of the DSP extension take 1 cycle.
- A load takes 2, or 1 directly behind another single load that leaves its base alone and does not
  load what the address is made of. A load that changes its base always takes 2.
- A store takes 1 by the write buffer; with a register as offset 2, or 1 directly behind a load.
- LDM, POP, LDRD, STM, PUSH and STRD take 1 and 1 for each word, whatever is around them.
- An address made of the result of the data-processing instruction before costs 1 more.
- An access to memory that is not aligned costs 1 more for each further access that it takes.
- A branch not taken takes 1, a taken one the refill of the pipeline besides: 1 where the target
  stands in the instruction, 2 from a register, 3 from memory; 1 more to an instruction of 32 bits
  that is not aligned to 32. The manual says 1 to 3. TBB and TBH take 6 in all.
- Division takes 2 to 12 by its operands, which are not known here: 12. Special registers take 2.
- Of single-precision arithmetic VDIV and VSQRT take 14, multiplication with accumulation 3, the
  others 1, and 1 more each when the next instruction computes with their result.
- An exception takes 12 to enter.

What the model leaves out: wait states of flash (STM32F4's accelerator hides most), contention on
the bus, a full write buffer, folded IT instructions (1 here), instructions that their condition
skips (counted as if executed), exceptions' tails. By how much it is off, as far as published cycles
tell: `paritone.peers.published`.
"""

from __future__ import annotations

from collections.abc import Sequence

from paritone.cycles.core import CoreModel
from paritone.cycles.thumb import Instruction, Kind

EXCEPTION_CYCLES = 12

_FIXED = {
    Kind.COMPUTE: 1,
    Kind.DIVIDE: 12,
    Kind.BRANCH: 1,
    Kind.BRANCH_REGISTER: 1,
    Kind.TABLE_BRANCH: 3,
    Kind.SYSTEM: 2,
    Kind.BARRIER: 1,
    Kind.FLOAT: 1,
    Kind.FLOAT_ACCUMULATE: 3,
    Kind.FLOAT_DIVIDE: 14,
    Kind.UNKNOWN: 1,
}
_REFILL = {Kind.BRANCH: 1, Kind.BRANCH_REGISTER: 2, Kind.TABLE_BRANCH: 3}
_REFILL_FROM_MEMORY = 3
_ACCESSES = (Kind.LOAD, Kind.STORE, Kind.LOAD_MANY, Kind.STORE_MANY, Kind.TABLE_BRANCH)
_COMPUTES = (Kind.COMPUTE, Kind.DIVIDE, Kind.SYSTEM)
_FLOATS = (Kind.FLOAT, Kind.FLOAT_ACCUMULATE, Kind.FLOAT_DIVIDE)


def cycles(code: Sequence[Instruction]) -> list[int]:
    """Cycles of each instruction of a straight run of them, branches not taken."""
    before: list[Instruction | None] = [None, *code[:-1]]
    return [_cycles(one, previous) for previous, one in zip(before, code, strict=True)]


def refill_cycles(last: Instruction) -> int:
    """Cycles added when `last` is left for anywhere but the next instruction, aligned."""
    if last.to_pc:
        return _REFILL_FROM_MEMORY
    return _REFILL.get(last.kind, EXCEPTION_CYCLES)


def _cycles(one: Instruction, previous: Instruction | None) -> int:
    return _alone(one, _pipelines(one, previous)) + _stall(one, previous)


def _alone(one: Instruction, pipelined: bool) -> int:
    if one.kind == Kind.LOAD:
        return 1 if pipelined and not one.updates_base else 2
    if one.kind == Kind.STORE:
        return 2 if one.indexed and not pipelined else 1
    if one.kind in (Kind.LOAD_MANY, Kind.STORE_MANY):
        return 1 + one.words
    if one.kind == Kind.FLOAT_MOVE:
        return one.words
    return _FIXED[one.kind]


def _pipelines(one: Instruction, previous: Instruction | None) -> bool:
    """Whether the address of an access is worked out while the load before fetches."""
    if previous is None or previous.kind != Kind.LOAD or previous.updates_base:
        return False
    return one.address & previous.writes == 0


def _stall(one: Instruction, previous: Instruction | None) -> int:
    if previous is None:
        return 0
    if one.kind in _ACCESSES:
        return int(previous.kind in _COMPUTES and one.address & previous.writes != 0)
    return int(previous.kind in _FLOATS and one.reads & previous.writes != 0)


CORTEX_M4 = CoreModel("Cortex-M4", cycles, refill_cycles, skew_cycles=1, split_cycles=1)
