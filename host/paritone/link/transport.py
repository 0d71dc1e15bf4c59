"""Carries requests over any port that pyserial opens; every wait has a deadline."""

from __future__ import annotations

import random
import time
from types import TracebackType

from paritone.errors import CheckFailedError, ToolMissingError
from paritone.link import protocol
from paritone.link.protocol import Decoder, Frame, Message

BAUD = 460800
READ_TIMEOUT_S = 0.05
REPEAT_S = 2.0
"""A request that found no answer for so long is sent again."""
TIMEOUT_S = 20.0


class SilentError(ToolMissingError):
    """A board that does not answer."""


class Transport:
    """An open port: one request at a time, each with its answer."""

    def __init__(self, url: str, baud: int = BAUD) -> None:
        import serial

        self.url = url
        try:
            self._port = serial.serial_for_url(
                url, baudrate=baud, timeout=READ_TIMEOUT_S, write_timeout=TIMEOUT_S
            )
        except (serial.SerialException, OSError, ValueError) as error:
            raise ToolMissingError(
                f"port {url} cannot be opened: {error}; --port takes a serial device "
                "(/dev/ttyACM0) or a pyserial URL (socket://HOST:PORT)"
            ) from error
        self._decoder = Decoder()
        self._frames: list[Frame] = []
        # Not where the last conversation began: its late answers are not taken for ours.
        self._sequence = random.randrange(protocol.UNASKED)

    def __enter__(self) -> Transport:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the port."""
        self._port.close()

    def request(
        self,
        message: Message,
        argument: int = 0,
        payload: bytes = b"",
        *,
        at_least: int = 0,
        timeout_s: float = TIMEOUT_S,
        repeat_s: float = REPEAT_S,
    ) -> bytes:
        """Send a request and return its answer's payload.

        A damaged or lost frame is sent again under the same sequence number; the board answers a
        repetition without doing it twice.

        Parameters
        ----------
        at_least : bytes of payload that a good answer has: they are read in one piece
        timeout_s : until the answer; also the time that the board may work on it

        Raises
        ------
        SilentError
            No answer in time.
        CheckFailedError
            The board stopped at a fault, or refused the request.
        """
        self._sequence = (self._sequence + 1) % protocol.UNASKED
        wire = protocol.encode(Frame(message, argument, self._sequence, payload))
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            self._write(wire)
            # A reply in one read, then whatever is left of it.
            until = min(deadline, time.monotonic() + repeat_s)
            answer = self._answer(message, until, at_least + protocol.OVERHEAD_BYTES)
            if answer is not None:
                return answer
        raise SilentError(self._silence(message, timeout_s))

    def _answer(self, message: Message, until: float, at_least: int) -> bytes | None:
        """Payload of the answer; None when the request is to be sent again."""
        size = at_least
        while True:
            for frame in self._receive(size):
                if frame.type == Message.FAULT:
                    raise CheckFailedError(
                        f"the board stopped: {protocol.describe_fault(frame)}; reset it to go on"
                    )
                if frame.type == Message.ERROR and frame.sequence == protocol.UNASKED:
                    return None
                if frame.sequence != self._sequence:
                    continue  # the late answer to a request that was repeated
                if frame.type == Message.ERROR:
                    raise CheckFailedError(
                        f"the board refused {message.name}: {protocol.describe_refusal(frame)}"
                    )
                if frame.type == message | Message.REPLY:
                    return frame.payload
            if time.monotonic() >= until:
                return None
            size = 1

    def _receive(self, size: int) -> list[Frame]:
        import serial

        try:
            return self._decoder.feed(self._port.read(max(size, self._port.in_waiting)))
        except (serial.SerialException, OSError) as error:
            raise CheckFailedError(f"port {self.url} was lost: {error}") from error

    def _write(self, wire: bytes) -> None:
        import serial

        try:
            self._port.write(wire)
        except serial.SerialTimeoutException:
            pass  # nobody takes the bytes: the deadline of the request says so
        except (serial.SerialException, OSError) as error:
            raise CheckFailedError(f"port {self.url} was lost: {error}") from error

    def _silence(self, message: Message, timeout_s: float) -> str:
        noise = (
            f"; {self._decoder.damaged} damaged frames came (wrong baud rate?)"
            if self._decoder.damaged
            else ""
        )
        return (
            f"the board on {self.url} does not answer ({message.name}, {timeout_s:g} s){noise}: "
            "is it powered, flashed with `paritone flash` and on this port?"
        )
