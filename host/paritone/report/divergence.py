"""Where board and desk part, in the page: each first difference, and how far it goes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from paritone.report.html import Table


def tables(record: Mapping[str, Any]) -> Iterator[Table]:
    """Tables of what summary.json says of it; none where nothing differs."""
    parity = record.get("parity", {})
    rows = [_row(part["first"]) for part in parity.values() if "first" in part]
    if rows:
        columns = ("stage", "where", "looks like", "expected", "got", "values", "differ", "by")
        yield Table(columns, rows, texts=3, title="First difference")
    spread = record.get("spread")
    if spread:
        yield Table(("", "differ", "of"), list(_counts(spread)), title="How far it spreads")
    if spread and spread["clips"]:
        heads = ("clip", "patches", "frames", "bands", "features", "differ", "by")
        clips = [_clip(clip) for clip in spread["clips"]]
        yield Table(heads, clips, texts=4, title="Clips whose features differ")


def _row(first: Mapping[str, Any]) -> tuple[str, ...]:
    frame = "" if first["frame"] is None else f", frame {first['frame']}"
    where = f"{first['clip']}, patch {first['patch']}{frame}, {first['place']}"
    values = (f"{first[key]:,}" for key in ("values", "differ"))
    pair = (
        f"{first[key]} ({who})"
        for key, who in zip(("expected", "got"), first["between"], strict=True)
    )
    return (first["stage"], where, first["note"], *pair, *values, f"{first['largest']:,g}")


def _counts(spread: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    yield "clips, by their features", f"{len(spread['clips']):,}", f"{spread['of_clips']:,}"
    yield "patches, by their features", f"{spread['patches']:,}", f"{spread['of_patches']:,}"
    yield "patches, by their scores", f"{spread['scores']:,}", f"{spread['scored']:,}"
    yield "patches, by their class", f"{spread['decisions']:,}", f"{spread['scored']:,}"


def _clip(clip: Mapping[str, Any]) -> tuple[str, ...]:
    ranges = (_text(clip[key]) for key in ("patches", "frames", "bands"))
    return (clip["clip"], *ranges, f"{clip['values']:,}", f"{clip['differ']:,}",
            f"{clip['largest']:,g}")  # fmt: skip


def _text(ranges: Sequence[Sequence[int]]) -> str:
    return ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in ranges)
