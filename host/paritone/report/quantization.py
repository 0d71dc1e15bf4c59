"""The report's section on what quantization costs in each layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from paritone.evaluation import figures, remedies
from paritone.report.html import Section, Table, image

FIGURE = "quantization_error.png"
_COLOURS = {"weights": "#e45756", "clipping": "#f58518", "rounding": "#4c78a8"}
_TITLE = "Quantization error of each layer"


def section(found: Mapping[str, Any], run_dir: Path) -> Section:
    """Return the section; empty where the run compared no layers."""
    layers = found.get("layers", [])
    if not layers:
        return Section("quantization", _TITLE)
    path = draw(layers, run_dir / FIGURE)
    tables = [
        Table(
            ("layer", "kernel", "main source", "SNR, dB", "input, dB", "own, dB", "clipped"),
            [_row(i, layer) for i, layer in enumerate(layers)],
            texts=3,
        )
    ]
    mended = [(one["layer"], one["because"], "; ".join(one["try"])) for one in found["remedies"]]
    if mended:
        columns = ("layer", "why", "what would mend it")
        tables.insert(0, Table(columns, mended, texts=3, title="The worst layers"))
    return Section(
        "quantization",
        _TITLE,
        texts=list(_texts(found)),
        tables=tables,
        figures=[image(path, "signal to noise of each layer's output", run_dir)],
    )


def _texts(found: Mapping[str, Any]) -> list[str]:
    last, worst = found["layers"][-1], ", ".join(found["worst"])
    texts = [
        f"Signal to quantization noise of every layer, int8 against float, on {found['patches']} "
        f"patches of this run's clips; the output has {_db(last['snr_db'])} dB. "
        f"Most noise of their own, the worst first: {worst}."
    ]
    if not found["remedies"]:
        texts.append(
            f"No layer's own noise is within {remedies.ENOUGH_DB:.0f} dB of its signal: there is "
            "no one layer to mend."
        )
    if found["unmatched"]:
        texts.append(f"Without a float twin, not compared: {', '.join(found['unmatched'])}.")
    return texts


def _row(index: int, layer: Mapping[str, Any]) -> tuple[str, ...]:
    own_db = remedies.own_db(layer)
    return (
        f"{index} {layer['name']}",
        layer["kind"],
        layer["cause"] if own_db is not None else "",
        _db(layer["snr_db"]),
        _db(layer["input_snr_db"]),
        _db(own_db),
        f"{layer['clipped']:.2%}",
    )


def _db(value: float | None) -> str:
    return f"{value:.1f}" if value is not None else "∞"


def draw(layers: Sequence[Mapping[str, Any]], path: Path) -> Path:
    """Draw each layer's SNR, and by its colour what most of its own noise comes from."""
    from matplotlib.patches import Patch

    drawn = figures.figure(6.2, 1.4 + 0.24 * len(layers))
    axes = drawn.add_subplot()
    values = [layer["snr_db"] or 0.0 for layer in layers]
    axes.barh(range(len(layers)), values, color=[_COLOURS[layer["cause"]] for layer in layers])
    names = [f"{i} {layer['kind']}" for i, layer in enumerate(layers)]
    axes.set_yticks(range(len(layers)), names, fontsize=8)
    axes.invert_yaxis()
    for i, layer in enumerate(layers):
        axes.text(values[i], i, f" {_db(layer['snr_db'])}", va="center", fontsize=8)
    axes.margins(x=0.12)
    axes.set(xlabel="signal to quantization noise, dB", title="by layer, int8 against float")
    axes.grid(axis="x", alpha=0.3)
    handles = [Patch(color=colour, label=name) for name, colour in _COLOURS.items()]
    drawn.legend(handles=handles, fontsize=8, ncols=3, loc="outside lower center")
    return figures.save(drawn, path)
