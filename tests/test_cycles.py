"""Counting in the emulator, and the model of the pipeline, against counts made by hand."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import cortex_m_emulator as emulator
from board_projects import Boards
from paritone import bench, device, latency
from paritone.cycles import board as counted_board
from paritone.cycles import run
from paritone.cycles.counting import Block
from paritone.cycles.profile import Cost, Profile
from paritone.cycles.thumb import Instruction, Kind, decode
from paritone.engine import tflite
from paritone.errors import CheckFailedError
from paritone.latency import network_cost
from paritone.peers import bakenn

RETURN = Cost(1, 3)  # bx lr


@dataclass(frozen=True)
class Case:
    """A function of assembly, and what its body takes."""

    name: str
    body: str
    instructions: int
    cycles: int


CASES = [
    Case("loop", "movs r0, #100\n1: subs r0, #1\n bne 1b", 1 + 200, 1 + 100 + 99 * 2 + 1),
    # The head of this loop is a wide instruction off a word: each jump takes one cycle more.
    Case(
        "skewed_loop",
        "movs r0, #100\n1: subs.w r0, r0, #1\n bne 1b",
        1 + 200,
        1 + 100 + 99 * 3 + 1,
    ),
    Case("jump", "b 1f\n nop\n1: nop", 2, 3),
    Case("zero", "movs r1, #0\n cbz r1, 1f\n nop\n1: nop", 3, 4),
    Case("skipped", "movs r1, #1\n cmp r1, #0\n it eq\n moveq r1, #2", 4, 4),
    Case("call", "mov r4, lr\n bl leaf\n mov lr, r4", 3, 1 + 2 + 1),
    Case("table", "movs r1, #0\n nop\n tbb [pc, r1]\n .byte 1, 1\n nop", 4, 1 + 1 + 6 + 1),
    Case("loads", "ldr r1, [r0]\n ldrb r2, [r0, #4]\n ldrsh r3, [r0, #8]\n ldr r1, [r0]", 4, 5),
    Case("apart", "ldr r1, [r0]\n adds r2, #1\n ldr r3, [r0]\n adds r2, #1", 4, 2 + 1 + 2 + 1),
    Case("chain", "ldr r1, =word\n ldr r1, [r1]\n ldr r1, [r1]", 3, 2 + 2 + 2),
    Case("walk", "ldr r1, [r0], #4\n ldr r2, [r0], #4\n ldr r3, [r0]", 3, 2 + 2 + 2),
    Case("computed", "adds r0, #4\n ldr r1, [r0]", 2, 1 + 3),
    Case("not_computed", "adds r0, #4\n nop\n ldr r1, [r0]", 3, 1 + 1 + 2),
    Case("many", "ldm r0!, {r1-r3}\n ldrd r1, r2, [r0]", 2, 4 + 3),
    Case("stack", "push {r4-r6, lr}\n pop {r4-r6, lr}", 2, 5 + 5),
    Case("stack_return", "push {r4, lr}\n bl inner\n b 1f\ninner: push {r5, lr}\n pop {r5, pc}\n"
         "1: pop {r4, lr}", 6, 3 + 2 + 3 + (3 + 3) + 2 + 3),
    Case("stores", "str r1, [r0]\n strh r1, [r0, #4]\n strb r1, [r0, #8]", 3, 3),
    Case("indexed", "movs r2, #4\n nop\n strb r1, [r0, r2]\n ldr r3, [r0, r2]\n str r3, [r0, r2]",
         5, 1 + 1 + 2 + 2 + 1),
    Case("store_many", "stmia r0!, {r1-r3}\n strd r1, r2, [r0]", 2, 4 + 3),
    Case("split", "ldr r1, [r0, #1]\n ldr r1, [r0, #2]\n ldrh r1, [r0, #3]\n ldrb r1, [r0, #1]",
         4, 5 + 2 + 1 + 1),
    Case("products", "mul r1, r2, r3\n mla r1, r2, r3, r1\n smlal r1, r2, r3, r3\n smlad r1, r2, "
         "r3, r1\n smmla r1, r2, r3, r1\n umull r1, r2, r3, r3\n smlabb r1, r2, r3, r1", 7, 7),
    Case("parallel", "uxtab r1, r2, r3\n ssat r1, #8, r1, asr #6\n pkhbt r1, r2, r3, lsl #16\n "
         "sadd16 r1, r2, r3\n ubfx r1, r2, #3, #4", 5, 5),
    Case("division", "movs r1, #7\n udiv r1, r1, r1", 2, 1 + 12),
    Case("floats", "vldr s0, [r0]\n vldr s1, [r0, #4]\n vadd.f32 s2, s0, s1\n vmul.f32 s3, s2, s1\n"
         " vmla.f32 s4, s0, s1\n vdiv.f32 s5, s0, s1\n vmov r1, s5\n vstr s5, [r0]", 8,
         2 + 1 + 1 + (1 + 1) + 3 + 14 + 1 + 1),
    Case("floats_many", "vldmia r0, {s0-s3}\n vpush {d4-d5}\n vpop {d4-d5}", 3, 5 + 5 + 5),
    Case("special", "mrs r1, apsr\n dsb", 2, 2 + 1),
]  # fmt: skip

SOURCE = """
.syntax unified
.thumb
.section .text.main, "ax"
.global main
.thumb_func
.type main, %function
main:
    push {{r4-r6, lr}}
{calls}
    movs r0, #0
    pop {{r4-r6, pc}}
