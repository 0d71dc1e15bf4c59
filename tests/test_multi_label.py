"""Several labels a clip: from a CSV of mixed tones to decisions on an emulated board."""

import csv
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from sklearn import metrics as sklearn_metrics

from paritone import cli, datasets
from paritone import config as configuration
from paritone.datasets import Clip, stratified
from paritone.engine.tflite import TensorInfo
from paritone.errors import ModelError
from paritone.evaluation import accuracy, metrics, thresholds
from paritone.evaluation.prediction import judge
from paritone.generate import classes
from paritone.references.tflite import dequantize
from paritone.task import MultiLabel
from zoo_config import FEATURES, PREPROCESSING, RATE, make_config, tiny_model, write_wav

TONES_HZ = {"high": 3600, "low": 400, "middle": 1200}
NAMES = tuple(TONES_HZ)
MIXTURES = [tuple(n for i, n in enumerate(NAMES) if mask >> i & 1) for mask in range(1, 8)]
PREDICTING = os.environ.get("PARITONE_TEST_PREDICTING", "").split()
"""Boards that predict too: each takes a build, and test_prediction.py has one."""
MODEL = """
import keras
def get_custom_model(num_classes, input_shape):
    inputs = keras.Input(input_shape)
    x = keras.layers.Conv2D(8, 3, strides=2, activation="relu")(inputs)
    x = keras.layers.Flatten()(keras.layers.AveragePooling2D((1, 7))(x))
    return keras.Model(inputs, keras.layers.Dense(num_classes, activation="softmax")(x))
"""


# ---- Labels, thresholds, metrics -----------------------------------------------------------------


@pytest.fixture(scope="module")
def random_evaluation():
    """80 clips of 1 to 4 patches and any number of four labels, scores that lean to them."""
    rng = np.random.default_rng(3)
    actual = rng.random((80, 4)) < [0.5, 0.3, 0.1, 0.6]
    names = ("a", "b", "c", "d")
    clips = [
        Clip(Path(f"{i}.wav"), tuple(n for n, there in zip(names, row, strict=True) if there))
        for i, row in enumerate(actual)
    ]
    scores = [rng.beta(1 + 2 * row, 2, (rng.integers(1, 5), 4)).astype("f4") for row in actual]
    task = MultiLabel(names, (0.5, 0.4, 0.3, 0.6))
    return actual, scores, accuracy.measure(scores, clips, task, "float")


def test_metrics_are_those_of_scikit_learn(random_evaluation):
    actual, scores, measured = random_evaluation
    means = np.stack([clip.mean(axis=0) for clip in scores])
    decided = means >= (0.5, 0.4, 0.3, 0.6)
    patches, repeated = np.concatenate(scores), np.repeat(actual, [len(s) for s in scores], axis=0)
    found = metrics.of(measured)
    assert measured.clip == sklearn_metrics.accuracy_score(actual, decided)
    assert measured.patch == sklearn_metrics.accuracy_score(
        repeated, patches >= (0.5, 0.4, 0.3, 0.6)
    )
    assert found.hamming_loss["clip"] == sklearn_metrics.hamming_loss(actual, decided)
    assert found.mean_average_precision == {
        "clip": pytest.approx(sklearn_metrics.average_precision_score(actual, means)),
        "patch": pytest.approx(sklearn_metrics.average_precision_score(repeated, patches)),
    }
    assert found.roc_auc["clip"] == pytest.approx(sklearn_metrics.roc_auc_score(actual, means))
    assert found.macro["f1"] == pytest.approx(
        sklearn_metrics.f1_score(actual, decided, average="macro")
    )
    assert found.per_class["c"]["threshold"] == 0.3
    record = found.record()
    assert not {"unknown_class", "unknown_class_sweep"} & set(record)
    counts = np.array(record["confusion"]["clip"])
    assert counts.shape == (4, 2, 2)
    assert (counts[:, 1, 1] == (actual & decided).sum(axis=0)).all()
    assert (counts[:, 0, 1] == (~actual & decided).sum(axis=0)).all()


