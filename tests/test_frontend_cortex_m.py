"""The frontend on an emulated Cortex-M4: the host's bits, with genuine CMSIS-DSP too.

The fused transform and the stages written in assembly: equal to the integer reference, and each
to its portable twin.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cmsis_dsp_comparison
import cortex_m_emulator as emulator
from cortex_m_emulator import M4, M7, M33, Core
from frontend_cases import mixed, signals, tables
from paritone import sources
from paritone.features import integer
from paritone.features.tables import FrontendTables
from paritone.generate.frontend import frontend_c

NAMES = ("tutorial", "256, power", "2048", "1024, power")
SHORT = {"patch_length": 4, "overlap": 0.5, "include_last_patch": True}

# Where each leg of the first stage is in the window or not; bands high, low, many and few.
FUSED: dict[str, tuple[str, dict[str, Any]]] = {
    "tutorial": ("tutorial", {}),
    "whole window": ("boxcar", {}),
    "shortest window": ("tutorial", {"window_length": 256}),
    "two legs": ("slaney", {"window_length": 320, "fmax": 3000}),
    "high bands": ("tutorial", {"window_length": 380, "fmin": 5000, "fmax": 7000, "n_mels": 5}),
    "one band": ("flat top, one band", {}),
    "power": ("power", {}),
    "float": ("float", {"n_mels": 30}),
    "128": ("tutorial", {"n_fft": 128, "window_length": 100, "n_mels": 20}),
    "128, shortest": ("boxcar", {"n_fft": 128, "window_length": 64, "n_mels": 7}),
    "2048": ("2048", {"window_length": 2000}),
    "2048, shortest": ("2048", {"window_length": 1024, "n_mels": 30}),
}
SYSTICK_HZ = 25e6  # of mps2-an386
KERNELS = ("headroom", "copy", "first", "middle, 4", "middle", "last", "magnitude", "mel", "codes")


@pytest.fixture(scope="module")
def portable(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Objects of the frontend and of its test program."""
    folder = tmp_path_factory.mktemp("portable")
    files = [*frontend_sources(), emulator.HERE / "frontend_main.c"]
    return emulator.compile_objects(files, flags(), folder)


