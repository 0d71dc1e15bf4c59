"""Trainings killed by SIGKILL at chosen moments: what has its final name is whole, and goes on."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from paritone import config as configuration
from paritone.config import Config
from paritone.models.load import load_keras
from paritone.training import checkpoint, train
from zoo_config import excerpt

CLASSES = ("crying_baby", "dog", "rooster")
LAST, BEST = checkpoint.LAST_NAME, checkpoint.BEST_NAME
MOMENTS = ("first rename", "half a file", "second rename", "final model", "an epoch")
# TensorFlow is imported once; each training is a process of its own, forked before it begins.
TRAININGS = """
import json, os, signal, sys, time
from pathlib import Path
import h5py, tensorflow
from paritone import config
from paritone.training import train

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def at_rename(name, count):
    rename, left = Path.replace, [count]
    def replace(self, target):
        left[0] -= Path(target).name == name
        return rename(self, target) if left[0] else die()
    Path.replace = replace

def within(name, last):
    create = h5py.Group.create_dataset
    def create_dataset(self, *given, **named):
        if last.exists() and name in self.file.filename:
            die()
        return create(self, *given, **named)
    h5py.Group.create_dataset = create_dataset

def begin(moment, folder):
    last = folder / "saved_models/last_augmented_model.h5"
    if moment == "first rename":
        at_rename("best_augmented_model.h5", 1)
    elif moment == "second rename":
        at_rename(last.name, 2)
    elif moment == "final model":
        at_rename("best_model.h5", 1)
    elif moment == "half a file":
        within("partial_last", last)
    epochs = "100000" if moment == "an epoch" else "2"
    train(config.load_file(sys.argv[1], ["training.epochs=" + epochs]), folder)
    os._exit(0)

for moment in json.loads(sys.argv[2]):
    folder = Path(sys.argv[3]) / moment
    child = os.fork()
    if child == 0:
        begin(moment, folder)
    if moment == "an epoch":
        deadline = time.monotonic() + 120
        while not (folder / "logs/train_metrics.csv").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        while len((folder / "logs/train_metrics.csv").read_text().splitlines()) < 4:
            time.sleep(0.005)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    print(moment, os.WIFSIGNALED(status) and os.WTERMSIG(status), flush=True)
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory, tiny_config: Path, examples: Path) -> Path:
    """A training that begins with the tiny model, as a configuration file."""
    folder = tmp_path_factory.mktemp("project")
    record = yaml.safe_load(tiny_config.read_text())
    for name, count in (("training", 3), ("validation", 1)):
        rows = [f"{p.name},{c}" for p, c in excerpt(examples, "calibration.csv", CLASSES, count)]
        (folder / f"{name}.csv").write_text("\n".join(["filename,category", *rows]) + "\n")
        record["dataset"] |= {
            f"{name}_csv_path": str(folder / f"{name}.csv"),
            f"{name}_audio_path": str(examples / "esc10/audio"),
        }
    record |= {"operation_mode": "training"}
    record["training"] = {"fine_tune": True, "epochs": 2, "batch_size": 8}
    path = folder / "user_config.yaml"
    path.write_text(yaml.safe_dump(record))
    return path


@pytest.fixture(scope="module")
def killed(file: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The directory of the training that was killed at a moment."""
    folder = tmp_path_factory.mktemp("killed")
    done = subprocess.run(
        [sys.executable, "-c", TRAININGS, str(file), json.dumps(MOMENTS), str(folder)],
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert done.stdout.splitlines() == [f"{moment} 9" for moment in MOMENTS], done.stderr
    return lambda moment: folder / moment


def go_on(file: Path, last: Path, epochs: int) -> Config:
    resumed = [f"+training.resume_training_from={last}", f"training.epochs={epochs}"]
    return configuration.load_file(file, [*resumed, "general.model_path=None"])


def models(folder: Path) -> dict[str, int]:
    """Epochs that each model under its final name was trained for; 0: it does not say."""
    found = {}
    for path in (folder / "saved_models").glob("*.h5"):
        if not path.name.startswith("partial_"):
            assert load_keras(path).output_shape == (None, 3)
            augmented = "augmented" in path.name
            found[path.name] = checkpoint.load(path).epochs if augmented else 0
    return found


def test_before_the_first_model_there_is_none_and_the_same_run_can_be_repeated(
    killed: Callable[[str], Path], file: Path
) -> None:
    folder = killed("first rename")
    assert list((folder / "saved_models").iterdir()), "it was killed after writing"
    assert models(folder) == {}
    config = configuration.load_file(file, ["training.epochs=1"])
    assert len(train(config, folder).history["loss"]) == 1
    names = {path.name for path in (folder / "saved_models").iterdir()}
    assert names == {LAST, BEST, "best_model.h5"}


@pytest.mark.parametrize("moment", ["half a file", "second rename"])
def test_while_writing_the_epoch_before_is_whole(
    killed: Callable[[str], Path], file: Path, tmp_path: Path, moment: str
) -> None:
    folder = killed(moment)
    there = models(folder)
    assert there[LAST] == 1
    assert there[BEST] in (1, 2)
    assert set(there) == {LAST, BEST}
    trained = train(go_on(file, folder / "saved_models" / LAST, 2), tmp_path / "run")
    assert len(trained.history["loss"]) == 2
    assert models(tmp_path / "run")[LAST] == 2


def test_at_the_end_the_last_epoch_is_there(killed: Callable[[str], Path]) -> None:
    there = models(killed("final model"))
    assert set(there) == {LAST, BEST}
    assert there[LAST] == 2


def test_in_an_epoch_those_before_it_go_on(
    killed: Callable[[str], Path], file: Path, tmp_path: Path
) -> None:
    folder = killed("an epoch")
    done = models(folder)[LAST]
    assert done >= 2
    trained = train(go_on(file, folder / "saved_models" / LAST, done + 1), tmp_path / "run")
    assert len(trained.history["loss"]) == done + 1
