"""What is wrong on the other end, in one line each: real pseudo-terminals, sockets and boards."""

from __future__ import annotations

import os
import pty
import select
import socket
import struct
import subprocess
import sys
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from board_projects import Boards, Built
from paritone import boards as supported
from paritone import device
from paritone.boards.qemu import Emulator
from paritone.device import flash
from paritone.errors import CheckFailedError, ParitoneError
from paritone.link import protocol
from paritone.link.protocol import Decoder, Frame, Message, Refusal
from paritone.link.transport import Transport

NAME = "stm32f405"
WAIT_S = 1.5


@contextmanager
def terminal(answer: Callable[[bytes], bytes]) -> Iterator[str]:
    """A pseudo-terminal whose far end says `answer` to whatever comes."""
    far, near = pty.openpty()
    tty.setraw(near)
    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            if select.select([far], [], [], 0.05)[0]:
                os.write(far, answer(os.read(far, 4096)))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield os.ttyname(near)
    finally:
        ended.set()
        thread.join(10)
        os.close(far)
        os.close(near)


def told(answer: Callable[[bytes], bytes]) -> str:
    """The error of a hello to a terminal that answers so."""
    with (
        terminal(answer) as url,
        Transport(url) as line,
        pytest.raises(ParitoneError) as caught,
    ):
        line.request(Message.HELLO, timeout_s=WAIT_S, repeat_s=0.2)
    text = str(caught.value)
    assert "\n" not in text
    assert url in text
    return text


def test_silence() -> None:
    text = told(lambda _: b"")
    assert "does not answer (HELLO, 1.5 s), not a byte came: is it powered, flashed" in text


def test_garbage() -> None:
    """What a wrong baud rate makes of bytes: any, and framing errors as zeros among them."""
    noise = np.random.default_rng(1).integers(0, 256, 60).astype(np.uint8).tobytes()
    text = told(lambda data: noise[: 2 * len(data)])
    assert "bytes came that make no frame: wrong baud rate (ours is 460800)" in text


def test_another_firmware() -> None:
    text = told(lambda _: b"\r\n*** Booting Zephyr OS build v3.6.0 ***\r\nuart:~$ ")
    assert 'another firmware speaks there, it sent "*** Booting Zephyr OS build v3.6.0 ***"' in text


def test_a_line_that_the_board_hardly_hears() -> None:
    refusal = protocol.encode(Frame(Message.ERROR, Refusal.FRAME, protocol.UNASKED))
    text = told(lambda _: refusal)
    assert "damaged on the way to the board: it hears us badly" in text


@contextmanager
def board_that_says(payload: bytes) -> Iterator[str]:
    """A socket where a hello is answered with `payload`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            line, _ = listener.accept()
            decoder = Decoder()
            with line:
                while data := line.recv(4096):
                    for frame in decoder.feed(data):
                        answer = replace(frame, type=frame.type | Message.REPLY, payload=payload)
                        line.sendall(protocol.encode(answer))

        threading.Thread(target=serve, daemon=True).start()
        yield f"socket://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        (3, "the board speaks protocol 3, this program 5: flash it"),
        (9, "protocol 9, this program 5: this program is older than the board's firmware"),
    ],
)
def test_another_protocol(boards: Boards, version: int, expected: str) -> None:
    hello = struct.pack("<H", version) + bytes(90)
    with (
        board_that_says(hello) as url,
        pytest.raises(CheckFailedError, match=expected),
        device.open(NAME, boards(NAME).firmware, url),
    ):
        pass


@pytest.fixture(scope="module")
def emulated(boards: Boards) -> Iterator[tuple[Built, Emulator]]:
    """The board, flashed and running."""
    built = boards(NAME)
    with Emulator(built.project.board) as emulator:
        flash.flash(built.firmware.elf, emulator.gdb, flash.EMULATOR_RESET)
        yield built, emulator


@pytest.mark.parametrize("what", ["board", "model", "frontend"])
def test_another_firmware_of_ours(emulated: tuple[Built, Emulator], what: str) -> None:
    built, emulator = emulated
    board, firmware = built.project.board, built.firmware
    if what == "board":
        board = supported.get("mps2-an386")
    else:
        firmware = replace(firmware, manifest={**firmware.manifest, f"{what}_sha256": "0" * 64})
    expected = f"the board runs a firmware for another {what}: expected .*, it says .*flash it"
    with (
        pytest.raises(CheckFailedError, match=expected),
        device.open(board, firmware, emulator.serial_url),
    ):
        pass


def test_a_port_of_another_machine(emulated: tuple[Built, Emulator]) -> None:
    """The board behind a server that speaks RFC 2217, a process of its own."""
    built, emulator = emulated
    server = Path(__file__).with_name("rfc2217_server.py")
    command = [sys.executable, str(server), emulator.serial_url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            pcm = built.clips[0][1]
            url = f"rfc2217://127.0.0.1:{port}?ign_set_control"
            with device.open(NAME, built.firmware, url) as board:
                remote = [patch.scores for patch in board.stream(pcm, features=False)]
        finally:
            process.kill()
    with device.open(NAME, built.firmware, emulator.serial_url) as board:
        direct = [patch.scores for patch in board.stream(pcm, features=False)]
    assert len(direct) > 2
    assert np.array_equal(np.stack(remote), np.stack(direct))


def test_a_fault_that_nobody_heard(boards: Boards) -> None:
    """Who comes later hears of it still: registers, and the request under way."""
    built = boards(NAME)
    with Emulator(built.project.board) as emulator:
        flash.flash(built.firmware.elf, emulator.gdb, flash.EMULATOR_RESET)
        with Transport(emulator.serial_url) as line:
            line.request(Message.HELLO)
        # An inference that goes wrong: the host is gone before the board says so.
        command = ["gdb-multiarch", "-nx", "-batch", str(built.firmware.elf)]
        change = "set $pc = 0x60000000"
        for text in (
            f"target extended-remote {emulator.gdb}",
            f"set var requests_busy_with = {int(Message.RUN)}",
            change,
            "detach",
        ):
            command += ["-ex", text]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
        with (
            pytest.raises(CheckFailedError, match=r"fault during RUN at pc=0x60000000 \(lr=0x"),
            device.open(NAME, built.firmware, emulator.serial_url),
        ):
            pass
