"""The services through the command line, in the size of a test; and bad input, one line each."""

import csv
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import yaml

from paritone import cli, pipeline
from paritone import config as configuration
from paritone.config import STEPS
from paritone.errors import ToolMissingError
from zoo_config import tiny_model, write_wav


def run(*arguments):
    """The exit status of ``paritone run``, in this process."""
    with pytest.raises(SystemExit) as stopped:
        cli.main(["run", *map(str, arguments)])
    return stopped.value.code


@pytest.fixture
def project(tiny_config, tmp_path, monkeypatch):
    """A run of the tiny project in an empty working directory; returns its exit status."""
    monkeypatch.chdir(tmp_path)

    def start(*overrides, options=()):
        return run("--config-path", tiny_config.parent, *options, "hydra.run.dir=run", *overrides)

    return start


def summary(folder):
    return json.loads((folder / "summary.json").read_text())


def test_every_step_of_a_supported_mode_is_in_the_table():
    assert set(pipeline.TABLE) == set().union(*STEPS.values())


def test_chain_eqe(project, tmp_path, capfd):
    assert project() == 0
    found = summary(tmp_path / "run")
    assert found["schema"] == 1
    assert found["operation_mode"] == "chain_eqe"
    assert list(found["accuracy"]) == ["float", "int8", "device", "streaming"]
    gate = {"patches", "threshold", "silent_patches", "silent_clips"}
    for kind, row in found["accuracy"].items():
        streamed = gate if kind == "streaming" else set()
        assert set(row) >= {"patch", "clip", "clips", "features"} | streamed
        assert set(row["per_class"]) == {"crying_baby", "dog", "rooster"}
        assert row["clips"] == 6
        assert row["features"] == ("integer" if kind in ("device", "streaming") else "float")
        for name in ("confusion_matrix", "patch_confusion_matrix", "unknown_class"):
            assert (tmp_path / f"run/{kind}_{name}.png").read_bytes().startswith(b"\x89PNG")
    assert found["model"]["input"] == {"dtype": "int8", "shape": [1, 20, 16, 1]}
    assert not {"parity", "latency", "memory"} & set(found), "what was not done is absent"
    assert (tmp_path / "run/quantized_models/quantized_model.tflite").is_file()
    assert (tmp_path / "run/.hydra/config.yaml").is_file()
    log = (tmp_path / "run/stm32ai_main.log").read_text()
    assert "operation_mode chain_eqe" in log
    output = capfd.readouterr()
    assert "accuracy, device" in output.out
    assert "accuracy, streaming" in output.out
    assert not [line for line in output.err.splitlines() if "absl" in line or "I0000" in line]


def test_evaluation_of_a_quantized_model_and_quantization(project, tmp_path):
    assert project("operation_mode=quantization", "+quantization.granularity=per_tensor") == 0
    model = tmp_path / "run/quantized_models/quantized_model.tflite"
    assert set(summary(tmp_path / "run")) == {
        "schema",
        "operation_mode",
        "model",
        "quantization",
    }
    moved = tmp_path / "moved.tflite"
    model.rename(moved)
    shutil.rmtree(tmp_path / "run")
    assert project("operation_mode=evaluation", f"general.model_path={moved}") == 0
    assert list(summary(tmp_path / "run")["accuracy"]) == ["int8", "device", "streaming"]


def test_multirun(project, tmp_path):
    """Hydra's sweep: one directory a combination."""
    status = project(
        "operation_mode=quantization",
        "quantization.quantization_output_type=int8,float",
        "hydra.sweep.dir=sweep",
        options=["--multirun"],
    )
    assert status == 0
    assert [summary(tmp_path / f"sweep/{job}")["model"]["sha256"] for job in (0, 1)]
    assert not (tmp_path / "run").exists()


def test_training_of_a_custom_model(project, tmp_path, examples):
    status = project(
        "operation_mode=training",
        "general.model_path=None",
        "+training={model: {name: custom, input_shape: '(20, 16, 1)'}, epochs: 1}",
        f"+training.custom_model_path={_custom(tmp_path)}",
        "dataset.quantization_audio_path=None",
        "dataset.quantization_csv_path=None",
        *_training_set(tmp_path, examples),
    )
    assert status == 0
    assert (tmp_path / "run/saved_models/best_model.h5").is_file()
    assert list(summary(tmp_path / "run")["accuracy"]) == ["float"]


def _custom(folder):
    path = folder / "custom_model.py"
    path.write_text(
        "import keras\n"
        "def get_custom_model(num_classes, input_shape, dropout=None):\n"
        "    inputs = keras.Input(input_shape)\n"
        "    x = keras.layers.Flatten()(inputs)\n"
        "    return keras.Model(inputs, keras.layers.Dense(num_classes, 'softmax')(x))\n"
    )
    return path


