"""Starting from trained weights: a backbone's weights, a head for other classes, frozen layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paritone.errors import ConfigError, ModelError
from paritone.models.load import load_keras

if TYPE_CHECKING:
    import keras

_TAIL = ("Dropout", "Activation", "Softmax")
_HEAD_ACTIVATIONS = ("softmax", "sigmoid", "linear")
_SHOWN_FROZEN = "the head is always trained: to freeze all other layers write (0:-1)"


def transfer_weights(model: keras.Model, path: Path) -> None:
    """Give a model's backbone the weights of a file, layer after layer; the head keeps its own.

    Layers are matched in their order, nested models opened: names differ between files. What the
    file has beyond the backbone (its own head) is left out.

    Raises
    ------
    ModelError
        The file cannot be read, or a layer's weights are of another shape; both are given.
    """
    source = list(_weighted(load_keras(path).layers))
    target = list(_weighted(model.layers[: head_index(model)]))
    for position, layer in enumerate(target):
        wanted = _shapes(layer)
        found = _shapes(source[position]) if position < len(source) else "no such layer"
        if found != wanted:
            raise ModelError(
                f"{path}: its weights do not fit {model.name}: layer {layer.name} (number "
                f"{position} of those with weights) expects {wanted}, got {found}"
            )
    for layer, giver in zip(target, source, strict=False):
        layer.set_weights(giver.get_weights())


def _weighted(layers: Sequence[Any]) -> Iterator[Any]:
    for layer in layers:
        if hasattr(layer, "layers"):
            yield from _weighted(layer.layers)
        elif layer.weights:
            yield layer


def _shapes(layer: Any) -> list[tuple[int, ...]]:
    return [tuple(weight.shape) for weight in layer.weights]


def head_index(model: keras.Model) -> int:
    """Position of the last dense layer if only dropout and activation follow it, else the end.

    A dense layer whose activation scores no classes (relu, …) belongs to the backbone.
    """
    for position in range(len(model.layers) - 1, -1, -1):
        layer = model.layers[position]
        kind = type(layer).__name__
        if kind == "Dense" and layer.activation.__name__ in _HEAD_ACTIVATIONS:
            return position
        if kind not in _TAIL:
            break
    return len(model.layers)


def with_head(
    model: keras.Model,
    n_classes: int,
    input_shape: tuple[int, ...],
    dropout: float = 0.0,
    activation: str = "softmax",
) -> keras.Model:
    """Return a trained model with a head of `n_classes`; its own head stays if that fits.

    Parameters
    ----------
    input_shape : (n_mels, patch_length, 1)
        A model that takes (patch_length, n_mels, 1) is given a permutation before it.
    dropout : float in [0, 1)
        Applied before the head while training; 0 leaves the model's own as it is.

    Raises
    ------
    ModelError
        The model does not take such patches, or gives no embedding that a head can stand on.
    """
    from keras import Input, Model, layers

    position = head_index(model)
    head = model.layers[position] if position < len(model.layers) else None
    kept = head is not None and head.units == n_classes
    straight = tuple(model.input_shape[1:]) == tuple(input_shape)
    if kept and straight and not dropout and _ends_with(model, activation):
        return model
    turned = not straight and tuple(model.input_shape[1:]) == _turned(input_shape)
    if not straight and not turned:
        raise ModelError(
            f"model {model.name}: expected input {tuple(input_shape)}, "
            f"got {tuple(model.input_shape[1:])}"
        )
    backbone, names = _backbone(model, position, dropout), {layer.name for layer in model.layers}
    inputs = Input(input_shape) if turned else backbone.inputs[0]
    x = (
        backbone(layers.Permute((2, 1, 3), name=_free("permute", names))(inputs))
        if turned
        else backbone.outputs[0]
    )
    if dropout:
        x = layers.Dropout(dropout, name=_free("dropout", names))(x)
    dense = layers.Dense(n_classes, activation=activation, name=_free("head", names))
    made = Model(inputs, dense(x), name=model.name)
    if kept and head is not None:
        dense.set_weights(head.get_weights())
    return made


def ending(model: keras.Model, activation: str) -> keras.Model:
    """Return a model that ends with an activation; its dense head is given it, weights and all.

    Raises
    ------
    ModelError
        It ends with another, and with no dense head.
    """
    if _ends_with(model, activation):
        return model
    position = head_index(model)
    if position == len(model.layers):
        raise ModelError(
            f"model {model.name}: expected {activation} at its end, or a dense layer to put it on, "
            f"got {type(model.layers[-1]).__name__} {model.layers[-1].name}"
        )
    return with_head(
        model,
        model.layers[position].units,
        tuple(model.input_shape[1:]),
        activation=activation,
    )


def _turned(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (shape[1], shape[0], *shape[2:])


def _ends_with(model: keras.Model, activation: str) -> bool:
    last = model.layers[-1]
    if type(last).__name__ == "Softmax":
        return activation == "softmax"
    return getattr(getattr(last, "activation", None), "__name__", None) == activation


def _backbone(model: keras.Model, head: int, dropout: float) -> keras.Model:
    """Everything before the head; without its last dropout where another one is asked for."""
    from keras import Model, layers

    if head == len(model.layers):
        output = model.outputs[0]
    else:
        output = model.layers[head].input
        before = model.layers[head - 1] if head else None
        if dropout and type(before).__name__ == "Dropout" and before is not None:
            output = before.input
    if len(output.shape) == 4:
        output = layers.GlobalAveragePooling2D(name="embedding_pool")(output)
    if len(output.shape) != 2:
        raise ModelError(
            f"model {model.name}: expected an embedding (a vector) before the head, got "
            f"{tuple(output.shape[1:])}"
        )
    return Model(model.inputs[0], output, name=f"{model.name}_backbone")


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_new"
    return name


def freeze_backbone(model: keras.Model) -> None:
    """Make only the head trainable: transfer learning.

    Raises
    ------
    ModelError
        The model has no head of its own to train.
    """
    position = head_index(model)
    if position == len(model.layers):
        raise ModelError(
            f"model {model.name}: its last layer is not dense, so that training.fine_tune False "
            "would train nothing; set fine_tune to True, or training.frozen_layers"
        )
    unfreeze(model)
    for layer in model.layers[:position]:
        _set_trainable(layer, False)


def freeze(model: keras.Model, indices: Sequence[slice | int]) -> None:
    """Freeze the layers of these indices, as Python counts them; all the others are trained.

    Raises
    ------
    ConfigError
        An index outside the model, or the head would be frozen.
    """
    count, frozen = len(model.layers), set()
    for index in indices:
        if isinstance(index, slice):
            frozen |= set(range(count)[index])
        elif -count <= index < count:
            frozen.add(index % count)
        else:
            raise ConfigError(
                f"training.frozen_layers: {index}: model {model.name} has {count} layers, 0 to "
                f"{count - 1}"
            )
    if min(head_index(model), count - 1) in frozen:
        raise ConfigError(
            f"training.frozen_layers: freezes {model.layers[-1].name}, the last of {count} layers; "
            f"{_SHOWN_FROZEN}"
        )
    unfreeze(model)
    for position in frozen:
        _set_trainable(model.layers[position], False)


def unfreeze(model: keras.Model) -> None:
    """Make every layer trainable, whatever a file said."""
    _set_trainable(model, True)


def _set_trainable(layer: Any, value: bool) -> None:
    # Setting it on a model does not reach the layers of every kind of model.
    layer.trainable = value
    for inner in getattr(layer, "layers", ()):
        _set_trainable(inner, value)
