"""One training run: data, model, optimizer, fit, and the files that it leaves."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from paritone import datasets
from paritone.config import Config, need
from paritone.config.training import Training
from paritone.errors import ConfigError
from paritone.models.load import load_keras
from paritone.training import checkpoint, components, data, figures, frozen, objective, versions
from paritone.training.checkpoint import State
from paritone.training.components import OnEpoch
from paritone.training.keeping import keeper
from paritone.training.model import build

if TYPE_CHECKING:
    import keras

Validation = tuple[data.Array, data.Array]
"""Patches, or what frozen layers make of them, and their targets."""
BEST_NAME = "best_model.h5"


@dataclass(frozen=True)
class TrainedModel:
    """What a training run leaves.

    Attributes
    ----------
    path : the model with the best validation accuracy, or area under the precision-recall curves
        with several labels a clip; the last one if nothing was validated
    history : metric -> its value after each epoch, those before a resumption included
    monitor : the metric that tells the best model; None: nothing was validated
    """

    path: Path
    history: dict[str, list[float]]
    monitor: str | None = None

    @property
    def best_epoch(self) -> int | None:
        """Number of the epoch, from 1, whose model is kept as the best; None: the last one is."""
        values = [v if v == v else -1.0 for v in self.history.get(self.monitor or "", [])]
        return values.index(max(values)) + 1 if values else None

    def summary(self) -> dict[str, Any]:
        """The part of summary.json that tells of it."""
        best = self.best_epoch
        shown = -1 if best is None else best - 1
        return {
            "epochs": max(map(len, self.history.values()), default=0),
            **({} if best is None else {"best_epoch": best, "monitor": self.monitor}),
            "metrics": {name: values[shown] for name, values in self.history.items()},
        }


@dataclass(frozen=True)
class _Folders:
    """Where a run's files go."""

    run: Path
    logs: Path
    models: Path


@dataclass(frozen=True)
class _Fitting:
    """What Keras fits, and on what.

    Attributes
    ----------
    embeddings : what the model takes in the place of patches; None: it takes patches
    """

    model: keras.Model
    embeddings: data.Array | None = None
    validation: Validation | None = None


def train(config: Config, run_dir: Path, on_epoch: OnEpoch | None = None) -> TrainedModel:
    """Train the configured model on the training set.

    Leaves under `run_dir`, in ``general.saved_models_dir``, ``best_model.h5`` and, with the
    optimizer's state, ``best_augmented_model.h5`` and ``last_augmented_model.h5`` (augmentation
    is no part of a model here); in ``general.logs_dir`` ``train_metrics.csv`` and TensorBoard's
    events; and figures of the learning rate and the metrics. A copy of the best model goes to
    ``training.trained_model_path`` if there is one.

    Raises
    ------
    ConfigError, AudioError, ModelError
        Before the first epoch, whatever does not fit.
    """
    settings = need(config.training, "training")
    training_set = need(datasets.load(config, "training"), "dataset.training_csv_path")
    validation_set = data.validation_set(config)
    seed(config)
    model, resumed = prepare(config, len(training_set.class_names))
    user = components.user_callbacks(settings.callbacks)
    rates = known_rates(settings, model)
    recordings = data.read(training_set, config, "training clips")
    recordings = versions.with_versions(recordings, training_set, config)
    weights = data.class_weights(recordings, config, training_set.class_names)
    validation = None
    if validation_set is not None:
        validation = data.patches(data.read(validation_set, config, "validation clips"), config)
    fitting = _what_is_fitted(model, recordings, validation, config)
    folders = _make_folders(config, run_dir)
    figures.save_learning_rate(rates, run_dir / figures.RATE_NAME, _rate_note(settings))
    resumed = _take_over(resumed, settings, folders, validated=validation is not None)
    monitor = objective.monitor(config) if validation is not None else None
    keep = keeper(model, folders.models, user, monitor=monitor, resumed=resumed)
    callbacks = [*user, keep, *components.built_in(folders.logs, on_epoch)]
    first = resumed.epochs if resumed is not None else 0
    with _quiet():
        fitting.model.fit(
            data.batches(recordings, config, first, weights, fitting.embeddings),
            steps_per_epoch=data.batch_count(recordings, config),
            initial_epoch=first,
            epochs=settings.epochs,
            validation_data=fitting.validation,
            callbacks=callbacks,
            shuffle=False,  # the batches are shuffled already
            verbose=0,
        )
        path = _save_best(model, folders.models, validated=keep.best is not None)
    trained = TrainedModel(path, keep.history, monitor)
    figures.save_curves(keep.history, run_dir / figures.CURVES_NAME, trained.best_epoch)
    if settings.trained_model_path is not None:
        _copy(path, settings.trained_model_path)
    return trained