def test_silent_clips_have_no_label():
    task = MultiLabel(("a", "b"), (0.5, 0.5))
    clips = [Clip(Path("x.wav"), ("a",)), Clip(Path("y.wav"), ("a", "b"))]
    scores = [np.array([[0.9, 0.9], [0.9, 0.1]], "f4"), np.ones((1, 2), "f4")]
    silent = [np.array([True, False]), np.array([True])]
    found = accuracy.measure(scores, clips, task, "integer", silent, 1.0)
    assert (found.clip, found.patch) == (0.5, 1)
    assert [found.text(i) for i in range(2)] == ["a", accuracy.SILENCE]
    assert found.true_text(1) == "a;b"
    assert found.class_names == ("a", "b")
    assert metrics.of(found).per_class["b"]["recall"] == 0


def test_thresholds_have_the_best_f1_of_all():
    rng = np.random.default_rng(5)
    actual = rng.random((40, 3)) < (0.5, 0.2, 0)
    scores = np.round(rng.beta(1 + actual, 2), 2)
    found = thresholds.choose(actual, scores)
    assert found[2] == 0.5, "no clip is of that class"
    for i in range(2):
        f1s = [
            sklearn_metrics.f1_score(actual[:, i], scores[:, i] >= cut, zero_division=0)
            for cut in np.unique(scores[:, i])
        ]
        got = sklearn_metrics.f1_score(actual[:, i], scores[:, i] >= found[i])
        assert got == pytest.approx(max(f1s))
        assert found[i] not in scores[:, i], "half-way between scores"
    assert thresholds.choose(np.ones((2, 1), bool), np.array([[0.25], [0.5]])) == [0.25]


def test_every_class_over_its_threshold_is_predicted():
    task = MultiLabel(NAMES, (0.5, 0.2, 0.8))
    scores = np.array([[0.9, 0.1, 0.95], [0.3, 0.4, 0.9]], "f4")
    found = judge(None, scores, np.zeros(2, bool), task)
    assert found.label == "middle;high;low"
    assert found.verdict.score_text(3) == "0.925;0.600;0.250"
    assert found.labels == ("middle;high", "middle;low")
    nothing = judge(None, scores / 10, np.zeros(2, bool), task)
    assert (nothing.label, nothing.verdict.classes) == ("(none)", ())
    assert judge(None, scores, np.ones(2, bool), task).label == accuracy.SILENCE


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_stored_thresholds_decide_as_real_ones(dtype):
    """Every stored score, against dequantized scores; thresholds on, between and over them."""
    limits = np.iinfo(dtype)
    every = np.arange(limits.min, limits.max + 1).astype(dtype)
    output = TensorInfo(0, "scores", dtype, (1, 5), (1 / 256,), (int(limits.min),))
    task = MultiLabel(("a", "b", "c", "d", "e"), (0.0, 0.25, 0.3, 255 / 256, 1.0))
    real = dequantize(np.repeat(every[:, None], 5, axis=1), output.scale, output.zero_point)
    stored = classes.stored(task, output)
    np.testing.assert_array_equal(every[:, None] >= np.array(stored), task.decide(real))
    assert stored[4] == limits.max + 1


def test_thresholds_of_float_scores_are_rounded_up():
    """So that float32 scores are compared in C as float64 is here."""
    output = TensorInfo(0, "scores", "float32", (1, 3))
    task = MultiLabel(NAMES, (0.1, 0.3, 0.5))
    text = classes.definition(task, output, "mine")
    cells = re.search(r"float mine_thresholds\[3\] = \{([^}]*)\}", text)[1].replace("F", "")
    written = np.array([float(cell) for cell in cells.split(",")], np.float32)
    for step in (-np.inf, None, np.inf):
        scores = np.float32([0.1, 0.3, 0.5])
        scores = scores if step is None else np.nextafter(scores, np.float32(step))
        np.testing.assert_array_equal(scores >= written, task.decide(scores))


