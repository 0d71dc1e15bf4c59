"""PCM to a board: several frames under way, acknowledged by the place in the stream they reached.

A frame says where its samples belong, so that any may be sent again (go-back-N): the board passes
over what it has and takes nothing that would leave a gap.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from paritone.errors import CheckFailedError
from paritone.link import protocol
from paritone.link.port import PortLostError
from paritone.link.protocol import Frame, Message, Progress
from paritone.link.transport import BoardResetError, DamagedError, Transport

REPEAT_S = 1.0
FRAMES_TIMEOUT_S = 60.0
"""Until the answer to samples on which no model is run, whatever becomes of the line."""
ROUND = 1 << 32
PROBE_TRIES = 2
"""After so many repetitions a frame without samples asks how far the board is."""
UNDER_WAY = 3
"""Frames that fit into the board's ring: one repeated, those before it still unread, too."""


@dataclass(frozen=True)
class _Sent:
    """A frame under way: its number, the sample behind its last one, its size, when it went."""

    sequence: int
    end: int
    size: int
    at: float


class PcmStream:
    """The stream of a board since its last reset.

    Parameters
    ----------
    ring_bytes : what the board keeps while it computes
    timeout_s : longest time without any progress, inferences included
    undisturbed : of `push` and `finish`, as `Transport.request`'s

    Attributes
    ----------
    position : samples that the board took
    patches : those that completed and are known here
    """

    def __init__(
        self, line: Transport, ring_bytes: int, timeout_s: float, *, undisturbed: bool = False
    ) -> None:
        self._line = line
        self._ring = ring_bytes
        self._timeout_s = timeout_s
        self._undisturbed = undisturbed
        self.position = 0
        self.patches = 0

    def reset(self) -> None:
        """Begin anew."""
        self._line.request(Message.RESET)
        self.position = self.patches = 0

    def push(self, samples: NDArray[np.int16], *, infer: bool) -> Progress:
        """Send one frame of at most PCM_BYTES and wait for its answer."""
        data = samples.astype("<i2").tobytes()
        payload = protocol.pack_pcm(self.position, self.patches, data)
        return self._moved(self._slow(Message.PCM, infer, payload))

    def finish(self, *, infer: bool) -> Progress:
        """End the stream: completes a patch or none."""
        progress = self._slow(Message.FINISH, infer, b"")
        self.patches = progress.patches
        return progress

    def _slow(self, message: Message, infer: bool, payload: bytes) -> Progress:
        # Frames alone are soon done: who listens live is told of a dead line in a minute.
        slow = infer or self._undisturbed
        answer = self._line.request(
            message,
            protocol.INFER if infer else 0,
            payload,
            timeout_s=self._timeout_s if slow else min(self._timeout_s, FRAMES_TIMEOUT_S),
            repeat_s=self._timeout_s / 5 if slow else REPEAT_S,
            undisturbed=self._undisturbed,
        )
        return Progress.unpack(answer)

    def _moved(self, progress: Progress) -> Progress:
        """Take note of how far the board is, and of the patch that it completed."""
        taken = (progress.position - self.position) % ROUND
        if taken >= ROUND // 2:
            raise BoardResetError("the board forgot samples that it had taken")
        self.position += taken
        self.patches = progress.patches
        return replace(progress, taken=taken)

    def transfer(self, samples: NDArray[np.int16], *, infer: bool) -> Progress:
        """Send samples until all are taken or a patch completes.

        Parameters
        ----------
        samples : int16, at least one
        infer : whether the model is run on the patch

        Raises
        ------
        SilentError
            No progress for `timeout_s`.
        BoardResetError, CheckFailedError
            As `Transport.request`.
        """
        window = _Window(self, samples.astype("<i2").tobytes(), self._ring, infer)
        deadline = time.monotonic() + self._timeout_s
        while time.monotonic() < deadline:
            before = window.acked
            try:
                window.fill(self._line)
                progress = window.listen(self._line, deadline)
            except DamagedError:
                window.go_back(self._line)
            except PortLostError as error:
                self._line.reopen(Message.PCM, error, deadline, self._timeout_s)
                window.go_back(self._line)
            else:
                if progress is not None:
                    return self._moved(progress)
            if window.acked > before:
                deadline = time.monotonic() + self._timeout_s
        raise self._line.silence(Message.PCM, self._timeout_s)


class _Window:
    """Samples on their way, in samples from the first: acked <= next <= total."""

    def __init__(self, stream: PcmStream, data: bytes, ring: int, infer: bool) -> None:
        self._origin, self._patches = stream.position, stream.patches
        self._data, self._ring = data, ring
        self._argument = protocol.INFER if infer else 0
        self._total = len(data) // 2
        self._flight: deque[_Sent] = deque()
        self._tries = 0
        self._next = self.acked = 0

    def fill(self, line: Transport) -> None:
        """Send as many frames as may be under way; one alone after a loss."""
        piece = max(2, min(line.health.piece_bytes, self._ring // UNDER_WAY) - 32)
        while self._next < self._total and self._room(piece):
            # Many of those that ask where a busy board is fit into its ring.
            samples = piece // 2 if self._tries < PROBE_TRIES else 0
            end = min(self._total, self._next + samples)
            data = self._data[2 * self._next : 2 * end]
            payload = protocol.pack_pcm(self._origin + self._next, self._patches, data)
            number = line.next_sequence()
            wire = protocol.encode(Frame(Message.PCM, self._argument, number, payload))
            repeats = self._tries > 0
            self._flight.append(_Sent(number, end, len(wire), time.monotonic()))
            self._next = end
            line.send(wire, Message.PCM, repeats=repeats)

    def _room(self, piece: int) -> bool:
        if not self._flight:
            return True
        # The oldest is what the board works on, or will; the others wait in its ring.
        waiting = sum(sent.size for sent in self._flight) - self._flight[0].size
        return self._tries == 0 and waiting + piece + 32 <= self._ring * 2 // UNDER_WAY

    def listen(self, line: Transport, deadline: float) -> Progress | None:
        """Take the answers that come; the one that ends this transfer, if it is among them."""
        wait = line.waits[Message.PCM].seconds(self._tries, REPEAT_S)
        until = min(deadline, self._flight[0].at + wait)
        for frame in line.receive(until):
            sent = self._sent(frame.sequence)
            if sent is None:
                continue  # the answer to a frame that was given up
            if frame.type == Message.ERROR:
                text = protocol.describe_refusal(frame)
                raise CheckFailedError(f"the board refused PCM: {text}")
            progress = self._take(line, sent, Progress.unpack(frame.payload))
            if progress is not None:
                return progress
        if self._flight and time.monotonic() >= until:
            self.go_back(line)
        return None

    def _sent(self, sequence: int) -> _Sent | None:
        return next((sent for sent in self._flight if sent.sequence == sequence), None)

    def _take(self, line: Transport, sent: _Sent, progress: Progress) -> Progress | None:
        if self._tries == 0:
            line.waits[Message.PCM].took(time.monotonic() - sent.at)
        line.fared(Message.PCM, answered=True)
        self._tries = 0
        while self._flight[0] is not sent:
            self._flight.popleft()
        self._flight.popleft()
        reached = (progress.position - self._origin) % ROUND
        if progress.patches != self._patches or reached == self._total or reached > self._total:
            return progress
        self.acked = reached
        if reached < sent.end:
            self.go_back(line)  # a frame before this one was lost
        return None

    def go_back(self, line: Transport) -> None:
        """Send again from the first sample that the board has not taken."""
        self._flight.clear()
        self._next = self.acked
        self._tries += 1
        line.fared(Message.PCM, answered=False)
