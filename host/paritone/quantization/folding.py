"""A Keras model in a form that its weights can be worked on: one plain layer for each product.

Batch normalization is folded into the convolution or dense layer before it, every such layer has a
bias, and its activation is a layer of its own; the function stays the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import keras

KINDS = ("Conv1D", "Conv2D", "DepthwiseConv2D", "Dense")
"""Layers with a kernel and a bias that can be worked on, by the names of their classes."""
ACTIVATION = "{}_activation"

Kernel = NDArray[np.float32]


@dataclass(frozen=True)
class Links:
    """Which layer follows which in a functional model, by name.

    Attributes
    ----------
    layers : in the order of execution
    before, after : the layers that a layer reads, and those that read it
    """

    layers: dict[str, Any]
    before: dict[str, list[str]]
    after: dict[str, list[str]]

    def only(self, name: str) -> Any | None:
        """Return the one layer that reads a layer; None where it is not just one."""
        after = self.after[name]
        return self.layers[after[0]] if len(after) == 1 else None


def links(model: keras.Model) -> Links:
    """Follow a functional model's layers."""
    nodes = [node for depth in model._nodes_by_depth.values() for node in depth]
    layers = {operation.name: operation for operation in model.operations}
    before: dict[str, list[str]] = {name: [] for name in layers}
    after: dict[str, list[str]] = {name: [] for name in layers}
    for node in nodes:
        for parent in node.parent_nodes:
            before[node.operation.name].append(parent.operation.name)
            after[parent.operation.name].append(node.operation.name)
    return Links(layers, before, after)


def is_product(layer: Any) -> bool:
    """Tell whether a layer multiplies its input with weights that can be worked on."""
    return type(layer).__name__ in KINDS and getattr(layer, "groups", 1) == 1


def fold(model: keras.Model) -> keras.Model:
    """Return a new model of the same function whose products are plain."""
    import keras

    functional = keras.Model(model.input, model.output)
    found = links(functional)
    merged = {name: _folded_into(found, name) for name in found.layers}
    owners = {owner: name for name, owner in merged.items() if owner is not None}

    def clone(layer: Any) -> Any:
        if merged[layer.name] is not None:
            return keras.layers.Activation("linear", name=layer.name)
        config = layer.get_config()
        if is_product(layer):
            config |= {"use_bias": True, "activation": "linear"}
        return type(layer).from_config(config)

    plain = rebuild(functional, clone, _split_activation(found.layers))
    for name, layer in found.layers.items():
        if is_product(layer):
            norm = found.layers[owners[name]] if name in owners else None
            plain.get_layer(name).set_weights(_weights(layer, norm))
        elif merged[name] is None and getattr(layer, "weights", None):
            plain.get_layer(name).set_weights(layer.get_weights())
    return plain


def rebuild(
    model: keras.Model, clone: Callable[[Any], Any], call: Callable[..., Any]
) -> keras.Model:
    """Build a functional model anew, of layers that `clone` makes and `call` calls."""
    import keras

    return keras.models.clone_model(model, clone_function=clone, call_function=call)


def _split_activation(layers: dict[str, Any]) -> Callable[..., Any]:
    import keras

    def call(layer: Any, *arguments: Any, **named: Any) -> Any:
        original = layers[layer.name]
        if type(original) is not type(layer):  # a normalization's place takes its input alone
            return layer(arguments[0])
        result = layer(*arguments, **named)
        if not is_product(original):
            return result
        if original.activation is keras.activations.linear:
            return result
        name = ACTIVATION.format(layer.name)
        return keras.layers.Activation(original.activation, name=name)(result)

    return call


def _folded_into(found: Links, name: str) -> str | None:
    """The product that a batch normalization goes into; None for any other layer."""
    import keras

    layer: Any = found.layers[name]
    if not isinstance(layer, keras.layers.BatchNormalization) or len(found.before[name]) != 1:
        return None
    owner = found.layers[found.before[name][0]]
    linear = is_product(owner) and owner.activation is keras.activations.linear
    if not linear or found.only(owner.name) is not layer:
        return None
    rank = len(owner.output.shape)
    return str(owner.name) if getattr(layer, "axis", -1) in (-1, rank - 1) else None


def _weights(layer: Any, norm: Any | None) -> list[Kernel]:
    """Kernel and bias of a product with the normalization after it."""
    weights = layer.get_weights()
    kernel = weights[0]
    bias = weights[1] if layer.use_bias else np.zeros(layer.output.shape[-1], np.float32)
    if norm is None:
        return [kernel, bias]
    mean, variance = (np.asarray(v, np.float64) for v in (norm.moving_mean, norm.moving_variance))
    factor = 1 / np.sqrt(variance + norm.epsilon)
    if norm.scale:
        factor = factor * np.asarray(norm.gamma)
    shift = (bias - mean) * factor + (np.asarray(norm.beta) if norm.center else 0)
    return [scale_outputs(layer, kernel, factor), shift.astype(np.float32)]


def scale_outputs(layer: Any, kernel: Kernel, factor: NDArray[np.float64]) -> Kernel:
    """Multiply the weights of each output channel by its factor."""
    if type(layer).__name__ == "DepthwiseConv2D":
        factor = factor.reshape(kernel.shape[2:])
    return np.asarray(kernel * factor, np.float32)


def scale_inputs(layer: Any, kernel: Kernel, factor: NDArray[np.float64]) -> Kernel:
    """Multiply the weights of each input channel by its factor.

    A dense layer after a flattened tensor has each channel many times, innermost.
    """
    count = kernel.shape[-2] if type(layer).__name__ != "Dense" else len(kernel)
    return np.asarray(kernel * np.resize(factor, count)[:, None], np.float32)


def output_ranges(layer: Any, kernel: Kernel) -> NDArray[np.float64]:
    """Largest weight of each output channel: float64 [channels]."""
    last = 2 if type(layer).__name__ == "DepthwiseConv2D" else 1
    sizes = np.abs(kernel).max(axis=tuple(range(kernel.ndim - last)))
    return np.asarray(sizes.reshape(-1), np.float64)


def input_ranges(layer: Any, kernel: Kernel, channels: int) -> NDArray[np.float64]:
    """Largest weight of each of the input channels: float64 [channels]."""
    rows = np.abs(kernel).max(axis=-1).reshape(-1, channels)
    return np.asarray(rows.max(axis=0), np.float64)
