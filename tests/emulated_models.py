"""Models on an emulated core: many in one image, files in and out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import cortex_m_emulator as emulator
from cortex_m_emulator import Core
from engine_verdict import bits
from paritone import sources
from paritone.engine.plan import Plan
from paritone.generate.model import model_c
from paritone.native import build

SLACK_BYTES = 80  # the guard, and what the alignment takes
Values = Sequence[np.ndarray]


def flags() -> list[str]:
    """Of every compilation: the firmware's warnings and headers."""
    folders = [*sources.include_dirs(), emulator.HERE]
    return [build.warning_flags(), *(f"-I{folder}" for folder in folders)]


def engine_objects(core: Core) -> list[Path]:
    """The engine and the harness, compiled once for each text of them."""
    firmware = sources.root() / "firmware/src"
    files = [f for f in sorted(firmware.glob("*.[cS]")) if not f.name.startswith("frontend")]
    files.append(emulator.HERE / "models_main.c")
    headers = [h for d in (*sources.include_dirs(), emulator.HERE) for h in sorted(d.glob("*.h"))]
    digest = hashlib.sha256(repr((flags(), core)).encode())
    for file in (*files, *headers):
        digest.update(file.name.encode() + file.read_bytes())
    cached = build._cached(
        f"engine-{digest.hexdigest()[:16]}",
        lambda folder: emulator.compile_objects(files, flags(), folder, core) and None,
    )
    return sorted(cached.glob("*.o"))


def check(
    plans: Sequence[Plan], patches: Sequence[Sequence[Values]],
    expected: Sequence[Sequence[Values]], core: Core, folder: Path,
) -> int:  # fmt: skip
    """Run every plan on all of its `patches`; outputs must be those `expected`. Values compared."""
    image = _image(plans, [len(p) for p in patches], core, folder)
    (folder / "inputs.bin").write_bytes(_bytes(patches))
    try:
        emulator.run(image, folder, core)
    except pytest.fail.Exception as failure:
        done, sizes = (
            (folder / "outputs.bin").stat().st_size,
            np.cumsum([len(_bytes([e])) for e in expected]),
        )
        pytest.fail(f"model {int(np.searchsorted(sizes, done, 'right'))} stopped: {failure}")
    return _compare((folder / "outputs.bin").read_bytes(), expected, core)


def _bytes(models: Sequence[Sequence[Values]]) -> bytes:
    return b"".join(v.tobytes() for model in models for values in model for v in values)


def _image(plans: Sequence[Plan], runs: list[int], core: Core, folder: Path) -> Path:
    files = []
    for number, plan in enumerate(plans):
        files.append(folder / f"model_{number}.c")
        files[-1].write_text(model_c(plan, f"#define paritone_model model_{number}"))
    files.append(folder / "models_table.c")
    files[-1].write_text(_table(plans, runs))
    data = emulator.compile_objects(files, flags(), folder / "data", core)
    return emulator.link([*engine_objects(core), *data], folder / "models.elf", core)


def _table(plans: Sequence[Plan], runs: list[int]) -> str:
    numbers = range(len(plans))
    size = max(plan.arena_bytes for plan in plans) + SLACK_BYTES
    return "\n".join(
        [
            '#include "models_table.h"',
            *(f"extern const paritone_model_t model_{i};" for i in numbers),
            "const run_t models[] = {",
            *(f"    {{&model_{i}, {n}}}," for i, n in zip(numbers, runs, strict=True)),
            "};",
            f"const uint32_t n_models = {len(plans)};",
            f"uint8_t memory[{size}];",
        ]
    )


def _compare(found: bytes, expected: Sequence[Sequence[Values]], core: Core) -> int:
    values = offset = 0
    for number, model in enumerate(expected):
        for patch, outputs in enumerate(model):
            for index, output in enumerate(outputs):
                got = np.frombuffer(found, output.dtype, output.size, offset)
                offset += output.nbytes
                differ = np.flatnonzero(bits(got) != bits(output))
                values += output.size
                assert not differ.size, (
                    f"{core.name}, model {number}, patch {patch}, output {index}: {differ.size} of "
                    f"{output.size} differ, first at {differ[0]}: expected "
                    f"{output.reshape(-1)[differ[0]]}, got {got[differ[0]]}"
                )
    assert offset == len(found)
    return values
