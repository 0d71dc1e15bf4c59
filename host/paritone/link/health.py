"""How a line fares: what was sent, lost and damaged, and how long answers take. No I/O."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from paritone.link.protocol import LOST_FRAMES

FIRST_WAIT_S = 1.0
"""For the first answer to a kind of request, before any was timed."""
LEAST_WAIT_S = 0.1
RECENT = 100
HOPELESS = 0.6
"""A line that damages frames and leaves so many of the recent ones unanswered is given up."""
LEAST_DAMAGE = 10
"""A board that is merely slow leaves frames unanswered too, but damages none."""
PIECE_BYTES = (256, 2048)
"""Least and most payload of a transfer that is cut into pieces."""
GOOD_RUN = 32
"""Answers in a row after which pieces grow again."""


@dataclass
class Wait:
    """How long to wait for an answer before asking again: RFC 6298, sections 2 and 5."""

    mean_s: float | None = None
    deviation_s: float = 0.0

    def took(self, seconds: float) -> None:
        """An answer came so long after its only request."""
        if self.mean_s is None:
            self.mean_s, self.deviation_s = seconds, seconds / 2
            return
        self.deviation_s += (abs(seconds - self.mean_s) - self.deviation_s) / 4
        self.mean_s += (seconds - self.mean_s) / 8

    def seconds(self, repetitions: int, most_s: float) -> float:
        """Until the next repetition, after so many: twice as long each time, up to `most_s`."""
        wait = FIRST_WAIT_S if self.mean_s is None else self.mean_s + 4 * self.deviation_s
        return min(max(wait, LEAST_WAIT_S) * 2 ** min(repetitions, 16), most_s)


@dataclass
class Health:
    """Counts since the port was opened.

    Attributes
    ----------
    sent, answered : frames to the board, and those that it answered
    repeated : frames sent once more, their answers having failed to come
    damaged : frames that came from the board and were not intact
    refused : frames that the board found damaged
    reopened : times that the port was lost and found again
    resets : times that the board started anew during a conversation
    slowed : times that the line went back to the rate it began with
    baud : its rate now, None where it has none
    """

    sent: int = 0
    answered: int = 0
    repeated: int = 0
    damaged: int = 0
    refused: int = 0
    reopened: int = 0
    resets: int = 0
    slowed: int = 0
    baud: int | None = None
    piece_bytes: int = PIECE_BYTES[1]
    _recent: deque[bool] = field(default_factory=lambda: deque(maxlen=RECENT))
    _run: int = 0
    _lost_run: int = 0
    _damage_before: int = 0

    def fared(self, *, answered: bool) -> None:
        """What became of one frame; pieces shrink on losses and grow on a good run."""
        self._recent.append(answered)
        self._run = self._run + 1 if answered else 0
        self._lost_run = 0 if answered else self._lost_run + 1
        self._damage_before = self.damage if answered else self._damage_before
        least, most = PIECE_BYTES
        if not answered:
            self.piece_bytes = max(least, self.piece_bytes // 2)
        elif self._run % GOOD_RUN == 0:
            self.piece_bytes = min(most, self.piece_bytes * 2)

    def slow_down(self, baud: int) -> None:
        """The line goes on at a lower rate: what was lost at the higher one tells nothing of it."""
        self.slowed += 1
        self.baud = baud
        self._recent.clear()
        self._lost_run = 0
        self._damage_before = self.damage

    @property
    def out_of_step(self) -> bool:
        """Whether both ends may have different rates: nothing was answered for a while.

        A board that is merely busy damages nothing meanwhile, and is given twice as long.
        """
        damaged = self.damage > self._damage_before
        return self._lost_run >= LOST_FRAMES * (1 if damaged else 2)

    @property
    def hopeless(self) -> bool:
        """Whether too many of the recent frames were lost to go on."""
        good = sum(self._recent)
        full = len(self._recent) == RECENT and self.damage >= LEAST_DAMAGE
        return full and good < (1 - HOPELESS) * RECENT

    @property
    def damage(self) -> int:
        """Frames that were found damaged on either side."""
        return self.damaged + self.refused

    @property
    def lost_share(self) -> float:
        """Part of the recent frames that went unanswered, 0 to 1."""
        return 1 - sum(self._recent) / len(self._recent) if self._recent else 0.0

    def __str__(self) -> str:
        """As a reader wants it: the counts that are not zero."""
        counts = (
            (self.sent, "frames sent"),
            (self.answered, "answered"),
            (self.repeated, "repeated"),
            (self.refused, "damaged on the way to the board"),
            (self.damaged, "damaged on the way back"),
            (self.reopened, "times reconnected"),
            (self.resets, "resets of the board"),
            (self.slowed, "times slowed down"),
        )
        said = [f"{n:,} {what}" for i, (n, what) in enumerate(counts) if n or i < 2]
        rate = [] if self.baud is None else [f"{self.baud:,} baud"]
        return ", ".join(rate + said)
