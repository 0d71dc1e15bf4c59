"""What `make demo` runs, end to end: the shipped example to C, to the emulated board, and back."""

import csv
import json
import subprocess
import sys

import pytest

PATCHES = 240
BOARD = "stm32f405"


@pytest.fixture(scope="module")
def demo(tmp_path_factory, repository, examples):
    """The demo's directory; one calibration clip a class instead of four, to spare an emulator."""
    folder = tmp_path_factory.mktemp("demo")
    with (examples / "esc10/meta/calibration.csv").open(newline="") as file:
        first = {row["category"]: row for row in reversed(list(csv.DictReader(file)))}
    rows = [f"{row['filename']},{row['category']}" for row in first.values()]
    (folder / "calibration.csv").write_text("\n".join(["filename,category", *rows]) + "\n")
    done = subprocess.run(
        [
            *[sys.executable, "-m", "paritone", "run"],
            *["--config-path", "examples", "--config-name", "user_config.yaml"],
            f"hydra.run.dir={folder / 'run'}",
            f"dataset.quantization_csv_path={folder / 'calibration.csv'}",
        ],
        cwd=repository,
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    assert "left out" not in done.stdout
    assert "all equal" in done.stdout
    return folder / "run"


@pytest.fixture(scope="module")
def summary(demo):
    return json.loads((demo / "summary.json").read_text())


def test_summary_has_every_part(summary):
    assert list(summary) == [
        "schema",
        "operation_mode",
        "model",
        "accuracy",
        "quantization",
        "parity",
        "latency",
        "memory",
    ]
    assert (summary["schema"], summary["operation_mode"]) == (1, "chain_eqeb")
    assert summary["model"]["input"] == {"dtype": "int8", "shape": [1, 64, 96, 1]}
    assert summary["model"]["macs"] > 0
    assert summary["model"]["weights_bytes"] > 0
    assert len(summary["model"]["sha256"]) == 64


def test_accuracy_survives_quantization_and_the_device(summary):
    found = summary["accuracy"]
    assert {kind: row["features"] for kind, row in found.items()} == {
        "float": "float",
        "int8": "float",
        "device": "integer",
        "streaming": "integer",
    }
    assert {row["clips"] for row in found.values()} == {40}
    for kind in ("int8", "device", "streaming"):
        assert abs(found[kind]["clip"] - found["float"]["clip"]) * 40 <= 2.001


def test_host_and_board_agree_on_every_bit(summary):
    frontend, model = summary["parity"]["frontend"], summary["parity"]["model"]
    assert frontend["between"] == ["integer", "native", BOARD]
    assert model["between"] == ["tflite-reference", "native", BOARD]
    assert frontend["patches"] == model["patches"] >= PATCHES
    assert frontend["cells"] == frontend["patches"] * 64 * 96
    assert model["values"] == model["patches"] * 10
    assert (frontend["mismatched"], model["mismatched"]) == (0, 0)


def test_latency_and_memory_are_plausible(summary):
    """Instructions, not time; what the board has on silicon bounds the memory."""
    latency, memory = summary["latency"], summary["memory"]
    assert latency["unit"] == "instructions"
    assert latency["inference"] > summary["model"]["macs"] / 2
    assert latency["layers"]
    assert 0 < memory["stack_bytes"] <= memory["stack_bound_bytes"] <= 4096
    assert memory["stack_bound_bytes"] < memory["ram_bytes"] <= 128 * 1024
    assert 0 < memory["arena_bytes"] < memory["ram_bytes"]
    assert summary["model"]["weights_bytes"] < memory["flash_bytes"] <= 1024 * 1024


def test_directory_is_laid_out_as_the_zoo_does(demo):
    for name in (
        ".hydra/config.yaml",
        "C_header/paritone_model.c",
        "quantized_models/quantized_model.tflite",
        "stm32ai_main.log",
        "float_confusion_matrix.png",
        "int8_confusion_matrix.png",
        "device_confusion_matrix.png",
    ):
        assert (demo / name).stat().st_size > 0
