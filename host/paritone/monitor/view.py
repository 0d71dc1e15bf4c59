"""What a listener sees: a picture on a terminal, a line a patch anywhere else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.live import Live
from rich.measure import Measurement
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from paritone.monitor import picture
from paritone.monitor.picture import Roll
from paritone.monitor.tally import Tally, Told, anew, losses, ranked, status

PER_SECOND = 4
CLASSES = 8
NAME, BAR = 16, 12
MOST_ROWS = 16
OTHER_LINES = 8
"""Of the terminal's height, beside the picture."""


class View(Protocol):
    """Something that shows how the stream goes."""

    def __enter__(self) -> View: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def patch(self, told: Told) -> None:
        """Show a patch."""

    def tick(self) -> None:
        """Show how things stand, if it is time to."""


class Lines:
    """A line a patch, and one at each loss of sound or of the board; for files and pipes."""

    def __init__(self, title: str, name: str, tally: Tally) -> None:
        self._name, self._tally = name, tally
        self._dropped = self._resets = 0
        print(f"{title} on {name}", flush=True)

    def __enter__(self) -> Lines:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    def patch(self, told: Told) -> None:
        """One line: time, classes, the next best ones, latency."""
        score = f" {told.best:.2f}" if told.best is not None else ""
        others = [
            f"{name} {value:.2f}"
            for name, value in ranked(told, self._tally.task.names, 3)
            if name not in told.labels
        ]
        more = f"  ({', '.join(others[:2])})" if others else ""
        print(f"{told.seconds:8.2f} s  {told.text}{score}{more}  {_ms(told)}", flush=True)

    def tick(self) -> None:
        """Say so when more was dropped than before, or the board was reset."""
        tally = self._tally
        resets = tally.line.resets if tally.line else 0
        if resets > self._resets:
            self._resets = resets
            print(f"{tally.seconds:8.2f} s  {anew(tally, self._name)}", flush=True)
        if tally.dropped > self._dropped:
            self._dropped = tally.dropped
            print(f"{tally.seconds:8.2f} s  {losses(tally, self._name)}", flush=True)


class Screen:
    """The rolling log-mel with the classes of its patches, scores, and how the line fares."""

    def __init__(self, title: str, name: str, tally: Tally, console: Console) -> None:
        self._title, self._name, self._tally, self._console = title, name, tally, console
        self._roll = Roll(tally.rate / tally.hop)
        self._last: Told | None = None
        self._lock = threading.Lock()
        self._live = Live(
            self, console=console, refresh_per_second=PER_SECOND, vertical_overflow="crop"
        )

    def __enter__(self) -> Screen:
        self._live.start(refresh=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def patch(self, told: Told) -> None:
        """Take it into the next drawing."""
        with self._lock:
            self._roll.add(told.columns, told.text)
            self._last = told

    def tick(self) -> None:
        """Nothing to do: clock and losses are drawn while the board is waited for, too."""

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        rows = max(3, min(MOST_ROWS, console.height - OTHER_LINES))
        width = max(10, options.max_width - NAME - BAR - 9)
        with self._lock:  # it is drawn in a thread of its own
            drawn = _Picture(self._roll.grid(rows, width), self._roll.names(width))
        table = Table.grid(padding=(0, 1))
        table.add_row(drawn, self._scores(rows))
        yield Group(self._header(), table, *self._footer())

    def _header(self) -> Text:
        seconds = self._tally.seconds
        clock = f"{int(seconds) // 60}:{seconds % 60:04.1f}"
        text = Text(f"{self._title} on {self._name}  {clock}  ", style="bold", no_wrap=True)
        if self._last is not None:
            text.append(f"{self._last.text}", style="bold reverse")
        return text

    def _scores(self, rows: int) -> RenderableType:
        told = self._last
        grid = Table.grid(padding=(0, 1))
        if told is None:
            return Text("waiting for a patch", style="dim")
        for name, score in ranked(told, self._tally.task.names, min(CLASSES, rows)):
            bar = Text("█" * round(max(0.0, min(1.0, score)) * BAR), style="green")
            chosen = "bold" if name in told.labels else "dim"
            bar.pad_right(BAR - len(bar))
            grid.add_row(
                Text(name[:NAME].ljust(NAME), style=chosen), bar, Text(f"{score:.2f}", style=chosen)
            )
        return grid if told.scores is not None else Text(told.nothing, style="dim")

    def _footer(self) -> Iterator[Text]:
        now = f"{_ms(self._last)}  " if self._last is not None else ""
        latency, *rest = status(self._tally) or [""]
        for line in (now + latency, "  ".join(rest)):
            yield Text(line, style="dim", no_wrap=True)
        for told in (anew(self._tally, self._name), losses(self._tally, self._name)):
            if told is not None:
                yield Text(told, style="bold red", no_wrap=True)


class _Picture:
    """Levels and the names under them, as a renderable of its own size."""

    def __init__(self, grid: NDArray[np.int64], names: str) -> None:
        self._grid, self._names, self._width = grid, names, len(names)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        colour = console.color_system is not None
        for line in picture.segments(self._grid, colour=colour):
            yield from line
            yield Segment.line()
        yield Segment(self._names)
        yield Segment.line()

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(self._width, self._width)


def _ms(told: Told) -> str:
    cycles = f", {told.cycles:,} cycles" if told.cycles is not None else ""
    return f"{1e3 * told.latency_s:.0f} ms{cycles}"


def open_view(title: str, name: str, tally: Tally) -> View:
    """Return the view for whatever standard output is."""
    console = Console()
    return Screen(title, name, tally, console) if console.is_terminal else Lines(title, name, tally)
