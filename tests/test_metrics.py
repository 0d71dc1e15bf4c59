"""Metrics against counts by hand and SciPy; NumPy files of patches; evaluation on a board."""

import json
from pathlib import Path

import numpy as np
import pytest

from paritone import cli
from paritone import config as configuration
from paritone.datasets import Clip
from paritone.datasets.clips import ClipStore
from paritone.evaluation import accuracy, metrics
from paritone.references.tflite import Reference
from paritone.task import SingleLabel

NAMES = ("a", "b", "c")


def run(*arguments):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["run", *map(str, arguments)])
    return stopped.value.code


def _clips(labels):
    return [Clip(Path(f"{i}.wav"), (NAMES[label],)) for i, label in enumerate(labels)]


@pytest.fixture(scope="module")
def random_evaluation():
    """60 clips of 1 to 4 patches, scores that lean to the label."""
    rng = np.random.default_rng(7)
    labels = rng.integers(0, 3, 60)
    scores = [
        rng.dirichlet(np.ones(3) + 2 * (np.arange(3) == label), rng.integers(1, 5)).astype("f4")
        for label in labels
    ]
    return labels, scores, accuracy.measure(scores, _clips(labels), SingleLabel(NAMES), "float")


def test_each_class_by_counting(random_evaluation):
    labels, scores, measured = random_evaluation
    predicted = np.array([clip.sum(axis=0).argmax() for clip in scores])
    found = metrics.of(measured)
    f1s = []
    for i, name in enumerate(NAMES):
        hits = ((labels == i) & (predicted == i)).sum()
        row = found.per_class[name]
        assert row["precision"] == pytest.approx(hits / (predicted == i).sum())
        assert row["recall"] == pytest.approx(hits / (labels == i).sum())
        f1s.append(2 * hits / ((predicted == i).sum() + (labels == i).sum()))
        assert row["f1"] == pytest.approx(f1s[-1])
        assert row["clips"] == (labels == i).sum()
    assert found.macro["f1"] == pytest.approx(np.mean(f1s))


def test_patch_confusion_counts_every_patch(random_evaluation):
    labels, scores, measured = random_evaluation
    expected = np.zeros((3, 3), int)
    for label, clip in zip(labels, scores, strict=True):
        for patch in clip:
            expected[label, patch.argmax()] += 1
    found = metrics.of(measured)
    np.testing.assert_array_equal(found.patch_confusion, expected)
    assert measured.patch == np.trace(expected) / expected.sum()
    assert found.record()["confusion"]["patch"] == expected.tolist()


def test_roc_auc_is_mann_whitney(random_evaluation):
    """Area under the curve = U / (n m) of SciPy, the mean over classes."""
    from scipy.stats import mannwhitneyu

    labels, scores, measured = random_evaluation
    means = np.stack([clip.mean(axis=0) for clip in scores])
    patch_labels = np.repeat(labels, [len(clip) for clip in scores])
    found = metrics.of(measured).roc_auc
    for kind, truth, values in (
        ("clip", labels, means),
        ("patch", patch_labels, np.concatenate(scores)),
    ):
        areas = []
        for i in range(3):
            yes, no = values[truth == i, i], values[truth != i, i]
            areas.append(mannwhitneyu(yes, no).statistic / (len(yes) * len(no)))
        assert found[kind] == pytest.approx(np.mean(areas), rel=1e-6)


def test_roc_auc_without_a_second_class_is_absent():
    measured = accuracy.measure(
        [np.eye(3, dtype="f4")[:1]], _clips([0]), SingleLabel(NAMES), "float"
    )
    record = metrics.of(measured).record()
    assert "roc_auc" not in record
    assert record["macro"] == {"precision": 1, "recall": 1, "f1": 1}


def test_sweep_by_hand():
    """Best scores 0.9 (right), 0.6 (wrong), 0.5 (right)."""
    scores = [np.array([row], "f4") for row in ([0.9, 0.1, 0], [0.6, 0.4, 0], [0.2, 0.3, 0.5])]
    measured = accuracy.measure(scores, _clips([0, 1, 2]), SingleLabel(NAMES), "float")
    found = metrics.of(measured, 0.55)
    assert found.unknown == {
        "threshold": 0.55,
        "rejected": pytest.approx(1 / 3),
        "accuracy": pytest.approx(1 / 2),
    }
    sweep = found.record()["unknown_class_sweep"]
    at = {t: (r, a) for t, r, a in zip(*sweep.values(), strict=True)}
    assert list(sweep) == ["thresholds", "rejected", "accuracy"]
    assert at[0.0] == (0, pytest.approx(2 / 3))
    assert at[0.65] == (pytest.approx(2 / 3), 1)
    assert at[1.0] == (1, None)
    assert "unknown_class" not in metrics.of(measured).record()


