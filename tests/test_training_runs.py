"""Whole trainings in the size of a test: begun from other weights, weighed, killed, resumed."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from sklearn.utils.class_weight import compute_class_weight

from paritone import config as configuration
from paritone.config import Config
from paritone.errors import ConfigError
from paritone.models.load import load_keras
from paritone.training import check, data, train
from paritone.training.frozen import divide
from zoo_config import excerpt, tiny_model, write_wav

CLASSES = ("crying_baby", "dog", "rooster")
Load = Callable[..., Config]
MODEL = """
import keras
def get_custom_model(num_classes, input_shape, dropout):
    inputs = keras.Input(input_shape)
    x = keras.layers.Conv2D(4, 5, strides=3, activation="relu")(inputs)
    x = keras.layers.Dropout(0.3)(keras.layers.Flatten()(x))
    return keras.Model(inputs, keras.layers.Dense(num_classes, activation="softmax")(x))
"""


@pytest.fixture
def project(tiny_config: Path, examples: Path, tmp_path: Path) -> Load:
    """Load the tiny project in mode training, with sections changed: dotted keys, None removes."""
    base = yaml.safe_load(tiny_config.read_text())
    (tmp_path / "mine.py").write_text(MODEL)
    for name, count in (("training", 4), ("validation", 2)):
        rows = [(p.name, c) for p, c in excerpt(examples, "calibration.csv", CLASSES, count)]
        text = "".join(f"{clip},{category}\n" for clip, category in rows)
        (tmp_path / f"{name}.csv").write_text("filename,category\n" + text)
    del base["general"]["model_path"]
    for key in ("quantization_audio_path", "quantization_csv_path"):
        del base["dataset"][key]
    for name in ("training", "validation"):
        base["dataset"] |= {
            f"{name}_csv_path": str(tmp_path / f"{name}.csv"),
            f"{name}_audio_path": str(examples / "esc10/audio"),
        }
    base |= {"operation_mode": "training"}
    base["training"] = {"model": {"name": "custom"}, "epochs": 2, "batch_size": 8}
    base["training"]["custom_model_path"] = str(tmp_path / "mine.py")

    def load(**changes: Any) -> Config:
        made = json.loads(json.dumps(base))
        for key, value in changes.items():
            section = made
            *path, last = key.split("__")
            for step in path:
                section = section.setdefault(step, {})
            section[last] = value
        file = tmp_path / "user_config.yaml"
        file.write_text(yaml.safe_dump(made))
        return configuration.load_file(file)

    return load


def weights(path: Path) -> list[np.ndarray]:
    return load_keras(path).get_weights()


@pytest.mark.parametrize(
    ("model", "embedding"),
    [
        ({"name": "miniresnet", "n_stacks": 1, "version": "v1", "pooling": "avg"}, 64),
        ({"name": "miniresnetv2", "n_stacks": 2, "pooling": "max"}, 128),
        ({"name": "yamnet", "embedding_size": 256, "pretrained_weights": False}, 256),
    ],
)
def test_models_of_the_zoo_from_scratch(
    project: Load, model: dict[str, Any], embedding: int
) -> None:
    made = check(project(training__model=model, training__dropout=0.2), 3)
    assert made.output_shape == (None, 3)
    assert [tuple(w.shape) for w in made.layers[-1].weights] == [(embedding, 3), (3,)]
    assert type(made.layers[-2]).__name__ == "Dropout"
    assert len(made.trainable_weights) > 10, "nothing is frozen from scratch"


def test_transfer_learning_trains_the_head_alone(project: Load, tmp_path: Path) -> None:
    """A model of two classes, made one of three; `fine_tune` trains all of it."""
    before = tiny_model(tmp_path / "before.h5", classes=2)
    common = {"training__model": None, "general__model_path": str(before)}
    kept = weights(before)
    head = weights(train(project(**common, training__epochs=1), tmp_path / "head").path)
    assert [w.shape for w in head[-2:]] == [(6, 3), (3,)]
    for old, new in zip(kept[:-2], head[:-2], strict=True):
        np.testing.assert_array_equal(old, new)
    assert len(check(project(**common), 3).trainable_weights) == 2
    assert len(check(project(**common, training__fine_tune=True), 3).trainable_weights) == 6
    frozen = check(project(**common, training__frozen_layers="(0:2)"), 3)
    assert len(frozen.trainable_weights) == 4


def test_what_frozen_layers_give_is_computed_once(project: Load, tmp_path: Path) -> None:
    """Model and metrics are those of a training patch by patch, which weak noise asks for.

    What is kept is the whole model, and a training goes on from it.
    """
    keys = {
        "training__model": None,
        "general__model_path": str(tiny_model(tmp_path / "before.h5", classes=2)),
        "training__dropout": 0.3,
    }
    noise = {"data_augmentation": {"GaussianNoise": {"enable": True, "scale": 0}}}
    each = train(project(**keys, **noise), tmp_path / "each")
    halfway = train(project(**keys, training__epochs=1), tmp_path / "halfway")
    last = halfway.path.parent / "last_augmented_model.h5"
    keys |= {"general__model_path": None, "training__resume_training_from": str(last)}
    once = train(project(**keys), tmp_path / "once")
    assert once.history.keys() == each.history.keys()
    for name, values in each.history.items():
        np.testing.assert_allclose(once.history[name], values, rtol=1e-4, err_msg=name)
    for name in ("last_augmented_model.h5", "best_model.h5"):
        found, expected = (weights(run.path.parent / name) for run in (once, each))
        for ours, theirs in zip(found, expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6, err_msg=name)


def test_only_a_frozen_backbone_is_computed_once() -> None:
    import keras
    from keras import layers

    def model(*parts: Any) -> Any:
        return keras.Sequential([keras.Input((8, 8, 1)), *parts, layers.Dense(3, "softmax")])

    def still(layer: Any) -> Any:
        layer.trainable = False
        return layer

    frozen_part = [still(layers.Conv2D(4, 3)), still(layers.BatchNormalization())]
    divided = divide(model(*frozen_part, layers.Flatten(), layers.Dropout(0.5)))
    assert divided is not None
    assert [type(layer).__name__ for layer in divided.head.layers[1:]] == ["Dropout", "Dense"]
    assert divide(model(still(layers.Conv2D(4, 3)), layers.BatchNormalization())) is None
    assert divide(model(*frozen_part, layers.GaussianNoise(0.1), layers.Flatten())) is None
    assert divide(model(layers.Conv2D(4, 3), layers.Flatten())) is None


def test_weights_of_another_file_for_a_model_of_the_zoo(project: Load, tmp_path: Path) -> None:
    zoo = {"name": "miniresnet", "n_stacks": 1, "version": "v1", "pooling": "avg"}
    first = check(project(training__model=zoo, general__global_seed=5), 7)
    first.save(tmp_path / "first.h5")
    path = {"training__pretrained_weights_path": str(tmp_path / "first.h5")}
    made = check(project(training__model={**zoo, "pretrained_weights": True}, **path), 3)
    for old, new in zip(first.get_weights()[:-2], made.get_weights()[:-2], strict=True):
        np.testing.assert_array_equal(old, new)
    assert len(made.trainable_weights) == 2
    scratch = check(project(training__model={**zoo, "pretrained_weights": False}, **path), 3)
    assert not np.array_equal(scratch.get_weights()[0], first.get_weights()[0])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"training__model": {"name": "yamnet", "pretrained_weights": True}},
            "pretrained_weights_path: is required",
        ),
        (
            {
                "training__model": {"name": "yamnet"},
                "training__pretrained_weights_path": "nowhere.h5",
            },
            r"pretrained_weights_path: no such file: .*nowhere\.h5",
        ),
        ({"training__model": {"name": "yamnet", "embedding_size": 300}}, "256, 512 or 1024"),
        ({"training__model": {"name": "miniresnet", "version": "v3"}}, "v1 or v2"),
        (
            {"training__model": {"name": "miniresnet"}, "dataset__expand_last_dim": False},
            "expand_last_dim",
        ),
        ({"training__frozen_layers": "(0:x)"}, r"indices such as \(0:-1\)"),
        ({"training__class_weights": "heavy"}, "balanced"),
        ({"training__class_weights": {"dog": -1}}, "at least 0"),
        ({"training__resume_training_from": "nowhere.h5"}, "expected one of"),
        (
            {"training__model": None, "training__resume_training_from": "nowhere.h5"},
            "no such file",
        ),
        ({"training__model": None, "general__model_path": "model.onnx"}, "expected a Keras model"),
    ],
)
def test_unfit_settings(project: Load, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        project(**changes)


def test_class_weights(project: Load, tmp_path: Path) -> None:
    """`balanced` is scikit-learn's, over the patches that are trained on."""
    made = data.Recordings(
        tuple(np.zeros((20, n), np.float32) for n in (16, 40, 100)), np.eye(3, dtype=np.float32)
    )
    balanced = project(training__class_weights="balanced")
    labels = data.places(made, balanced.feature_extraction).clip
    expected = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    found = data.class_weights(made, balanced, CLASSES)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    _, targets, weighed = next(data.batches(made, balanced, 0, found))
    np.testing.assert_allclose(weighed, expected[targets.argmax(axis=1)], rtol=1e-6)
    with pytest.raises(ConfigError, match="wolf is none of the classes"):
        train(project(training__class_weights={"wolf": 2}), tmp_path / "run")
    only = project(training__class_weights={"dog": 5, "rooster": 0, "crying_baby": 0})
    train(with_epochs(only, 8), tmp_path / "dog")
    heard, _ = data.patches(
        data.read(data.validation_set(only), only, "validation clips"),  # type: ignore[arg-type]
        only,
    )
    last = load_keras(tmp_path / "dog/saved_models/last_augmented_model.h5")
    scores = np.asarray(last(heard, training=False))
    assert (scores.argmax(axis=1) == CLASSES.index("dog")).mean() > 0.9


