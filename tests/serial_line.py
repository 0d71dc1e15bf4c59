"""A pseudo-terminal that leads to an emulated board: the serial port that one of silicon has."""

from __future__ import annotations

import os
import pty
import select
import socket
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def leading_to(url: str) -> Iterator[str]:
    """Path of a terminal whose other end is the socket at `url`."""
    host, port = url.removeprefix("socket://").split(":")
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    stop, stopped = os.pipe()
    with socket.create_connection((host, int(port)), 10) as board:
        thread = threading.Thread(target=_carry, args=(ours, board, stop), daemon=True)
        thread.start()
        try:
            yield os.ttyname(theirs)
        finally:
            os.close(stopped)
            thread.join(10)
            for descriptor in (ours, theirs, stop):
                os.close(descriptor)


def _carry(terminal: int, board: socket.socket, stop: int) -> None:
    while True:
        ready, _, _ = select.select([terminal, board, stop], [], [])
        if stop in ready:
            return
        if terminal in ready:
            board.sendall(os.read(terminal, 4096))
        if board in ready:
            data = board.recv(4096)
            if not data:
                return
            os.write(terminal, data)
