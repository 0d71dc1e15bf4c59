"""The line's rate: agreed upon, lost and found again, over a wire whose ends have to agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import serial
from numpy.typing import NDArray

from board_behind import press_reset
from board_projects import Boards
from paritone import device
from paritone.boards.qemu import Emulator
from paritone.device import flash
from paritone.link import protocol
from paritone.link.health import Health
from paritone.link.port import BAUD
from paritone.link.protocol import Decoder, Frame, Message
from paritone.monitor.ears import BoardEar
from serial_rates import RatedLine, sampled

NAME = "stm32f405"
BRR, CLOCK_HZ = 0x40011008, 16_000_000
FASTEST = 1_000_000
"""The emulator has no clock tree: the firmware takes its UART's clock for 16 MHz of HSI."""
REPLY_S, TRIES = 0.2, 50


@pytest.fixture
def line(boards: Boards, tmp_path: Path) -> Iterator[RatedLine]:
    built, monitor = boards(NAME), tmp_path / "monitor"
    # The last -monitor counts.
    arguments = ["-monitor", f"unix:{monitor},server=on,wait=off"]
    with Emulator(built.project.board, arguments=arguments) as emulator:
        flash.flash(built.firmware.elf, emulator.gdb, flash.EMULATOR_RESET)
        with RatedLine(emulator, monitor, BRR, CLOCK_HZ) as found:
            yield found


@pytest.fixture(scope="module")
def expected(boards: Boards) -> NDArray[np.int8]:
    """Scores of a clip over a line without a rate."""
    built = boards(NAME)
    with device.open(NAME, built.firmware) as board:
        assert board.health.baud is None
        return scores(board, built.clips[0][1])


def scores(
    board: device.Device, pcm: NDArray[np.int16], at: Callable[[int], None] = lambda _: None
) -> NDArray[np.int8]:
    found = []
    for number, patch in enumerate(board.stream(pcm, features=False)):
        found.append(patch.scores)
        at(number)
    assert len(found) > 2
    return np.stack(found)


def test_the_wire_carries_bytes_between_equal_rates_alone() -> None:
    data = bytes(range(256))
    assert sampled(data, 460_800, 460_800) == data
    assert sampled(data, 1_000_000, 990_000) == data
    for other in (230_400, 921_600, 2_000_000):
        heard = sampled(data, 460_800, other)
        assert heard
        assert data not in heard


def test_the_highest_rate_that_both_ends_have(
    line: RatedLine, boards: Boards, expected: NDArray[np.int8]
) -> None:
    """The board refuses 2 and 1.5 million; afterwards the line is as it was."""
    with device.open(NAME, boards(NAME).firmware, line.url) as board:
        assert board.health.baud == FASTEST
        assert f"{FASTEST:,} baud" in str(board.health)
        assert np.array_equal(scores(board, boards(NAME).clips[0][1]), expected)
        assert line.host_baud == line.board_baud == FASTEST
    with device.open(NAME, boards(NAME).firmware, line.url) as board:
        assert board.counters().damaged == 0
    assert line.garbled == 0


def test_a_host_that_left_without_a_word(
    line: RatedLine, boards: Boards, expected: NDArray[np.int8]
) -> None:
    with serial.Serial(line.url, BAUD, timeout=REPLY_S) as port:
        ask(port, Message.HELLO, 1)
        ask(port, Message.BAUD, 2, protocol.pack_baud(FASTEST))
    with device.open(NAME, boards(NAME).firmware, line.url) as board:
        assert line.garbled > 0
        assert board.health.baud == FASTEST
        assert np.array_equal(scores(board, boards(NAME).clips[0][1]), expected)


def test_an_answer_that_was_lost(line: RatedLine) -> None:
    """The board has the new rate, the host does not know: asked again, they have the same."""
    with serial.Serial(line.url, BAUD, timeout=REPLY_S) as port:
        ask(port, Message.HELLO, 1)
        line.lose = 8
        ask(port, Message.BAUD, 2, protocol.pack_baud(FASTEST))
        assert line.lose == 0
        assert line.garbled > 0
        port.baudrate = FASTEST
        ask(port, Message.HELLO, 3)


