"""The zoo's twelve modes, each from its example file: run for real, and what they leave."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from paritone import cli
from paritone.config import STEPS
from zoo_config import excerpt, tiny_model

ZOO = Path(__file__).resolve().parents[1] / "examples/zoo"
WHOLE = os.environ.get("PARITONE_ZOO_ESC10")
"""Set: all of ESC-10 and the shipped model; else ten clips of a second and a small one."""

ALWAYS = {".hydra/config.yaml", ".hydra/hydra.yaml", ".hydra/overrides.yaml"}
ALWAYS |= {"stm32ai_main.log", "summary.json", "report.html"}
LEFT = {
    "t": {
        "logs/train_metrics.csv",
        "logs/*/events.out.tfevents.*",
        "saved_models/best_model.h5",
        "saved_models/best_augmented_model.h5",
        "saved_models/last_augmented_model.h5",
        "learning_rate.png",
        "training_curves.png",
    },
    "e": {"*_confusion_matrix.png", "*_patch_confusion_matrix.png", "*_unknown_class.png"},
    "q": {"quantized_models/quantized_model.tflite"},
    "p": {"predictions.csv", "predictions_patches.csv", "predictions/*.png"},
    "b": {"C_header/paritone_model.c", "C_header/paritone_generated.h"},
    "d": {"C_header/paritone_model.c", "C_header/paritone_generated.h"},
}
"""What each step leaves in a run's directory, beside what every run does."""

SECTIONS = {"t": "accuracy", "e": "accuracy", "p": "prediction", "b": "latency", "d": "memory"}
Run = Callable[..., Path]


def data_paths(config: dict[str, Any], folder: Path, audio: Path) -> list[str]:
    """Overrides of every path to data that a file has."""
    found = []
    for split in ("training", "quantization", "test"):
        if f"{split}_csv_path" in config["dataset"]:
            found.append(f"dataset.{split}_csv_path={folder / split}.csv")
            found.append(f"dataset.{split}_audio_path={audio}")
    if "prediction" in config:
        found.append(f"prediction.test_files_path={folder / 'unlabelled'}")
    return found


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, examples: Path) -> Path:
    """A folder with CSVs of few clips a class, two unlabelled clips and a model of ten classes."""
    folder = tmp_path_factory.mktemp("zoo")
    classes = yaml.safe_load((ZOO / "evaluation.yaml").read_text())["dataset"]["class_names"]
    few = excerpt(examples, "test.csv", classes[:3], 1)
    sets = {
        "training": excerpt(examples, "calibration.csv", classes, 4),
        "quantization": few,  # the board is compared on both, each clip once
        "test": few,
    }
    for name, clips in sets.items():
        lines = [f"{clip.name},{category}" for clip, category in clips]
        (folder / f"{name}.csv").write_text("\n".join(["filename,category", *lines]) + "\n")
    (folder / "unlabelled").mkdir()
    for clip in sorted(examples.glob("esc10/audio/5-*.ogg"))[:2]:
        (folder / "unlabelled" / clip.name).symlink_to(clip)
    tiny_model(folder / "tiny.h5", classes=10, shape=(64, 96))
    return folder


@pytest.fixture(scope="module")
def run(project: Path, examples: Path, shared_data: Path | None) -> Run:
    """Run a mode's example file on the test's data, once; returns the run's directory."""
    done: dict[str, Path] = {}

    def start(mode: str) -> Path:
        if mode in done:
            return done[mode]
        config = yaml.safe_load((ZOO / f"{mode}.yaml").read_text())
        folder = done[mode] = project / mode
        folder.mkdir()
        (project / "firmware").mkdir(exist_ok=True)
        (folder / "firmware").symlink_to(project / "firmware")  # the same objects for all
        paths = data_paths(config, project, examples / "esc10/audio")
        sizes = ["preprocessing.max_length=1"]
        if WHOLE:
            assert shared_data is not None
            paths = whole_paths(config, shared_data / "ESC-10")
            sizes = []
        if "training" in config:
            sizes.append("training.epochs=1")
        if "model_path" in config["general"]:
            model = float_model(project, examples)
            if STEPS[mode][0] in "bd":
                model = start("chain_qd") / "quantized_models/quantized_model.tflite"
            paths.append(f"general.model_path={model}")
        finish(mode, [*paths, *sizes, f"hydra.run.dir={folder}", f"mlflow.uri={project}/mlruns"])
        return folder

    return start


def float_model(project: Path, examples: Path) -> Path:
    """What is evaluated, quantized and deployed."""
    return examples / "esc10_dscnn.h5" if WHOLE else project / "tiny.h5"


def whole_paths(config: dict[str, Any], esc10: Path) -> list[str]:
    """Paths of ESC-10 itself, fold 5 for tests."""
    found = []
    for split, folds in (("training", "[1,2,3,4]"), ("quantization", "[1]"), ("test", "[5]")):
        if f"{split}_csv_path" in config["dataset"]:
            found.append(f"dataset.{split}_csv_path={esc10}/meta/esc50.csv")
            found.append(f"dataset.{split}_audio_path={esc10}/audio")
            found.append(f"+dataset.{split}_folds={folds}")
    if "prediction" in config:
        found.append(f"prediction.test_files_path={esc10}/audio")
    return found


