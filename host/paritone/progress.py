"""Progress and notices on the terminal: on standard error, so that results alone are output."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")

PLAIN_INTERVAL_S = 60.0
"""Between two lines of progress where there is no terminal to draw a bar on."""


def track(items: Iterable[T], title: str, total: int) -> Iterator[T]:
    """Yield the items while a bar, or a line a minute, shows how many of `total` are done."""
    from rich.console import Console
    from rich.progress import track as rich_track

    console = Console(stderr=True)
    if console.is_terminal:
        yield from rich_track(items, title, total, console=console, transient=True)
    else:
        yield from _plain(items, title, total)


def _plain(items: Iterable[T], title: str, total: int) -> Iterator[T]:
    told = time.monotonic()
    for done, item in enumerate(items):
        if time.monotonic() - told >= PLAIN_INTERVAL_S:
            told = time.monotonic()
            print(f"  {title}: {done} of {total}", file=sys.stderr, flush=True)
        yield item


@contextmanager
def stage(title: str) -> Iterator[None]:
    """Say what is being done, and how long it took when it is done."""
    from rich.console import Console

    console = Console(stderr=True)
    start = time.monotonic()
    say(title)
    yield
    console.print(f"  {time.monotonic() - start:.1f} s", style="dim", highlight=False)


def say(title: str) -> None:
    """Say what is being done."""
    from rich.console import Console
    from rich.markup import escape

    text = f"[bold]{escape(title)}[/bold] …"
    Console(stderr=True).print(text, highlight=False, soft_wrap=True)


def notice(text: str) -> None:
    """Warn on the terminal, in one line."""
    from rich.console import Console
    from rich.markup import escape

    Console(stderr=True).print(
        f"[yellow]paritone: warning:[/yellow] {escape(text)}", highlight=False, soft_wrap=True
    )
