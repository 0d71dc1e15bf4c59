"""An emulated board: a QEMU process that starts empty and halted, and never outlives its user."""

from __future__ import annotations

import atexit
import os
import random
import shutil
import socket
import subprocess
from collections.abc import Sequence
from types import TracebackType

from paritone.boards import Board, tool
from paritone.errors import CheckFailedError, ToolMissingError

STOP_TIMEOUT_S = 5
LIST_TIMEOUT_S = 30


class Emulator:
    """A running QEMU; its serial line and its GDB server are on ports of the loopback interface.

    Parameters
    ----------
    counting : tie virtual time to executed instructions (-icount), so that the board's counter
        counts them; slower, and only needed to measure
    arguments : of QEMU, further ones
    """

    def __init__(
        self, board: Board, *, counting: bool = False, arguments: Sequence[str] = ()
    ) -> None:
        emulated = board.emulated
        # The sockets are bound here and inherited: no port can be lost to another process.
        serial, gdb = _listener(), _listener()
        try:
            command = [
                *_on_one_core(),
                *_dies_with_parent(),
                *[tool("qemu-system-arm"), "-machine", emulated.machine, "-S"],
                *["-display", "none", "-monitor", "none"],
                # A multiplexer's buffer: the board takes bytes from it without a hand-over each.
                # Its escape character is none that can come.
                *_socket("serial", serial, ",mux=on"),
                *["-echr", "256"],
                *["-serial", "chardev:serial"],
                *_socket("gdb", gdb),
                *["-gdb", "chardev:gdb"],
                *(["-icount", f"shift={emulated.icount_shift}"] if counting else []),
                *arguments,
            ]
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=[serial.fileno(), gdb.fileno()],
                # Ctrl-C is for us: a terminal would send it to the emulator too.
                start_new_session=True,
            )
            atexit.register(self.close)
            self.serial_url = f"socket://127.0.0.1:{serial.getsockname()[1]}"
            self.gdb = f"127.0.0.1:{gdb.getsockname()[1]}"
        finally:
            serial.close()
            gdb.close()

    def __enter__(self) -> Emulator:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def require_running(self) -> None:
        """CheckFailedError with QEMU's own words when it has ended."""
        if self._process.poll() is not None:
            assert self._process.stdout is not None
            text = self._process.stdout.read().decode(errors="replace").strip()
            first = text.splitlines()[0] if text else f"status {self._process.returncode}"
            raise CheckFailedError(f"the emulator ended by itself: {first}")

    def close(self) -> None:
        """End the emulator, by force if need be."""
        atexit.unregister(self.close)
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(STOP_TIMEOUT_S)
        if self._process.stdout is not None:
            self._process.stdout.close()


def require_machine(machine: str) -> None:
    """ToolMissingError unless the installed QEMU emulates `machine`."""
    done = subprocess.run(
        [tool("qemu-system-arm"), "-machine", "help"],
        capture_output=True,
        text=True,
        timeout=LIST_TIMEOUT_S,
    )
    known = {line.split()[0] for line in done.stdout.splitlines() if line.split()}
    if done.returncode != 0 or machine not in known:
        raise ToolMissingError(
            f"qemu-system-arm does not emulate {machine}: install QEMU 7.2 or later"
        )


def _listener() -> socket.socket:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(1)
    return listener


def _socket(name: str, listener: socket.socket, more: str = "") -> list[str]:
    # nodelay: the board sends byte by byte, each would wait for the last one's acknowledgement
    options = "server=on,wait=off,nodelay=on"
    return ["-chardev", f"socket,id={name},fd={listener.fileno()},{options}{more}"]


def _dies_with_parent() -> list[str]:
    """Prefix that has the kernel kill the emulator when this process is killed."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL"] if setpriv else []


def _on_one_core() -> list[str]:
    """Prefix that keeps the emulator's threads on one core.

    They take turns at every few bytes of the serial line, and a hand-over from core to core takes
    longest.
    """
    taskset = shutil.which("taskset")
    if taskset is None or not hasattr(os, "sched_getaffinity"):
        return []
    return [taskset, "-c", str(random.choice(sorted(os.sched_getaffinity(0))))]
