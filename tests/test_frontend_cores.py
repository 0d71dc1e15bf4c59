"""The frontend on emulated Cortex-M4, M7, M33 and M3: many frames, the host's bits.

PARITONE_FRAMES=20000 and more runs that many frames of each on every core.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import cortex_m_emulator as emulator
import frontend_pcm
from cortex_m_emulator import CORES, Core
from frontend_cases import tables
from paritone import sources
from paritone.features.tables import FrontendTables
from paritone.generate.frontend import frontend_c
from paritone.generate.frontend_fused import has_fused
from paritone.native.frontend import Frontend

FRAMES = int(os.environ.get("PARITONE_FRAMES", "2000"))
FUSED = "paritone_frontend_fused"
SHORT = {"patch_length": 24, "overlap": 0.5, "include_last_patch": True}
EVEN = {"window_length": 1996}  # the fused transform wants pairs of samples, and of zeros
RUNS = (
    ("tutorial", FUSED),
    ("tutorial", "paritone_frontend"),
    ("2048", FUSED),
    ("power", "paritone_frontend"),
)


@pytest.fixture(scope="module", params=CORES, ids=lambda core: core.name)
def core(request: pytest.FixtureRequest) -> Core:
    return request.param


@pytest.fixture(scope="module")
def portable(core: Core, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Objects of the frontend and of what it calls, for one core."""
    top = sources.root()
    files = [
        *sorted((top / "firmware/src").glob("frontend*.[cS]")),
        *(top / "cmsis_dsp_ref/src" / f"arm_{name}_q31.c" for name in ("rfft", "cfft", "shift")),
    ]
    return emulator.compile_objects(files, flags(), tmp_path_factory.mktemp(core.name), core)


def flags() -> list[str]:
    return [*(f"-I{folder}" for folder in sources.include_dirs()), f"-I{emulator.HERE}"]


@cache
def case(name: str) -> tuple[FrontendTables, np.ndarray, np.ndarray]:
    """Tables, PCM and the patches that the host makes of it."""
    t = tables(name, **SHORT, **(EVEN if name == "2048" else {}))
    pcm = frontend_pcm.stream(t, FRAMES, seed=len(name))
    return t, pcm, Frontend(t, fused=False).patches(pcm)


@pytest.mark.parametrize(("name", "symbol"), RUNS)
def test_patches_equal_the_host(
    core: Core, name: str, symbol: str, portable: list[Path], tmp_path: Path
) -> None:
    t, pcm, expected = case(name)
    assert symbol != FUSED or has_fused(t)
    (tmp_path / "paritone_frontend.c").write_text(frontend_c(t))
    own = [emulator.HERE / "frontend_main.c", tmp_path / "paritone_frontend.c"]
    objects = emulator.compile_objects(own, [*flags(), f"-DFRONTEND={symbol}"], tmp_path, core)
    elf = emulator.link([*portable, *objects], tmp_path / "frontend.elf", core)
    pcm.tofile(tmp_path / "pcm.bin")
    emulator.run(elf, tmp_path, core)
    found = np.fromfile(tmp_path / "patches.bin", t.dtype)
    assert found.size == expected.size
    different = np.flatnonzero(found != expected.ravel())
    assert len(different) == 0, f"{len(different)} differ, first at {different[0]}"


def test_only_cores_with_the_extension_run_assembly(core: Core, portable: list[Path]) -> None:
    """Else the M3 would prove nothing about the plain path, or the M4 about the other."""
    assembly = [path for path in portable if path.name.endswith(".S.o")]
    assert len(assembly) > 0
    assert all((code_bytes(path) > 0) == core.dsp for path in assembly)


def code_bytes(path: Path) -> int:
    from elftools.elf.constants import SH_FLAGS
    from elftools.elf.elffile import ELFFile

    with path.open("rb") as file:
        return sum(
            section["sh_size"]
            for section in ELFFile(file).iter_sections()
            if section["sh_flags"] & SH_FLAGS.SHF_EXECINSTR
        )
