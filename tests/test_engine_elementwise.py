"""Element-wise kernels on an emulated Cortex-M4: the assembly equals its twins, and its cost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import cortex_m_emulator as emulator
from cortex_m_emulator import M4, M7, M33, Core
from paritone import sources

SYSTICK_HZ = 25e6  # of mps2-an386
VALUES = 4096
# Instructions a value, loads, stores and the loop included.
MOST = {
    "weighted_sum": 5.4,
    "lookup": 3.1,
    "channel_lookup": 3.2,
    "channel_sums": 0.9,
    "max_pool": 1.5,
}
SUMS = ((1 << 23, 1 << 23, 0), (1, -1, -1), (2**30, 2**30, 77), (-(2**30), 123456789, -(2**24)))


@pytest.mark.parametrize("core", [M4, M7, M33], ids=lambda core: core.name)
def test_assembly_equals_its_twins(core: Core, tmp_path: Path) -> None:
    counts = run(core, tmp_path, counting=core is M4)
    if core is M4:
        print(counts)
        assert all(count <= MOST[name] for name, count in counts.items())


def run(core: Core, folder: Path, *, counting: bool) -> dict[str, float]:
    """Compare both forms of each kernel; returns instructions a value."""
    include = [*(f"-I{path}" for path in sources.include_dirs()), f"-I{emulator.HERE}"]
    source = sources.root() / "firmware/src"
    files = [source / f"{name}.{kind}" for name in MOST for kind in ("c", "S")]
    files.append(emulator.HERE / "elementwise_main.c")
    objects = emulator.compile_objects(files, include, folder, core)
    rng = np.random.default_rng(4)
    pairs = np.stack(np.meshgrid(np.arange(256), np.arange(256))).astype(np.uint8)
    tables = rng.integers(0, 256, 64 * 256).astype(np.uint8)
    inputs = pairs.tobytes() + tables.tobytes() + np.array(SUMS, np.int32).tobytes()
    (folder / "inputs.bin").write_bytes(inputs)
    elf = emulator.link(objects, folder / "elementwise.elf", core)
    emulator.run(elf, folder, core, counting=counting)
    different = np.fromfile(folder / "different.bin", np.uint32).reshape(-1, 4)
    first = [f"{list(MOST)[k]}[{i}]: {e:#x}, found {f:#x}" for k, i, e, f in different[:5].tolist()]
    assert not first, f"{len(different)} differ: {'; '.join(first)}"
    ticks = np.fromfile(folder / "counts.bin", np.uint32)
    counts = ticks / SYSTICK_HZ / (2**emulator.ICOUNT_SHIFT * 1e-9) / VALUES
    return dict(zip(MOST, counts.round(2).tolist(), strict=True))
