"""What a run found: summary.json for scripts, a table for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from paritone.report import realtime

SCHEMA = 1
MEMORY = {
    "flash_bytes": "flash",
    "ram_bytes": "RAM",
    "arena_bytes": "arena, part of the RAM",
    "frontend_flash_bytes": "frontend, part of the flash",
    "frontend_ram_bytes": "frontend beside the patch, part of the RAM",
    "stack_bytes": "stack, high-water mark",
    "stack_bound_bytes": "stack, bound over every path of calls",
}
# In the order in which summary.json has them; a part that a run did not do is absent.
PARTS = (
    "model",
    "training",
    "float_model",
    "class_thresholds",
    "accuracy",
    "quantization",
    "prediction",
    "conversion",
    "parity",
    "spread",
    "latency",
    "memory",
    "left_out",
)


def summary(operation_mode: str, parts: Mapping[str, Any]) -> dict[str, Any]:
    """The record of a run; empty parts are left out."""
    found = {part: parts[part] for part in PARTS if parts.get(part)}
    return {"schema": SCHEMA, "operation_mode": operation_mode, **found}


def numbers(record: Mapping[str, Any]) -> dict[str, float]:
    """Every number of a record, under its dotted name: ``accuracy.int8.clip``."""
    found: dict[str, float] = {}

    def walk(place: str, node: Any) -> None:
        if isinstance(node, Mapping):
            for key, inner in node.items():
                walk(f"{place}.{key}".lstrip("."), inner)
        elif isinstance(node, (int, float)) and not isinstance(node, bool):
            found[place] = float(node)

    walk("", {name: part for name, part in record.items() if name != "schema"})
    return found


def write_summary(path: Path, record: Mapping[str, Any]) -> None:
    """Write summary.json, whole or not at all."""
    temporary = path.with_name(path.name + ".tmp")
    try:
        temporary.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def print_summary(record: Mapping[str, Any]) -> None:
    """Print a summary as a table on standard output."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"paritone: {record['operation_mode']}", show_header=False, title_style="")
    sections = (
        _training,
        _model,
        _float_model,
        _accuracy,
        _quantization,
        _prediction,
        _conversion,
        _parity,
        _latency,
        _memory,
        _left_out,
    )
    for section in sections:
        for name, value in section(record):
            table.add_row(name, value)
        table.add_section()
    Console().print(table)


Rows = list[tuple[str, str]]


def _training(record: Mapping[str, Any]) -> Rows:
    found = record.get("training")
    if not found:
        return []
    best = f", the best one {found['best_epoch']}" if "best_epoch" in found else ""
    values = ", ".join(f"{name} {value:.4g}" for name, value in found["metrics"].items())
    return [("trained", f"{found['epochs']} epochs{best}: {values}")]


def _model(record: Mapping[str, Any]) -> Rows:
    model = record.get("model")
    if not model:
        return []
    shape = " x ".join(str(size) for size in model["input"]["shape"])
    rows = [("model input", f"{shape} {model['input']['dtype']}")]
    if "macs" in model:
        rows.append(("multiply-accumulates", f"{model['macs']:,}"))
        rows.append(("weights", f"{model['weights_bytes']:,} B"))
    return rows


def _float_model(record: Mapping[str, Any]) -> Rows:
    found = record.get("float_model")
    if not found:
        return []
    macs = f", {found['macs']:,} multiply-accumulates" if "macs" in found else ""
    text = f"{found['parameters']:,} parameters, {found['weights_bytes']:,} B{macs}"
    return [("float model", text)]


def _accuracy(record: Mapping[str, Any]) -> Rows:
    rows = []
    for kind, row in record.get("accuracy", {}).items():
        of = "patches"
        if row.get("threshold"):
            of = f"patches ({row['silent_patches']} of {row['patches']} silent)"
        text = f"{row['clip']:.2%} of {row['clips']} clips, {row['patch']:.2%} of {of}"
        if "hamming_loss" in row:
            text += f", mAP {row['mean_average_precision'].get('clip', 0.0):.3f}"
        if "macro" in row:
            text += f", F1 {row['macro']['f1']:.3f}"
        if "clip" in row.get("roc_auc", {}):
            text += f", ROC AUC {row['roc_auc']['clip']:.3f}"
        whole = ", whole clips" if "threshold" in row else ""
        rows.append((f"accuracy, {kind} ({row['features']} features{whole})", text))
    return rows


def _quantization(record: Mapping[str, Any]) -> Rows:
    found = record.get("quantization")
    if not found:
        return []
    output, rows = found["layers"][-1]["snr_db"], []
    if output is not None:
        rows.append(("signal to quantization noise", f"{output:.1f} dB at the output"))
    rows.append(("most noise of their own", ", ".join(found["worst"][:3])))
    return rows + [
        (f"to mend {one['layer']}", f"{'; '.join(one['try'])}: {one['because']}")
        for one in found["remedies"][:3]
    ]


def _prediction(record: Mapping[str, Any]) -> Rows:
    found = record.get("prediction")
    if not found:
        return []
    lacking = len(found.get("unreadable", {}))
    without = f", [red]{lacking} cannot be read[/red]" if lacking else ""
    return [("predicted", f"{found['clips']} clips, {found['patches']} patches{without}")]


def _conversion(record: Mapping[str, Any]) -> Rows:
    found = record.get("conversion")
    if not found:
        return []
    text = (
        f"{found['same_class']} of {found['patches']} patches of the same class, "
        f"{found['differ']:,} of {found['values']:,} scores differ, by {found['most_steps']} "
        f"steps at most ({' / '.join(found['between'])})"
    )
    return [("ONNX for the device", text)]


def _parity(record: Mapping[str, Any]) -> Rows:
    rows = []
    for stage, row in record.get("parity", {}).items():
        count = row["cells"] if "cells" in row else row["values"]
        verdict = (
            "[green]all equal[/green]"
            if row["mismatched"] == 0
            else f"[red]{row['mismatched']:,} differ[/red]"
        )
        between = " = ".join(row["between"])
        text = f"{row['patches']} patches, {count:,} values: {verdict} ({between})"
        rows.append((f"parity, {stage}", text))
    return rows


def _latency(record: Mapping[str, Any]) -> Rows:
    latency = record.get("latency")
    if not latency:
        return []
    unit = latency["unit"]
    rows = []
    if "frontend_per_frame" in latency:
        rows.append(("frontend, a frame", f"{latency['frontend_per_frame']:,} {unit}"))
    if "inference" in latency:
        rows.append(("inference", f"{latency['inference']:,} {unit}"))
    rows += realtime.rows(latency.get("real_time", {}))
    return rows


def _memory(record: Mapping[str, Any]) -> Rows:
    memory = record.get("memory", {})
    return [(name, f"{memory[key]:,} B") for key, name in MEMORY.items() if key in memory]


def _left_out(record: Mapping[str, Any]) -> Rows:
    left_out = record.get("left_out", {})
    return [(f"left out: {what}", f"[yellow]{why}[/yellow]") for what, why in left_out.items()]
