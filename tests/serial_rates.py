"""A serial line with a rate at each end: a pseudo-terminal, and the register of an emulated UART.

The emulator's UART takes bytes whatever its divisor says. Here they pass through a wire: what was
sent at one rate is sampled at the other, and is noise unless they agree.
"""

from __future__ import annotations

import os
import pty
import select
import socket
import termios
import threading
import time
import tty
from pathlib import Path
from types import TracebackType

from paritone.boards.qemu import Emulator

POLL_S = 0.05
MOMENT_S = 0.05
CONNECT_S = 10.0
TOLERANCE = 0.04
"""Ten bits are read right as long as the last is sampled within it: half a bit in ten."""

_SPEEDS = {
    getattr(termios, name): int(name[1:])
    for name in dir(termios)
    if name[0] == "B" and name[1:].isdigit()
}


def sampled(data: bytes, sent: float, heard: float) -> bytes:
    """What a UART at `heard` baud makes of bytes sent without pause at `sent` baud."""
    bits: list[int] = []
    for byte in data:
        bits += [0, *(byte >> i & 1 for i in range(8)), 1]
    end = len(bits) / sent

    def level(seconds: float) -> int:
        return bits[min(int(seconds * sent), len(bits) - 1)] if seconds < end else 1

    found, now, step = bytearray(), 0.0, 1 / heard / 16
    while now < end:
        if level(now):
            now += step
            continue
        found.append(sum(level(now + (1.5 + i) / heard) << i for i in range(8)))
        now += 9.5 / heard
        while now < end and not level(now):  # no stop bit: the next edge is waited for
            now += step
    return bytes(found)


class RatedLine:
    """Passes bytes between `url`, which a host opens, and an emulated board.

    Parameters
    ----------
    monitor : the emulator's, a socket in the file system (-monitor unix:PATH,server,nowait)
    divisor : address of the register that divides the UART's clock of `clock_hz`

    Attributes
    ----------
    most : what the line carries, in baud; above, all that passes is noise
    lose : so many of the next bytes from the board do not arrive
    garbled : pieces that were sent at one rate and heard at another
    host_baud, board_baud : of either end, when the host last spoke
    """

    def __init__(self, emulator: Emulator, monitor: Path, divisor: int, clock_hz: float) -> None:
        self.most = float("inf")
        self.garbled = self.lose = 0
        self.emulator = emulator
        self._divisor, self._clock_hz = divisor, clock_hz
        host, port = emulator.serial_url.removeprefix("socket://").split(":")
        self._board = socket.create_connection((host, int(port)), CONNECT_S)
        self._board.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._monitor = socket.socket(socket.AF_UNIX)
        self._monitor.settimeout(CONNECT_S)
        self._monitor.connect(str(monitor))
        self._told()
        self._far, self._near = pty.openpty()
        tty.setraw(self._near)
        self.host_baud, self.board_baud = self._rates()
        self.url = os.ttyname(self._near)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __enter__(self) -> RatedLine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join(CONNECT_S)
        for end in (self._board, self._monitor):
            end.close()
        for terminal in (self._far, self._near):
            os.close(terminal)

    def _told(self) -> str:
        """What the monitor says, up to its next prompt."""
        text = ""
        while not text.endswith("(qemu) "):
            text += self._monitor.recv(4096).decode()
        return text

    def _rates(self) -> tuple[float, float]:
        """Baud of host and board now."""
        self._monitor.sendall(f"xp /1wx {self._divisor:#x}\n".encode())
        word = int(self._told().split(f"{self._divisor:016x}: ")[1].split()[0], 16)
        return _SPEEDS[termios.tcgetattr(self._far)[5]], self._clock_hz / max(word, 1)

    def _settled(self) -> tuple[float, float]:
        """As `_rates`; an emulator that was not running meanwhile is given a moment to switch."""
        until = time.monotonic() + MOMENT_S
        while True:
            host, board = self._rates()
            if abs(board / host - 1) < TOLERANCE or time.monotonic() >= until:
                return host, board

    def _carried(self, data: bytes, sent: float, heard: float) -> bytes:
        if abs(heard / sent - 1) < TOLERANCE and sent <= self.most:
            return data
        self.garbled += 1
        return sampled(data, sent, heard if sent <= self.most else sent / 1.7)

    def _lost(self, data: bytes) -> bytes:
        lost = min(self.lose, len(data))
        self.lose -= lost
        return data[lost:]

    def _serve(self) -> None:
        while not self._ended.is_set():
            ready = select.select([self._far, self._board], [], [], POLL_S)[0]
            if self._far in ready:
                data = os.read(self._far, 4096)
                self.host_baud, self.board_baud = self._settled()
                self._board.sendall(self._carried(data, self.host_baud, self.board_baud))
            if self._board in ready:
                # The board may have changed its rate since: what it sends, it sends at the one that
                # it had when it was last spoken to.
                data = self._lost(self._board.recv(4096))
                host, _ = self._rates()
                os.write(self._far, self._carried(data, self.board_baud, host))
