"""report.html of a run: what it found, made for looking."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paritone.config import Config
from paritone.datasets import Dataset
from paritone.datasets.clips import ClipStore
from paritone.evaluation.accuracy import Accuracy
from paritone.evaluation.prediction import FIGURES, Predictions
from paritone.report import (
    MEMORY,
    comparison,
    divergence,
    figures,
    html,
    quantization,
    realtime,
    training,
)
from paritone.report.html import Block, Card, Image, Section, Table, image
from paritone.validate.picture import NAME as DIVERGENCE

MOST_SHOWN = 8
"""Clips whose spectrogram is in the page; tables name the others."""
_PACKAGES = ("tensorflow", "keras", "librosa", "numpy", "scikit-learn")


@dataclass(frozen=True)
class Material:
    """What a report is made of.

    Attributes
    ----------
    record : summary.json
    models : files that the run read or made, the last of which it ended with
    evaluated : accuracies by their row of summary.json
    """

    run_dir: Path
    config: Config
    record: Mapping[str, Any]
    models: Sequence[Path]
    test: Dataset | None
    store: ClipStore
    evaluated: Mapping[str, Accuracy]
    predicted: Predictions | None


def write(found: Material) -> Path:
    """Draw the figures that are the report's own and write report.html; returns its path."""
    general = found.config.general
    project = "" if general.project_name == "<unnamed>" else f"{general.project_name}: "
    model = f"{found.models[-1].name}, " if found.models else ""
    shape = found.record.get("model", {}).get("input")
    if shape is not None:
        model += f"input {' x '.join(map(str, shape['shape']))} {shape['dtype']}"
    path = found.run_dir / html.NAME
    title = f"{project}{found.record['operation_mode']}"
    html.write(path, html.render(title, model, list(_sections(found))))
    return path


def _sections(found: Material) -> Iterator[Section]:
    left_out = found.record.get("left_out", {})
    yield Section(
        "summary",
        "Summary",
        texts=[f"Left out: {what}: {why}" for what, why in left_out.items()],
        cards=list(_cards(found.record)),
        tables=list(_accuracy_tables(found.record)),
    )
    yield training.section(found.record.get("training", {}), found.run_dir)
    yield _predictions(found)
    yield comparison.classes(found.record.get("accuracy", {}), found.run_dir)
    yield Section("confusion", "Confusion matrices", figures=_drawn(found, "confusion_matrix"))
    yield Section("curves", "Precision and recall", figures=_drawn(found, "precision_recall"))
    yield comparison.roc(found.evaluated, found.run_dir)
    yield _misclassified(found)
    yield comparison.differences(found.evaluated)
    yield quantization.section(found.record.get("quantization", {}), found.run_dir)
    yield Section("unknown", "Unknown class", figures=_drawn(found, "unknown_class"))
    yield _parity(found)
    yield _latency(found)
    yield _memory(found)
    yield _configuration(found)


def _cards(record: Mapping[str, Any]) -> Iterator[Card]:
    for kind, row in record.get("accuracy", {}).items():
        yield Card(f"clips right, {kind}", f"{row['clip']:.1%}", f"of {row['clips']}")
    predicted = record.get("prediction")
    if predicted:
        yield Card("clips predicted", f"{predicted['clips']}", f"on {predicted['target']}")
        if "unreadable" in predicted:
            yield Card("clips that cannot be read", f"{len(predicted['unreadable'])}", state="bad")
    for part, row in record.get("parity", {}).items():
        count = row["cells"] if "cells" in row else row["values"]
        state = "bad" if row["mismatched"] else "good"
        yield Card(f"{part}, values that differ", f"{row['mismatched']:,}", f"of {count:,}", state)
    latency, memory = record.get("latency", {}), record.get("memory", {})
    if "inference" in latency:
        yield Card("inference", f"{latency['inference']:,}", latency["unit"])
    yield from realtime.cards(latency.get("real_time", {}))
    for key in ("flash_bytes", "ram_bytes"):
        if key in memory:
            yield Card(MEMORY[key], f"{memory[key] / 1024:,.1f} KiB", f"{memory[key]:,} B")


def _accuracy_tables(record: Mapping[str, Any]) -> Iterator[Table]:
    rows = record.get("accuracy", {})
    if not rows:
        return
    yield Table(
        (
            *("", "features", "clips right", "patches right", "clips", "F1 (macro)"),
            *("mAP (clips)", "ROC AUC (clips)"),
        ),
        [
            (
                kind,
                row["features"],
                f"{row['clip']:.2%}",
                f"{row['patch']:.2%}",
                str(row["clips"]),
                f"{row['macro']['f1']:.3f}" if "macro" in row else "",
                _of_clips(row, "mean_average_precision"),
                _of_clips(row, "roc_auc"),
            )
            for kind, row in rows.items()
        ],
        texts=2,
        title="Accuracy",
    )


def _of_clips(row: Mapping[str, Any], key: str) -> str:
    return f"{row[key]['clip']:.3f}" if "clip" in row.get(key, {}) else ""


def _drawn(found: Material, name: str) -> list[Image]:
    """Figures that evaluation drew: of clips, then of patches where there are both."""
    images = []
    for kind in found.evaluated:
        for prefix, what in (("", ""), ("patch_", ", patches")):
            path = found.run_dir / f"{kind}_{prefix}{name}.png"
            if path.is_file():
                images.append(image(path, f"{kind}{what}", found.run_dir))
    return images


