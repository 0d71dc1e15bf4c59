"""`global_seed` and `deterministic_ops`: two runs of a training chain leave the same bytes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from paritone import config as configuration
from paritone.models.load import load_keras
from paritone.training import train
from zoo_config import excerpt

CLASSES = ("crying_baby", "dog", "rooster")
OF_ITS_TIME = (".hydra", "firmware", "logs/train/", "logs/validation/", "stm32ai_main.log")
"""What tells when and where a run was: Hydra's record, TensorBoard's events, the log."""
MODEL = """
import keras
def get_custom_model(num_classes, input_shape, dropout):
    inputs = keras.Input(input_shape)
    x = keras.layers.Conv2D(4, 5, strides=3, activation="relu")(inputs)
    x = keras.layers.DepthwiseConv2D(3, activation="relu")(x)
    x = keras.layers.Dropout(0.3)(keras.layers.Flatten()(x))
    return keras.Model(inputs, keras.layers.Dense(num_classes, activation="softmax")(x))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, tiny_config: Path, examples: Path) -> Path:
    """A project that trains a model with dropout on augmented patches."""
    found = tmp_path_factory.mktemp("project")
    record = yaml.safe_load(tiny_config.read_text())
    rows = [f"{p.name},{c}" for p, c in excerpt(examples, "calibration.csv", CLASSES, 4)]
    (found / "training.csv").write_text("\n".join(["filename,category", *rows]) + "\n")
    (found / "custom_model.py").write_text(MODEL)
    del record["general"]["model_path"]
    record["general"] |= {"global_seed": 7, "deterministic_ops": True}
    record["dataset"] |= {
        "training_csv_path": str(found / "training.csv"),
        "training_audio_path": str(examples / "esc10/audio"),
        "validation_split": 0.25,
        "to_cache": False,
    }
    record["operation_mode"] = "chain_tqe"
    record["data_augmentation"] = {"GaussianNoise": {"enable": True}, "Mixup": {"enable": True}}
    record["training"] = {"model": {"name": "custom"}, "epochs": 2, "batch_size": 8}
    (found / "user_config.yaml").write_text(yaml.safe_dump(record))
    return found


@pytest.fixture(scope="module")
def runs(folder: Path) -> tuple[Path, Path]:
    """The same run by two processes at once, with hash seeds of their own and nothing cached."""
    started = []
    for name in ("one", "two"):
        command = [sys.executable, "-m", "paritone", "run", "--config-path", str(folder)]
        process = subprocess.Popen(
            [*command, f"hydra.run.dir={folder / name}"],
            env={**os.environ, "PYTHONHASHSEED": str(len(started))},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
    for process in started:
        _, errors = process.communicate(timeout=1200)
        assert process.returncode == 0, errors
    return folder / "one", folder / "two"


def left(run: Path) -> dict[str, bytes]:
    files = {path.relative_to(run).as_posix(): path for path in run.rglob("*") if path.is_file()}
    return {
        name: path.read_bytes()
        for name, path in sorted(files.items())
        if not name.startswith(OF_ITS_TIME)
    }


def test_two_runs_leave_the_same_bytes(runs: tuple[Path, Path]) -> None:
    one, two = map(left, runs)
    assert set(one) >= {
        "saved_models/best_model.h5",
        "saved_models/best_augmented_model.h5",
        "saved_models/last_augmented_model.h5",
        "quantized_models/quantized_model.tflite",
        "logs/train_metrics.csv",
        "summary.json",
        "report.html",
    }
    assert list(one) == list(two)
    assert [name for name in one if one[name] != two[name]] == []


def test_a_report_does_not_name_its_run(runs: tuple[Path, Path]) -> None:
    for run in runs:
        assert str(run).encode() not in (run / "report.html").read_bytes()


def test_another_seed_gives_another_model(runs: tuple[Path, Path], folder: Path) -> None:
    config = configuration.load_file(folder / "user_config.yaml", ["general.global_seed=8"])
    other = load_keras(train(config, folder / "other").path).get_weights()
    first = load_keras(runs[0] / "saved_models/best_model.h5").get_weights()
    assert not np.array_equal(other[0], first[0])
