"""cmsis_dsp_ref against genuine CMSIS-DSP on an emulated Cortex-M4, bit for bit.

At least 10,000 vectors a kernel: zeros, impulses, full scale of both signs, ramps, sines and noise
at five levels (cmsis_dsp_ref/vectors.h). The same program on the host, sanitized, must make the
same outputs.
"""

from __future__ import annotations

import ctypes
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

import cmsis_dsp_comparison as comparison
import cmsis_dsp_vectors as vectors
from cmsis_dsp_comparison import MIXED, OURS, VECTORS, Record
from paritone import sources
from paritone.features import integer
from paritone.features.fft_tables import fft_tables
from paritone.generate import cmsis_dsp_tables
from paritone.native import build

OWN = sources.root() / "cmsis_dsp_ref"
SIMPLE = ("basic", "complex", "statistics", "fast_math", "init")
TRANSFORMS = ("arm_cfft_q31", "arm_rfft_q31")
KERNELS = [
    *(f"arm_{k}_q{b}" for k in ("mult", "scale", "shift", "dot_prod") for b in (15, 31)),
    *(f"arm_cmplx_{k}_q{b}" for k in ("mag", "mag_squared") for b in (15, 31)),
    *(f"arm_{k}_q{b}" for k in ("absmax", "absmax_no_idx") for b in (15, 31)),
    *(f"arm_{k}_q{b}" for k in ("sqrt", "vlog") for b in (15, 31)),
    *(f"arm_{k}_init_q{b}" for k in ("cfft", "rfft") for b in (15, 31)),
    *TRANSFORMS,
]
Records = dict[str, Record]


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Records:
    """Ours against genuine on the emulated core."""
    simple, fft = (tmp_path_factory.mktemp(name) for name in ("simple", "fft"))
    records = comparison.on_board(SIMPLE, simple)
    records += comparison.on_board("fft_q31", fft, mixed=True)
    return {r.name + (" on our instance" if r.side == MIXED else ""): r for r in records}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Records:
    """Ours against plain C on this machine."""
    records = comparison.on_host([*SIMPLE, "fft_q31"], tmp_path_factory.mktemp("host"))
    return {r.name: r for r in records}


@pytest.mark.parametrize("name", KERNELS)
def test_board_equals_genuine(name: str, board: Records) -> None:
    record = board[name]
    assert record.side == OURS
    assert record.wrong_outputs == 0, str(record)
    assert record.vectors == VECTORS
    assert record.outputs >= VECTORS


@pytest.mark.parametrize("name", TRANSFORMS)
def test_genuine_takes_our_instances(name: str, board: Records) -> None:
    record = board[f"{name} on our instance"]
    assert record.side == MIXED
    assert record.wrong_outputs == 0, str(record)
    assert record.vectors == VECTORS


@pytest.mark.parametrize("name", KERNELS)
def test_host_equals_board(name: str, board: Records, host: Records) -> None:
    assert host[name].outputs == board[name].outputs
    assert host[name].digest_found == board[name].digest_found


def test_no_kernel_is_left_out(board: Records, host: Records) -> None:
    assert list(host) == KERNELS
    assert set(board) - set(host) == {f"{name} on our instance" for name in TRANSFORMS}


def test_readme_says_what_plain_c_returns(host: Records) -> None:
    comparison.check_readme([r for r in host.values() if "_init_" not in r.name])


def test_tables_are_upstreams_on_the_host_too(host: Records) -> None:
    records = [r for r in host.values() if "_init_" in r.name]
    assert [str(r) for r in records if r.wrong_outputs] == []
    assert len(records) == 4


def test_a_difference_is_found(host: Records) -> None:
    """Plain C adds squares of -1.0 to 2.0 where the board wraps: on the host that must show."""
    record = host["arm_cmplx_mag_squared_q15"]
    assert (record.expected, record.found) == (16384, -16384)
    assert record.wrong_vectors > 0
    assert record.digest_expected != record.digest_found
    assert f"{record.wrong_vectors} of {record.vectors} vectors differ" in str(record)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """cmsis_dsp_ref for the host."""
    files, flags = comparison.own_sources(), [f"-I{OWN / 'include'}"]
    return shared(tmp_path_factory.mktemp("library"), files, flags)


