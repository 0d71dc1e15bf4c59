"""Frames and messages between host and board; no I/O. The board's half: firmware/app/protocol.h.

A frame is ``type u8, argument u8, sequence u16, payload, crc32 u32``, little-endian, COBS-encoded
between zero bytes. The host asks, the board answers with the request's sequence number.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, replace
from enum import IntEnum

VERSION = 5
PAYLOAD_BYTES = 2048
UNASKED = 0xFFFF
"""Sequence number of a frame that no request asked for."""

PCM_BYTES = PAYLOAD_BYTES - 8
"""The most samples that one PCM carries, in bytes."""
WRITE_BYTES = PAYLOAD_BYTES - 4
"""The most that one WRITE carries."""

_HEADER = struct.Struct("<BBH")
_CRC = struct.Struct("<I")
_LONGEST = PAYLOAD_BYTES + _HEADER.size + _CRC.size
OVERHEAD_BYTES = _HEADER.size + _CRC.size + 3
"""Bytes on the wire beside the payload, at least: header, CRC, COBS code, separators."""


class Message(IntEnum):
    """Types of frames; a reply is its request's type with REPLY set."""

    HELLO = 0x01
    RESET = 0x02
    PCM = 0x03
    FINISH = 0x04
    RUN = 0x05
    STEP = 0x06
    READ = 0x07
    WRITE = 0x08
    TRACE = 0x09
    COUNTERS = 0x0A
    SPIN = 0x0B
    BAUD = 0x0C
    REPLY = 0x80
    FAULT = 0xFD
    READY = 0xFE
    ERROR = 0xFF


LOST_FRAMES = 4
"""So many that fail in a row, and both ends go back to the rate that a conversation starts at."""

INFER = 1
"""Argument of PCM and FINISH: run the model as soon as a patch completes, unless it is silent."""

PATCH = 1
SILENT = 2
"""Flags of a progress: a patch completed; its level is under the silence gate's threshold."""


class Region(IntEnum):
    """What READ and WRITE address."""

    INPUT = 0
    OUTPUT = 1
    STEP = 2
    FRAME = 3
    TRACE = 4


class Refusal(IntEnum):
    """Argument of an ERROR frame."""

    FRAME = 1
    UNKNOWN = 2
    LENGTH = 3
    RANGE = 4
    MODEL = 5
    STATE = 6
    GREET = 7


@dataclass(frozen=True)
class Frame:
    """One frame; `type` is a Message, or one with REPLY set."""

    type: int
    argument: int = 0
    sequence: int = UNASKED
    payload: bytes = b""


def encode(frame: Frame) -> bytes:
    """Bytes of a frame on the wire, separators included."""
    from cobs import cobs

    if len(frame.payload) > PAYLOAD_BYTES:
        raise ValueError(f"payload of {len(frame.payload)} bytes, at most {PAYLOAD_BYTES}")
    body = _HEADER.pack(frame.type, frame.argument, frame.sequence) + frame.payload
    return b"\0" + cobs.encode(body + _CRC.pack(zlib.crc32(body))) + b"\0"


def decode(block: bytes) -> Frame | None:
    """Frame of the bytes between two separators; None when it is damaged."""
    from cobs import cobs

    try:
        whole = cobs.decode(block)
    except cobs.DecodeError:
        return None
    if not _HEADER.size + _CRC.size <= len(whole) <= _LONGEST:
        return None
    body, (crc,) = whole[: -_CRC.size], _CRC.unpack(whole[-_CRC.size :])
    if zlib.crc32(body) != crc:
        return None
    kind, argument, sequence = _HEADER.unpack_from(body)
    return Frame(kind, argument, sequence, body[_HEADER.size :])


