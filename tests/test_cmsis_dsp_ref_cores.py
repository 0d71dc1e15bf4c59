"""cmsis_dsp_ref on other emulated cores: M7 and M33 as the M4; the M3 makes the same bits."""

from __future__ import annotations

from pathlib import Path

import pytest

import cmsis_dsp_comparison as comparison
from cmsis_dsp_comparison import VECTORS, Record
from cortex_m_emulator import M3, M7, M33, Core

FAMILIES = sorted(path.stem.removeprefix("cases_") for path in comparison.HERE.glob("cases_*.c"))
COUNT = VECTORS // 5


@pytest.mark.parametrize("core", [M7, M33], ids=lambda core: core.name)
def test_equals_genuine(core: Core, tmp_path: Path) -> None:
    records = comparison.on_board(FAMILIES, tmp_path, core=core, vectors=COUNT)
    for record in records:
        assert record.wrong_outputs == 0, str(record)
    assert len(records) >= 26


def test_without_dsp_instructions_ours_makes_the_same_bits(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("m3", "host")]
    for folder in folders:
        folder.mkdir()
    records = comparison.on_board(FAMILIES, folders[0], core=M3, vectors=COUNT)
    host = comparison.on_host(FAMILIES, folders[1], vectors=COUNT)
    assert ours(records) == ours(host)
    # Upstream there is plain C: differences from it must show.
    assert any(record.wrong_outputs for record in records)


def ours(records: list[Record]) -> list[tuple[str, int, int]]:
    return [(r.name, r.outputs, r.digest_found) for r in records]