def finish(mode: str, overrides: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(["run", "--config-path", str(ZOO), "--config-name", f"{mode}.yaml", *overrides])
    assert stopped.value.code == 0


@pytest.mark.parametrize("mode", STEPS)
def test_a_mode_leaves_what_it_should(
    run: Run, mode: str, capfd: pytest.CaptureFixture[str]
) -> None:
    folder, steps = run(mode), set(STEPS[mode])
    steps |= {"e"} if "t" in steps else set()  # a training with a test set evaluates its model
    wanted = set.union(ALWAYS, *(LEFT[step] for step in steps))
    assert [pattern for pattern in sorted(wanted) if not list(folder.glob(pattern))] == []
    others = set.union(*LEFT.values()) - wanted
    assert [pattern for pattern in sorted(others) if list(folder.glob(pattern))] == []
    assert not [path for path in folder.rglob("*") if re.search(r"partial|\.tmp$", path.name)]
    found = summary(folder)
    assert found["operation_mode"] == mode
    assert {SECTIONS[step] for step in steps if step in SECTIONS} <= set(found)
    for row in found.get("parity", {}).values():
        assert row["mismatched"] == 0
        assert row["between"][1:] == ["native", "stm32f405"]
        size = {"cells": 64 * 96, "values": 10}["cells" if "cells" in row else "values"]
        assert row.get("cells", row.get("values")) == row["patches"] * size > 0
    told = " ".join(capfd.readouterr().err.split())
    assert ("which the device does not run" in told) == (mode == "chain_tbqeb")


def summary(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    return found


def test_a_chain_goes_on_with_what_its_training_made(run: Run, project: Path) -> None:
    """The quantized model is of the trained one; records go to MLflow, one value an epoch."""
    folder = run("chain_tqe")
    found = summary(folder)
    assert list(found["accuracy"]) == ["float", "int8", "device", "streaming"]
    content = (folder / "quantized_models/quantized_model.tflite").read_bytes()
    assert found["model"]["sha256"] == hashlib.sha256(content).hexdigest()
    histories = list((project / "mlruns").glob("*/*/metrics/loss"))
    assert len(histories) >= 1
    assert {len(path.read_text().splitlines()) for path in histories} == {1}
    assert list((project / "mlruns").glob("*/*/artifacts/saved_models/best_model.h5"))


def test_a_float_model_is_counted_before_it_is_quantized(run: Run) -> None:
    found = summary(run("chain_tbqeb"))
    counted = found["float_model"]
    assert counted["weights_bytes"] == 4 * counted["parameters"]
    assert counted["macs"] == found["model"]["macs"] > 0
    assert found["latency"]["inference"] > 0


def test_a_float_model_costs_what_it_will_cost_quantized(
    run: Run, project: Path, examples: Path, tmp_path: Path
) -> None:
    """The zoo's benchmarking takes one; ours quantizes it on random patches to measure it."""
    overrides = [
        f"general.model_path={float_model(project, examples)}",
        "preprocessing.max_length=1",
    ]
    finish("benchmarking", [*overrides, f"hydra.run.dir={tmp_path}", f"mlflow.uri={tmp_path}/ml"])
    found, quantized = summary(tmp_path), summary(run("benchmarking"))
    assert found["float_model"]["macs"] == quantized["model"]["macs"]
    assert found["memory"]["arena_bytes"] == quantized["memory"]["arena_bytes"]
    ratio = found["latency"]["inference"] / quantized["latency"]["inference"]
    assert 0.95 < ratio < 1.05
    assert (tmp_path / "quantized_models/benchmarked_model.tflite").is_file()


def test_what_is_deployed_is_what_is_benchmarked(run: Run) -> None:
    """The same quantized model, built twice, once to measure it."""
    deployed, measured = summary(run("chain_qd")), summary(run("benchmarking"))
    parts = {"model", "quantization", "parity", "memory"}
    assert set(deployed) == {"schema", "operation_mode"} | parts
    own = ("flash_bytes", "code_bytes", "tables_bytes", "ram_bytes")
    expected = {"flash_bytes", "ram_bytes", "arena_bytes", "stack_bytes", "stack_bound_bytes"}
    assert set(deployed["memory"]) == expected | {f"frontend_{name}" for name in own}
    header = (run("chain_qd") / "C_header/paritone_generated.h").read_text()
    assert f"PARITONE_ARENA_BYTES {deployed['memory']['arena_bytes']}" in header
    latency = measured["latency"]
    assert latency["unit"] == "instructions"
    layers = latency["layers"]
    assert 0 < sum(layer["instructions"] for layer in layers) < 2 * latency["inference"]
    assert latency["frontend_per_frame"] > 1000
    for key in ("flash_bytes", "ram_bytes", "arena_bytes"):
        assert measured["memory"][key] == deployed["memory"][key]
