"""The q15 FFTs and both MFCCs against genuine CMSIS-DSP on an emulated Cortex-M4, bit for bit."""

from __future__ import annotations

import pytest

import cmsis_dsp_comparison as comparison
from cmsis_dsp_comparison import MIXED, OURS, VECTORS, Record

FAMILIES = {
    "fft_q15": ["arm_cfft_q15", "arm_rfft_q15"],
    "mfcc": ["arm_mfcc_q15", "arm_mfcc_q31", "arm_mfcc_q31, faintest"],
}


@pytest.fixture(scope="module", params=FAMILIES)
def family(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def board(family: str, tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    return comparison.on_board(family, tmp_path_factory.mktemp(f"{family}_m4"), mixed=True)


@pytest.fixture(scope="module")
def host(family: str, tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    return comparison.on_host(family, tmp_path_factory.mktemp(f"{family}_host"))


def test_board_equals_genuine(family: str, board: list[Record]) -> None:
    records = [r for r in board if r.side == OURS]
    assert [r.name for r in records] == FAMILIES[family]
    for record in records:
        assert record.wrong_outputs == 0, str(record)
        assert record.vectors == VECTORS
        assert record.outputs > VECTORS


def test_genuine_kernels_take_our_instances(family: str, board: list[Record]) -> None:
    records = [r for r in board if r.side == MIXED]
    assert [r.name for r in records] == FAMILIES[family]
    for record in records:
        assert record.wrong_outputs == 0, str(record)


def test_host_equals_board(board: list[Record], host: list[Record]) -> None:
    ours = {r.name: r.digest_found for r in board if r.side == OURS}
    assert {r.name: r.digest_found for r in host} == ours


def test_readme_says_what_plain_c_returns(host: list[Record]) -> None:
    comparison.check_readme([r for r in host if "," not in r.name])
