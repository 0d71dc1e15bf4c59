"""YAMNet: a MobileNet-v1-like stack on log-mel patches, as the zoo's 256, 512 and 1024 variants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paritone.errors import ConfigError

if TYPE_CHECKING:
    import keras

STEM_FILTERS = 32
# (filters, stride) of the depthwise-separable blocks; a variant ends with its embedding's width.
BLOCKS = (
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (1024, 2),
    (1024, 1),
)
EMBEDDING_SIZES = (256, 512, 1024)
BATCH_NORM_EPSILON = 1e-4


def yamnet(
    embedding_size: int,
    n_classes: int,
    input_shape: tuple[int, int, int] = (64, 96, 1),
    dropout: float = 0.0,
    activation: str = "softmax",
) -> keras.Model:
    """Build YAMNet with random weights and a dense head.

    Parameters
    ----------
    embedding_size : 256, 512 or 1024
        Width of the last block: 256 ends after the sixth layer, 1024 after the fourteenth.
    n_classes : int > 0
        Outputs of the head.
    input_shape : (n_mels, patch_length, 1)
        A log-mel patch; the network itself works on (patch_length, n_mels, 1).
    dropout : float in [0, 1)
        Applied to the embedding while training.
    activation : of the head, "sigmoid" for several labels a clip

    Raises
    ------
    ConfigError
        `embedding_size` is none of the three.
    """
    from keras import Input, Model, layers

    inputs = Input(input_shape)
    x = layers.Permute((2, 1, 3), name="permute")(inputs)
    x = _convolution(x, "layer1_conv", STEM_FILTERS, 3, 2)
    for number, (filters, stride) in enumerate(_blocks(embedding_size), start=2):
        x = _depthwise(x, f"layer{number}_depthwise_conv", stride)
        x = _convolution(x, f"layer{number}_pointwise_conv", filters, 1, 1)
    x = layers.GlobalAveragePooling2D(name="embedding")(x)
    if dropout:
        x = layers.Dropout(dropout, name="dropout")(x)
    outputs = layers.Dense(n_classes, activation=activation, name="head")(x)
    return Model(inputs, outputs, name=f"yamnet_{embedding_size}")


def _blocks(embedding_size: int) -> tuple[tuple[int, int], ...]:
    if embedding_size not in EMBEDDING_SIZES:
        raise ConfigError(
            f"training.model.embedding_size: expected one of {EMBEDDING_SIZES}, "
            f"got {embedding_size!r}"
        )
    return tuple(block for block in BLOCKS if block[0] <= embedding_size)


def _convolution(
    x: keras.KerasTensor, name: str, filters: int, kernel: int, stride: int
) -> keras.KerasTensor:
    from keras import layers

    x = layers.Conv2D(filters, kernel, stride, padding="same", use_bias=False, name=name)(x)
    return _normalise(x, name)


def _depthwise(x: keras.KerasTensor, name: str, stride: int) -> keras.KerasTensor:
    from keras import layers

    x = layers.DepthwiseConv2D(3, stride, padding="same", use_bias=False, name=name)(x)
    return _normalise(x, name)


def _normalise(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """Batch normalisation without a learned gain, then ReLU: what the published weights expect."""
    from keras import layers

    x = layers.BatchNormalization(epsilon=BATCH_NORM_EPSILON, scale=False, name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x)