def _what_is_fitted(
    model: keras.Model,
    recordings: data.Recordings,
    validation: Validation | None,
    config: Config,
) -> _Fitting:
    """Fit the whole model, or its head alone where frozen layers see the same in every epoch."""
    augmentation = config.data_augmentation
    divided = None if augmentation is not None and augmentation.any() else frozen.divide(model)
    if divided is None:
        return _Fitting(model, validation=validation)
    settings = need(config.training, "training")
    objective.compile_model(divided.head, settings, config, model.optimizer)
    patches = data.unchanged(recordings, config)
    count = data.batch_count(recordings, config)
    embeddings = divided.embed(patches, count, "training patches")
    if validation is not None:
        count = -(-len(validation[0]) // config.batch_size)
        parts = np.array_split(validation[0], count)
        validation = (divided.embed(parts, count, "validation patches"), validation[1])
    return _Fitting(divided.head, embeddings, validation)


def prepare(config: Config, n_classes: int) -> tuple[keras.Model, State | None]:
    """Return the compiled model, and where its training stands if it is resumed.

    Raises
    ------
    ConfigError, ModelError
        The model, the optimizer or the training to resume does not fit.
    """
    settings = need(config.training, "training")
    resumed, path = None, settings.resume_training_from
    if path is not None:
        resumed = checkpoint.load(path)
        if resumed.epochs >= settings.epochs:
            raise ConfigError(
                f"training.epochs: {path} has done {resumed.epochs} epochs, expected more, "
                f"got {settings.epochs}"
            )
    model = build(config, n_classes)
    objective.compile_model(model, settings, config)
    if path is not None and resumed is not None:
        checkpoint.restore(model, path, resumed)
    return model, resumed


def check(config: Config, n_classes: int) -> keras.Model:
    """Make all that a training needs beside its data, and return the model.

    Raises
    ------
    ConfigError, ModelError
        Whatever does not fit.
    """
    settings = need(config.training, "training")
    versions.check(config)
    seed(config)
    model, _ = prepare(config, n_classes)
    components.user_callbacks(settings.callbacks)
    known_rates(settings, model)
    return model


def known_rates(settings: Training, model: keras.Model) -> list[float]:
    """Learning rate of each epoch, as far as it is known beforehand; ConfigError if unfit."""
    initial = float(model.optimizer.learning_rate)
    return components.rates(settings.callbacks, initial, settings.epochs)


def _rate_note(settings: Training) -> str:
    named = [one.name.rsplit(".", 1)[-1] for one in settings.callbacks]
    return ", until ReduceLROnPlateau lowers it" if "ReduceLROnPlateau" in named else ""


def seed(config: Config) -> None:
    """Seed Python, NumPy and TensorFlow, name layers from the beginning, set TensorFlow up."""
    import keras
    import tensorflow as tf

    keras.backend.clear_session()
    if config.general.global_seed is not None:
        keras.utils.set_random_seed(abs(config.general.global_seed))
    if config.general.deterministic_ops:
        tf.config.experimental.enable_op_determinism()


def _make_folders(config: Config, run_dir: Path) -> _Folders:
    general = config.general
    folders = _Folders(run_dir, run_dir / general.logs_dir, run_dir / general.saved_models_dir)
    for folder in (folders.logs, folders.models):
        folder.mkdir(parents=True, exist_ok=True)
    return folders


def _take_over(
    resumed: State | None, settings: Training, folders: _Folders, *, validated: bool
) -> State | None:
    """Begin the run's own files with those of the resumed training."""
    table = folders.logs / components.METRICS_NAME
    if resumed is None or settings.resume_training_from is None:
        table.unlink(missing_ok=True)
        return None
    names = sorted(resumed.history)
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["epoch", *names])
        rows = zip(*(resumed.history[name] for name in names), strict=True)
        writer.writerows([epoch, *row] for epoch, row in enumerate(rows))
    best = checkpoint.carry_best(settings.resume_training_from, folders.models)
    return replace(resumed, best=best if validated else None)


def _save_best(model: keras.Model, models: Path, validated: bool) -> Path:
    """Save the best model without its optimizer, in one piece or not at all."""
    path, partial = models / BEST_NAME, models / f"partial_{BEST_NAME}"
    if validated:
        model = load_keras(models / checkpoint.BEST_NAME)
    try:
        model.save(partial, include_optimizer=False)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
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
