"""A command in a terminal of its own, and what stands on its screen."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pyte


class Terminal:
    """`python -m paritone` on a pseudo-terminal; pyte keeps the screen."""

    def __init__(self, *arguments: str, rows: int = 24, columns: int = 100, **variables: str):
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))
        without = ("NO_COLOR", "COLUMNS", "LINES", "FORCE_COLOR")
        environment = {k: v for k, v in os.environ.items() if k not in without}
        environment |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", **variables}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "paritone", *arguments],
            stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(theirs)
        self.screen = pyte.HistoryScreen(columns, rows, history=1000)
        self._stream = pyte.ByteStream(self.screen)

    @property
    def text(self) -> str:
        """The whole screen, and what scrolled off above it."""
        above = ["".join(row[x].data for x in sorted(row)) for row in self.screen.history.top]
        return "\n".join([*above, *self.screen.display])

    def until(self, holds: Callable[[str], bool], deadline_s: float = 300) -> None:
        """Read what the command draws until the screen is as wanted, or it ended."""
        end = time.monotonic() + deadline_s
        while not holds(self.text):
            left = end - time.monotonic()
            if left <= 0 or not self._read(left):
                raise AssertionError(self.text)

    def _read(self, timeout_s: float) -> bool:
        if not select.select([self._ours], [], [], timeout_s)[0]:
            return False
        try:
            data = os.read(self._ours, 65536)
        except OSError:  # the other end was closed: the command has ended
            return False
        self._stream.feed(data)
        return bool(data)

    def press_ctrl_c(self) -> None:
        """The terminal turns the key into a signal, as it does for a user."""
        os.write(self._ours, b"\x03")

    def ended(self, deadline_s: float = 300) -> int:
        """Exit status, all of the output read."""
        end = time.monotonic() + deadline_s
        while self._read(max(0.0, end - time.monotonic())):
            pass
        return self.process.wait(30)

    def close(self) -> None:
        """End it, whatever it does."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(30)
        os.close(self._ours)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def picture(terminal: Terminal, path: Path) -> None:
    """Draw the screen as a PNG, to be looked at."""
    from matplotlib import pyplot

    screen = terminal.screen
    figure = pyplot.figure(figsize=(screen.columns * 0.1, screen.lines * 0.2), facecolor="black")
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, screen.columns), ylim=(screen.lines, 0))
    axes.axis("off")

    def colour(name: str, default: str) -> str:
        plain = {"default": default, "brown": "olive", "brightblack": "gray"}
        return plain.get(name, f"#{name}" if len(name) == 6 and name not in ("yellow",) else name)

    for y in range(screen.lines):
        for x in range(screen.columns):
            cell = screen.buffer[y][x]
            fore, back = colour(cell.fg, "white"), colour(cell.bg, "black")
            fore, back = (back, fore) if cell.reverse else (fore, back)
            axes.add_patch(pyplot.Rectangle((x, y), 1, 1, color=back, lw=0))
            if cell.data == "▀":
                axes.add_patch(pyplot.Rectangle((x, y), 1, 0.5, color=fore, lw=0))
            elif cell.data == "█":
                axes.add_patch(pyplot.Rectangle((x, y), 1, 1, color=fore, lw=0))
            elif cell.data != " ":
                axes.text(x, y + 0.8, cell.data, color=fore, family="monospace", fontsize=9)
    figure.savefig(path, dpi=100)
    pyplot.close(figure)