def test_both_parts_of_a_split_have_every_label():
    rng = np.random.default_rng(1)
    labels = rng.random((400, 6)) < [0.5, 0.3, 0.2, 0.1, 0.05, 0.02]
    second = stratified.divide(labels, 0.25, 7)
    assert second.sum() == pytest.approx(100, abs=3)
    np.testing.assert_allclose(labels[second].sum(axis=0), labels.sum(axis=0) / 4, atol=2)
    np.testing.assert_array_equal(second, stratified.divide(labels, 0.25, 7))
    assert (second != stratified.divide(labels, 0.25, 8)).any()


# ---- Configuration and data ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Mixtures of three tones, their CSVs, and a configuration that trains on them."""
    folder = tmp_path_factory.mktemp("tones")
    rng, dataset = np.random.default_rng(2), {"class_names": list(NAMES), "multi_label": True}
    for split, times in (("training", 6), ("validation", 2), ("test", 1)):
        audio = folder / split
        audio.mkdir()
        rows = []
        for i, mixture in enumerate(MIXTURES * times):
            write_wav(audio / f"{i}.wav", _mixture(mixture, rng))
            listed = str(list(mixture)) if i % 2 else ";".join(mixture)
            rows.append((f"{i}.wav", listed))
        with (folder / f"{split}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([("filename", "category"), *rows])
        dataset |= {f"{split}_csv_path": f"{split}.csv", f"{split}_audio_path": split}
    config = {
        "general": {"display_figures": False},
        "operation_mode": "chain_tqe",
        "dataset": dataset,
        "preprocessing": PREPROCESSING | {"max_length": 1, "top_db": "None"},
        "feature_extraction": FEATURES,
        "training": {
            "model": {"name": "custom"},
            "epochs": 4,
            "batch_size": 16,
            "optimizer": {"Adam": {"learning_rate": 0.02}},
            "class_weights": "balanced",
        },
    }
    (folder / "custom_model.py").write_text(MODEL)
    (folder / "user_config.yaml").write_text(yaml.safe_dump(config))
    return folder


def _mixture(names, rng):
    seconds = np.arange(RATE) / RATE
    tones = [
        rng.uniform(0.1, 0.25) * np.sin(2 * np.pi * (TONES_HZ[n] * seconds + rng.random()))
        for n in names
    ]
    return np.sum(tones, axis=0) + 0.001 * rng.standard_normal(RATE)


def _run(project, *overrides):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["run", "--config-path", str(project), *overrides])
    return stopped.value.code


def test_a_list_of_labels_is_a_row_of_the_matrix(project, monkeypatch):
    monkeypatch.chdir(project)
    dataset = datasets.load(configuration.load(project), "test")
    assert dataset.class_names == NAMES
    for clip, row in zip(dataset.clips, dataset.labels, strict=True):
        mixture = MIXTURES[int(clip.path.stem) % 7]
        assert {NAMES[i] for i in np.flatnonzero(row)} == set(clip.labels) == set(mixture)
    chosen = configuration.load(project, overrides=["dataset.class_names=[low,middle]"])
    assert len(datasets.load(chosen, "test").clips) == 6, "without those of other classes only"


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("+dataset.use_garbage_class=True", "use_garbage_class: excludes dataset.multi_label"),
        (
            "+deployment.unknown_class_threshold=0.4",
            "unknown_class_threshold: excludes dataset.multi_label",
        ),
        ("+deployment.class_thresholds={dog: 0.5}", "dog is none of the classes high, low, middle"),
        ("+deployment.class_thresholds=1.5", "class_thresholds: expected a number from 0 to 1"),
        ("+deployment.class_thresholds=none.json", "class_thresholds: expected a number from 0"),
        ("dataset.multi_label=False", "2 categories, expected one: set dataset.multi_label"),
    ],
)
def test_bad_keys_are_one_line(project, tmp_path, monkeypatch, capfd, override, told):
    monkeypatch.chdir(project)
    assert _run(project, f"hydra.run.dir={tmp_path}/run", override) == 2
    error = capfd.readouterr().err
    assert told in error
    assert len(error.strip().splitlines()) == 1