def ask(port: serial.Serial, message: Message, number: int, payload: bytes = b"") -> None:
    """Send a request until it is answered."""
    decoder = Decoder()
    for _ in range(TRIES):
        port.write(protocol.encode(Frame(message, 0, number, payload)))
        while data := port.read(64):
            if any(f.type == message | Message.REPLY for f in decoder.feed(data)):
                return
    raise AssertionError(f"no answer to {message.name}")


def test_a_line_that_does_not_carry_what_both_ends_have(
    line: RatedLine, boards: Boards, expected: NDArray[np.int8]
) -> None:
    line.most = BAUD
    with device.open(NAME, boards(NAME).firmware, line.url) as board:
        assert board.health.baud == BAUD
        assert board.health.slowed == 1, "the board refuses the others"
        assert np.array_equal(scores(board, boards(NAME).clips[0][1]), expected)
    assert line.board_baud == pytest.approx(BAUD, rel=0.02)


def test_a_line_that_turns_bad(line: RatedLine, boards: Boards, expected: NDArray[np.int8]) -> None:
    """Nothing is lost, nothing is wrong: the rest goes at the rate of the start."""

    def turn(number: int) -> None:
        line.most = BAUD if number == 0 else line.most

    with device.open(NAME, boards(NAME).firmware, line.url) as board:
        assert board.health.baud == FASTEST
        assert np.array_equal(scores(board, boards(NAME).clips[0][1], turn), expected)
        assert board.health.baud == BAUD
        assert board.health.slowed == 1


def test_a_board_that_is_reset(boards: Boards, line: RatedLine, expected: NDArray[np.int8]) -> None:
    """It starts at the first rate, and is found there."""

    def reset(number: int) -> None:
        if number == 1:
            press_reset(line.emulator)

    with device.open(NAME, boards(NAME).firmware, line.url) as board:
        assert np.array_equal(scores(board, boards(NAME).clips[0][1], reset), expected)
        assert board.health.resets == 1


def test_a_listener_goes_on_at_the_first_rate(
    boards: Boards, line: RatedLine, expected: NDArray[np.int8]
) -> None:
    """What is heard after the reset is a stream of its own, the same one here."""
    pcm = boards(NAME).clips[0][1]
    with device.open(NAME, boards(NAME).firmware, line.url) as board:
        ear = BoardEar(board)
        for resets, baud in (([], FASTEST), ([len(pcm)], BAUD)):
            found = [patch.scores for patch in ear.hear(pcm)]
            assert np.array_equal(np.stack(found), expected.reshape(len(expected), -1))
            assert ear.resets == resets
            assert board.health.baud == baud
            press_reset(line.emulator)


def test_a_board_that_is_busy_is_not_taken_for_one_at_another_rate() -> None:
    """Frames go unanswered on both; on the one alone some are damaged meanwhile."""
    busy, elsewhere = Health(), Health()
    for health, damaged in ((busy, 0), (elsewhere, 1)):
        health.damaged = 3
        health.fared(answered=True)
        health.damaged += damaged
        for _ in range(protocol.LOST_FRAMES - 1):
            health.fared(answered=False)
            assert not health.out_of_step
        health.fared(answered=False)
    assert elsewhere.out_of_step
    assert not busy.out_of_step
    for _ in range(protocol.LOST_FRAMES):
        busy.fared(answered=False)
    assert busy.out_of_step


def test_a_port_without_the_rate_stays_as_it_was(line: RatedLine) -> None:
    """What the driver refuses is not asked of the board."""
    from paritone.link.port import Port

    port = Port(line.url)
    try:
        assert port.has_rate
        assert not port.change_rate(-1)
        assert port.baud == BAUD
        assert port.change_rate(921_600)
        assert port.baud == 921_600
    finally:
        port.close()
