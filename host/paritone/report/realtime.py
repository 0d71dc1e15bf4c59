"""What continuous listening takes, in the page and on the terminal: load, real-time factor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from paritone.report.html import Card, Table


def cards(found: Mapping[str, Any]) -> Iterator[Card]:
    """The load and the real-time factor; `found` is latency.real_time of summary.json."""
    if found:
        how = "estimate" if "estimate" in found else "measured"
        clock = f"of {found['clock_hz'] / 1e6:g} MHz, {how}"
        yield Card("CPU load", f"{found['cpu_load']:.2%}", clock)
        state = "good" if found["real_time_factor"] < 1 else "bad"
        yield Card("real-time factor", f"{found['real_time_factor']:.4f}", f"at most, {how}", state)


def rows(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The same for the terminal."""
    return [(card.name, f"{card.value} {card.note}") for card in cards(found)]


def tables(latency: Mapping[str, Any]) -> Iterator[Table]:
    """Least, median and most of a frame and of an inference; then what they make of the clock."""
    found = latency.get("real_time")
    lines = list(_ranges(latency["unit"], latency.get("range", {})))
    if found and "estimate" in found:
        lines += _ranges("cycles, estimate", found["cycles"])
    if lines:
        yield Table(("", "least", "median", "most"), lines, title="Over many inferences")
    yield from _stages(latency.get("frontend_stages", {}), latency["unit"])
    if found:
        estimate = f", {found['estimate']}" if "estimate" in found else ""
        title = f"Listening without a pause{estimate}"
        yield Table(("", ""), list(_shares(found)), title=title)


def _stages(stages: Mapping[str, Any], unit: str) -> Iterator[Table]:
    """Modelled: the mean of both counts; timed by the board: least, median and most."""
    if any("range" in cost for cost in stages.values()):
        timed = [
            (name, *(f"{cost['range'][which]:,}" for which in ("minimum", "median", "maximum")))
            for name, cost in stages.items()
        ]
        title = f"Stages of a frame alone, {unit}"
        yield Table(("", "least", "median", "most"), timed, title=title)
    elif stages:
        counts = [
            (name, f"{cost['instructions']:,}", f"{cost['cycles']:,}")
            for name, cost in stages.items()
        ]
        heads = ("", "instructions", "cycles, estimate")
        yield Table(heads, counts, title="Stages of a frame, mean")


def _ranges(unit: str, parts: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for key, what in (("frontend_per_frame", "frontend, a frame"), ("inference", "inference")):
        if key in parts:
            counts = (f"{parts[key][which]:,}" for which in ("minimum", "median", "maximum"))
            yield (f"{what}, {unit}", *counts)


def _shares(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "clock", f"{found['clock_hz'] / 1e6:g} MHz"
    yield "frames a second", f"{found['hops_per_second']:.2f}"
    yield "inferences a second", f"{found['patches_per_second']:.3f}"
    yield "one inference", f"{1000 * found['inference_seconds']:.2f} ms"
    yield "CPU load, frontend", f"{found['frontend_load']:.2%}"
    yield "CPU load, model", f"{found['inference_load']:.2%}"
    yield "CPU load", f"{found['cpu_load']:.2%}"
    yield "real-time factor, at most", f"{found['real_time_factor']:.4f}"