def test_weights_are_of_labels_that_are_there():
    """The loss against TensorFlow's own weighted cross-entropy; balanced weights by counting."""
    import keras
    import tensorflow as tf

    from paritone.config.training import Training
    from paritone.training import data, objective

    rng = np.random.default_rng(0)
    targets = (rng.random((9, 3)) < 0.4).astype("f4")
    made = data.Recordings(tuple(np.zeros((20, 16), np.float32) for _ in targets), targets)
    settings = {"epochs": 1, "class_weights": "balanced", "batch_size": 9}
    config = make_config(
        "training",
        dataset={"multi_label": True, "shuffle": False},
        feature_extraction=FEATURES,
        training=settings,
    )
    weights = data.class_weights(made, config, NAMES)
    counts = targets.sum(axis=0)
    np.testing.assert_allclose(weights, (9 - counts) / counts, rtol=1e-6)
    _, batch, each = next(data.batches(made, config, 0, weights))
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Activation("sigmoid")(inputs))
    objective.compile_model(model, Training.model_validate(settings), config)
    logits = rng.normal(0, 2, (9, 3)).astype("f4")
    got = model.test_on_batch(logits, batch, sample_weight=each, return_dict=True)["loss"]
    wanted = tf.nn.weighted_cross_entropy_with_logits(batch, logits, weights)
    assert float(got) == pytest.approx(float(np.mean(wanted)), rel=1e-4)


@pytest.mark.parametrize("kind", ["yamnet", "miniresnet", "miniresnetv2", "loaded"])
def test_every_model_ends_with_a_sigmoid(kind, tmp_path):
    """A loaded one keeps its head's weights, which softmax was on."""
    from paritone.models.load import load_keras
    from paritone.training.model import build

    settings = {"epochs": 1, "model": {"name": kind, "pretrained_weights": False}}
    general = {}
    if kind == "loaded":
        general["model_path"] = tiny_model(tmp_path / "tiny.h5")
        settings = {"epochs": 1, "fine_tune": True}
    config = make_config(
        "training",
        general=general,
        dataset={"multi_label": True},
        feature_extraction=FEATURES,
        training=settings,
    )
    model = build(config, 3)
    assert model.layers[-1].activation.__name__ == "sigmoid"
    if kind == "loaded":
        for mine, given in zip(
            model.get_weights(), load_keras(general["model_path"]).get_weights(), strict=True
        ):
            np.testing.assert_array_equal(mine, given)


def test_a_model_without_a_dense_head_is_refused(tmp_path):
    import keras

    from paritone.models import transfer

    inputs = keras.Input((20, 16, 1))
    x = keras.layers.GlobalAveragePooling2D(name="pool")(keras.layers.Conv2D(3, 3)(inputs))
    with pytest.raises(ModelError, match="expected sigmoid at its end, or a dense layer"):
        transfer.ending(keras.Model(inputs, x), "sigmoid")
    model = keras.Model(inputs, keras.layers.Activation("sigmoid")(x))
    assert transfer.ending(model, "sigmoid") is model


