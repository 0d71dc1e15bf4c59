"""Framing and messages: each side against the other, then the transport against a hostile line."""

from __future__ import annotations

import ctypes
import re
import socket
import subprocess
import threading
import time
import zlib
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from cobs import cobs
from hypothesis import given, settings
from hypothesis import strategies as st

from paritone import sources
from paritone.errors import CheckFailedError, ToolMissingError
from paritone.link import health, port, protocol, transport
from paritone.link.protocol import Decoder, Frame, Message, Refusal, Region
from paritone.link.transport import SilentError, Transport
from paritone.native import build

APP = sources.root() / "firmware" / "app"
PUT = ctypes.CFUNCTYPE(None, ctypes.c_uint8)


class BoardSide:
    """firmware/app/protocol.c on this machine; undefined behaviour stops it."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._c = library
        self._c.link_payload.restype = ctypes.c_void_p
        self._c.link_payload_size.restype = ctypes.c_size_t
        self._c.link_sequence.restype = ctypes.c_uint16
        self._c.link_type.restype = self._c.link_argument.restype = ctypes.c_uint8
        self._guard = b"\xa5" * 16
        self._size = 4096
        self._receiver = ctypes.create_string_buffer(b"\xa5" * self._size, self._size)
        self._c.link_receiver_init(self._receiver)

    def feed(self, data: bytes) -> list[Frame | None]:
        """Frames that the bytes complete; None for a damaged one."""
        found: list[Frame | None] = []
        for byte in data:
            event = self._c.link_receive(self._receiver, ctypes.c_uint8(byte))
            if event == 1:
                size = self._c.link_payload_size(self._receiver)
                payload = ctypes.string_at(self._c.link_payload(self._receiver), size)
                head = (self._c.link_type, self._c.link_argument, self._c.link_sequence)
                found.append(Frame(*(get(self._receiver) for get in head), payload))
            elif event == 2:
                found.append(None)
        # Nothing past the receiver was written.
        assert self._receiver.raw[-16:] == self._guard
        return found

    def send(self, frame: Frame) -> bytes:
        """Bytes that the board puts on the wire."""
        out = bytearray()
        room = ctypes.create_string_buffer(len(frame.payload) + 8)
        ctypes.memmove(ctypes.addressof(room) + 4, frame.payload, len(frame.payload))
        self._c.link_send(
            room,
            ctypes.c_uint8(frame.type),
            ctypes.c_uint8(frame.argument),
            ctypes.c_uint16(frame.sequence),
            ctypes.c_size_t(len(frame.payload)),
            PUT(out.append),
        )
        return bytes(out)


@pytest.fixture(scope="module")
def board_library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    out = tmp_path_factory.mktemp("link") / "protocol.so"
    traps = ["-fsanitize=undefined", "-fsanitize-undefined-trap-on-error"]
    command = [build.compiler(), build.warning_flags(), "-shared", "-fPIC", "-O1", *traps]
    subprocess.run([*command, APP / "protocol.c", "-o", out], check=True, timeout=60)
    return ctypes.CDLL(str(out))


@pytest.fixture
def board_side(board_library: ctypes.CDLL) -> BoardSide:
    return BoardSide(board_library)


def payloads() -> Iterator[bytes]:
    """Zeros, an impulse, full scale, a ramp, then noise; sizes around COBS's block of 254."""
    rng = np.random.default_rng(1)
    for size in (0, 1, 2, 3, 245, 246, 247, 248, 249, 250, 253, 254, 255, 508, 1000, 2047, 2048):
        yield bytes(size)
        yield bytes(size // 2) + b"\x01" * (size > 0) + bytes(max(0, size - size // 2 - 1))
        yield b"\xff" * size
        yield bytes(i % 256 for i in range(size))
        yield rng.integers(0, 256, size, np.uint8).tobytes()
        yield rng.integers(0, 2, size, np.uint8).tobytes()


def test_constants_are_the_same_on_both_sides() -> None:
    header = (APP / "protocol.h").read_text()
    values = {
        name: int(text, 0)
        for name, text in re.findall(r"LINK_(\w+)\s*(?:=|\s)\s*(0x[0-9A-F]+|\d+)\b", header)
    }
    assert values["VERSION"] == protocol.VERSION
    assert values["PAYLOAD_BYTES"] == protocol.PAYLOAD_BYTES
    assert values["INFER"] == protocol.INFER
    assert values["LOST_FRAMES"] == protocol.LOST_FRAMES
    assert (values["PATCH"], values["SILENT"]) == (protocol.PATCH, protocol.SILENT)
    assert {m.name: values[m.name] for m in Message} == {m.name: m.value for m in Message}
    assert {r.name: values[f"REGION_{r.name}"] for r in Region} == {r.name: r for r in Region}
    assert {r.name: values[f"E_{r.name}"] for r in Refusal} == {r.name: r for r in Refusal}


def test_crc_is_zlibs(board_library: ctypes.CDLL) -> None:
    board_library.link_crc32.restype = ctypes.c_uint32
    for data in payloads():
        found = board_library.link_crc32(0, data, ctypes.c_size_t(len(data)))
        assert found == zlib.crc32(data)
    parts = board_library.link_crc32(board_library.link_crc32(0, b"1234", 4), b"56789", 5)
    assert parts == 0xCBF43926  # the check value that CRC-32 is published with


def test_both_sides_write_the_same_bytes_and_read_them(board_side: BoardSide) -> None:
    for number, payload in enumerate(payloads()):
        frame = Frame(Message.READ, number % 256, number * 601 % 65536, payload)
        wire = board_side.send(frame)
        assert wire == protocol.encode(frame)
        assert wire[0] == wire[-1] == 0
        assert 0 not in wire[1:-1]
        assert Decoder().feed(wire) == [frame]
        assert board_side.feed(wire) == [frame]


def test_frames_survive_any_chunking() -> None:
    frames = [Frame(Message.PCM, 0, n, payload) for n, payload in enumerate(payloads())]
    stream = b"".join(protocol.encode(frame) for frame in frames)
    decoder, found, rng = Decoder(), [], np.random.default_rng(2)
    while stream:
        size = int(rng.integers(1, 700))
        found += decoder.feed(stream[:size])
        stream = stream[size:]
    assert found == frames
    assert decoder.damaged == 0


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=600))
def test_noise_is_read_alike_and_a_frame_after_it_arrives(
    board_library: ctypes.CDLL, noise: bytes
) -> None:
    frame = Frame(Message.HELLO, 0, 7, b"after the noise")
    wire = noise + protocol.encode(frame)
    decoder = Decoder()
    assert decoder.feed(wire)[-1] == frame
    found = BoardSide(board_library).feed(wire)
    assert found[-1] == frame
    # The two may count fragments differently; neither takes noise for a frame.
    assert [f for f in found if f is not None] == Decoder().feed(wire)


