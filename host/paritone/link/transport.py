"""Carries requests over a port, one at a time, whatever the line does; every wait has a deadline.

A request goes out again under its number until it is answered: the board does nothing twice. A
port that is lost is opened again and the conversation goes on.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections import defaultdict
from types import TracebackType

from paritone.errors import CheckFailedError, ParitoneError, ToolMissingError
from paritone.link import diagnosis, protocol
from paritone.link.health import LEAST_WAIT_S, Health, Wait
from paritone.link.port import BAUD, Port, PortLostError
from paritone.link.protocol import Decoder, Frame, Message, Refusal

TIMEOUT_S = 20.0
REPEAT_S = 2.0
"""A request that found no answer for so long is sent again, mostly sooner."""
RATES = (2_000_000, 1_500_000, 1_000_000, 921_600)
"""What the line is tried at, in baud: probes carry 2 million."""
HELLO_TIMEOUT_S = 10.0
HELLO_REPEAT_S = 0.5
FAREWELL_S = 0.5

PAUSE_S = 0.0005
"""Before the first repetition; twice as long before each further one."""


class SilentError(ToolMissingError):
    """A board that does not answer."""


class BoardResetError(CheckFailedError):
    """A board that started anew in the midst of a conversation: its state is gone."""


class RefusedError(CheckFailedError):
    """A request that the board refuses."""


class DamagedError(Exception):
    """The board tells that a frame reached it damaged: what went unanswered is to be repeated."""


class Transport:
    """An open port: requests, each with its answer.

    Attributes
    ----------
    health : counts of what was sent, answered, repeated and damaged
    waits : how long the answers to each kind of request take
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.health = Health()
        self._port = Port(url)
        self._rates: tuple[int, ...] = RATES if self._port.has_rate else ()
        self.health.baud = self._port.baud if self._port.has_rate else None
        self._decoder = Decoder()
        self.waits: defaultdict[Message, Wait] = defaultdict(Wait)
        self._heard = b""
        self._greeted = False
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
        """Leave the line as it was found, and close the port."""
        if self._port.baud != BAUD:
            with contextlib.suppress(ParitoneError):
                self.request(Message.BAUD, payload=protocol.pack_baud(BAUD), timeout_s=FAREWELL_S)
        self._port.close()

    # ------------------------------------------------------------------- Rate

    def speed_up(self) -> None:
        """Go on at the highest rate that board, probe and line carry; after a hello.

        A socket has no rate. What failed once is not tried again.

        Raises
        ------
        SilentError, CheckFailedError
            As `request`.
        """
        while self._rates and self._port.baud == BAUD:
            rate = self._rates[0]
            self._try_rate(rate)
            if self._port.baud != rate:
                self._rates = tuple(r for r in self._rates if r < rate)

    def _try_rate(self, rate: int) -> None:
        """Ask the board for a rate and say hello at it; unanswered, both ends go back."""
        if not self._port.change_rate(rate) or not self._port.change_rate(BAUD):
            return
        with contextlib.suppress(RefusedError):
            self.request(Message.BAUD, payload=protocol.pack_baud(rate))
            self._port.change_rate(rate)
            self.health.baud = self._port.baud
            self.request(Message.HELLO, timeout_s=HELLO_TIMEOUT_S, repeat_s=HELLO_REPEAT_S)

    def request(
        self,
        message: Message,
        argument: int = 0,
        payload: bytes = b"",
        *,
        timeout_s: float = TIMEOUT_S,
        repeat_s: float = REPEAT_S,
        undisturbed: bool = False,
    ) -> bytes:
        """Send a request and return its answer's payload.

        Parameters
        ----------
        timeout_s : until the answer; also the time that the board may work on it
        repeat_s : most time before it is sent again; less, where such answers come sooner
        undisturbed : wait `repeat_s` in full: the board counts, and a byte that comes counts too

        Raises
        ------
        SilentError
            No answer in time.
        BoardResetError
            The board started anew: what it was told before is gone.
        CheckFailedError
            It stopped at a fault or refused the request; the line is hopeless, or gone for good.
        """
        if message == Message.HELLO:
            self._greeted = False
        sequence = self.next_sequence()
        wire = protocol.encode(Frame(message, argument, sequence, payload))
        start = time.monotonic()
        deadline, wait, tries = start + timeout_s, self.waits[message], 0
        damage = self.health.damage
        while (now := time.monotonic()) < deadline:
            until = min(
                deadline, now + (repeat_s if undisturbed else wait.seconds(tries, repeat_s))
            )
            try:
                self.send(wire, message, repeats=tries > 0)
                answer = self._answer(message, sequence, until)
            except PortLostError as error:
                self.reopen(message, error, deadline, timeout_s)
                answer = None
            if answer is not None:
                if damage == self.health.damage:  # else the time is the line's, not the board's
                    wait.took(time.monotonic() - start)
                self._greeted |= message == Message.HELLO
                self.fared(message, answered=True)
                return answer
            tries += 1
            self.fared(message, answered=False)
            # Told at once that a frame was damaged, we would send all too fast into a noise.
            time.sleep(min(LEAST_WAIT_S, PAUSE_S * 2**tries, max(0.0, deadline - time.monotonic())))
        raise self.silence(message, timeout_s)

    def _answer(self, message: Message, sequence: int, until: float) -> bytes | None:
        """Payload of the answer; None when the request is to be sent again."""
        while True:
            try:
                frames = self.receive(until)
            except DamagedError:
                return None
            for frame in frames:
                if frame.sequence == sequence and frame.type == message | Message.REPLY:
                    return frame.payload
                if frame.sequence == sequence and frame.type == Message.ERROR:
                    raise RefusedError(
                        f"the board refused {message.name}: {protocol.describe_refusal(frame)}"
                    )
            if time.monotonic() >= until:
                return None

    # ---------------------------------------------------- What windows share

    def next_sequence(self) -> int:
        """Number of a new request."""
        self._sequence = (self._sequence + 1) % protocol.UNASKED
        return self._sequence

    def send(self, wire: bytes, message: Message, *, repeats: bool = False) -> None:
        """Put an encoded frame on the wire; PortLostError."""
        self.health.sent += 1
        self.health.repeated += repeats
        self._port.send(wire)

    def receive(self, until: float) -> list[Frame]:
        """Frames that came, waiting for the first bytes no longer than `until`.

        Raises
        ------
        DamagedError, PortLostError, BoardResetError
        CheckFailedError
            The board stopped at a fault.
        """
        data = self._port.receive(until)
        frames = self._decoder.feed(data)
        self.health.damaged = self._decoder.damaged
        self._heard = b"" if frames else (self._heard + data)[: diagnosis.HEARD_BYTES]
        for frame in frames:
            self._require_life(frame)
        if any(f.type == Message.ERROR and f.sequence == protocol.UNASKED for f in frames):
            self.health.refused += 1
            if len(frames) == 1:
                raise DamagedError
        return frames

    def _require_life(self, frame: Frame) -> None:
        if frame.type == Message.FAULT:
            raise CheckFailedError(
                f"the board stopped: {protocol.describe_fault(frame)}; reset it to go on"
            )
        anew = frame.type == Message.READY or (
            frame.type == Message.ERROR and frame.argument == Refusal.GREET
        )
        if anew and self._greeted:
            self._greeted = False
            self.health.resets += 1
            raise BoardResetError("the board was reset: what it had been told is gone")

    def fared(self, message: Message, *, answered: bool) -> None:
        """What became of a frame; CheckFailedError on a line that loses too many."""
        self.health.answered += answered
        self.health.fared(answered=answered)
        if self._port.baud != BAUD and (self.health.hopeless or self.health.out_of_step):
            self._slow_down()
        if self.health.hopeless:
            raise CheckFailedError(diagnosis.of_loss(self.url, message.name, self.health))

    def _slow_down(self) -> None:
        """Back to the first rate: the board, which hears noise now, does the same."""
        self._rates = tuple(rate for rate in self._rates if rate < self._port.baud)
        self._port.change_rate(BAUD)
        self.health.slow_down(BAUD)

    def reopen(
        self, message: Message, error: PortLostError, deadline: float, timeout_s: float
    ) -> None:
        """Find a lost port again; CheckFailedError when it does not come back in time."""
        try:
            self._port.reopen(deadline)
        except PortLostError:
            text = diagnosis.of_lost_port(self.url, message.name, error, timeout_s)
            raise CheckFailedError(text) from error
        self._decoder.restart()
        self.health.reopened += 1

    def silence(self, message: Message, timeout_s: float) -> SilentError:
        """The error of a request without an answer."""
        text = diagnosis.of_silence(self.url, message.name, timeout_s, self._heard, self.health)
        return SilentError(text)
