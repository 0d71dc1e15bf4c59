"""The comparison of a sweep for people: on the terminal, as CSV, as a page and a figure."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from paritone.evaluation import figures
from paritone.report import html
from paritone.report.html import Card, Section, Table, image
from paritone.sweep.comparison import Comparison, Mean, Row

NAME = "comparison"
SHOWN = ("mismatched", "inference", "flash_bytes", "ram_bytes")
"""What the terminal has room for beside what jobs are compared by; without any, everything."""
MOST_LABELS = 40
_COLOURS = ("#4c78a8", "#f58518", "#54a24b", "#b279a2", "#e45756", "#72b7b2")


def write(found: Comparison, folder: Path, configuration: Path) -> None:
    """Show a comparison, and write it into a sweep's folder: CSV, page and figure."""
    show(found)
    _write_csv(
        folder / f"{NAME}.csv", _header(found), (_record(row, found.results) for row in found.rows)
    )
    if found.groups:
        header = [*found.fixed, "jobs", "done", *_mean_columns(found)]
        rows = (_mean_record(mean, found.results) for mean in found.groups)
        _write_csv(folder / f"{NAME}_means.csv", header, rows)
    drawn = draw(found, folder / f"{NAME}.png")
    sections = [_summary(found), _jobs(found)]
    if drawn is not None:
        sections.insert(1, Section("figure", "Accuracy", figures=[_image(drawn, folder)]))
    page = html.render(
        f"Sweep over {', '.join(found.keys) or 'nothing'}",
        f"{configuration.name}, {len(found.rows)} jobs",
        sections,
        f"{NAME}.csv",
    )
    html.write(folder / f"{NAME}.html", page)


def show(found: Comparison) -> None:
    """Print a line for each job, then one for each mean, on standard output."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table as Lines

    shown = [name for name in found.results if name.rsplit(".", 1)[-1] in SHOWN]
    names = [*found.ranking, *shown] or list(found.results)
    lines = Lines(title="comparison", title_style="")
    for name in ("job", *found.keys):
        lines.add_column(escape(name))
    for name in names:
        lines.add_column(escape(title(name)), justify="right")
    for row in found.rows:
        cells = [text(name, row.results.get(name)) for name in names]
        problem = f" [red]{escape(_first(row))}[/red]" if row.outcome.status else ""
        lines.add_row(f"{row.outcome.number}{problem}", *map(escape, row.values), *cells)
    lines.add_section()
    for mean in found.groups:
        values = dict(zip(found.fixed, mean.values, strict=True))
        keys = [escape(values.get(key, "all")) for key in found.keys]
        label = f"mean of {mean.done}" + (f" of {mean.jobs}" if mean.done < mean.jobs else "")
        lines.add_row(label, *keys, *(_spread(name, mean) for name in names), style="bold")
    Console().print(lines)


def title(name: str) -> str:
    """A result's name for people: ``accuracy.int8.clip`` is int8, clips."""
    section, *rest = name.split(".")
    if section == "accuracy":
        return f"{rest[0]}, {_MEASURES['.'.join(rest[1:])]}"
    return {"parity": f"{rest[0]}, values that differ"}.get(section, rest[-1].replace("_", " "))


_MEASURES = {
    "clip": "clips",
    "patch": "patches",
    "macro.f1": "F1",
    "mean_average_precision.clip": "mAP (clips)",
    "mean_average_precision.patch": "mAP (patches)",
    "hamming_loss.clip": "Hamming loss (clips)",
    "hamming_loss.patch": "Hamming loss (patches)",
}


def text(name: str, value: float | None) -> str:
    """A number as it is read: fractions in percent, counts with separators."""
    if value is None or math.isnan(value):
        return ""
    if _is_share(name):
        return f"{value:.2%}"
    return f"{value:.3f}" if name.startswith("accuracy.") else f"{value:,.0f}"


def _is_share(name: str) -> bool:
    """Whether a result is a share of clips or patches, in percent; others have no unit."""
    section, *rest = name.split(".")
    return section == "accuracy" and rest[1:] in (["clip"], ["patch"])