@pytest.fixture(scope="module")
def fused(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The same for the fused transform: without either library."""
    folder = tmp_path_factory.mktemp("fused")
    files = [*frontend_sources(), emulator.HERE / "frontend_main.c"]
    fused = "-DFRONTEND=paritone_frontend_fused"
    return emulator.compile_objects(files, [fused, *flags()], folder)


@pytest.fixture(scope="module", params=["cmsis_dsp_ref", "genuine CMSIS-DSP"])
def dsp(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Objects of one of the two libraries that can be linked."""
    folder = tmp_path_factory.mktemp("dsp")
    if request.param == "cmsis_dsp_ref":
        files = sorted((sources.root() / "cmsis_dsp_ref/src").glob("*.c"))
        return emulator.compile_objects(files, flags(), folder)
    return cmsis_dsp_comparison.genuine_objects()


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Objects of the frontend and of the program that compares its stages."""
    return kernel_objects(M4, tmp_path_factory.mktemp("kernels"))


@pytest.mark.parametrize("name", NAMES)
def test_patches_equal_the_host(
    name: str, portable: list[Path], dsp: list[Path], tmp_path: Path
) -> None:
    t = tables(name, **SHORT)
    check_patches(t, [*portable, *dsp], tmp_path)


@pytest.mark.parametrize("name", FUSED)
def test_fused_patches_equal_the_host(name: str, fused: list[Path], tmp_path: Path) -> None:
    base, changes = FUSED[name]
    check_patches(tables(base, **{**changes, **SHORT}), fused, tmp_path)


@pytest.mark.parametrize("name", FUSED)
def test_assembly_equals_its_twins(name: str, kernels: list[Path], tmp_path: Path) -> None:
    base, changes = FUSED[name]
    check_kernels(tables(base, **changes), kernels, M4, tmp_path)


@pytest.mark.parametrize("core", [M7, M33], ids=lambda core: core.name)
def test_assembly_equals_its_twins_on_other_cores(core: Core, tmp_path: Path) -> None:
    objects = kernel_objects(core, tmp_path / "kernels")
    check_kernels(tables("tutorial"), objects, core, tmp_path)


def test_instructions_of_each_stage(kernels: list[Path], tmp_path: Path) -> None:
    """With -s they are printed; a whole frame is measured on a firmware, by test_frontend_cost."""
    ticks = check_kernels(tables("tutorial"), kernels, M4, tmp_path, counting=True)
    found = ticks / SYSTICK_HZ / (2**emulator.ICOUNT_SHIFT * 1e-9)
    counts = dict(zip(KERNELS, found.round().astype(int).tolist(), strict=True))
    print(counts)
    assert sum(counts[name] for name in KERNELS if name not in ("headroom", "copy")) <= 19_350


@pytest.mark.parametrize("name", ["cortex-m0", "cortex-m3", "cortex-m33+nodsp", "cortex-m33+nofp"])
def test_assembly_is_for_cores_with_the_dsp_extension(name: str, tmp_path: Path) -> None:
    """It assembles everywhere; without the extension, or the C would be there twice, to nothing."""
    core = Core(name, machine="", fpu=None)
    files = [file for file in frontend_sources() if file.suffix == ".S"]
    objects = emulator.compile_objects(files, flags(), tmp_path, core)
    size = emulator.tool("arm-none-eabi-size", "binutils-arm-none-eabi")
    listed = subprocess.run([size, *objects], capture_output=True, text=True, check=True)
    code = [int(line.split()[0]) for line in listed.stdout.splitlines()[1:]]
    assert len(code) == len(files) >= 8
    assert all(code) if name == "cortex-m33+nofp" else not any(code)


def check_patches(t: FrontendTables, objects: list[Path], folder: Path) -> None:
    """Stream every signal through a frontend on the emulated core."""
    pcm = mixed(min(1500, 12 * t.hop_length))
    (folder / "paritone_frontend.c").write_text(frontend_c(t))
    data = emulator.compile_objects([folder / "paritone_frontend.c"], flags(), folder)
    pcm.tofile(folder / "pcm.bin")
    emulator.run(emulator.link([*objects, *data], folder / "frontend.elf"), folder)
    found = np.fromfile(folder / "patches.bin", t.dtype)
    expected = integer.patches(pcm, t)
    assert found.size == expected.size
    different = np.flatnonzero(found != expected.ravel())
    assert len(different) == 0, f"{len(different)} differ, first at {different[0]}"


def kernel_objects(core: Core, folder: Path) -> list[Path]:
    files = [*frontend_sources(), emulator.HERE / "kernels_main.c"]
    return emulator.compile_objects(files, flags(), folder, core)


def check_kernels(
    t: FrontendTables, objects: list[Path], core: Core, folder: Path, *, counting: bool = False
) -> np.ndarray:
    """Run each stage in assembly and in C on the same words, and compare all that they write.

    Returns each stage's SysTick ticks in assembly, of the last inputs.
    """
    (folder / "paritone_frontend.c").write_text(frontend_c(t))
    data = emulator.compile_objects([folder / "paritone_frontend.c"], flags(), folder, core)
    kernel_inputs(t.n_fft).tofile(folder / "inputs.bin")
    elf = emulator.link([*objects, *data], folder / "kernels.elf", core)
    emulator.run(elf, folder, core, counting=counting)
    ticks = np.fromfile(folder / "counts.bin", np.uint32)
    assert len(ticks) == len(KERNELS)
    different = np.fromfile(folder / "different.bin", np.uint32).reshape(-1, 4)
    first = [f"{KERNELS[s]}[{i}]: {e:#x}, found {f:#x}" for s, i, e, f in different[:5].tolist()]
    assert not first, f"{len(different)} differ: {'; '.join(first)}"
    return ticks


def kernel_inputs(n: int) -> np.ndarray:
    """Blocks of n words: zeros, constants, impulses, noise of every size; then signals."""
    rng = np.random.default_rng(3)
    constants = (0, 1, -1, 2**31 - 1, -(2**31), 0x7FFF7FFF, -0x7FFF8000)
    blocks = [np.full(n, value) for value in constants]
    blocks += [np.where(np.arange(n) == place, 2**31 - 1, 0) for place in (0, 1, n // 2 + 3, n - 1)]
    blocks += [rng.integers(-(2**bits), 2**bits, n) for bits in (31, 31, 31, 30, 29, 24, 16, 8, 2)]
    words = np.concatenate(blocks).astype(np.int32)
    return np.concatenate([words, *(pcm.view(np.int32) for pcm in signals(4 * n).values())])


def frontend_sources() -> list[Path]:
    return sorted((sources.root() / "firmware/src").glob("frontend*.[cS]"))


def flags() -> list[str]:
    return [*(f"-I{folder}" for folder in sources.include_dirs()), f"-I{emulator.HERE}"]
