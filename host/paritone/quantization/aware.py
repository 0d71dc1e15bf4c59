"""Quantization-aware fine-tuning: a few epochs in which a float model computes as int8 will.

Weights are rounded as the converter rounds them, symmetric and to a scale a channel or a tensor;
activations to 256 steps between bounds that are learned with them. Gradients pass through the
rounding (B. Jacob et al., "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference", CVPR 2018, section 3). The float model itself is the teacher:
the outputs are brought back to its own, so that clips are all it takes, and no labels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from paritone.errors import ModelError
from paritone.progress import track
from paritone.quantization import folding
from paritone.quantization.folding import Links

if TYPE_CHECKING:
    import keras

BOUNDS_PATCHES = 64
"""Patches from which the bounds of activations start, evenly spread over those given."""
BOUNDS = "{}_bounds"
_SAME_SCALE = (
    "AveragePooling2D",
    "Cropping2D",
    "Dropout",
    "Flatten",
    "MaxPooling2D",
    "Permute",
    "Reshape",
    "SpatialDropout2D",
    "ZeroPadding2D",
)
"""Layers whose output has the scale of their input in TensorFlow Lite."""
_FIXED = ("softmax", "sigmoid", "tanh")
"""Activations whose scale TensorFlow Lite fixes."""


@dataclass(frozen=True)
class Schedule:
    """How a model is fine-tuned; `seed` orders the patches, None: another order each time."""

    epochs: int
    learning_rate: float
    batch_size: int
    seed: int | None


@dataclass(frozen=True)
class Tuned:
    """What came of a model.

    Attributes
    ----------
    model : to be converted. With a scale a channel the learned bounds are in it, which the
        converter takes for its scales; then it knows no scale a tensor, so that with one `model` is
        `twin`, whose weights the converter finds on its own grid, and activations are calibrated
    twin : without bounds: float but for its weights, which are those of the int8 model
    losses : the mean of each epoch
    """

    model: keras.Model
    twin: keras.Model
    losses: list[float]


def fine_tune(
    model: keras.Model,
    patches: NDArray[np.float32],
    schedule: Schedule,
    *,
    per_channel: bool = True,
) -> Tuned:
    """Fine-tune a float model for quantization.

    Parameters
    ----------
    patches : float32 [n, n_mels, patch_length]
    per_channel : whether weights have a scale for each output channel, or one for all of them

    Raises
    ------
    ModelError
        A batch normalization does not follow a convolution, and cannot be folded.
    """
    import keras
    import tensorflow as tf

    inputs = patches.reshape(-1, *model.input_shape[1:])
    twin = folding.fold(model)
    student = bounded(twin, inputs[_spread(len(inputs))])
    products = [layer for layer in student.layers if folding.is_product(layer)]
    optimizer = keras.optimizers.Adam(schedule.learning_rate)
    optimizer.build(student.trainable_variables)
    loss_of = _loss(twin)

    @tf.function
    def step(batch: Any, wanted: Any) -> Any:
        with tf.GradientTape() as tape:
            kernels = [
                (one.kernel, rounded(one, one.kernel.value, per_channel=per_channel))
                for one in products
            ]
            with keras.StatelessScope(state_mapping=kernels):
                loss = tf.reduce_mean(loss_of(wanted, student(batch, training=False)))
        variables = student.trainable_variables
        optimizer.apply_gradients(
            zip(tape.gradient(loss, [v.value for v in variables]), variables, strict=True)
        )
        return loss

    losses = _epochs(step, inputs, _teach(model, inputs, schedule.batch_size), schedule)
    for layer in products:
        kernel, bias = layer.get_weights()
        kernel = np.asarray(rounded(layer, tf.constant(kernel), per_channel=per_channel))
        layer.set_weights([kernel, bias])
        twin.get_layer(layer.name).set_weights([kernel, bias])
    return Tuned(student if per_channel else twin, twin, losses)


def _spread(count: int) -> NDArray[np.int64]:
    return np.unique(np.linspace(0, count - 1, BOUNDS_PATCHES).round().astype(np.int64))


def _epochs(
    step: Callable[..., Any],
    inputs: NDArray[np.float32],
    wanted: NDArray[np.float32],
    schedule: Schedule,
) -> list[float]:
    rng, size = np.random.default_rng(schedule.seed), schedule.batch_size
    per_epoch = -(-len(inputs) // size)

    def batches() -> Iterator[tuple[int, NDArray[np.int64]]]:
        for epoch in range(schedule.epochs):
            order = rng.permutation(len(inputs))
            yield from ((epoch, order[i : i + size]) for i in range(0, len(order), size))

    sums = np.zeros(schedule.epochs)
    title = "Fine-tuning for quantization"
    for epoch, chosen in track(batches(), title, per_epoch * schedule.epochs):
        sums[epoch] += float(step(inputs[chosen], wanted[chosen])) * len(chosen)
    return [float(one) for one in sums / len(inputs)]


def _teach(model: keras.Model, inputs: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Outputs of the float model."""
    batches = (inputs[i : i + size] for i in range(0, len(inputs), size))
    return np.concatenate([np.asarray(model(batch, training=False)) for batch in batches])


