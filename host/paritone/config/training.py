"""Sections about training: `data_augmentation` and `training`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from paritone.config.coercion import (
    Bool,
    Float,
    Int,
    OptionalBool,
    OptionalIndices,
    OptionalIntegers,
    OptionalPath,
    is_none,
    to_float,
    to_int,
)
from paritone.config.fields import (
    Named,
    OptionalCount,
    OptionalRate,
    Record,
    many_named,
    none,
    one_named,
)


def _class_weights(value: Any) -> Any:
    if is_none(value):
        return None
    if isinstance(value, str) and value.strip().lower() == "balanced":
        return "balanced"
    if not isinstance(value, dict):
        raise ValueError("balanced, or a number for each class")
    weights = {str(name): to_float(weight) for name, weight in value.items()}
    if any(weight < 0 for weight in weights.values()) or not any(weights.values()):
        raise ValueError("weights of at least 0, one of them more")
    return weights


class GaussianNoiseSettings(Record):
    """Section ``data_augmentation.GaussianNoise``."""

    enable: Bool = False
    scale: Annotated[Float, Field(ge=0)] = 0.1


class VolumeAugmentSettings(Record):
    """Section ``data_augmentation.VolumeAugment``: a gain on the magnitude."""

    enable: Bool = False
    min_scale: Annotated[Float, Field(gt=0)] = 0.8
    max_scale: Annotated[Float, Field(gt=0)] = 1.2


class SpecAugSettings(Record):
    """Section ``data_augmentation.SpecAug``; mask lengths in mel bands and frames."""

    enable: Bool = False
    freq_mask_param: Annotated[Int, Field(ge=0)] = 1
    time_mask_param: Annotated[Int, Field(ge=0)] = 1
    n_freq_mask: Annotated[Int, Field(ge=0)] = 1
    n_time_mask: Annotated[Int, Field(ge=0)] = 1
    mask_value: Float = 0.0


class MixupSettings(Record):
    """Section ``data_augmentation.Mixup`` (ours): convex combinations of two patches."""

    enable: Bool = False
    alpha: Annotated[Float, Field(gt=0)] = 0.2


class TimeShiftSettings(Record):
    """Section ``data_augmentation.TimeShift`` (ours): a random crop along time, in frames."""

    enable: Bool = False
    max_shift: Annotated[Int, Field(ge=0)] = 24


class DataAugmentation(Record):
    """Section ``data_augmentation``."""

    GaussianNoise: GaussianNoiseSettings = GaussianNoiseSettings()
    VolumeAugment: VolumeAugmentSettings = VolumeAugmentSettings()
    SpecAug: SpecAugSettings = SpecAugSettings()
    Mixup: MixupSettings = MixupSettings()
    TimeShift: TimeShiftSettings = TimeShiftSettings()


class TrainingModel(Record):
    """Section ``training.model``; input_shape is (n_mels, patch_length, 1)."""

    name: Literal["yamnet", "miniresnet", "miniresnetv2", "custom"]
    input_shape: OptionalIntegers = None
    embedding_size: Annotated[Literal[256, 512, 1024], BeforeValidator(to_int)] = 256
    n_stacks: Annotated[Int, Field(ge=1, le=4)] = 1
    version: Literal["v1", "v2"] = "v1"
    pooling: Annotated[Literal["avg", "max"] | None, BeforeValidator(none)] = None
    pretrained_weights: OptionalBool = None


class Training(Record):
    """Section ``training``.

    Three keys are ours: ``custom_model_path``, the Python file of a custom model;
    ``pretrained_weights_path``, the model file that ``model.pretrained_weights`` takes its from;
    and ``class_weights``, ``balanced`` or a number for each class (1 for those left out).
    """

    model: Annotated[TrainingModel | None, BeforeValidator(none)] = None
    custom_model_path: OptionalPath = None
    pretrained_weights_path: OptionalPath = None
    fine_tune: Bool = False
    dropout: OptionalRate = None
    frozen_layers: OptionalIndices = None
    batch_size: OptionalCount = None
    epochs: Annotated[Int, Field(ge=1)]
    optimizer: Annotated[Named, BeforeValidator(one_named)] = Named(name="Adam")
    callbacks: Annotated[tuple[Named, ...], BeforeValidator(many_named)] = ()
    class_weights: Annotated[Any, BeforeValidator(_class_weights)] = None
    resume_training_from: OptionalPath = None
    trained_model_path: OptionalPath = None

    @property
    def pretrained_path(self) -> Path | None:
        """The file that a model of the zoo begins with; None: random weights."""
        if self.model is None or self.model.name == "custom":
            return None
        return None if self.model.pretrained_weights is False else self.pretrained_weights_path
