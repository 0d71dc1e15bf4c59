"""PCM between the one who hears it and the one who computes: bounded, and what is lost is told."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Pcm = NDArray[np.int16]


@dataclass(frozen=True)
class Gap:
    """So many samples were dropped after sample `at` of those that were kept."""

    at: int
    samples: int


@dataclass(frozen=True)
class Chunk:
    """Samples that belong together, and when (monotonic, in s) the last of them was there."""

    pcm: Pcm
    arrived_s: float


class Backlog:
    """At most `most` samples wait here; of what comes beyond that nothing is kept.

    Parameters
    ----------
    most : int > 0, samples
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._chunks: deque[Chunk] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._kept = 0
        self.waiting = 0
        """Samples that nobody has taken yet."""
        self.gaps: list[Gap] = []

    def put(self, pcm: Pcm) -> None:
        """Keep samples that were just heard, or drop them all and note that: who comes is live."""
        with self._changed:
            if self.waiting + len(pcm) > self._most:
                self._drop(len(pcm))
            else:
                self._keep(pcm)

    def put_patiently(self, pcm: Pcm, stop: threading.Event) -> None:
        """Keep samples as soon as there is room, unless all is to end."""
        with self._changed:
            while self.waiting and self.waiting + len(pcm) > self._most and not stop.is_set():
                self._changed.wait(0.1)
            self._keep(pcm)

    def close(self) -> None:
        """Nothing more will come."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def take(self, most: int, timeout_s: float) -> Chunk | None:
        """At most so many samples, in their order; none after the time; None after the last."""
        with self._changed:
            if not self._chunks and not self._closed:
                self._changed.wait(timeout_s)
            if not self._chunks:
                return None if self._closed else Chunk(np.zeros(0, np.int16), time.monotonic())
            found = self._gather(most)
            self._changed.notify_all()
            return found

    def _gather(self, most: int) -> Chunk:
        parts, size = [self._chunks.popleft()], 0
        size = len(parts[0].pcm)
        while self._chunks and size + len(self._chunks[0].pcm) <= most:
            parts.append(self._chunks.popleft())
            size += len(parts[-1].pcm)
        self.waiting -= size
        return Chunk(np.concatenate([part.pcm for part in parts]), parts[-1].arrived_s)

    def _keep(self, pcm: Pcm) -> None:
        self._chunks.append(Chunk(pcm, time.monotonic()))
        self.waiting += len(pcm)
        self._kept += len(pcm)
        self._changed.notify_all()

    def _drop(self, samples: int) -> None:
        if self.gaps and self.gaps[-1].at == self._kept:
            samples += self.gaps.pop().samples
        self.gaps.append(Gap(self._kept, samples))

    @property
    def dropped(self) -> int:
        """Samples dropped so far."""
        return sum(gap.samples for gap in list(self.gaps))