def test_vectors_in_numpy_equal_those_in_c(tmp_path: Path) -> None:
    made = shared(tmp_path, [comparison.HERE / "vectors.c"], [])
    for vector in (0, 1, 2, 77, 9_999):
        for kind in range(vectors.KINDS):
            for count, stream in ((1, 0), (2, 1), (65, 0), (4098, 1)):
                numbers = (vector, stream, kind, count)
                out = np.zeros(count, np.int32), np.zeros(count, np.int16)
                made.fill_q31(*numbers, ctypes.c_void_p(out[0].ctypes.data))
                made.fill_q15(*numbers, ctypes.c_void_p(out[1].ctypes.data))
                np.testing.assert_array_equal(vectors.signal_q31(*numbers), out[0], str(numbers))
                upper = vectors.signal_q31(*numbers, bits=15) >> 16
                np.testing.assert_array_equal(upper, out[1], str(numbers))
    for vector in range(10_000):
        assert vectors.fft_length(vector) == made.fft_length(vector)
        assert vectors.fft_kind(vector) == made.fft_kind(vector)
        assert vectors.fft_inverse(vector) == made.fft_inverse(vector)


def test_vectors_cover_every_length_kind_and_direction() -> None:
    every = {
        (vectors.fft_length(v), vectors.fft_kind(v), vectors.fft_inverse(v)) for v in range(VECTORS)
    }
    assert len(every) == 8 * vectors.KINDS * 2


def test_numpy_reference_equals_c(library: ctypes.CDLL) -> None:
    """`integer.rfft_q31` on the first vectors of every length; the C equals genuine above."""
    compared = set()
    for vector in range(8 * 32 * 32):
        n = vectors.fft_length(vector)
        if vectors.fft_inverse(vector) or (n, vector % 32) in compared:
            continue
        compared.add((n, vector % 32))
        samples = vectors.signal_q31(vector, 0, vectors.fft_kind(vector), n + 2)[:n]
        spectrum = c_rfft(library, samples)[: n + 2]
        found = integer.rfft_q31(samples[None].astype(np.int64), fft_tables(n))[0]
        np.testing.assert_array_equal(found, spectrum, f"vector {vector}, {n} points")
    assert len(compared) == 8 * vectors.KINDS


def c_rfft(library: ctypes.CDLL, samples: np.ndarray) -> np.ndarray:
    instance = (ctypes.c_uint64 * 8)()  # larger than the struct
    assert library.arm_rfft_init_q31(instance, len(samples), 0, 1) == 0
    source, out = samples.copy(), np.zeros(2 * len(samples), np.int32)
    pointers = (ctypes.c_void_p(array.ctypes.data) for array in (source, out))
    library.arm_rfft_q31(instance, *pointers)
    return out


def shared(folder: Path, files: list[Path], flags: list[str]) -> ctypes.CDLL:
    out = folder / "shared.so"
    command = [build.compiler(), "-O2", "-shared", "-fPIC", *flags, *map(str, files)]
    subprocess.run([*command, "-o", str(out)], check=True, timeout=120)
    return ctypes.CDLL(str(out))


def test_init_refuses_other_lengths(library: ctypes.CDLL) -> None:
    instance = (ctypes.c_uint64 * 16)()
    for n in (0, 8, 31, 48, 8192, 65535):
        for q in ("q15", "q31"):
            assert getattr(library, f"arm_rfft_init_{q}")(instance, n, 0, 1) == -1, n
            assert getattr(library, f"arm_cfft_init_{q}")(instance, n) == -1, n


def test_tables_are_the_generators() -> None:
    """The committed files are what the formulas give: genuine kernels run on them above."""
    folder = OWN / "src/tables"
    files = cmsis_dsp_tables.all_files()
    for name, text in files.items():
        assert (folder / name).read_text() == text, (
            f"{name}: run python -m paritone.generate.cmsis_dsp_tables"
        )
    generated = {
        path.name for path in folder.glob("*.c") if re.search(r"_\d{2,4}(_|\.)", path.name)
    }
    stray = generated - set(files)
    assert not stray


def test_square_root_seeds_follow_their_formula() -> None:
    for name, first, count, unit in (("q31", 8, 24, 2**28), ("q15", 4, 12, 2**12)):
        text = (OWN / f"src/arm_sqrt_{name}.c").read_text()
        cells = re.search(r"seed\[\d+\] = \{([^}]*)\}", text)
        assert cells is not None
        fractions = (first + np.arange(count)) / (4 * first)
        expected = np.rint(unit / np.sqrt(fractions)).astype(int).tolist()
        assert [int(cell) for cell in cells[1].split(",")] == expected
