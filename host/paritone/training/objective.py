"""What a training minimises and what it watches: one label a clip, or several."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paritone.config import Config
from paritone.config.training import Training
from paritone.training import components

if TYPE_CHECKING:
    import keras


def compile_model(
    model: keras.Model,
    settings: Training,
    config: Config,
    optimizer: keras.optimizers.Optimizer | None = None,
) -> None:
    """Give a model its optimizer (a new one, unless one is given), loss and metrics.

    Targets are one-hot, or mixed: categorical cross-entropy takes both. Several labels a clip are
    as many yes-or-no questions: binary cross-entropy, the mean over them.
    """
    several = config.dataset.multi_label
    model.compile(
        optimizer=optimizer or components.optimizer(settings.optimizer),
        loss=_binary(settings) if several else "categorical_crossentropy",
        metrics=_several(int(model.output_shape[-1])) if several else ["accuracy"],
    )


def monitor(config: Config) -> str:
    """Metric that tells the best model."""
    return "val_pr_auc" if config.dataset.multi_label else "val_accuracy"


def _binary(settings: Training) -> keras.losses.Loss:
    """Binary cross-entropy; not yet averaged over the classes where each has weights."""
    import keras

    axis = -1 if settings.class_weights is None else ()
    return keras.losses.BinaryCrossentropy(axis=axis)


def _several(classes: int) -> list[keras.metrics.Metric]:
    """Share of right decisions at 0.5, and the areas under both curves, the mean over classes."""
    from keras import metrics

    return [
        metrics.BinaryAccuracy(name="accuracy"),
        metrics.AUC(curve="PR", multi_label=True, num_labels=classes, name="pr_auc"),
        metrics.AUC(curve="ROC", multi_label=True, num_labels=classes, name="roc_auc"),
    ]