.size main, . - main
.p2align 2
.thumb_func
.type leaf, %function
leaf:
    bx lr
.size leaf, . - leaf
{functions}
.p2align 2
word: .word word
.section .bss
.p2align 3
room: .space 64
"""

FUNCTION = """
.p2align 2
.thumb_func
.type case_{name}, %function
case_{name}:
    {body}
    bx lr
.size case_{name}, . - case_{name}
.p2align 2
.ltorg
"""


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Profile]:
    """All cases in one image, each called once with r0 at room."""
    folder = tmp_path_factory.mktemp("cycles")
    calls = "\n".join(f"    ldr r0, =room\n    bl case_{case.name}" for case in CASES)
    functions = "".join(FUNCTION.format(name=case.name, body=case.body) for case in CASES)
    source = folder / "cases.S"
    source.write_text(SOURCE.format(calls=calls, functions=functions))
    objects = emulator.compile_objects([source], [], folder)
    elf = emulator.link(objects, folder / "cases.elf")
    return elf, run.run_counted(elf)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_counted_by_hand(case: Case, counted: tuple[Path, Profile]) -> None:
    profile = counted[1]
    found = profile.symbols[f"case_{case.name}"]
    assert found == Cost(case.instructions, case.cycles) + RETURN


def test_functions_and_addresses_add_up(counted: tuple[Path, Profile]) -> None:
    _, profile = counted
    assert profile.total == sum(profile.addresses.values(), Cost(0, 0))
    assert profile.symbols["leaf"] == RETURN
    assert profile.symbols["main"].instructions == 2 + 2 * len(CASES) + 1
    assert list(profile.symbols.values()) == sorted(
        profile.symbols.values(), key=lambda cost: -cost.cycles
    )
    assert not profile.unknown


def test_a_disassembly_shows_what_each_instruction_took(counted: tuple[Path, Profile]) -> None:
    lines = run.annotate(*counted, "case_loop").splitlines()
    cells = [line.split()[:2] for line in lines[1:]]
    assert cells == [["1", "1.00"], ["100", "1.00"], ["100", "1.99"], ["1", "3.00"]]
    with pytest.raises(CheckFailedError, match="no function nothing"):
        run.annotate(*counted, "nothing")


def test_marks_cut_a_run(counted: tuple[Path, Profile]) -> None:
    elf, profile = counted
    segments = run.run_marked(elf, ("case_loop", "case_jump"))
    assert [segment.mark is None for segment in segments] == [True, False, False]
    assert segments[0].end == segments[1].mark
    assert sum(segment.instructions for segment in segments) == profile.total.instructions
    assert sum(segment.cycles for segment in segments) == profile.total.cycles


def test_a_program_that_fails_is_no_measurement(tmp_path: Path) -> None:
    source = tmp_path / "fails.c"
    source.write_text("int main(void) { return 1; }\n")
    elf = emulator.link(emulator.compile_objects([source], [], tmp_path), tmp_path / "fails.elf")
    with pytest.raises(CheckFailedError, match=r"fails\.elf ended with status 1"):
        run.run_counted(elf)


# ------------------------------------------------------------------ Decoding

IF = "(eq|ne|cs|cc|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)?"
EXPECTED = [
    (rf"(ldrd|ldm(ia|db)?|pop|vpop|vldm(ia|db)|fldmiax){IF}", Kind.LOAD_MANY),
    (rf"(strd|stm(ia|db)?|push|vpush|vstm(ia|db)|fstmiax){IF}", Kind.STORE_MANY),
    (rf"ldr(b|h|sb|sh|t|ex)?{IF}", Kind.LOAD),
    (rf"str(b|h|t|ex)?{IF}", Kind.STORE),
    (rf"(b|bl){IF}|cbn?z", Kind.BRANCH),
    (rf"(bx|blx){IF}", Kind.BRANCH_REGISTER),
    (r"tb[bh]", Kind.TABLE_BRANCH),
    (rf"[us]div{IF}", Kind.DIVIDE),
    (r"mrs|msr|svc|bkpt|udf", Kind.SYSTEM),
    (r"dmb|dsb|isb|clrex", Kind.BARRIER),
    (rf"v(fn?m|n?ml)[as]{IF}", Kind.FLOAT_ACCUMULATE),
    (rf"v(div|sqrt){IF}", Kind.FLOAT_DIVIDE),
    (rf"vm(rs|sr){IF}", Kind.FLOAT_MOVE),
    (r"(stc|ldc|stf|ldf|mcr|mrc|cdp)\w*", Kind.UNKNOWN),
]
"""Mnemonics without the suffixes of width and type; the others compute."""
RESULTLESS = re.compile(rf"(cmp|cmn|tst|teq|nop|it[te]*|pld\w?|cps\w*|wfi|sev|yield){IF}")
NAMES = {f"r{n}": n for n in range(13)} | {"sl": 10, "fp": 11, "ip": 12, "sp": 13, "lr": 14}
LINE = re.compile(r"^ +[0-9a-f]+:\t([0-9a-f ]+?) *\t([a-z]\S*)(?:\t([^;@<\n]*))?", re.MULTILINE)


def disassembled() -> list[tuple[bytes, str, str]]:
    """Code, mnemonic and operands of the compiler's and the C library's own functions."""
    compiler = emulator.tool("arm-none-eabi-gcc", "gcc-arm-none-eabi libnewlib-arm-none-eabi")
    found = []
    for name in ("libm.a", "libgcc.a"):
        asked = [compiler, *emulator.M4.flags, f"-print-file-name={name}"]
        library = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
        command = [compiler.replace("gcc", "objdump"), "-d", library]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        for code, mnemonic, operands in LINE.findall(text):
            words = [int(word, 16).to_bytes(2, "little") for word in code.split()]
            found.append((b"".join(words), mnemonic, operands.strip()))
    return sorted(set(found))


def kind_of(mnemonic: str, operands: str) -> Kind:
    """What the disassembler's words say."""
    stem = mnemonic.split(".")[0]
    if stem[:4] in ("vldr", "vstr"):
        single = operands.startswith("s")
        load = (Kind.LOAD_MANY, Kind.LOAD) if stem[:4] == "vldr" else (Kind.STORE_MANY, Kind.STORE)
        return load[single]
    for names, kind in EXPECTED:
        if re.fullmatch(names, stem):
            return kind
    if stem.startswith("v"):
        core = re.search(r"\b(r\d|sl|fp|ip|sp|lr)", operands)
        return Kind.FLOAT_MOVE if core else Kind.FLOAT
    return Kind.BRANCH_REGISTER if operands.startswith("pc,") else Kind.COMPUTE


