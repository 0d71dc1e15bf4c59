"""A bad serial line: real sockets between pyserial and whatever listens, faults by a seed.

Bytes are taken in chunks of 64, as a USB packet has them. The fate of a chunk depends on the seed
and its place in the stream alone, not on when its bytes come.
"""

from __future__ import annotations

import random
import select
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

CHUNK_BYTES = 64
CONNECT_S = 10.0
POLL_S = 0.1


@dataclass(frozen=True)
class Faults:
    """What the line does; shares of chunks 0 to 1, events by the chunk at which they happen.

    Attributes
    ----------
    corrupt, drop, duplicate, reorder, delay : shares; a chunk reordered goes after its successor
    delay_s, stall_s : how long a delayed chunk, and the line at a stall, wait
    stalls, disconnects, resets : numbers of chunks, both directions counted together
    unplugged : the cable goes out there for good; None: never
    begin : the shares are those of chunks from there on
    """

    corrupt: float = 0.0
    drop: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    delay: float = 0.0
    delay_s: float = 0.02
    stall_s: float = 1.0
    stalls: tuple[int, ...] = ()
    disconnects: tuple[int, ...] = ()
    resets: tuple[int, ...] = ()
    unplugged: int | None = None
    begin: int = 0


@dataclass
class Done:
    """What the line did so far, in chunks and events."""

    chunks: int = 0
    corrupted: int = 0
    dropped: int = 0
    duplicated: int = 0
    reordered: int = 0
    delayed: int = 0
    stalled: int = 0
    disconnected: int = 0
    reset: int = 0


class _CutError(Exception):
    """The cable is pulled."""


@dataclass
class _Direction:
    """One way of the line: where its bytes are, the last chunk begun, what is held back."""

    seed: str
    offset: int = 0
    last: int = -1
    held: bytes = b""

    def pieces(self, data: bytes) -> list[tuple[int, bytes]]:
        """Parts of `data` by the number of the chunk that they belong to."""
        found = []
        while data:
            number, inside = divmod(self.offset, CHUNK_BYTES)
            part, data = data[: CHUNK_BYTES - inside], data[CHUNK_BYTES - inside :]
            self.offset += len(part)
            found.append((number, part))
        return found


class BadLine:
    """Listens on the loopback interface and passes bytes on to `host:port`, not all of them.

    Parameters
    ----------
    upstream : ``socket://HOST:PORT`` of the board
    reset : resets the board
    """

    def __init__(
        self, upstream: str, faults: Faults, seed: int, reset: Callable[[], None] | None = None
    ) -> None:
        host, port = upstream.removeprefix("socket://").split(":")
        self._upstream = (host, int(port))
        self.faults, self._reset = faults, reset
        self.done = Done()
        self._events = sorted(
            [(at, "stall") for at in faults.stalls]
            + [(at, "cut") for at in faults.disconnects]
            + [(at, "reset") for at in faults.resets]
            + ([(faults.unplugged, "unplug")] if faults.unplugged is not None else [])
        )
        self._directions = [_Direction(f"{seed} out"), _Direction(f"{seed} back")]
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"socket://127.0.0.1:{self._listener.getsockname()[1]}"
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __enter__(self) -> BadLine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.unplug()

    def unplug(self) -> None:
        """Pull the cable for good."""
        self._listener.close()
        self._ended.set()
        self._thread.join(CONNECT_S)

    def _serve(self) -> None:
        while not self._ended.is_set():
            try:
                if not select.select([self._listener], [], [], POLL_S)[0]:
                    continue
                client, _ = self._listener.accept()
            except (OSError, ValueError):
                return  # closed
            with client, socket.create_connection(self._upstream, CONNECT_S) as board:
                for line in (client, board):
                    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                try:
                    self._pass_on(client, board)
                except (_CutError, OSError):
                    continue

    def _pass_on(self, client: socket.socket, board: socket.socket) -> None:
        ways = {client: (board, self._directions[0]), board: (client, self._directions[1])}
        while not self._ended.is_set():
            for source in select.select(list(ways), [], [], POLL_S)[0]:
                target, direction = ways[source]
                data = source.recv(4096)
                if not data:
                    raise _CutError
                for number, part in direction.pieces(data):
                    target.sendall(self._suffer(direction, number, part))

    def _suffer(self, direction: _Direction, number: int, part: bytes) -> bytes:
        """What becomes of a part of a chunk, in the order of `Faults`."""
        new = number > direction.last
        direction.last = number
        self.done.chunks += new
        self._happen()
        faults, fate = self.faults, random.Random(f"{direction.seed} {number}")
        if self.done.chunks < faults.begin:
            return part
        if fate.random() < faults.corrupt:
            self.done.corrupted += new
            at = fate.randrange(len(part))
            part = part[:at] + bytes([part[at] ^ 1 << fate.randrange(8)]) + part[at + 1 :]
        if fate.random() < faults.drop:
            self.done.dropped += new
            return b""
        if fate.random() < faults.duplicate:
            self.done.duplicated += new
            part += part
        if fate.random() < faults.delay:
            self.done.delayed += new
            time.sleep(faults.delay_s)
        before, direction.held = direction.held, b""
        if not before and fate.random() < faults.reorder:
            self.done.reordered += 1
            direction.held = part
            return b""
        return part + before

    def _happen(self) -> None:
        while self._events and self._events[0][0] <= self.done.chunks:
            _, event = self._events.pop(0)
            if event == "stall":
                self.done.stalled += 1
                time.sleep(self.faults.stall_s)
            elif event == "reset":
                self.done.reset += 1
                assert self._reset is not None
                self._reset()
            else:
                self.done.disconnected += 1
                if event == "unplug":
                    self._ended.set()
                    self._listener.close()
                raise _CutError