def test_every_flipped_bit_is_found(board_side: BoardSide) -> None:
    frame = Frame(Message.WRITE, 1, 3, bytes([0, 1, 0, 255, 7]) * 3)
    wire = protocol.encode(frame)
    for bit in range(8, 8 * len(wire) - 8):
        damaged = bytearray(wire)
        damaged[bit // 8] ^= 1 << bit % 8
        assert Decoder().feed(bytes(damaged)) == []
        assert not any(board_side.feed(bytes(damaged) + b"\0"))


def test_frames_beyond_the_buffer_are_dropped(board_side: BoardSide) -> None:
    good = protocol.encode(Frame(Message.HELLO, 0, 1))
    for size in (2057, 2500, 70000):
        long = b"\0" + cobs.encode(b"\x01" * size) + b"\0"
        assert board_side.feed(long) == [None]
        assert board_side.feed(good) == [Frame(Message.HELLO, 0, 1)]
        decoder = Decoder()
        assert decoder.feed(long + good) == [Frame(Message.HELLO, 0, 1)]
        assert decoder.damaged == 1
    with pytest.raises(ValueError, match="at most 2048"):
        protocol.encode(Frame(Message.PCM, 0, 0, bytes(2049)))


# ------------------------------------------------------------------------- Transport

Answer = Callable[[Frame, int], list[bytes]]


class FakeBoard:
    """A board on a real socket that answers as it is told; counts the requests it saw."""

    def __init__(self, answer: Answer) -> None:
        self.seen: list[Frame] = []
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"socket://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        line, _ = self._listener.accept()
        decoder = Decoder()
        with line:
            while data := line.recv(4096):
                for frame in decoder.feed(data):
                    self.seen.append(frame)
                    for part in self._answer(frame, len(self.seen)):
                        line.sendall(part)

    def close(self) -> None:
        self._listener.close()


def reply(frame: Frame, payload: bytes = b"ok") -> bytes:
    return protocol.encode(
        Frame(frame.type | Message.REPLY, frame.argument, frame.sequence, payload)
    )


def ask(answer: Answer, **options: float) -> tuple[bytes, FakeBoard]:
    board = FakeBoard(answer)
    try:
        with Transport(board.url) as line:
            limits = {"timeout_s": 5.0, "repeat_s": 0.2, **options}
            return line.request(Message.COUNTERS, **limits), board  # type: ignore[arg-type]
    finally:
        board.close()


def test_a_request_gets_its_answer() -> None:
    answer, board = ask(lambda frame, _: [reply(frame)])
    assert answer == b"ok"
    assert len(board.seen) == 1


def test_a_lost_answer_is_asked_for_again_under_the_same_number() -> None:
    answer, board = ask(lambda frame, n: [] if n < 3 else [reply(frame)])
    assert answer == b"ok"
    assert len(board.seen) == 3
    assert len({frame.sequence for frame in board.seen}) == 1


def test_a_damaged_request_is_repeated_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waited for the answer first would run into the deadline."""
    monkeypatch.setattr(health, "FIRST_WAIT_S", 60.0)
    refusal = protocol.encode(Frame(Message.ERROR, Refusal.FRAME, protocol.UNASKED))
    answer, board = ask(
        lambda f, n: [refusal] if n == 1 else [reply(f)], repeat_s=60.0, timeout_s=10.0
    )
    assert answer == b"ok"
    assert len(board.seen) == 2


def test_late_and_damaged_answers_are_passed_over() -> None:
    def noisy(frame: Frame, _: int) -> list[bytes]:
        late = Frame(frame.type, frame.argument, frame.sequence - 1)
        broken = bytearray(reply(frame))
        broken[5] ^= 4
        return [reply(late, b"old"), b"\x07\x07noise", bytes(broken), reply(frame)]

    assert ask(noisy)[0] == b"ok"


def test_an_answer_byte_by_byte_is_put_together() -> None:
    assert ask(lambda f, _: [bytes([b]) for b in reply(f, bytes(300))])[0] == bytes(300)


def test_silence_ends_at_the_deadline() -> None:
    start = time.monotonic()
    with pytest.raises(SilentError, match="does not answer") as caught:
        ask(lambda *_: [], timeout_s=0.6)
    assert time.monotonic() - start < 3
    assert caught.value.exit_status == 3


def test_a_fault_and_a_refusal_are_told() -> None:
    numbers = [5, 0x08000123, 0x08000456, 0x8200, 0, 0x60000000]
    payload = b"".join(n.to_bytes(4, "little") for n in numbers)
    fault = protocol.encode(Frame(Message.FAULT, Message.RUN, protocol.UNASKED, payload))
    with pytest.raises(CheckFailedError, match="bus fault during RUN at pc=0x08000123"):
        ask(lambda *_: [fault])
    with pytest.raises(CheckFailedError, match="no such call"):
        ask(lambda f, _: [protocol.encode(Frame(Message.ERROR, 4, f.sequence, bytes(4)))])


@pytest.mark.parametrize("url", ["/dev/no-such-port", "socket://127.0.0.1:1", "nonsense://x"])
def test_a_port_that_does_not_exist(url: str) -> None:
    with pytest.raises(ToolMissingError, match="cannot be opened") as caught:
        Transport(url)
    assert caught.value.exit_status == 3


def test_the_deadlines_are_finite() -> None:
    assert 0 < port.POLL_S < transport.REPEAT_S < transport.TIMEOUT_S < 60