def registers(text: str) -> int:
    """Set of the core registers named in `text`, ranges included."""
    for first, last in re.findall(r"r(\d+)-r(\d+)", text):
        text += "".join(f" r{n}" for n in range(int(first), int(last) + 1))
    found = set(re.findall(r"\b(r\d+|sl|fp|ip|sp|lr)\b", text))
    return sum(1 << NAMES[name] for name in found) | (1 << 15 if "pc" in text else 0)


def test_the_c_library_is_decoded_as_it_is_disassembled() -> None:
    """Sizes, kinds, registers of addresses and results, of every instruction there is."""
    seen = set()
    for code, mnemonic, operands in disassembled():
        found, kind = decode(code), kind_of(mnemonic, operands)
        where = f"{code.hex()} {mnemonic} {operands}: {found}"
        assert (found.size, found.kind) == (len(code), kind), where
        seen.add(kind)
        check_registers(found, mnemonic, operands, where)
    assert set(Kind) - seen <= {Kind.BARRIER, Kind.SYSTEM}


def check_registers(found: Instruction, mnemonic: str, operands: str, where: str) -> None:
    result, _, address = operands.partition("[")
    if found.kind in (Kind.LOAD, Kind.STORE):
        inside = registers(address.split("]")[0]) & 0x7FFF  # the program counter stalls nothing
        assert found.address == inside, where
        assert found.updates_base == ("]!" in operands or "]," in operands), where
    if found.kind == Kind.LOAD and not mnemonic.startswith("v"):
        assert found.writes == registers(result), where
        assert found.to_pc == ("pc" in result), where
    if found.kind == Kind.LOAD_MANY and re.search(r"\{[^ds]", operands):
        assert found.writes == registers(operands.partition("{")[2]), where
        assert found.to_pc == ("pc" in operands), where
    if found.kind in (Kind.COMPUTE, Kind.DIVIDE) and not RESULTLESS.fullmatch(
        mnemonic.split(".")[0]
    ):
        assert found.writes & registers(operands.split(",")[0]), where


