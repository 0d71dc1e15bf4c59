"""The bound of the stack: over every path of calls, and never under what a board really took."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from board_projects import Boards, noise
from paritone import boards as supported
from paritone import build, device, sources
from paritone.build import stack
from paritone.build.stack import Function, deepest
from paritone.errors import CheckFailedError
from paritone.features import integer

BOARDS = ["stm32f405", "mps2-an386"]
CORE = ["-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"]
ASSEMBLY = """
#include "simd_asm.h"
function outer
    push {r4-r11, lr}
    sub sp, sp, #24
    vpush {d8-d15}
    str r0, [sp, #-4]!
1:  subs r0, r0, #1
    bne 1b
    bl leaf
    bne last
    add sp, sp, #92
    pop {r4-r11, pc}
end outer
function leaf
    bx lr
end leaf
function last
    bx lr
end last
function pointer
    bx r3
end pointer
function computed
    sub sp, sp, r0
    bx lr
end computed
"""


def calls(**functions: tuple[int, list[str]]) -> dict[str, Function]:
    return {n: Function(n, size, frozenset(below)) for n, (size, below) in functions.items()}


def test_the_deepest_path_and_one_interrupt_on_top() -> None:
    found = deepest(
        calls(
            start=(8, ["main"]),
            main=(16, ["shallow", "deep"]),
            shallow=(40, []),
            deep=(24, ["leaf"]),
            leaf=(100, []),
            fault_report=(120, []),
            tick=(4, []),
            serial=(12, ["leaf"]),
        ),
        ["tick", "serial"],
    )
    assert found.bytes == 8 + 16 + 24 + 100 + stack.EXCEPTION_FRAME_BYTES + 12 + 100
    assert str(found) == (
        "start 8 > main 16 > deep 24 > leaf 100 > "
        f"interrupt {stack.EXCEPTION_FRAME_BYTES} > serial 12 > leaf 100"
    )


def test_recursion_and_unknown_functions_have_no_bound() -> None:
    fault = {"fault_report": (0, [])}
    with pytest.raises(CheckFailedError, match="recursion has no bound: a > b > a"):
        deepest(calls(start=(0, ["a"]), a=(8, ["b"]), b=(8, ["a"]), **fault))
    with pytest.raises(CheckFailedError, match="nothing is known about gone, called by start"):
        deepest(calls(start=(0, ["gone"]), **fault))


def compiled(folder: Path, text: str) -> str:
    """The compiler's figures of a C file."""
    (folder / "a.c").write_text(text)
    command = [
        supported.tool("arm-none-eabi-gcc"),
        *CORE,
        "-O1",
        "-fcallgraph-info=su",
        "-c",
        "a.c",
    ]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=60)
    return (folder / "a.ci").read_text()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("void g(char *); void f(int n) { char a[n]; g(a); }", "the frame of f is dynamic"),
        ("void f(int (*g)(void)) { if (g() != 3) g(); }", r"a\.c:1:\d+ calls through a pointer"),
    ],
)
def test_what_has_no_bound_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(CheckFailedError, match=expected):
        stack._from_figures(compiled(tmp_path, text), None)


def test_frames_and_calls_by_the_compiler(tmp_path: Path) -> None:
    text = """
        void sink(volatile char *);
        static __attribute__((noinline)) void inner(void) { volatile char a[100]; sink(a); }
        void outer(void) { volatile char a[40]; inner(); sink(a); }"""
    found = stack._from_figures(compiled(tmp_path, text), None)
    assert set(found) == {"a.c:inner", "outer"}
    assert 100 < found["a.c:inner"].frame_bytes <= 116
    assert found["outer"].calls == {"a.c:inner", "sink"}


def test_frames_and_calls_of_assembly(tmp_path: Path) -> None:
    (tmp_path / "a.S").write_text(ASSEMBLY)
    gcc = supported.tool("arm-none-eabi-gcc")
    command = [
        gcc,
        *CORE,
        f"-I{sources.root() / 'firmware/src'}",
        "-nostdlib",
        "-Wl,-e,outer",
        "a.S",
        "-o",
        "a.elf",
    ]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=60)
    objdump = build._objdump()
    elf = tmp_path / "a.elf"
    found = stack._from_assembly(stack._disassembly(elf, objdump), stack._Image(elf))
    assert found["outer"] == Function("outer", 9 * 4 + 24 + 8 * 8 + 4, frozenset({"leaf", "last"}))
    assert found["leaf"] == Function("leaf", 0, frozenset())
    assert "pointer" not in found, "where it goes is not known"
    assert "computed" not in found


@pytest.mark.parametrize("name", BOARDS)
def test_a_board_stays_under_the_bound(boards: Boards, name: str) -> None:
    """After a stream, an inference, every call alone and every stage of the frontend."""
    built = boards(name)
    bound = built.firmware.stack
    assert bound.bytes <= built.project.board.memory.stack_bytes
    pcm, tables = noise(9000), built.project.tables()
    with device.open(name, built.firmware) as board:
        patches = list(board.stream(pcm))
        assert len(patches) > 1
        assert len(list(board.calls(patches[0].features)))
        for stage in integer.stages_of(tables):
            board.trace(pcm[: tables.window_length], stage)
        used = board.counters().stack_bytes
    # An interrupt seldom comes at the deepest point: without one the bound is all but reached.
    assert bound.bytes - 2 * stack.EXCEPTION_FRAME_BYTES < used <= bound.bytes, bound
