"""cmsis_dsp_ref against genuine CMSIS-DSP on an emulated Cortex-M4, bit for bit.

Genuine sources come from the source distribution of ``cmsisdsp``; both run in one image.
"""

from __future__ import annotations

import ctypes
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import cortex_m4_emulator as emulator
from paritone import sources
from paritone.features import integer
from paritone.features.fft_tables import fft_tables
from paritone.native import build

LENGTHS = (256, 512, 1024, 2048)
FULL = 2**31 - 1
GENUINE = [
    "TransformFunctions/arm_rfft_q31.c",
    "TransformFunctions/arm_rfft_init_q31.c",
    "TransformFunctions/arm_cfft_q31.c",
    "TransformFunctions/arm_cfft_radix4_q31.c",
    "TransformFunctions/arm_bitreversal2.c",
    "BasicMathFunctions/arm_shift_q31.c",
    "CommonTables/arm_common_tables.c",
    "CommonTables/arm_const_structs.c",
]
RENAMED = [f"-Darm_{name}=ref_{name}" for name in ("rfft_q31", "cfft_q31", "shift_q31")]


@dataclass(frozen=True)
class Case:
    name: str
    inverse: bool
    words: np.ndarray  # int32 [n + 2]

    @property
    def n(self) -> int:
        return len(self.words) - 2


