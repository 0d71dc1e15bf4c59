"""The model of the Cortex-M33: operands as the disassembler names them, cycles made by hand."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

import cortex_m_emulator as emulator
from paritone.cycles import models
from paritone.cycles.pipeline_m33 import CORTEX_M33
from paritone.cycles.thumb import Kind, instructions
from paritone.peers.published import BOTH_CORES, ds_cnn, quicker
from test_cycles import disassembled, registers

RESULTS = re.compile(r"^[^,]*,?")
LATE = re.compile(
    r"(mul|mla|mls|[su]mull|[su]mlal|umaal|smla\w*|smul\w*|smls\w*|smmla|smmls|smmul|smuad|smusd"
    r"|usad8|usada8|[su]div|q(d?add|d?sub)|[suq]?[sh]?h?(add|sub|asx|sax)(8|16)|[su]sat(16)?"
    r"|(s|u|q|sh|uh|uq)(asx|sax))(eq|ne|cs|cc|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)?"
)


def test_operands_are_those_that_the_disassembler_names() -> None:
    """Every instruction of two libraries: nothing is missed, nothing invented."""
    seen = 0
    for code, mnemonic, operands in disassembled():
        (found,) = instructions(code)
        if found.kind not in (Kind.COMPUTE, Kind.DIVIDE) or mnemonic.startswith("v"):
            continue
        where = f"{code.hex()} {mnemonic} {operands}: {found}"
        named = registers(operands) & 0x7FFF
        assert found.sources & ~named == 0, where
        stem = mnemonic.split(".")[0]
        long = re.match(r"[su]mull|[su]mlal|umaal|smlal|smlsl", stem)
        if not long:
            rest = registers(RESULTS.sub("", operands, count=1)) & 0x7FFF
            assert rest & ~found.sources == 0, where
        assert found.late == bool(LATE.fullmatch(stem)), where
        assert found.sums & ~found.sources == 0, where
        seen += 1
    assert seen > 1000


@dataclass(frozen=True)
class Case:
    """Assembly, and the cycles of each instruction."""

    body: str
    cycles: list[int]


CASES = {
    "a load takes one": Case("ldr r1, [r0]\n ldr.w r2, [r3, r4]\n str r5, [r6, #4]", [1, 1, 1]),
    "its value one later": Case("ldr r1, [r0]\n add.w r2, r1, r3", [1, 2]),
    "unless another comes between": Case("ldr r1, [r0]\n mov.w r4, r5\n add.w r2, r1, r3",
                                         [1, 1, 1]),
    "an address of arithmetic": Case("add.w r1, r2, r3\n ldr r4, [r1]", [1, 1]),
    "an address of a load": Case("ldr r1, [r0]\n ldr r2, [r1]", [1, 2]),
    "what is stored": Case("ldr r1, [r0]\n str r1, [r2]", [1, 2]),
    "a product": Case("smlad r1, r2, r3, r4\n add.w r5, r1, r6", [1, 2]),
    "a sum of products": Case("smlad r1, r2, r3, r1\n smlad r1, r4, r5, r1", [1, 1]),
    "a product of a product": Case("smlad r1, r2, r3, r1\n smlad r4, r1, r5, r4", [1, 2]),
    "long sums": Case("smlal r1, r2, r3, r4\n smlal r1, r2, r5, r6", [1, 1]),
    "two at a time": Case("adds r1, #1\n adds r2, #1\n adds r3, #1", [1, 0, 1]),
    "none that needs the other": Case("adds r1, #1\n adds r1, #2", [1, 1]),
    "with a load": Case("adds r1, #1\n ldr r2, [r3]", [1, 0]),
    "not at its address": Case("adds r3, #4\n ldr r2, [r3]", [1, 1]),
    "with a branch": Case("adds r1, #1\n b .", [1, 0]),
    "no wide ones": Case("add.w r1, r1, #1\n adds r2, #1", [1, 1]),
    "no multiplication": Case("adds r1, #1\n muls r2, r3", [1, 1]),
    "many": Case("ldm r0!, {r1-r3}\n strd r4, r5, [r6]\n push {r4, lr}", [3, 2, 2]),
    "division": Case("udiv r1, r2, r3\n mrs r4, apsr", [11, 2]),
}  # fmt: skip


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Code of each case, assembled in one go."""
    from elftools.elf.elffile import ELFFile

    folder = tmp_path_factory.mktemp("m33")
    source = folder / "cases.S"
    bodies = [f'.section .case{i}, "ax"\n {case.body}\n' for i, case in enumerate(CASES.values())]
    source.write_text(".syntax unified\n.thumb\n" + "".join(bodies))
    (made,) = emulator.compile_objects([source], [], folder)
    with made.open("rb") as file:
        elf = ELFFile(file)
        sections = [elf.get_section_by_name(f".case{i}").data() for i in range(len(CASES))]
    return dict(zip(CASES, sections, strict=True))


@pytest.mark.parametrize("name", CASES)
def test_counted_by_hand(name: str, code: dict[str, bytes]) -> None:
    found = list(instructions(code[name]))
    assert CORTEX_M33.cycles(found) == CASES[name].cycles


def test_branches_refill_sooner_than_on_a_cortex_m4(code: dict[str, bytes]) -> None:
    last = list(instructions(code["with a branch"]))[-1]
    assert CORTEX_M33.refill_cycles(last) == 1
    m4 = models.of("cortex-m4")
    returned = next(instructions(bytes.fromhex("7047")))  # bx lr
    assert CORTEX_M33.refill_cycles(returned) < m4.refill_cycles(returned)


def test_every_core_is_labelled_an_estimate() -> None:
    for core, named in {"cortex-m4": "M4's", "cortex-m33": "M33's", "cortex-m7": "M4's"}.items():
        assert models.label(core).startswith("estimate: a model of the Cortex-" + named)
    assert "for want of one of the Cortex-M7's" in models.label("cortex-m7")


def test_its_error_against_published_cycles(tmp_path: Path) -> None:
    """What two engines gain on a Cortex-M33, and what the models say that ours does."""
    (tmp_path / "ds_cnn.tflite").write_bytes(ds_cnn())
    found = quicker(tmp_path / "ds_cnn.tflite", tmp_path)
    assert found.macs == pytest.approx(2.66e6, rel=0.01)
    print(f"ours {found.ratio:.3f}, published {BOTH_CORES}, errors {found.errors}")
    assert found.errors.keys() == BOTH_CORES.keys()
    assert all(abs(error) < 0.10 for error in found.errors.values())