class Decoder:
    """Takes bytes as they come, gives frames as they complete."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self.damaged = 0
        """Frames dropped so far."""

    def restart(self) -> None:
        """Forget a frame under way: the line was cut."""
        self._pending.clear()

    def feed(self, data: bytes) -> list[Frame]:
        """Frames that `data` completes; damaged ones are counted and dropped."""
        self._pending += data
        *blocks, rest = bytes(self._pending).split(b"\0")
        # What never ends is noise, not a frame: keep no more of it than a frame has.
        self._pending = bytearray(rest[-2 * _LONGEST :])
        frames = [decode(block) for block in blocks if block]
        self.damaged += frames.count(None)
        return [frame for frame in frames if frame is not None]


# --------------------------------------------------------------------------- Messages


@dataclass(frozen=True)
class Hello:
    """Who answers, and what it was built from; sizes in bytes, hashes hexadecimal SHA-256.

    `ring_bytes` is what the board keeps while it computes: no more than that may be under way
    beside the request that it works on.
    """

    version: int
    format: int
    payload_bytes: int
    ring_bytes: int
    arena_bytes: int
    patch_bytes: int
    output_bytes: int
    window_length: int
    calls: int
    clock_hz: int
    counts_cycles: bool
    stack_bytes: int
    board: str
    model_sha256: str
    frontend_sha256: str

    _FIXED = struct.Struct("<4H8I16s32s32s")

    @classmethod
    def unpack(cls, payload: bytes) -> Hello:
        """Read a hello; ValueError when it is too short."""
        if len(payload) < cls._FIXED.size:
            raise ValueError(f"hello of {len(payload)} bytes, expected {cls._FIXED.size}")
        fields = list(cls._FIXED.unpack_from(payload))
        fields[10] = fields[10] == 1
        fields[12] = fields[12].rstrip(b"\0").decode("ascii", "replace")
        fields[13:] = [digest.hex() for digest in fields[13:]]
        return cls(*fields)


@dataclass(frozen=True)
class Progress:
    """Answer to PCM and FINISH.

    Attributes
    ----------
    position : of the next sample that the board takes, from the reset, modulo 2^32; after FINISH
        without meaning
    patches : completed since the reset
    ready : whether a patch completed with the last of them
    silent : whether the silence gate takes that patch for silence: the model is not run on it
    ticks : of the frontend, for these samples
    run_ticks, scores : of the model, None unless it was run
    taken : samples that the board took of those sent; the rest is to be sent again
    """

    position: int
    patches: int
    ready: bool
    silent: bool
    ticks: int
    run_ticks: int | None = None
    scores: bytes | None = None
    taken: int = 0

    _FIXED = struct.Struct("<4I")

    @classmethod
    def unpack(cls, payload: bytes) -> Progress:
        """Read an answer to PCM or FINISH."""
        position, patches, flags, ticks = cls._FIXED.unpack_from(payload)
        plain = cls(position, patches, bool(flags & PATCH), bool(flags & SILENT), ticks)
        if len(payload) == cls._FIXED.size:
            return plain
        run_ticks, scores = unpack_run(payload[cls._FIXED.size :])
        return replace(plain, run_ticks=run_ticks, scores=scores)


def unpack_run(payload: bytes) -> tuple[int, bytes]:
    """Answer to RUN: ticks, scores."""
    return struct.unpack_from("<I", payload)[0], payload[4:]


def unpack_trace(payload: bytes) -> tuple[int, int]:
    """Answer to TRACE: bytes of the stage's values, ticks of all stages up to it."""
    size, ticks = struct.unpack("<II", payload)
    return size, ticks


@dataclass(frozen=True)
class Step:
    """Answer to STEP: ticks, and CRC-32 and size of the rows that the call wrote."""

    ticks: int
    crc32: int
    size: int

    @classmethod
    def unpack(cls, payload: bytes) -> Step:
        """Read an answer to STEP."""
        return cls(*struct.unpack("<III", payload))


@dataclass(frozen=True)
class Counters:
    """Answer to COUNTERS; stack in bytes, the rest counted since reset."""

    stack_bytes: int
    patches: int
    damaged: int
    repeated: int

    @classmethod
    def unpack(cls, payload: bytes) -> Counters:
        """Read an answer to COUNTERS."""
        return cls(*struct.unpack("<IIII", payload))


_EXCEPTIONS = {3: "hard fault", 4: "memory fault", 5: "bus fault", 6: "usage fault"}


def describe_fault(frame: Frame) -> str:
    """One line for a FAULT frame: what happened where, during which request."""
    number, pc, lr, cfsr, hfsr, address = struct.unpack("<6I", frame.payload)
    kind = _EXCEPTIONS.get(number, f"exception {number}")
    request = next((m.name for m in Message if m == frame.argument), None)
    during = f" during {request}" if request else ""
    # MSTKERR, STKERR: the exception itself found no room
    overflow = "; the stack overflowed" if cfsr & 0x1010 else ""
    return (
        f"{kind}{during} at pc=0x{pc:08x} (lr=0x{lr:08x}, CFSR=0x{cfsr:08x}, "
        f"HFSR=0x{hfsr:08x}, address 0x{address:08x}){overflow}"
    )


def describe_refusal(frame: Frame) -> str:
    """One line for an ERROR frame."""
    detail = int.from_bytes(frame.payload[:4], "little", signed=True)
    texts = {
        Refusal.FRAME: "a frame arrived damaged",
        Refusal.UNKNOWN: f"it does not know message 0x{detail & 0xFF:02x}",
        Refusal.LENGTH: f"a message of {detail} bytes has the wrong length",
        Refusal.RANGE: "no such call, stage, region or offset",
        Refusal.MODEL: f"its library returned {detail}",
        Refusal.STATE: "there is nothing to read yet",
        Refusal.GREET: "it has just started and waits for a hello",
    }
    known = next((text for code, text in texts.items() if code == frame.argument), None)
    return known or f"error {frame.argument}"


def pack_pcm(position: int, patches: int, samples: bytes) -> bytes:
    """Payload of PCM: where its first sample belongs, and the patches that the host knows of."""
    return struct.pack("<II", position % 2**32, patches) + samples


def pack_baud(rate: int) -> bytes:
    """Payload of BAUD."""
    return struct.pack("<I", rate)


def pack_read(offset: int, size: int) -> bytes:
    """Payload of READ."""
    return struct.pack("<II", offset, size)


def pack_write(offset: int, data: bytes) -> bytes:
    """Payload of WRITE."""
    return struct.pack("<I", offset) + data
