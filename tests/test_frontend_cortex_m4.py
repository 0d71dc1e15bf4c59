"""The frontend's C on an emulated Cortex-M4: the host's bits, with genuine CMSIS-DSP too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import cmsis_dsp_comparison
import cortex_m4_emulator as emulator
from frontend_cases import mixed, tables
from paritone import sources
from paritone.features import integer
from paritone.generate.frontend import frontend_c

NAMES = ("tutorial", "256, power", "2048", "1024, power")
SHORT = {"patch_length": 4, "overlap": 0.5, "include_last_patch": True}


@pytest.fixture(scope="module")
def portable(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Objects of the frontend and of its test program."""
    files = sorted((sources.root() / "firmware/src").glob("frontend*.c"))
    folder = tmp_path_factory.mktemp("portable")
    return emulator.compile_objects([*files, emulator.HERE / "frontend_main.c"], flags(), folder)


@pytest.fixture(scope="module", params=["cmsis_dsp_ref", "genuine CMSIS-DSP"])
def dsp(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Objects of one of the two libraries that can be linked."""
    folder = tmp_path_factory.mktemp("dsp")
    if request.param == "cmsis_dsp_ref":
        files = sorted((sources.root() / "cmsis_dsp_ref/src").glob("*.c"))
        return emulator.compile_objects(files, flags(), folder)
    return cmsis_dsp_comparison.genuine_objects()


@pytest.mark.parametrize("name", NAMES)
def test_patches_equal_the_host(
    name: str, portable: list[Path], dsp: list[Path], tmp_path: Path
) -> None:
    t = tables(name, **SHORT)
    pcm = mixed(min(1500, 12 * t.hop_length))
    (tmp_path / "paritone_frontend.c").write_text(frontend_c(t))
    data = emulator.compile_objects([tmp_path / "paritone_frontend.c"], flags(), tmp_path)
    pcm.tofile(tmp_path / "pcm.bin")
    emulator.run(emulator.link([*portable, *dsp, *data], tmp_path / "frontend.elf"), tmp_path)
    found = np.fromfile(tmp_path / "patches.bin", t.dtype)
    expected = integer.patches(pcm, t)
    assert found.size == expected.size
    different = np.flatnonzero(found != expected.ravel())
    assert len(different) == 0, f"{name}: {len(different)} differ, first at {different[0]}"


def flags() -> list[str]:
    return [*(f"-I{folder}" for folder in sources.include_dirs()), f"-I{emulator.HERE}"]