# ---- Trained, quantized, on a board --------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(project):
    """A run of chain_tqe: training, evaluation, quantization, evaluation."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        assert _run(project, "hydra.run.dir=run") == 0
    return project / "run"


def test_tones_are_told_apart(trained):
    """Tones far apart: every clip of the test set is right, and what thresholds decide is said."""
    found = json.loads((trained / "summary.json").read_text())
    assert list(found["accuracy"]) == ["float", "int8", "device", "streaming"]
    for row in found["accuracy"].values():
        assert (row["clip"], row["clips"]) == (1, 7)
        assert row["mean_average_precision"]["clip"] == 1
        assert row["hamming_loss"]["clip"] == 0
        assert set(row["per_class"]) == set(NAMES)
    chosen = found["class_thresholds"]
    assert chosen["source"] == "14 clips of the validation set"
    assert chosen["model"] == "quantized_model.tflite"
    assert json.loads((trained / "class_thresholds.json").read_text()) == chosen["values"]
    for kind in found["accuracy"]:
        assert (trained / f"{kind}_precision_recall.png").is_file()
        assert found["accuracy"][kind]["per_class"]["low"]["threshold"] > 0
    page = (trained / "report.html").read_text()
    assert "Precision and recall" in page
    assert "average precision" in page


def test_a_training_watches_every_label(trained):
    from paritone.models.load import load_keras

    with (trained / "logs/train_metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4
    assert float(rows[-1]["val_pr_auc"]) > 0.99
    assert float(rows[-1]["val_roc_auc"]) > 0.99
    model = load_keras(trained / "saved_models/best_model.h5")
    assert model.layers[-1].activation.__name__ == "sigmoid", "the model's own was softmax"


def test_predicted_as_the_device_does(project, trained, monkeypatch):
    """Labels, by the thresholds of the run; scores of the device's C here, and of boards."""
    monkeypatch.chdir(project)
    tables = {}
    for on in ("native", *PREDICTING):
        status = _run(
            project,
            "operation_mode=prediction",
            "+prediction.test_files_path=test",
            f"+prediction.target={on}",
            f"+general.model_path={trained}/quantized_models/quantized_model.tflite",
            f"+deployment.class_thresholds={trained}/class_thresholds.json",
            f"hydra.run.dir={on}",
        )
        assert status == 0
        tables[on] = (project / on / "predictions.csv").read_text()
    assert set(tables.values()) == {tables["native"]}
    rows = list(csv.DictReader(tables["native"].splitlines()))
    assert len(rows) == 7
    for row in rows:
        assert set(row["class"].split(";")) == set(MIXTURES[int(Path(row["file"]).stem) % 7])
        assert len(row["score"].split(";")) == len(row["class"].split(";"))
    found = json.loads((project / "native/summary.json").read_text())["prediction"]
    assert found["classes"] == dict.fromkeys(NAMES, 4)


def test_deployed_on_a_board(project, trained, monkeypatch):
    """Sigmoid at the end: no value differs; the C has the thresholds in stored units."""
    monkeypatch.chdir(project)
    status = _run(
        project,
        "operation_mode=deployment",
        f"+general.model_path={trained}/quantized_models/quantized_model.tflite",
        "+deployment={hardware_setup: {board: stm32f405}}",
        "hydra.run.dir=board",
    )
    assert status == 0
    found = json.loads((project / "board/summary.json").read_text())
    assert {row["mismatched"] for row in found["parity"].values()} == {0}
    assert found["parity"]["model"]["between"][-1] == "stm32f405"
    manifest = json.loads((project / "board/C_header/manifest.json").read_text())
    values = manifest["class_thresholds"]
    assert values == found["class_thresholds"]["values"]
    assert values == json.loads((trained / "class_thresholds.json").read_text())
    text = (project / "board/C_header/paritone_model.c").read_text()
    table = re.search(r"int16_t paritone_thresholds\[3\] = \{([^}]*)\}", text)[1]
    scale, zero = manifest["output"]["scale"], manifest["output"]["zero_point"]
    wanted = [int(np.ceil(values[name] / scale + zero)) for name in NAMES]
    assert [int(cell) for cell in table.split(",")] == wanted
    assert any(layer["kernel"] == "LOGISTIC" for layer in manifest["layers"]) or any(
        "LOOKUP" in layer["kernel"].upper() for layer in manifest["layers"]
    )
