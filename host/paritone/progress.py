"""Progress and notices on the terminal: on standard error, so that results alone are output."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


def track(items: Iterable[T], title: str, total: int) -> Iterator[T]:
    """Yield the items while a bar shows how many of `total` are done."""
    from rich.console import Console
    from rich.progress import track as rich_track

    console = Console(stderr=True)
    yield from rich_track(
        items, title, total, console=console, transient=True, disable=not console.is_terminal
    )


@contextmanager
def stage(title: str) -> Iterator[None]:
    """Say what is being done, and how long it took when it is done."""
    import time

    from rich.console import Console

    console = Console(stderr=True)
    start = time.monotonic()
    console.print(f"[bold]{title}[/bold] …", highlight=False)
    yield
    console.print(f"  {time.monotonic() - start:.1f} s", style="dim", highlight=False)


def notice(text: str) -> None:
    """Warn on the terminal, in one line."""
    from rich.console import Console
    from rich.markup import escape

    Console(stderr=True).print(
        f"[yellow]paritone: warning:[/yellow] {escape(text)}", highlight=False, soft_wrap=True
    )
