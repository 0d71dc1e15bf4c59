"""A page that holds everything by itself: sections of text, tables and figures, no other file."""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from paritone import __version__

NAME = "report.html"


@dataclass(frozen=True)
class Card:
    """One number that matters; `state` is "good", "bad" or empty."""

    name: str
    value: str
    note: str = ""
    state: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of text; the first `texts` columns are words, the others numbers."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    texts: int = 1
    title: str = ""


@dataclass(frozen=True)
class Image:
    """A PNG inside the page: its bytes as a data URI, its size in pixels, its file's name."""

    data: str
    width: int
    height: int
    file: str
    caption: str


@dataclass(frozen=True)
class Block:
    """Preformatted text that is folded away."""

    title: str
    text: str


@dataclass(frozen=True)
class Section:
    """A part of the page, in the order of its fields."""

    id: str
    title: str
    texts: Sequence[str] = ()
    cards: Sequence[Card] = ()
    tables: Sequence[Table] = ()
    figures: Sequence[Image] = ()
    blocks: Sequence[Block] = ()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show."""
        return not (self.texts or self.cards or self.tables or self.figures or self.blocks)


def image(path: Path, caption: str, run_dir: Path) -> Image:
    """Return a PNG of the run's directory as a part of the page."""
    content = path.read_bytes()
    width, height = struct.unpack(">II", content[16:24])
    data = f"data:image/png;base64,{base64.b64encode(content).decode()}"
    return Image(data, width, height, path.relative_to(run_dir).as_posix(), caption)


def render(
    title: str, subtitle: str, sections: Sequence[Section], numbers: str = "summary.json"
) -> str:
    """Return the page; sections without content are left out, all text is escaped.

    Parameters
    ----------
    numbers : the file beside it that a script would read
    """
    import jinja2

    folder = Path(__file__).parent / "templates"
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(NAME).render(
        title=title,
        subtitle=subtitle,
        sections=[section for section in sections if not section.empty],
        version=__version__,
        numbers=numbers,
    )


def write(path: Path, text: str) -> None:
    """Write a page, whole or not at all."""
    partial = path.with_name(f"{path.name}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