def draw(found: Comparison, path: Path) -> Path | None:
    """Draw what jobs are compared by, over the groups or jobs; None without any."""
    names, places = found.ranking, _places(found)
    if not names or not 0 < len(places) <= MOST_LABELS:
        return None
    drawn = figures.figure(max(6.2, 1.6 + 0.9 * len(places)), 4.4)
    axes = drawn.add_subplot()
    percent = _is_share(names[0])
    for index, name in enumerate(names):
        colour = _COLOURS[index % len(_COLOURS)]
        shift = (index - (len(names) - 1) / 2) * 0.16
        for place, (_, rows) in enumerate(places):
            values = [row.results[name] for row in rows if name in row.results]
            values = [100 * value for value in values] if percent else values
            label = title(name) if place == 0 else None
            axes.plot([place + shift] * len(values), values, "o", c=colour, alpha=0.6, label=label)
            if len(values) > 1:
                mean = sum(values) / len(values)
                axes.plot(
                    [place + shift - 0.07, place + shift + 0.07], [mean] * 2, c=colour, lw=2.5
                )
    axes.set_xticks(range(len(places)), [label for label, _ in places], rotation=20, ha="right")
    axes.set_xlim(-0.5, len(places) - 0.5)
    ylabel = "% of clips" if percent else "mAP (clips)"
    axes.set(ylabel=ylabel, xlabel=", ".join(found.fixed if found.groups else found.keys))
    axes.grid(axis="y", alpha=0.3)
    axes.legend(
        fontsize=8, ncols=min(4, len(names)), loc="upper center", bbox_to_anchor=(0.5, 1.14)
    )
    return figures.save(drawn, path)


def _places(found: Comparison) -> list[tuple[str, list[Row]]]:
    """What stands side by side in the figure: groups, or else single jobs."""
    if not found.groups:
        return [(_short(row.values) or f"job {row.outcome.number}", [row]) for row in found.rows]
    kept = [key in found.fixed for key in found.keys]
    places = []
    for mean in found.groups:
        rows = [
            row
            for row in found.rows
            if tuple(v for v, k in zip(row.values, kept, strict=True) if k) == mean.values
        ]
        places.append((_short(mean.values) or f"{mean.jobs} jobs", rows))
    return places


def _short(values: Sequence[str]) -> str:
    joined = ", ".join(values)
    return joined if len(joined) <= 36 else f"{joined[:35]}…"


def _image(drawn: Path, folder: Path) -> html.Image:
    return image(drawn, "a point is a job, a bar the mean of the jobs of its place", folder)


def _summary(found: Comparison) -> Section:
    failed = [row for row in found.rows if row.outcome.status]
    seconds = sum(row.outcome.seconds for row in found.rows)
    cards = [
        Card("jobs", str(len(found.rows)), f"{seconds:,.0f} s of work"),
        Card("failed", str(len(failed)), "", "bad" if failed else "good"),
    ]
    if not found.groups:
        return Section("summary", "Summary", cards=cards)
    columns = [*found.fixed, "jobs", *map(title, found.results)]
    rows = [
        [*mean.values, f"{mean.done} of {mean.jobs}", *(_spread(n, mean) for n in found.results)]
        for mean in found.groups
    ]
    table = Table(columns, rows, len(found.fixed), "Mean and sample standard deviation")
    return Section("summary", "Summary", cards=cards, tables=[table])


def _jobs(found: Comparison) -> Section:
    columns = ["job", *found.keys, "outcome", *map(title, found.results)]
    rows = [
        [
            str(row.outcome.number),
            *row.values,
            _first(row) or f"done in {row.outcome.seconds:g} s",
            *(text(name, row.results.get(name)) for name in found.results),
        ]
        for row in found.rows
    ]
    return Section("jobs", "Jobs", tables=[Table(columns, rows, len(found.keys) + 2)])


def _first(row: Row) -> str:
    return row.outcome.problem.splitlines()[0] if row.outcome.problem else ""


def _spread(name: str, mean: Mean) -> str:
    value, deviation = mean.found.get(name, (math.nan, math.nan))
    if math.isnan(value) or math.isnan(deviation):
        return text(name, value)
    if _is_share(name):
        return f"{value:.2%} ± {100 * deviation:.2f}"
    return f"{text(name, value)} ± {text(name, deviation)}"


def _header(found: Comparison) -> list[str]:
    return ["job", *found.keys, "status", "seconds", "folder", "problem", *found.results]


def _record(row: Row, results: Sequence[str]) -> list[object]:
    one = row.outcome
    numbers = [row.results.get(name, "") for name in results]
    return [one.number, *row.values, one.status, one.seconds, one.folder, one.problem, *numbers]


def _mean_columns(found: Comparison) -> Iterable[str]:
    return (f"{name}.{what}" for name in found.results for what in ("mean", "sd"))


def _mean_record(mean: Mean, results: Sequence[str]) -> list[object]:
    nothing = (math.nan, math.nan)
    numbers = [value for name in results for value in mean.found.get(name, nothing)]
    return [*mean.values, mean.jobs, mean.done, *("" if math.isnan(n) else n for n in numbers)]


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    partial = path.with_name(f"{path.name}.partial")
    try:
        with partial.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(header)
            writer.writerows(rows)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
