"""Training: augmentation, schedules, named components, and what a run leaves."""

from __future__ import annotations

import csv
import hashlib
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from paritone import config as configuration
from paritone.config import Config
from paritone.config.augmentation import (
    DataAugmentation,
    GaussianNoiseSettings,
    MixupSettings,
    SpecAugSettings,
    VolumeAugmentSettings,
)
from paritone.config.data import TUTORIAL_FEATURES
from paritone.config.fields import Named
from paritone.errors import AudioError, ConfigError, ModelError
from paritone.features import log_mel
from paritone.models.load import load_keras
from paritone.training import augmentation, components, data, train
from paritone.training.schedules import learning_rates, schedule

SHIPPED = "esc10_dscnn.h5"
MAX_PARAMETERS = 150_000
CLASSES = ("dog", "rain", "rooster")
MODEL = """
import keras
def get_custom_model(num_classes, input_shape, dropout):
    i = keras.Input(input_shape)
    x = keras.layers.Conv2D(4, 8, 8, activation="relu")(i)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(i, keras.layers.Dense(num_classes, activation="softmax")(x))
"""


@pytest.fixture
def small(
    tmp_path: Path, examples: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[str], Path]:
    """Overrides of examples/training.yaml for six clips and a tiny model."""
    monkeypatch.chdir(tmp_path)
    with (examples / "esc10/meta/calibration.csv").open(newline="") as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if row["category"] in CLASSES and row["fold"] in ("1", "2")
        ]
    with (tmp_path / "few.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    (tmp_path / "mine.py").write_text(MODEL)
    overrides = [
        "dataset.training_csv_path=few.csv",
        f"dataset.training_audio_path={examples / 'esc10/audio'}",
        "dataset.training_folds=[1]",
        "training.custom_model_path=mine.py",
        "training.epochs=2",
        "training.batch_size=4",
    ]
    return overrides, examples / "training.yaml"


def load(small: tuple[list[str], Path], *more: str) -> Config:
    overrides, path = small
    return configuration.load_file(path, [*overrides, *more])


def test_run_leaves_the_zoos_files(small: tuple[list[str], Path], tmp_path: Path) -> None:
    run = tmp_path / "run"
    changes = ("dataset.validation_folds=[2]", "+training.trained_model_path=out/mine.h5")
    trained = train(load(small, *changes), run)
    assert (tmp_path / "out/mine.h5").read_bytes() == trained.path.read_bytes()
    assert trained.path == run / "saved_models/best_model.h5"
    names = {path.name for path in (run / "saved_models").iterdir()}
    assert names == {"best_model.h5", "best_augmented_model.h5", "last_augmented_model.h5"}
    with (run / "logs/train_metrics.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 2
    assert {"accuracy", "loss", "val_accuracy", "val_loss", "learning_rate"} <= set(lines[0])
    assert len(trained.history["val_accuracy"]) == 2
    model = load_keras(trained.path)
    assert model.input_shape == (None, 64, 96, 1)
    assert model.output_shape == (None, len(CLASSES))
    for figure in ("learning_rate.png", "training_curves.png"):
        assert (run / figure).read_bytes().startswith(b"\x89PNG")
    assert list((run / "logs").rglob("events.out.tfevents.*"))


def test_same_seed_same_model(small: tuple[list[str], Path], tmp_path: Path) -> None:
    """Without a validation set the last model is the result; the seed decides all of it."""
    seeds = {"first": 1, "again": 1, "other": 2}
    weights = {}
    for name, seed in seeds.items():
        trained = train(load(small, f"general.global_seed={seed}"), tmp_path / name)
        assert not (trained.path.parent / "best_augmented_model.h5").exists()
        weights[name] = np.concatenate([w.ravel() for w in load_keras(trained.path).get_weights()])
    np.testing.assert_array_equal(weights["first"], weights["again"])
    assert not np.array_equal(weights["first"], weights["other"])


def test_model_that_does_not_fit_is_refused(small: tuple[list[str], Path], tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MODEL.replace("num_classes, act", "7, act"))
    with pytest.raises(ModelError, match=r"expected input \(64, 96, 1\) and 3 outputs"):
        train(load(small), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_unreadable_clip_is_named(
    small: tuple[list[str], Path], examples: Path, tmp_path: Path
) -> None:
    audio = tmp_path / "audio"
    audio.mkdir()
    with (tmp_path / "few.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            content = (examples / "esc10/audio" / row["filename"]).read_bytes()
            (audio / row["filename"]).write_bytes(content)
    broken = sorted(audio.glob("1-*"))[1]
    broken.write_bytes(b"not audio")
    with pytest.raises(AudioError, match=broken.name):
        train(load(small, f"dataset.training_audio_path={audio}"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def recordings(frames: tuple[int, ...]) -> data.Recordings:
    """Spectrograms whose cells hold their frame's number, so that a patch tells its place."""
    ramps = tuple(np.tile(np.arange(n, dtype=np.float32), (64, 1)) for n in frames)
    return data.Recordings(ramps, np.eye(len(frames), dtype=np.float32))


def no_augmentation(*changes: str) -> list[str]:
    kinds = ("VolumeAugment", "Mixup", "SpecAug")
    return [f"data_augmentation.{kind}.enable=False" for kind in kinds] + list(changes)


def test_places_are_those_of_evaluation(small: tuple[list[str], Path]) -> None:
    config = load(small, "feature_extraction.include_last_patch=True")
    made = recordings((96, 170, 400))
    where = data.places(made, config.feature_extraction)
    expected = np.concatenate(
        [log_mel.cut(s, config.feature_extraction) for s in made.spectrograms]
    )
    np.testing.assert_array_equal(where.start, expected[:, 0, 0])


def test_an_epoch_holds_every_patch_once(small: tuple[list[str], Path]) -> None:
    config = load(small, *no_augmentation("data_augmentation.TimeShift.enable=False"))
    made = recordings((96, 170, 400))
    stream = data.batches(made, config)
    for _ in range(2):
        epoch = [next(stream) for _ in range(data.batch_count(made, config))]
        seen = sorted(
            (int(target.argmax()), int(patch[0, 0, 0]))
            for batch, targets in epoch
            for patch, target in zip(batch, targets, strict=True)
        )
        where = data.places(made, config.feature_extraction)
        assert seen == sorted(zip(where.clip.tolist(), where.start.tolist(), strict=True))


def test_time_shift_stays_inside_the_clip(small: tuple[list[str], Path]) -> None:
    config = load(small, *no_augmentation("data_augmentation.TimeShift.max_shift=500"))
    made = recordings((150,))
    stream = data.batches(made, config)
    starts = {int(next(stream)[0][0, 0, 0, 0]) for _ in range(200)}
    assert min(starts) == 0
    assert max(starts) == 150 - 96


def test_volume_is_an_offset_to_the_logarithm() -> None:
    settings = VolumeAugmentSettings(enable=True, min_scale=2.0, max_scale=2.0)
    rng, zeros = np.random.default_rng(0), np.zeros((2, 64, 96), np.float32)
    for power, to_db, offset in (
        (1.0, False, math.log(2)),
        (2.0, False, math.log(4)),
        (1.0, True, 20 * math.log10(2)),
    ):
        features = TUTORIAL_FEATURES.model_copy(update={"power": power, "to_db": to_db})
        louder = augmentation.volume(zeros, settings, features, rng)
        np.testing.assert_allclose(louder, offset, rtol=1e-6)
        assert louder.dtype == np.float32


def test_noise_has_the_scale_asked_for() -> None:
    zeros = np.zeros((8, 64, 96), np.float32)
    settings = GaussianNoiseSettings(enable=True, scale=0.3)
    noisy = augmentation.gaussian_noise(zeros, settings, np.random.default_rng(0))
    assert abs(float(noisy.std()) - 0.3) < 0.005


def test_mixup_mixes_targets_as_it_mixes_patches() -> None:
    targets = np.eye(6, dtype=np.float32)
    patches = np.broadcast_to(targets[:, :, None], (6, 6, 5)).copy()
    rng, settings = np.random.default_rng(0), MixupSettings(enable=True, alpha=1.0)
    mixed, mixed_targets = augmentation.mixup(patches, targets, settings, rng)
    np.testing.assert_allclose(mixed[:, :, 0], mixed_targets, rtol=1e-6)
    np.testing.assert_allclose(mixed_targets.sum(axis=1), 1.0, rtol=1e-6)
    assert (mixed_targets.argmax(axis=1) == np.arange(6)).all()


def test_masks_cover_bands_of_at_most_the_width_asked_for() -> None:
    ones = np.ones((50, 64, 96), np.float32)
    settings = SpecAugSettings(
        enable=True,
        freq_mask_param=10,
        time_mask_param=20,
        n_freq_mask=1,
        n_time_mask=1,
        mask_value=-5.0,
    )
    masked = augmentation.spec_augment(ones, settings, np.random.default_rng(0))
    rows, columns = (masked == -5.0).all(axis=2), (masked == -5.0).all(axis=1)
    assert rows.sum(axis=1).max() == 10
    assert columns.sum(axis=1).max() == 20
    assert ((masked == -5.0) == (rows[:, :, None] | columns[:, None, :])).all()
    assert (ones == 1).all()


def test_nothing_enabled_changes_nothing() -> None:
    x, y = np.ones((2, 64, 96), np.float32), np.eye(2, dtype=np.float32)
    rng = np.random.default_rng(0)
    same, targets = augmentation.augment(x, y, DataAugmentation(), TUTORIAL_FEATURES, rng)
    assert same is x
    assert targets is y


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        (
            "LRLinearDecay",
            {"initial_lr": 1.0, "hold_steps": 2, "decay_steps": 4, "end_lr": 0.2},
            [1.0, 1.0, 0.8, 0.6, 0.4, 0.2, 0.2],
        ),
        (
            "LRExponentialDecay",
            {"initial_lr": 1.0, "hold_steps": 1, "decay_rate": math.log(2), "min_lr": 0.2},
            [1.0, 0.5, 0.25, 0.2],
        ),
        (
            "LRStepDecay",
            {"initial_lr": 1.0, "step_size": 2, "decay_rate": 0.5, "min_lr": 0.0},
            [1.0, 0.5, 0.5, 0.25],
        ),
        (
            "LRCosineDecay",
            {"initial_lr": 1.0, "hold_steps": 1, "decay_steps": 2, "end_lr": 0.0},
            [1.0, 0.5, 0.0, 0.0],
        ),
        (
            "LRWarmupCosineDecay",
            {
                "initial_lr": 0.0,
                "warmup_steps": 2,
                "max_lr": 1.0,
                "hold_steps": 1,
                "decay_steps": 2,
                "end_lr": 0.0,
                "verbose": 1,
            },
            [0.0, 0.5, 1.0, 0.5, 0.0, 0.0],
        ),
        (
            "LRCosineDecayRestarts",
            {"initial_lr": 1.0, "first_decay_steps": 2, "end_lr": 0.0, "t_mul": 2, "m_mul": 0.5},
            [1.0, 0.5, 0.5, 0.25 * (1 + math.sqrt(0.5)), 0.25, 0.25 * (1 - math.sqrt(0.5)), 0.25],
        ),
        (
            "LRPolynomialDecay",
            {"initial_lr": 1.0, "hold_steps": 1, "decay_steps": 4, "end_lr": 0.0, "power": 2},
            [1.0, 0.5625, 0.25, 0.0625, 0.0, 0.0],
        ),
        (
            "LRPiecewiseConstantDecay",
            {"boundaries": [1, 3], "values": [0.1, 0.01, 0.001]},
            [0.1, 0.01, 0.01, 0.001, 0.001],
        ),
        (
            "LearningRateScheduler",
            {"schedule": "lambda epoch, lr:\n  lr if epoch < 2\n  else lr / (1 + epoch)"},
            [0.5, 0.5, 0.5 / 3, 0.5 / 12],
        ),
    ],
)
def test_schedules(name: str, arguments: dict[str, Any], expected: list[float]) -> None:
    rate = schedule(name, arguments)
    rates = learning_rates([(name, rate)], 0.5, len(expected))
    np.testing.assert_allclose(rates, expected, atol=1e-12)


def test_schedules_with_restarts_are_those_of_keras() -> None:
    from keras.optimizers.schedules import CosineDecayRestarts, PolynomialDecay

    ours = schedule(
        "LRCosineDecayRestarts",
        {"initial_lr": 0.01, "first_decay_steps": 5, "end_lr": 0.0001, "t_mul": 2, "m_mul": 0.8},
    )
    keras = CosineDecayRestarts(0.01, 5, 2.0, 0.8, alpha=0.01)
    np.testing.assert_allclose(
        [ours(i, 0.0) for i in range(40)], [float(keras(i)) for i in range(40)], rtol=1e-5
    )
    ours = schedule(
        "LRPolynomialDecayRestarts",
        {"initial_lr": 0.01, "hold_steps": 4, "decay_steps": 6, "end_lr": 0.001, "power": 0.7},
    )
    keras = PolynomialDecay(0.01, 6, 0.001, 0.7, cycle=True)
    expected = [0.01] * 3 + [float(keras(i)) for i in range(27)]
    np.testing.assert_allclose([ours(i, 0.0) for i in range(30)], expected, rtol=1e-5)


def test_components_are_looked_up_by_name(tmp_path: Path) -> None:
    made = components.optimizer(
        Named(name="tf.keras.optimizers.SGD", arguments={"learning_rate": 0.5, "momentum": 0.9})
    )
    assert type(made).__name__ == "SGD"
    named = (Named(name="EarlyStopping", arguments={"patience": 3}), Named(name="TerminateOnNaN"))
    kinds = [type(callback).__name__ for callback in components.user_callbacks(named)]
    assert kinds == ["EarlyStopping", "TerminateOnNaN"]


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("Unheard", {}, "Unheard is none of"),
        ("LambdaCallback", {}, "is none of"),
        ("EarlyStopping", {"patient": 3}, "EarlyStopping"),
        ("CSVLogger", {}, "built in"),
        ("LRCosineDecay", {"initial_lr": 1.0}, "missing"),
        ("LRPiecewiseConstantDecay", {"boundaries": [3], "values": [1.0]}, "one value more"),
        ("LRPiecewiseConstantDecay", {"boundaries": [3, 2], "values": [1, 2, 3]}, "increase"),
        (
            "LRCosineDecayRestarts",
            {"initial_lr": 1.0, "first_decay_steps": 5, "end_lr": 0.0, "t_mul": 0.5},
            "at least 1",
        ),
        (
            "LRCosineDecay",
            {"initial_lr": 1.0, "hold_steps": 0, "decay_steps": 0, "end_lr": 0.0},
            "division by zero",
        ),
        ("LearningRateScheduler", {}, "missing"),
        ("LearningRateScheduler", {"schedule": "epoch"}, "expected lambda"),
        ("LearningRateScheduler", {"schedule": "lambda e: 1", "verbose": 7}, "verbose"),
    ],
)
def test_unfit_callbacks(name: str, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        components.user_callbacks((Named(name=name, arguments=arguments),))


@pytest.mark.parametrize(
    "named", [Named(name="os.system"), Named(name="Adam", arguments={"speed": 1})]
)
def test_unfit_optimizers(named: Named) -> None:
    with pytest.raises(ConfigError, match=r"training\.optimizer"):
        components.optimizer(named)


def test_shipped_model(examples: Path) -> None:
    """It is the file that examples/README.md records, small enough, and takes the tutorial's."""
    path = examples / SHIPPED
    recorded = re.search(r"\b[0-9a-f]{64}\b", (examples / "README.md").read_text())
    assert recorded is not None
    assert hashlib.sha256(path.read_bytes()).hexdigest() == recorded.group()
    model = load_keras(path)
    assert model.count_params() <= MAX_PARAMETERS
    assert model.input_shape == (None, 64, 96, 1)
    assert model.output_shape == (None, 10)
    assert model.layers[-1].activation.__name__ == "softmax"