def _training_set(folder, examples):
    with (examples / "esc10/meta/calibration.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["category"] in ("dog", "rooster")]
    lines = ["filename,category", *(f"{row['filename']},{row['category']}" for row in rows)]
    (folder / "training.csv").write_text("\n".join(lines) + "\n")
    return (
        "dataset.class_names=[dog,rooster]",
        f"+dataset.training_csv_path={folder}/training.csv",
        f"+dataset.training_audio_path={examples}/esc10/audio",
        f"dataset.test_csv_path={folder}/training.csv",
        f"dataset.test_audio_path={examples}/esc10/audio",
        "+dataset.validation_split=0.25",
    )


# ---- Bad input: exit status 2, one line, nothing left behind ------------------------------------


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        (["+featureextraction.n_mels=3"], "featureextraction"),
        (["+feature_extraction.nmels=3"], "nmels"),
        (["operation_mode=chain_qeqe"], "chain_qeqe"),
        (["feature_extraction.n_mels=many"], "n_mels"),
        (["general.model_path=nowhere.h5"], "nowhere.h5"),
        (["general.model_path=garbage.h5"], "garbage.h5"),
        (["operation_mode=evaluation", "general.model_path=garbage.tflite"], "garbage.tflite"),
        (["dataset.test_csv_path=nowhere.csv"], "nowhere.csv"),
        (["dataset.test_csv_path=columns.csv"], "columns.csv"),
        (["dataset.test_csv_path=absent.csv"], "absent.wav"),
        (["feature_extraction.n_mels=24"], "20 x 16 x 1"),
        (["dataset.class_names=[dog,rooster]"], "3 outputs"),
        (["quantization.quantization_type=QAT"], "quantization_type"),
        (["operation_mode=chain_eqeb", "benchmarking.board=toaster"], "stm32f405"),
        (["operation_mode=chain_eqeb", "feature_extraction.to_db=True"], "to_db"),
        (["operation_mode=deployment"], "quantized"),
        (["dataset.test_csv_path=short.csv", "preprocessing.min_length=0"], "short.wav"),
        (["dataset.test_csv_path=cut.csv"], "cut.ogg"),
        (["dataset.test_csv_path=text.csv"], "text.ogg"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    project, tmp_path, tiny_config, examples, capfd, overrides, told
):
    _bad_files(tmp_path, tiny_config)
    before = sorted(tmp_path.rglob("*"))
    paths = [f"dataset.test_audio_path={tmp_path}"] if "csv" in overrides[0] else []
    assert project(*overrides, *paths) == 2
    captured = capfd.readouterr()
    lines = captured.err.strip().splitlines()
    assert captured.out == ""
    assert told in captured.err
    assert [line for line in lines if line.startswith("paritone: ")] == lines[-1:], captured.err
    assert "Traceback" not in captured.err
    assert sorted(tmp_path.rglob("*")) == before


def _bad_files(folder, tiny_config):
    """Models, CSVs and clips that are not what they seem, good clips beside each bad one."""
    good = sorted((tiny_config.parent / "audio").glob("*.ogg"))[0]
    (folder / "garbage.h5").write_bytes(b"no model" * 100)
    (folder / "garbage.tflite").write_bytes(b"no model" * 100)
    shutil.copy(good, folder / "good.ogg")
    (folder / "cut.ogg").write_bytes(good.read_bytes()[:9000])
    (folder / "text.ogg").write_text("not audio")
    write_wav(folder / "short.wav", np.full(800, 0.1))
    (folder / "columns.csv").write_text("file,class\na.wav,dog\n")
    for name in ("absent.wav", "cut.ogg", "text.ogg", "short.wav"):
        (folder / name).with_suffix(".csv").write_text(
            f"filename,category\ngood.ogg,dog\n{name},dog\ngood.ogg,rooster\n"
        )


def test_a_directory_that_cannot_be_made(project, tmp_path, capfd):
    (tmp_path / "file").write_text("")
    assert project("hydra.run.dir=file/run", "operation_mode=quantization") == 2
    assert len(lines := capfd.readouterr().err.strip().splitlines()) == 1, lines
    assert "hydra.run.dir" in lines[0]


def test_an_operator_that_the_engine_lacks(project, tmp_path, capfd):
    """Named with its layer and what is supported, before anything is done."""
    import keras

    inputs = keras.Input((20, 16, 1))
    x = keras.layers.Conv2DTranspose(4, 3, name="larger")(inputs)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(x))
    model.save(tmp_path / "odd.keras")
    assert project("operation_mode=chain_eqeb", "general.model_path=odd.keras") == 2
    error = capfd.readouterr().err
    assert "TRANSPOSE_CONV" in error
    assert "larger" in error
    assert "CONV_2D" in error
    assert not (tmp_path / "run").exists()
    # The host's half does without the engine, and says so.
    assert project("operation_mode=chain_eqe", "general.model_path=odd.keras") == 0
    found = summary(tmp_path / "run")
    assert list(found["accuracy"]) == ["float", "int8"]
    assert "TRANSPOSE_CONV" in found["left_out"]["accuracy on the device"]


