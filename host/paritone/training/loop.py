"""One training run: data, model, optimizer, fit, and the files that it leaves."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from paritone import datasets
from paritone.config import Config, need
from paritone.config.records import Training
from paritone.errors import ConfigError, ModelError
from paritone.models.custom import custom
from paritone.models.load import load_keras
from paritone.training import components, data

if TYPE_CHECKING:
    import keras

BEST_NAME = "best_model.h5"


@dataclass(frozen=True)
class TrainedModel:
    """What a training run leaves.

    Attributes
    ----------
    path : the model with the best validation accuracy; the last one if nothing was validated
    history : metric -> its value after each epoch
    """

    path: Path
    history: dict[str, list[float]]


def train(config: Config, run_dir: Path) -> TrainedModel:
    """Train the configured model on the training set.

    Leaves under `run_dir`, in ``general.saved_models_dir``, ``best_model.h5`` and, with the
    optimizer's state, ``best_augmented_model.h5`` and ``last_augmented_model.h5`` (augmentation
    is no part of a model here); and in ``general.logs_dir`` ``train_metrics.csv``. A copy of the
    best model goes to ``training.trained_model_path`` if there is one.

    Raises
    ------
    ConfigError, AudioError, ModelError
        Before the first epoch, whatever does not fit.
    """
    settings = need(config.training, "training")
    if settings.frozen_layers is not None:
        raise ConfigError("training.frozen_layers is not there yet; set it to None")
    training_set = need(datasets.load(config, "training"), "dataset.training_csv_path")
    validation_set = data.validation_set(config)
    _seed(config)
    model = _build(config, settings, len(training_set.class_names))
    logs, models = (
        run_dir / folder for folder in (config.general.logs_dir, config.general.saved_models_dir)
    )
    callbacks = components.callbacks(
        settings.callbacks, logs, models, validated=validation_set is not None
    )
    _compile(model, settings)
    recordings = data.read(training_set, config, "training clips")
    validation = None
    if validation_set is not None:
        validation = data.patches(data.read(validation_set, config, "validation clips"), config)
    for folder in (logs, models):
        folder.mkdir(parents=True, exist_ok=True)
    with _quiet():
        history = _fit(model, config, recordings, validation, callbacks)
        path = _save_best(model, models, validated=validation is not None)
    if settings.trained_model_path is not None:
        _copy(path, settings.trained_model_path)
    return TrainedModel(path, history)


def _fit(
    model: keras.Model,
    config: Config,
    recordings: data.Recordings,
    validation: tuple[data.Array, data.Array] | None,
    callbacks: list[keras.callbacks.Callback],
) -> dict[str, list[float]]:
    history = model.fit(
        data.batches(recordings, config, np.random.default_rng(config.general.global_seed)),
        steps_per_epoch=data.batch_count(recordings, config),
        epochs=need(config.training, "training").epochs,
        validation_data=validation,
        callbacks=callbacks,
        shuffle=False,  # the batches are shuffled already
        verbose=0,
    ).history
    return {name: [float(value) for value in values] for name, values in history.items()}


def _seed(config: Config) -> None:
    import keras
    import tensorflow as tf

    if config.general.global_seed is not None:
        keras.utils.set_random_seed(config.general.global_seed)
    if config.general.deterministic_ops:
        tf.config.experimental.enable_op_determinism()


def _build(config: Config, settings: Training, n_classes: int) -> keras.Model:
    """Build or load the model, and check that it takes patches and gives classes."""
    features = config.feature_extraction
    shape: tuple[int, ...] = (features.n_mels, features.patch_length)
    if config.dataset.expand_last_dim:
        shape += (1,)
    if settings.model is None:
        model = load_keras(need(config.general.model_path, "general.model_path"))
    elif settings.model.name == "custom":
        model = custom(
            need(settings.custom_model_path, "training.custom_model_path"),
            num_classes=n_classes,
            input_shape=shape,
            dropout=settings.dropout or 0.0,
            pretrained_weights=bool(settings.model.pretrained_weights),
        )
    else:
        raise ConfigError(f"training.model.name: {settings.model.name} is not there yet")
    if tuple(model.input_shape[1:]) != shape or tuple(model.output_shape[1:]) != (n_classes,):
        raise ModelError(
            f"model {model.name}: expected input {shape} and {n_classes} outputs, got input "
            f"{tuple(model.input_shape[1:])} and outputs {tuple(model.output_shape[1:])}"
        )
    return model


def _compile(model: keras.Model, settings: Training) -> None:
    """Targets are one-hot, or mixed: categorical cross-entropy takes both."""
    model.compile(
        optimizer=components.optimizer(settings.optimizer),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
    )


def _save_best(model: keras.Model, models: Path, validated: bool) -> Path:
    """Save the best model without its optimizer, in one piece or not at all."""
    path, partial = models / BEST_NAME, models / f"partial_{BEST_NAME}"
    if validated:
        model = load_keras(models / "best_augmented_model.h5")
    model.save(partial, include_optimizer=False)
    partial.replace(path)
    return path


def _copy(model: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"partial_{target.name}")
    shutil.copyfile(model, partial)
    partial.replace(target)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence Keras' advice against `.h5`, which is what the zoo's users expect."""
    from absl import logging

    before = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(before)