def _loss(plain: keras.Model) -> Callable[..., Any]:
    """Cross-entropy against the teacher's scores, whatever they are of; else squares."""
    import keras

    last = plain.output._keras_history.operation
    kind = _activation(last)
    if kind == "softmax":
        return keras.losses.categorical_crossentropy
    return (
        keras.losses.binary_crossentropy if kind == "sigmoid" else keras.losses.mean_squared_error
    )


def _activation(layer: Any) -> str:
    name = layer.activation.__name__ if hasattr(layer, "activation") else type(layer).__name__
    return str(name).lower()


def bounded(plain: keras.Model, inputs: NDArray[np.float32]) -> keras.Model:
    """Return a copy of a folded model with bounds after all that int8 stores with a scale.

    Parameters
    ----------
    inputs : float32 [n, *input], whose extremes the bounds start from
    """
    import keras

    found = folding.links(plain)
    places = [name for name in found.layers if _stored(found, name)]
    probe = keras.Model(plain.input, [plain.get_layer(name).output for name in places])
    outputs = keras.tree.flatten(probe(inputs, training=False))
    extremes = {
        name: (float(np.min(output)), float(np.max(output)))
        for name, output in zip(places, outputs, strict=True)
    }

    def bound(name: str, result: Any) -> Any:
        if name not in extremes:
            return result
        return _bounds_layer()(*extremes[name], name=BOUNDS.format(name))(result)

    first = next(name for name, before in found.before.items() if not before)
    given: list[Any] = []  # the input within its bounds, made when the first layer reads it

    def call(layer: Any, *arguments: Any, **named: Any) -> Any:
        if found.before[layer.name] == [first]:
            if not given:
                given.append(bound(first, arguments[0]))
            arguments = (given[0], *arguments[1:])
        return bound(layer.name, layer(*arguments, **named))

    copied = folding.rebuild(plain, lambda layer: type(layer).from_config(layer.get_config()), call)
    for layer in plain.layers:
        if layer.weights:
            copied.get_layer(layer.name).set_weights(layer.get_weights())
    return copied


def _stored(found: Links, name: str) -> bool:
    """Whether int8 stores what a layer gives with a scale of its own."""
    layer, after = found.layers[name], found.only(name)
    kind = type(layer).__name__
    if kind == "BatchNormalization":
        raise ModelError(
            f"quantization_type QAT: {name} (BatchNormalization) does not follow a convolution or "
            "dense layer alone, into which it could be folded; use PTQ"
        )
    if kind in _SAME_SCALE or (kind == "Activation" and _activation(layer) == "linear"):
        return False
    if _activation(layer) in _FIXED and not folding.is_product(layer):
        return False
    fusing = folding.is_product(layer) or kind in ("Add", "Subtract", "Multiply")
    fused = after is not None and _activation(_beyond(found, name)) in ("relu", "relu6")
    return not (fusing and fused)


def _beyond(found: Links, name: str) -> Any:
    """The next layer that is not a normalization's empty place; the layer itself at the end."""
    layer = found.layers[name]
    after = found.only(name)
    while after is not None:
        layer = after
        if _activation(layer) != "linear" or type(layer).__name__ != "Activation":
            return layer
        after = found.only(layer.name)
    return layer


def rounded(layer: Any, kernel: Any, *, per_channel: bool = True) -> Any:
    """Weights as int8 holds them: symmetric, the largest of a channel or of all at ±127."""
    import tensorflow as tf

    if not per_channel:
        largest = tf.stop_gradient(tf.reduce_max(tf.abs(kernel)))
        most = tf.where(largest > 0, largest, 1.0)
        return tf.quantization.fake_quant_with_min_max_vars(
            kernel, -most, most, num_bits=8, narrow_range=True
        )
    shape = kernel.shape
    if type(layer).__name__ == "DepthwiseConv2D":
        kernel = tf.reshape(kernel, (*shape[:2], shape[2] * shape[3]))
    axes = list(range(len(kernel.shape) - 1))
    most = tf.stop_gradient(tf.reduce_max(tf.abs(kernel), axis=axes))
    most = tf.where(most > 0, most, tf.ones_like(most))
    result = tf.quantization.fake_quant_with_min_max_vars_per_channel(
        kernel, -most, most, num_bits=8, narrow_range=True
    )
    return tf.reshape(result, shape)


@cache
def _bounds_layer() -> Any:
    import keras
    import tensorflow as tf

    class Bounds(keras.layers.Layer):
        """Rounds to 256 steps between two learned bounds, zero among the steps."""

        def __init__(self, low: float, high: float, **named: Any) -> None:
            super().__init__(**named)
            constant = keras.initializers.Constant
            self.low = self.add_weight(shape=(), initializer=constant(min(low, 0.0)), name="low")
            self.high = self.add_weight(
                shape=(), initializer=constant(max(high, 1e-6)), name="high"
            )

        def call(self, values: Any) -> Any:
            low, high = tf.minimum(self.low.value, 0.0), tf.maximum(self.high.value, 1e-6)
            return tf.quantization.fake_quant_with_min_max_vars(values, low, high, num_bits=8)

    return Bounds