def _predictions(found: Material) -> Section:
    predicted = found.predicted
    if predicted is None:
        return Section("predictions", "Predictions")
    rows = [
        (clip.recording.file, clip.label, clip.verdict.score_text(3), str(len(clip.labels)))
        for clip in predicted.clips
    ]
    unreadable = [f"Not predicted: {why}" for why in predicted.unreadable.values()]
    folder = found.run_dir / FIGURES
    paths = [(folder / f"{c.recording.file}.png", c.recording.file) for c in predicted.clips]
    shown = [(path, name) for path, name in paths if path.is_file()][:MOST_SHOWN]
    return Section(
        "predictions",
        "Predictions",
        texts=unreadable,
        tables=[Table(("file", "class", "score", "patches"), rows, texts=2)] if rows else [],
        figures=[image(path, f"time line of {name}", found.run_dir) for path, name in shown],
    )


def _misclassified(found: Material) -> Section:
    """Spectrograms of clips that the row nearest to the device takes for another class."""
    kind = next((k for k in ("device", "int8", "float") if k in found.evaluated), None)
    title = "Misclassified clips"
    if kind is None or found.test is None:
        return Section("misclassified", title)
    accuracy = found.evaluated[kind]
    wrong = accuracy.evidence.wrong
    if not len(wrong):
        return Section("misclassified", title, texts=[f"None of {accuracy.clips} clips, {kind}."])
    data = found.store.load(found.test)
    paths = figures.misclassified(
        accuracy, data, wrong[:MOST_SHOWN], found.config, found.run_dir / "misclassified"
    )
    rows = [figures.row(accuracy, int(i)) for i in wrong]
    shown = f", the first {len(paths)} of them drawn" if len(paths) < len(wrong) else ""
    return Section(
        "misclassified",
        title,
        texts=[
            f"{len(wrong)} of {accuracy.clips} clips, {kind}{shown}. Dots mark the highest score "
            "of each patch; the true class is green."
        ],
        tables=[Table(("clip", "true class", "taken for", "score"), rows, texts=3)],
        figures=[image(path, caption, found.run_dir) for path, caption in paths],
    )


def _parity(found: Material) -> Section:
    record = found.record
    rows = [
        (
            part,
            " = ".join(row["between"]),
            f"{row['patches']:,}",
            f"{row.get('cells', row.get('values')):,}",
            f"{row['mismatched']:,}",
        )
        for part, row in record.get("parity", {}).items()
    ]
    if made := record.get("conversion"):
        patches, values, differ = (f"{made[key]:,}" for key in ("patches", "values", "differ"))
        between = " / ".join(made["between"])
        rows.append(("ONNX for the device", between, patches, values, differ))
    columns = ("stage", "between", "patches", "values", "differ")
    tables = [Table(columns, rows, texts=2)] if rows else []
    path = found.run_dir / DIVERGENCE
    drawn = []
    if path.is_file():
        drawn = [image(path, "desk, board, and where they differ", found.run_dir)]
    return Section(
        "parity",
        "Parity",
        tables=[*tables, *divergence.tables(record)],
        figures=drawn,
    )


def _latency(found: Material) -> Section:
    latency = found.record.get("latency", {})
    layers = latency.get("layers", [])
    if not layers:
        return Section("latency", "Latency")
    unit = latency["unit"]
    runs = latency.get("inferences")
    of_runs = f" of {runs} inferences" if runs else ""
    path = figures.latency(layers, unit, found.run_dir / "latency.png")
    ranges = all("range" in layer for layer in layers)
    rows = [
        (
            *(f"{i} {layer['name']}", layer["kernel"], f"{layer['macs']:,}", f"{layer[unit]:,}"),
            *((f"{layer['range'][key]:,}" for key in ("minimum", "maximum")) if ranges else ()),
        )
        for i, layer in enumerate(layers)
    ]
    heads = ("layer", "kernel", "MACs", unit, *(("least", "most") if ranges else ()))
    return Section(
        "latency",
        "Latency of each layer",
        texts=[
            f"Inference {latency['inference']:,} {unit}; "
            f"frontend, a frame, {latency['frontend_per_frame']:,} {unit}."
        ],
        tables=[
            *realtime.tables(latency),
            Table(heads, rows, texts=2, title=f"Layers, {unit}: median{of_runs}"),
        ],
        figures=[image(path, f"{unit} of each layer", found.run_dir)],
    )


def _memory(found: Material) -> Section:
    memory = found.record.get("memory", {})
    rows = [(title, f"{memory[key]:,}") for key, title in MEMORY.items() if key in memory]
    path = figures.memory_map(
        found.models[-1] if found.models else None,
        found.config.optimization,
        found.run_dir / "memory_map.png",
    )
    caption = "arena: what lies where, from call to call"
    return Section(
        "memory",
        "Memory",
        tables=[Table(("", "B"), rows)] if rows else [],
        figures=[image(path, caption, found.run_dir)] if path is not None else [],
    )


def _configuration(found: Material) -> Section:
    import yaml

    text = yaml.safe_dump(_relative(found.config.model_dump(mode="json")), sort_keys=False)
    rows = [(path.name, _sha256(path.read_bytes())) for path in found.models if path.is_file()]
    rows.append(("configuration", _sha256(text.encode())))
    versions = [(name, importlib.metadata.version(name)) for name in _PACKAGES]
    versions.append(("Python", platform.python_version()))
    return Section(
        "configuration",
        "Configuration and hashes",
        tables=[
            Table(("", "SHA-256"), rows, texts=2),
            Table(("package", "version"), versions, texts=2),
        ],
        blocks=[Block("The whole configuration, defaults included", text)],
    )


def _relative(node: Any) -> Any:
    """Paths below the working directory as seen from there: another copy has the same report."""
    if isinstance(node, dict):
        return {key: _relative(inner) for key, inner in node.items()}
    if isinstance(node, list):
        return [_relative(inner) for inner in node]
    if isinstance(node, str) and Path(node).is_relative_to(Path.cwd()):
        return Path(node).relative_to(Path.cwd()).as_posix()
    return node


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
