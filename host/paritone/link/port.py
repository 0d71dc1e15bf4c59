"""A serial port that may go away and come back: whatever pyserial opens, bytes in and out."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import time
from typing import Any

from paritone.errors import ToolMissingError

BAUD = 460800
"""Rate of the line when a conversation begins."""
WRITE_TIMEOUT_S = 5.0
POLL_S = 0.02
REOPEN_S = 0.05
CHUNK_BYTES = 65536
GROUP_LINE = 'sudo usermod -aG dialout "$USER", then log in again'


class PortLostError(Exception):
    """The port is gone: a cable was pulled, or the other end hung up."""


class Port:
    """An open port.

    Raises
    ------
    ToolMissingError
        It cannot be opened.
    """

    def __init__(self, url: str) -> None:
        self.url, self.baud = url, BAUD
        self._open()

    def _open(self) -> None:
        import serial

        try:
            self._serial: Any = serial.serial_for_url(
                self.url, baudrate=self.baud, timeout=POLL_S, **self._write_limit()
            )
        except (serial.SerialException, OSError, ValueError) as error:
            raise ToolMissingError(f"port {self.url} cannot be opened: {_reason(error)}") from error
        self._selects = _selectable(self._serial)
        if self._selects:
            self._serial.timeout = 0  # what is there, at once: select does the waiting

    @property
    def has_rate(self) -> bool:
        """Whether it is a serial port, on this machine or another: a socket takes what comes."""
        return not self.url.startswith(("socket:", "loop:"))

    def change_rate(self, baud: int) -> bool:
        """Go on at another rate; False where the port has not got it, and all stays as it was."""
        try:
            self._serial.baudrate = baud
        except Exception:  # what drivers raise has no common base: termios.error is no OSError
            with contextlib.suppress(Exception):
                self._serial.baudrate = self.baud
            return False
        self.baud = baud
        return True

    def _write_limit(self) -> dict[str, float]:
        # pyserial's client of RFC 2217 has none to set
        return {} if self.url.startswith("rfc2217:") else {"write_timeout": WRITE_TIMEOUT_S}

    def close(self) -> None:
        """Close it; one that is lost already may say so, to nobody."""
        with contextlib.suppress(Exception):
            self._serial.close()

    def reopen(self, until: float) -> None:
        """Open it again as soon as it is back; PortLostError when it is not by `until`."""
        self.close()
        while True:
            try:
                self._open()
                return
            except ToolMissingError as error:
                if time.monotonic() + REOPEN_S >= until:
                    raise PortLostError(str(error)) from error
            time.sleep(REOPEN_S)

    def send(self, data: bytes) -> None:
        """Write; what nobody takes within a few seconds is dropped, as a line drops it."""
        import serial

        try:
            self._serial.write(data)
        except serial.SerialTimeoutException:
            pass
        except (serial.SerialException, OSError) as error:
            raise PortLostError(str(error)) from error

    def receive(self, until: float) -> bytes:
        """Whatever came, waiting for it no longer than `until`; nothing when nothing came."""
        import serial

        try:
            return self._selected(until) if self._selects else self._polled(until)
        except (serial.SerialException, OSError, ValueError) as error:
            raise PortLostError(str(error)) from error

    def _selected(self, until: float) -> bytes:
        left = max(0.0, until - time.monotonic())
        if not select.select([self._serial], [], [], left)[0]:
            return b""
        return bytes(self._serial.read(CHUNK_BYTES))

    def _polled(self, until: float) -> bytes:
        while True:
            data = bytes(self._serial.read(max(1, self._serial.in_waiting)))
            if data or time.monotonic() >= until:
                return data


def _reason(error: Exception) -> str:
    """Why a port cannot be opened, and what mends it."""
    number = getattr(error, "errno", None)
    if number == errno.EACCES:
        return f"no permission; type: {GROUP_LINE}"
    if number == errno.EBUSY:
        return "another program has it open: a serial monitor, or another paritone?"
    return (
        f"{os.strerror(number) if number else error}; --port takes a serial device (/dev/ttyACM0) "
        "or a pyserial URL (socket://HOST:PORT, rfc2217://HOST:PORT); `paritone doctor` lists the "
        "ports here"
    )


def _selectable(port: Any) -> bool:
    """Whether the operating system can wait for it: sockets, and serial ports but on Windows."""
    try:
        return bool(select.select([port], [], [], 0) is not None)
    except (AttributeError, OSError, ValueError, TypeError):
        return False
