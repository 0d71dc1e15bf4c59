"""Arbitrary bytes into the firmware: no crash, no hang, and a good frame afterwards is answered.

``PARITONE_FUZZ_BYTES`` and ``PARITONE_WIRE_BYTES`` make the two longer. With clang the same target
is a libFuzzer: see CMakeLists.txt.
"""

from __future__ import annotations

import os
import random
import re
import select
import socket
import subprocess
from pathlib import Path

from board_projects import Boards
from paritone import sources
from paritone.boards.qemu import Emulator
from paritone.device import flash
from paritone.link import protocol
from paritone.link.protocol import Decoder, Frame, Message
from paritone.link.transport import Transport

NAME = "stm32f405"
FUZZ_BYTES = int(os.environ.get("PARITONE_FUZZ_BYTES", "10000000"))
WIRE_BYTES = int(os.environ.get("PARITONE_WIRE_BYTES", "10000"))
BURST_BYTES = 500
BUILD_S, RUN_S = 300, 3600


def test_the_parser_under_sanitizers(boards: Boards, tmp_path: Path) -> None:
    """Frames with a good CRC and without, every request among them, every input its own memory."""
    generated = boards(NAME).project.folder / "generated"
    configure = ["cmake", "-S", sources.root(), "-B", tmp_path, "-G", "Ninja"]
    options = ["-DFUZZ=ON", "-DSANITIZE=ON", f"-DGENERATED={generated}", "-DCMAKE_C_COMPILER=gcc"]
    build = ["cmake", "--build", tmp_path, "--target", "fuzz"]
    for command in (configure + options, build):
        subprocess.run(command, check=True, capture_output=True, timeout=BUILD_S)
    command = [tmp_path / "fuzz", str(FUZZ_BYTES), "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_S)
    print(done.stdout, done.stderr)
    assert done.returncode == 0, done.stderr
    told = re.search(r"(\d+) bytes; answered and refused: ([\d ]+)", done.stderr)
    assert told is not None, done.stderr
    assert int(told[1]) >= FUZZ_BYTES
    counts = [int(count) for count in told[2].split()]
    assert len(counts) == Message.BAUD + 1
    assert min(counts) > 0, "every request is answered at least once, and some are refused"


def burst(rng: random.Random) -> bytes:
    """Noise, requests, and requests with a few bits flipped."""
    found = b""
    while len(found) < BURST_BYTES:
        request = Frame(
            rng.choice([*range(1, 11), Message.BAUD, rng.randrange(256)]),  # SPIN takes its time
            rng.randrange(6),
            rng.randrange(protocol.UNASKED),
            bytes(rng.choice((0, 0, 0, 1, rng.randrange(256))) for _ in range(rng.randrange(40))),
        )
        wire = bytearray(protocol.encode(request))
        if rng.random() < 0.4:
            for _ in range(rng.randrange(1, 4)):
                wire[rng.randrange(len(wire))] ^= 1 << rng.randrange(8)
        found += bytes(wire) if rng.random() < 0.7 else rng.randbytes(rng.randrange(60))
    return found


def test_noise_over_the_wire(boards: Boards) -> None:
    rng, decoder, sent, answers = random.Random(3), Decoder(), 0, 0
    with Emulator(boards(NAME).project.board) as emulator:
        with Transport(emulator.serial_url) as line:
            flash.flash(boards(NAME).firmware.elf, emulator.gdb, flash.EMULATOR_RESET)
            line.request(Message.HELLO)
        host, port = emulator.serial_url.removeprefix("socket://").split(":")
        with socket.create_connection((host, int(port)), 10) as line:
            while sent < WIRE_BYTES:
                noise = burst(rng)
                sent += len(noise)
                line.sendall(noise)
                answers += hello_is_answered(line, decoder, sent % protocol.UNASKED)
        with Transport(emulator.serial_url) as line:
            line.request(Message.HELLO)
            counters = protocol.Counters.unpack(line.request(Message.COUNTERS))
    print(f"{sent} bytes in {sent // BURST_BYTES} bursts, {answers} answers, {counters}")
    assert answers > sent // BURST_BYTES, "requests among the noise were answered, too"
    assert counters.damaged > sent // BURST_BYTES
    assert decoder.damaged == 0, "whatever came, the board answers in whole frames"


def hello_is_answered(line: socket.socket, decoder: Decoder, sequence: int) -> int:
    """Send a hello after the noise; frames that came until its answer."""
    line.sendall(b"\0" + protocol.encode(Frame(Message.HELLO, 0, sequence)))
    answers = 0
    while select.select([line], [], [], 60)[0]:
        data = line.recv(65536)
        assert data, "the board is gone"
        for frame in decoder.feed(data):
            answers += 1
            assert frame.type not in (Message.FAULT, Message.READY), frame
            if frame.type == Message.HELLO | Message.REPLY and frame.sequence == sequence:
                return answers
    raise AssertionError("a hello was not answered")
