"""A serial port over the network: RFC 2217 by pyserial's own server side; prints its port.

The port behind it is a socket and has no control lines: those are set and read on paper.
"""

from __future__ import annotations

import select
import socket
import sys
import threading
from typing import Any

import serial
import serial.rfc2217


class Line:
    """What PortManager writes to: the client's socket."""

    def __init__(self, client: socket.socket) -> None:
        self._client, self._lock = client, threading.Lock()

    def write(self, data: bytes) -> None:
        with self._lock:
            self._client.sendall(data)


def serve(port: Any, client: socket.socket) -> None:
    line = Line(client)
    manager = serial.rfc2217.PortManager(port, line)
    while True:
        for source in select.select([client, port], [], [])[0]:
            if source is client:
                data = client.recv(4096)
                if not data:
                    return
                port.write(b"".join(manager.filter(data)))
            else:
                line.write(b"".join(manager.escape(port.read(4096))))


def main() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        client, _ = listener.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with client, serial.serial_for_url(sys.argv[1], timeout=0) as port:
            serve(port, client)


main()