def cases() -> list[Case]:
    """Zeros, impulses, full scale, ramps, sines, noise at five levels; every length."""
    found = []
    for n in LENGTHS:
        rng = np.random.default_rng(n)
        t = np.arange(n + 2)
        signals = {
            "zeros": 0 * t,
            "impulse": np.where(t == 3, FULL, 0),
            "negative impulse": np.where(t == 0, -FULL - 1, 0),
            "full scale": np.full(n + 2, FULL),
            "negative full scale": np.full(n + 2, -FULL - 1),
            "square": np.where(t // 5 % 2, FULL, -FULL - 1),
            "alternating": np.where(t % 2, FULL, -FULL - 1),
            "ramp": np.linspace(-FULL, FULL, n + 2),
            "small ramp": t - n // 2,
        }
        for k in (1, n // 8, n // 4 - 1, n // 2 - 1, 17.5):
            signals[f"sine {k}"] = FULL * np.sin(2 * np.pi * k * t / n + 0.3)
        for bits in (31, 24, 16, 8, 2):
            signals[f"noise {bits}"] = rng.integers(-(2**bits), 2**bits, n + 2)
        signals["sparse noise"] = rng.integers(-FULL, FULL, n + 2) * (rng.random(n + 2) < 0.05)
        for name, values in signals.items():
            words = np.clip(values, -FULL - 1, FULL).astype(np.int32)
            found += [Case(f"{name}, {n}", inverse, words) for inverse in (False, True)]
    return found


@pytest.fixture(scope="module")
def emulated(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Case, np.ndarray]]:
    """Each case with int32 [3, 2 n]: genuine, ours, genuine on our tables."""
    folder = tmp_path_factory.mktemp("rfft")
    every = cases()
    with (folder / "vectors.bin").open("wb") as file:
        for case in every:
            file.write(np.array([case.n, case.inverse], "<u4").tobytes() + case.words.tobytes())
    emulator.run(build_image(folder), folder)
    words = np.fromfile(folder / "results.bin", "<i4")
    assert len(words) == sum(6 * case.n for case in every)
    ends = np.cumsum([6 * case.n for case in every])
    return [
        (case, words[end - 6 * case.n : end].reshape(3, -1))
        for case, end in zip(every, ends, strict=True)
    ]


def build_image(folder: Path) -> Path:
    (folder / "tables.h").write_text(tables_h())
    top, own = emulator.cmsis_dsp(), sources.root() / "cmsis_dsp_ref"
    genuine = emulator.compile_objects(
        [top / "Source" / name for name in GENUINE], genuine_flags(), folder / "genuine"
    )
    include = f"-I{own / 'include'}"
    ours = emulator.compile_objects(
        sorted((own / "src").glob("*.c")), [*RENAMED, include], folder / "ours"
    )
    main = emulator.compile_objects(
        [emulator.HERE / "rfft_main.c"], [include, f"-I{folder}", f"-I{emulator.HERE}"], folder
    )
    return emulator.link([*genuine, *ours, *main], folder / "rfft.elf")


def genuine_flags() -> list[str]:
    top = emulator.cmsis_dsp()
    folders = (top / "Include", top / "PrivateInclude", emulator.HERE / "cmsis")
    return ["-DARM_MATH_DSP", "-w", *(f"-I{folder}" for folder in folders)]


def tables_h() -> str:
    """Our tables of every length as C."""
    lines = []
    for n in LENGTHS:
        tables = fft_tables(n)
        for name in ("twiddle", "split_a", "split_b", "bit_reverse"):
            values = getattr(tables, name)
            c_type = "uint16_t" if values.dtype == np.uint16 else "q31_t"
            cells = ",".join(map(str, values.tolist()))
            lines.append(f"static const {c_type} {name}_{n}[] = {{{cells}}};")
        lines.append(
            f"static const arm_cfft_instance_q31 cfft_{n} = "
            f"{{{n // 2}, twiddle_{n}, bit_reverse_{n}, {len(tables.bit_reverse)}}};"
        )
    for name, result in (
        ("split_a", "q31_t *"),
        ("split_b", "q31_t *"),
        ("cfft", "arm_cfft_instance_q31 *"),
    ):
        ref = "&" if name == "cfft" else ""
        chain = " : ".join(f"n == {n} ? {ref}{name}_{n}" for n in LENGTHS[:-1])
        lines.append(
            f"static const {result}{name}(uint32_t n) {{ return {chain} : {ref}{name}_2048; }}"
        )
    return "\n".join(lines) + "\n"


def same(case: Case, expected: np.ndarray, found: np.ndarray, what: str) -> None:
    if not np.array_equal(expected, found):
        i = int(np.flatnonzero(expected != found)[0])
        pytest.fail(
            f"{what}, {case.name}, inverse {case.inverse}: first difference at {i}: "
            f"expected {expected[i]}, found {found[i]}"
        )


def written(case: Case) -> int:
    """Words of the output that the function writes."""
    return case.n if case.inverse else 2 * case.n


def test_cross_built_equals_genuine(emulated: list[tuple[Case, np.ndarray]]) -> None:
    for case, (genuine, ours, _) in emulated:
        same(case, genuine, ours, "ours on the emulated core")
    assert len(emulated) == 2 * 20 * len(LENGTHS)


def test_genuine_on_our_tables_equals_genuine(emulated: list[tuple[Case, np.ndarray]]) -> None:
    for case, (genuine, _, swapped) in emulated:
        same(case, genuine, swapped, "genuine with our instance")


def test_native_equals_genuine(
    emulated: list[tuple[Case, np.ndarray]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    rfft = native_rfft(tmp_path_factory.mktemp("native"))
    for case, (genuine, _, _) in emulated:
        count = written(case)
        same(case, genuine[:count], rfft(case)[:count], "ours on the host")
        assert (rfft(case)[count:] == POISON).all(), f"{case.name}: written past the end"


def test_numpy_reference_equals_genuine(emulated: list[tuple[Case, np.ndarray]]) -> None:
    for case, (genuine, _, _) in emulated:
        if not case.inverse:
            samples = case.words[None, : case.n].astype(np.int64)
            found = integer.rfft_q31(samples, fft_tables(case.n))[0]
            same(case, genuine[: case.n + 2], found, "NumPy")


POISON = 0x5A5A5A5A


class Cfft(ctypes.Structure):
    _fields_ = [
        ("fftLen", ctypes.c_uint16),
        ("pTwiddle", ctypes.c_void_p),
        ("pBitRevTable", ctypes.c_void_p),
        ("bitRevLength", ctypes.c_uint16),
    ]


class Rfft(ctypes.Structure):
    _fields_ = [
        ("fftLenReal", ctypes.c_uint32),
        ("ifftFlagR", ctypes.c_uint8),
        ("bitReverseFlagR", ctypes.c_uint8),
        ("twidCoefRModifier", ctypes.c_uint32),
        ("pTwiddleAReal", ctypes.c_void_p),
        ("pTwiddleBReal", ctypes.c_void_p),
        ("pCfft", ctypes.c_void_p),
    ]


def native_rfft(folder: Path):
    """``arm_rfft_q31`` compiled for the host: a function of a case, output and guard words."""
    own = sources.root() / "cmsis_dsp_ref"
    library = folder / "ref.so"
    files = map(str, sorted((own / "src").glob("*.c")))
    command = [build.compiler(), "-O2", "-shared", "-fPIC", f"-I{own / 'include'}", *files]
    subprocess.run([*command, "-o", str(library)], check=True, timeout=60)
    function = ctypes.CDLL(str(library)).arm_rfft_q31
    function.restype = None
    tables = {n: fft_tables(n) for n in LENGTHS}

    def call(case: Case) -> np.ndarray:
        t = tables[case.n]
        reverse = len(t.bit_reverse)
        cfft = Cfft(case.n // 2, t.twiddle.ctypes.data, t.bit_reverse.ctypes.data, reverse)
        halves = (t.split_a.ctypes.data, t.split_b.ctypes.data)
        rfft = Rfft(case.n, case.inverse, 1, 1, *halves, ctypes.addressof(cfft))
        source, out = case.words.copy(), np.full(2 * case.n + 4, POISON, np.int32)
        pointers = (source.ctypes.data, out.ctypes.data)
        function(ctypes.byref(rfft), *map(ctypes.c_void_p, pointers))
        return out

    return call