def test_scores_that_are_no_probabilities_have_no_sweep():
    scores = [np.array([[4, -1, 0]], "f4"), np.array([[0, 2, 0]], "f4")]
    record = metrics.of(
        accuracy.measure(scores, _clips([0, 1]), SingleLabel(NAMES), "float"), 0.5
    ).record()
    assert not {"unknown_class", "unknown_class_sweep"} & set(record)
    assert record["roc_auc"]["clip"] == 1


def test_silent_clips_are_of_no_class_and_rank_nowhere():
    scores = [np.array([[0.9, 0.1, 0], [0, 1, 0]], "f4"), np.array([[0, 1, 0]], "f4")]
    silent = [np.array([False, True]), np.array([True])]
    measured = accuracy.measure(scores, _clips([0, 1]), SingleLabel(NAMES), "integer", silent, 1.0)
    found = metrics.of(measured)
    assert found.class_names == (*NAMES, accuracy.SILENCE)
    assert set(found.per_class) == set(NAMES)
    assert found.per_class["b"]["recall"] == 0
    assert found.patch_confusion.sum() == 1
    assert found.roc_auc == {}
    assert found.sweep.rejected[1] == pytest.approx(1 / 2), "a silent clip has no score"


def _evaluate(tiny_config, tmp_path, monkeypatch, *overrides):
    monkeypatch.chdir(tmp_path)
    arguments = ("--config-path", tiny_config.parent, "hydra.run.dir=run", *overrides)
    return run(*arguments)


def test_patches_and_scores_as_files(tiny_config, tmp_path, monkeypatch):
    """What the model takes and gives, against the features and the interpreter; both models."""
    status = _evaluate(
        tiny_config,
        tmp_path,
        monkeypatch,
        "+evaluation={gen_npy_input: True, gen_npy_output: True, npy_in_name: mine.npy}",
    )
    assert status == 0
    config = configuration.load_file(tiny_config)
    data = ClipStore(config).load(_test_set(config))
    patches = np.concatenate([clip.patches for clip in data])[..., None]
    arrays = {path.name: np.load(path) for path in (tmp_path / "run").glob("*.npy")}
    assert sorted(arrays) == [
        "mine_float.npy",
        "mine_int8.npy",
        "npy_out_float.npy",
        "npy_out_int8.npy",
    ]
    np.testing.assert_array_equal(arrays["mine_float.npy"], patches)
    assert arrays["npy_out_float.npy"].shape == (len(patches), 3)
    reference = Reference(tmp_path / "run/quantized_models/quantized_model.tflite")
    scale, zero = reference.input["quantization"]
    wanted = np.clip(np.round(patches / scale + zero), -128, 127).astype(np.int8)
    np.testing.assert_array_equal(arrays["mine_int8.npy"], wanted)
    raw = np.concatenate([reference.invoke(patch) for patch in wanted])
    np.testing.assert_array_equal(arrays["npy_out_int8.npy"], raw)
    assert raw.dtype == arrays["npy_out_int8.npy"].dtype == np.int8


def _test_set(config):
    from paritone import datasets

    return datasets.load(config, "test")


def test_evaluation_on_a_board_is_the_device_row(tiny_config, tmp_path, monkeypatch):
    status = _evaluate(tiny_config, tmp_path, monkeypatch, "+evaluation.target=stm32f405")
    assert status == 0
    found = json.loads((tmp_path / "run/summary.json").read_text())["accuracy"]
    assert list(found) == ["float", "int8", "device", "streaming", "stm32f405"]
    assert found["stm32f405"] == found["device"]
    assert (tmp_path / "run/stm32f405_confusion_matrix.png").is_file()


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("+evaluation.target=stedgeai_n6", "expected one of host, native, stm32f405"),
        ("+evaluation.npy_in_name=../x", "npy_in_name"),
        (
            "+evaluation={gen_npy_input: True, gen_npy_output: True, npy_in_name: npy_out}",
            "npy_out_name: expected another name",
        ),
    ],
)
def test_bad_keys_are_one_line(tiny_config, tmp_path, monkeypatch, capfd, override, told):
    assert _evaluate(tiny_config, tmp_path, monkeypatch, override) == 2
    error = capfd.readouterr().err
    assert told in error
    assert len(error.strip().splitlines()) == 1
    assert not (tmp_path / "run").exists()