def test_a_missing_tool_is_status_3(project, tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert project("operation_mode=chain_eqeb") == 3
    assert "apt-get install" in capfd.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_installed_command(tiny_config, tmp_path):
    """The real command, in a process of its own: ./user_config.yaml, and an error's status."""
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    record = yaml.safe_load(tiny_config.read_text())
    record["feature_extraction"]["n_mel"] = 3
    (tmp_path / "user_config.yaml").write_text(yaml.safe_dump(record))
    done = subprocess.run(
        [sys.executable, "-m", "paritone", "run"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "n_mel" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["user_config.yaml"]


def test_model_of_another_class_count_names_both(project, tmp_path, capfd):
    tiny_model(tmp_path / "four.h5", classes=4)
    assert project("general.model_path=four.h5") == 2
    assert "4 outputs" in (error := capfd.readouterr().err)
    assert "3 classes" in error


# ---- The board's steps ---------------------------------------------------------------------------


def test_without_arm_tools_the_host_half_runs(project, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr("paritone.boards.tool", _refuse)
    assert project("operation_mode=chain_eqeb", options=["--host-only-ok"]) == 0
    found = summary(tmp_path / "run")
    for row in found["parity"].values():
        assert row["between"][1:] == ["native"]
        assert row["mismatched"] == 0
        assert row["patches"] >= 40
    assert list(found["accuracy"]) == ["float", "int8", "device", "streaming"]
    assert "latency" not in found
    assert list(found["left_out"]) == ["stm32f405"]
    output = capfd.readouterr()
    assert "apt-get install" in output.err
    assert "left out" in output.out


def test_a_mismatch_is_status_1_and_in_the_summary(project, tmp_path, monkeypatch, capfd):
    from paritone.native.engine import Engine

    honest = Engine.invoke
    monkeypatch.setattr(Engine, "invoke", lambda self, x: honest(self, x) ^ 1)
    monkeypatch.setattr("paritone.boards.tool", _refuse)
    assert project("operation_mode=chain_qb", options=["--host-only-ok"]) == 1
    row = summary(tmp_path / "run")["parity"]["model"]
    assert row["mismatched"] == row["values"] > 0
    assert "model: tflite-reference and native differ" in capfd.readouterr().err


def _refuse(name):
    raise ToolMissingError(f"{name} not found: apt-get install {name}")


def test_a_model_too_large_for_the_board(project, tmp_path, capfd):
    """Needs and has are told before anything is built or evaluated."""
    import keras

    inputs = keras.Input((20, 16, 1))
    x = keras.layers.Conv2D(512, 3, padding="same")(inputs)
    x = keras.layers.GlobalAveragePooling2D()(x)
    keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(x)).save(tmp_path / "wide.h5")
    assert project("operation_mode=chain_eqeb", "general.model_path=wide.h5") == 2
    error = capfd.readouterr().err
    assert "stm32f405" in error
    assert "131,072 B" in error
    assert "mps2-an386" in error
    assert not (tmp_path / "run").exists()


def test_what_host_and_board_are_compared_on(tiny_config, monkeypatch, capfd):
    """Each clip once, a part of many, noise without any."""
    from paritone import device_run
    from paritone.datasets import Dataset
    from paritone.datasets.clips import ClipStore
    from paritone.preparation import Prepared, datasets

    config = configuration.load_file(tiny_config)
    store, sets = ClipStore(config), [datasets.load(config, s) for s in ("test", "quantization")]
    every = {str(clip.path) for dataset in sets for clip in dataset.clips}
    twice = Dataset(sets[1].clips + sets[0].clips, sets[1].class_names)
    prepared = Prepared(config, "stm32f405", sets[0], twice, store)
    assert sorted(name for name, _ in device_run.clips(prepared)) == sorted(every)
    assert capfd.readouterr().err == ""
    monkeypatch.setattr(device_run, "MOST_PATCHES", 70)
    some = device_run.clips(prepared)
    assert 0 < len(some) < len(every)
    assert f"{len(some)} of {len(every)} clips" in capfd.readouterr().err
    none = Prepared(config, "stm32f405", None, None, store)
    [(name, pcm)] = device_run.clips(none)
    assert (name, pcm.dtype) == ("noise", np.int16)
