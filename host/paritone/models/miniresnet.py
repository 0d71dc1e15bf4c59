"""MiniResNet v1 and v2: a ResNet stem and one to three stacks of two residual blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paritone.errors import ConfigError

if TYPE_CHECKING:
    import keras

FIRST_FILTERS = 64
BATCH_NORM_EPSILON = 1.001e-5
VERSIONS = ("v1", "v2")
POOLINGS = (None, "avg", "max")


def miniresnet(
    n_stacks: int,
    version: str,
    n_classes: int,
    input_shape: tuple[int, int, int] = (64, 96, 1),
    pooling: str | None = "avg",
    dropout: float = 0.0,
    activation: str = "softmax",
) -> keras.Model:
    """Build a MiniResNet with random weights and a dense head.

    Parameters
    ----------
    n_stacks : int > 0
        Stack i has 64 * 2**i filters and halves height and width.
    version : "v1" or "v2"
        Normalisation after each convolution, or before it (pre-activation).
    n_classes : int > 0
        Outputs of the head.
    input_shape : (n_mels, patch_length, 1)
    pooling : None, "avg" or "max"
        Global pooling before the head; None flattens.
    dropout : float in [0, 1)
        Applied before the head while training.
    activation : of the head, "sigmoid" for several labels a clip

    Raises
    ------
    ConfigError
        An argument outside these ranges.
    """
    from keras import Input, Model, layers

    _check(n_stacks, version, pooling)
    inputs = Input(input_shape)
    x = _stem(inputs, normalise=version == "v1")
    stack = _stack_v1 if version == "v1" else _stack_v2
    for i in range(n_stacks):
        x = stack(x, FIRST_FILTERS * 2**i, f"conv{i + 2}")
    if version == "v2":
        x = _batch_norm_relu(x, "post")
    x = _pool(x, pooling)
    if dropout:
        x = layers.Dropout(dropout, name="dropout")(x)
    outputs = layers.Dense(n_classes, activation=activation, name="head")(x)
    return Model(inputs, outputs, name=f"miniresnet{version}_{n_stacks}_stacks")


def _check(n_stacks: int, version: str, pooling: str | None) -> None:
    if n_stacks < 1:
        raise ConfigError(f"training.model.n_stacks: expected an integer > 0, got {n_stacks!r}")
    if version not in VERSIONS:
        raise ConfigError(f"training.model.version: expected one of {VERSIONS}, got {version!r}")
    if pooling not in POOLINGS:
        raise ConfigError(f"training.model.pooling: expected one of {POOLINGS}, got {pooling!r}")


def _batch_norm_relu(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    from keras import layers

    x = layers.BatchNormalization(epsilon=BATCH_NORM_EPSILON, name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def _stem(x: keras.KerasTensor, normalise: bool) -> keras.KerasTensor:
    from keras import layers

    x = layers.ZeroPadding2D(3, name="conv1_pad")(x)
    x = layers.Conv2D(FIRST_FILTERS, 7, 2, name="conv1_conv")(x)
    if normalise:
        x = _batch_norm_relu(x, "conv1")
    x = layers.ZeroPadding2D(1, name="pool1_pad")(x)
    return layers.MaxPooling2D(3, 2, name="pool1_pool")(x)


def _pool(x: keras.KerasTensor, pooling: str | None) -> keras.KerasTensor:
    from keras import layers

    if pooling == "avg":
        return layers.GlobalAveragePooling2D(name="avg_pool")(x)
    if pooling == "max":
        return layers.GlobalMaxPooling2D(name="max_pool")(x)
    return layers.Flatten(name="flatten")(x)


def _stack_v1(x: keras.KerasTensor, filters: int, name: str) -> keras.KerasTensor:
    x = _block_v1(x, filters, 2, f"{name}_block1")
    return _block_v1(x, filters, 1, f"{name}_block2")


def _block_v1(x: keras.KerasTensor, filters: int, stride: int, name: str) -> keras.KerasTensor:
    """Post-activation block; the first of a stack (stride 2) has a convolution as its shortcut."""
    from keras import layers

    shortcut = x
    if stride > 1:
        shortcut = layers.Conv2D(filters, 1, stride, name=f"{name}_0_conv")(x)
        shortcut = layers.BatchNormalization(epsilon=BATCH_NORM_EPSILON, name=f"{name}_0_bn")(
            shortcut
        )
    x = layers.Conv2D(filters, 1, stride, name=f"{name}_1_conv")(x)
    x = _batch_norm_relu(x, f"{name}_1")
    x = layers.Conv2D(filters, 3, padding="same", name=f"{name}_2_conv")(x)
    x = _batch_norm_relu(x, f"{name}_2")
    x = layers.Add(name=f"{name}_add")([shortcut, x])
    return layers.ReLU(name=f"{name}_out")(x)


def _stack_v2(x: keras.KerasTensor, filters: int, name: str) -> keras.KerasTensor:
    x = _block_v2(x, filters, 1, True, f"{name}_block1")
    return _block_v2(x, filters, 2, False, f"{name}_block2")


def _block_v2(
    x: keras.KerasTensor, filters: int, stride: int, convolve_shortcut: bool, name: str
) -> keras.KerasTensor:
    """Pre-activation block; the last of a stack has the stride, its shortcut is subsampled."""
    from keras import layers

    active = _batch_norm_relu(x, f"{name}_preact")
    if convolve_shortcut:
        shortcut = layers.Conv2D(filters, 1, stride, name=f"{name}_0_conv")(active)
    else:
        shortcut = layers.MaxPooling2D(1, stride, name=f"{name}_0_pool")(x) if stride > 1 else x
    x = layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_1_conv")(active)
    x = _batch_norm_relu(x, f"{name}_1")
    x = layers.ZeroPadding2D(1, name=f"{name}_2_pad")(x)
    x = layers.Conv2D(filters, 3, stride, name=f"{name}_2_conv")(x)
    return layers.Add(name=f"{name}_out")([shortcut, x])
