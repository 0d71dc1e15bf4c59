"""The q15 FFTs and both MFCCs against genuine CMSIS-DSP, bit for bit."""

from __future__ import annotations

import pytest

from cmsis_dsp_comparison import MIXED, OURS, VECTORS, Record, on_board, on_host

# Upstream's plain C, which its host package is, differs from the DSP extension's variant in these.
DIFFERENT_IN_PLAIN_C = {"arm_cfft_q15", "arm_rfft_q15", "arm_mfcc_q15"}


@pytest.fixture(scope="module", params=["fft_q15", "mfcc"])
def family(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def board(family: str, tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    return on_board(family, tmp_path_factory.mktemp(family), mixed=True)


def test_ours_equals_genuine_on_the_board(board: list[Record]) -> None:
    records = [record for record in board if record.side == OURS]
    assert len(records) == 2
    for record in records:
        assert record.vectors == VECTORS
        assert record.outputs > VECTORS
        assert record.wrong_vectors == 0, record


def test_genuine_kernels_run_on_our_instances(board: list[Record]) -> None:
    records = [record for record in board if record.side == MIXED]
    assert len(records) == 2
    for record in records:
        assert record.wrong_vectors == 0, record


def test_host_equals_board(
    family: str, board: list[Record], tmp_path_factory: pytest.TempPathFactory
) -> None:
    host = on_host(family, tmp_path_factory.mktemp(family))
    assert [record.name for record in host] == [record.name for record in board[: len(host)]]
    for record, there in zip(host, board[: len(host)], strict=True):
        assert record.outputs == there.outputs
        assert record.digest_found == there.digest_found, record.name
        assert (record.wrong_outputs > 0) == (record.name in DIFFERENT_IN_PLAIN_C), record
