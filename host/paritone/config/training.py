"""Section `training`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from paritone.config.coercion import (
    Bool,
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