@pytest.mark.parametrize("code", ["ee010e10", "fc001000", "b6ff"])
def test_what_is_not_recognised_is_said(code: str) -> None:
    halfwords = [code[i : i + 4] for i in range(0, len(code), 4)]
    raw = b"".join(int(h, 16).to_bytes(2, "little") for h in halfwords)
    assert decode(raw).kind == Kind.UNKNOWN
    assert Block.of(0x100, raw).unknown == (0,)
    assert Block.of(0x100, raw).cycles == (1,)


# ------------------------------------------------------------------- A board


def test_the_emulators_own_clock_counts_the_same(boards: Boards, tmp_path: Path) -> None:
    """Frame, inference and the layers within it; a second inference is as long."""
    built = boards("mps2-an386")
    counts = counted_board.Counts(built.firmware, tmp_path)
    project, pcm = built.project, built.clips[0][1]
    with device.open(
        project.board, built.firmware, counting=True, arguments=counts.arguments
    ) as opened:
        clock = latency.measure(opened, pcm, project.tables(), runs=1)
        counted = network_cost.measure(opened, counts, pcm, project.tables())
        for _ in range(2):
            opened.write(np.zeros(opened.input_shape[1:3]))
            opened.run()
        first, second = (window.total for window in counts.windows())
    whole = counted.whole
    assert counted.frame.instructions == pytest.approx(clock.frontend.median, abs=3)
    assert whole.cost.instructions == pytest.approx(clock.inference.median, abs=3)
    assert counted.profile.total.instructions == pytest.approx(whole.cost.instructions, abs=100)
    assert first.instructions == pytest.approx(second.instructions, abs=20)
    assert first.cycles == pytest.approx(second.cycles, abs=40)
    manifest = built.firmware.manifest
    assert [layer.part.name for layer in counted.layers] == [
        layer["name"] for layer in manifest["layers"]
    ]
    assert sum(layer.calls for layer in counted.layers) == len(manifest["calls"])
    assert whole.macs == manifest["macs"] == sum(part.macs for part in counted.kinds())
    # Run one by one, each call is checked before: some hundred instructions more, no less.
    for layer, alone in zip(counted.layers, clock.layers, strict=True):
        extra = alone.cost.median - layer.part.cost.instructions
        assert -50 * layer.calls <= extra <= 1000 * layer.calls
        assert layer.part.cost.cycles > layer.part.cost.instructions
    assert not counted.profile.unknown
    assert sum(kind.cost.cycles for kind in counted.kinds()) + counted.between.cycles == (
        whole.cost.cycles
    )


def test_bench_writes_layers_kinds_and_peers(
    boards: Boards, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    built = boards("stm32f405")
    monkeypatch.setattr(bakenn, "installed", lambda: False)
    found = bench.bench(built.project)
    bench.show(found, functions=True, annotated=["paritone_model_invoke"])
    text = capsys.readouterr().out
    for expected in ("kind of layer", "estimate", "bakenn is not installed", "cycles each"):
        assert expected in text
    for layer in built.firmware.manifest["layers"]:
        assert f"paritone_{layer['kernel'].lower()} " in text
    record = found.record()["modelled"]
    json.dumps(record)
    total = record["inference"]
    layers = record["layers"]
    assert sum(layer["cycles"] for layer in layers) == pytest.approx(total["cycles"], rel=0.01)
    assert {layer["kind"] for layer in layers} == {kind["name"] for kind in record["kinds"]}
    assert total["cycles_per_mac"] == pytest.approx(total["cycles"] / total["macs"], abs=1e-4)


def test_another_qemu_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert counted_board.missing() is None
    monkeypatch.setattr(counted_board, "QEMU", ((6, 0), (6, 2)))
    assert re.search(r"a QEMU from 6\.0 to 6\.2 .* this is \d+\.\d+", counted_board.missing() or "")


def test_a_qemu_without_plugins_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "qemu-system-arm"
    program.write_text('#!/bin/sh\necho "plugin interface not enabled in this build" >&2\nexit 1\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    said = counted_board.missing() or ""
    assert said.endswith("takes no plugins: plugin interface not enabled in this build")


def test_a_peer_gets_the_layers_that_it_takes(boards: Boards) -> None:
    model = boards("stm32f405").project.model
    graph = tflite.read(model)
    part = tflite.parse(bakenn.longest_part(model.read_bytes()), "part")
    kinds = [op.kind for op in part.ops]
    assert set(kinds) <= set(bakenn.LAYERS)
    whole = [op.kind for op in graph.ops]
    assert any(whole[i : i + len(kinds)] == kinds for i in range(len(whole)))
    assert len(kinds) >= 2
    assert graph.tensors[graph.inputs[0]].dtype == "int8" or part.inputs != graph.inputs