def with_epochs(config: Config, epochs: int) -> Config:
    changed = config.training.model_copy(update={"epochs": epochs})  # type: ignore[union-attr]
    return config.model_copy(update={"training": changed})


SETTINGS: dict[str, Any] = {
    "training__optimizer": {"Adam": {"learning_rate": 0.01}},
    "training__callbacks": {
        "ReduceLROnPlateau": {"monitor": "loss", "factor": 0.5, "patience": 1, "min_delta": 0.5},
        "EarlyStopping": {"monitor": "loss", "patience": 30, "restore_best_weights": True},
    },
    "data_augmentation": {"GaussianNoise": {"enable": True}, "Mixup": {"enable": True}},
}


def test_a_resumed_training_gives_the_same_numbers(project: Load, tmp_path: Path) -> None:
    """Shuffling, augmentation, dropout, optimizer and callbacks go on where they were."""
    config = project(**SETTINGS, training__epochs=5)
    whole = train(config, tmp_path / "whole")
    train(with_epochs(config, 2), tmp_path / "part")
    last = tmp_path / "part/saved_models/last_augmented_model.h5"
    resume = {"training__model": None, "training__resume_training_from": str(last)}
    resumed = train(project(**SETTINGS, **resume, training__epochs=5), tmp_path / "rest")
    assert list(resumed.history) == list(whole.history)
    for name, values in whole.history.items():
        np.testing.assert_array_equal(values, resumed.history[name], err_msg=name)
    assert len(set(whole.history["learning_rate"])) > 1, "the plateau is part of the test"
    for name in ("last_augmented_model.h5", "best_augmented_model.h5", "best_model.h5"):
        both = [weights(tmp_path / run / "saved_models" / name) for run in ("whole", "rest")]
        for one, other in zip(*both, strict=True):
            np.testing.assert_array_equal(one, other, err_msg=name)
    tables = [(tmp_path / d / "logs/train_metrics.csv").read_text() for d in ("whole", "rest")]
    rows = [list(csv.DictReader(text.splitlines())) for text in tables]
    assert [{k: float(v) for k, v in row.items()} for row in rows[0]] == [
        {k: float(v) for k, v in row.items()} for row in rows[1]
    ]
    with pytest.raises(ConfigError, match="has done 2 epochs"):
        train(project(**SETTINGS, **resume, training__epochs=2), tmp_path / "none")
    sgd = {**SETTINGS, "training__optimizer": "SGD"}
    with pytest.raises(ConfigError, match="was trained with Adam, got SGD"):
        train(project(**sgd, **resume, training__epochs=5), tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_model_without_a_training_is_not_resumed(project: Load, tmp_path: Path) -> None:
    plain = tiny_model(tmp_path / "plain.h5")
    config = project(training__model=None, training__resume_training_from=str(plain))
    with pytest.raises(ConfigError, match=r"holds no training state; .*general\.model_path"):
        train(config, tmp_path / "run")
    broken = tmp_path / "broken.h5"
    broken.write_bytes(plain.read_bytes()[:3000])
    config = project(training__model=None, training__resume_training_from=str(broken))
    with pytest.raises(ConfigError, match="cannot be read"):
        train(config, tmp_path / "run")


def test_a_rate_below_zero_is_refused(project: Load) -> None:
    bad = {"LearningRateScheduler": {"schedule": "lambda epoch: 0.1 - epoch"}}
    with pytest.raises(ConfigError, match="epoch 1: expected a learning rate of at least 0"):
        check(project(training__callbacks=bad), 3)


def test_a_clip_is_heard_before_anything_is_written(project: Load, tmp_path: Path) -> None:
    write_wav(tmp_path / "short.wav", np.zeros(100))
    (tmp_path / "short.csv").write_text("filename,category\nshort.wav,dog\n")
    config = project(
        dataset__training_csv_path=str(tmp_path / "short.csv"),
        dataset__training_audio_path=str(tmp_path),
        dataset__file_extension=".wav",
        preprocessing__min_length=0,
    )
    with pytest.raises(Exception, match=r"short\.wav"):
        train(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()
