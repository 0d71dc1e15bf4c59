"""The model that a training begins with: built, loaded, its weights transferred, layers frozen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from paritone import task as tasks
from paritone.config import Config, need
from paritone.config.training import Training, TrainingModel
from paritone.errors import ModelError
from paritone.models import transfer
from paritone.models.custom import custom
from paritone.models.load import load_keras
from paritone.models.miniresnet import miniresnet
from paritone.models.yamnet import yamnet

if TYPE_CHECKING:
    import keras


def build(config: Config, n_classes: int) -> keras.Model:
    """Build or load the model of section ``training``, uncompiled, ready to be trained.

    Where it begins with trained weights (``general.model_path``, or ``pretrained_weights``), only
    the head is trained unless ``fine_tune`` is true; ``frozen_layers`` says it layer by layer.
    A resumed training goes on with the model that it was.

    Raises
    ------
    ConfigError, ModelError
        It cannot be built, or does not take the patches or give the classes.
    """
    settings = need(config.training, "training")
    shape = input_shape(config)
    if settings.resume_training_from is not None:  # its layers are frozen as they were
        model = load_keras(settings.resume_training_from)
        _check_ends(model, shape, n_classes)
        if tasks.head(config) == "sigmoid" and transfer.ending(model, "sigmoid") is not model:
            raise ModelError(
                f"{settings.resume_training_from}: trained for one label a clip, "
                "dataset.multi_label is True"
            )
        return model
    if settings.model is None:
        path = need(config.general.model_path, "general.model_path")
        model, pretrained = _loaded(path, shape, n_classes, settings, tasks.head(config)), True
    else:
        model = _built(settings, settings.model, shape, n_classes, tasks.head(config))
        pretrained = settings.pretrained_path is not None
        if settings.pretrained_path is not None:
            transfer.transfer_weights(model, settings.pretrained_path)
    _check_ends(model, shape, n_classes)
    if settings.frozen_layers is not None:
        transfer.freeze(model, settings.frozen_layers)
    elif pretrained and settings.fine_tune:
        transfer.unfreeze(model)
    elif pretrained:
        transfer.freeze_backbone(model)
    return model


def input_shape(config: Config) -> tuple[int, ...]:
    """Shape of one patch: (n_mels, patch_length, 1), without the 1 if so configured."""
    features = config.feature_extraction
    shape = (features.n_mels, features.patch_length)
    return (*shape, 1) if config.dataset.expand_last_dim else shape


def _loaded(
    path: Path, shape: tuple[int, ...], n_classes: int, settings: Training, head: str
) -> keras.Model:
    return transfer.with_head(load_keras(path), n_classes, shape, settings.dropout or 0.0, head)


def _built(
    settings: Training, chosen: TrainingModel, shape: tuple[int, ...], n_classes: int, head: str
) -> keras.Model:
    dropout = settings.dropout or 0.0
    if chosen.name == "custom":
        made = custom(
            need(settings.custom_model_path, "training.custom_model_path"),
            num_classes=n_classes,
            input_shape=shape,
            dropout=dropout,
            pretrained_weights=bool(chosen.pretrained_weights),
        )
        return transfer.ending(made, head) if head == "sigmoid" else made
    height, width, depth = shape  # checks: these models want the third dimension
    if chosen.name == "yamnet":
        return yamnet(chosen.embedding_size, n_classes, (height, width, depth), dropout, head)
    version = "v2" if chosen.name == "miniresnetv2" else chosen.version
    return miniresnet(
        chosen.n_stacks, version, n_classes, (height, width, depth), chosen.pooling, dropout, head
    )


def _check_ends(model: keras.Model, shape: tuple[int, ...], n_classes: int) -> None:
    if tuple(model.input_shape[1:]) != shape or tuple(model.output_shape[1:]) != (n_classes,):
        raise ModelError(
            f"model {model.name}: expected input {shape} and {n_classes} outputs, got input "
            f"{tuple(model.input_shape[1:])} and outputs {tuple(model.output_shape[1:])}"
        )
