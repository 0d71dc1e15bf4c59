"""The model that ships: a small depthwise-separable network for a microcontroller.

Every layer's input and output together fit in 80 KiB as int8, so that the network runs layer by
layer in the main memory of an STM32F405.
"""

from __future__ import annotations

import keras
from keras import layers

STEM_FILTERS = 24
# (filters, stride) of the blocks after the stem; equal filters and no stride make a residual block
BLOCKS = (
    (64, 1),
    (64, 1),
    (128, 2),
    (128, 1),
    (128, 1),
    (160, 2),
    (160, 1),
)


def get_custom_model(
    num_classes: int,
    input_shape: tuple[int, int, int],
    dropout: float = 0.0,
    pretrained_weights: bool = False,
) -> keras.Model:
    """Build the network; `paritone run` calls this in the mode `training`.

    Parameters
    ----------
    num_classes : int > 0
    input_shape : (n_mels, patch_length, 1)
    dropout : float in [0, 1)
        Applied before the head while training.
    pretrained_weights : bool
        There are none: True is refused.
    """
    if pretrained_weights:
        raise ValueError("there are no pretrained weights for this model")
    inputs = keras.Input(input_shape)
    x = layers.Conv2D(STEM_FILTERS, 3, 2, padding="same", use_bias=False)(inputs)
    x = layers.ReLU()(_normalise(x))
    x = layers.MaxPooling2D(2)(_block(x, STEM_FILTERS, 1, residual=False))
    for filters, stride in BLOCKS:
        x = _block(x, filters, stride, residual=stride == 1 and filters == x.shape[-1])
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(dropout)(x)
    return keras.Model(inputs, layers.Dense(num_classes, activation="softmax")(x), name="dscnn")


def _block(x: keras.KerasTensor, filters: int, stride: int, residual: bool) -> keras.KerasTensor:
    """Convolve each channel in 3 x 3, mix the channels, and add the input if `residual`."""
    y = layers.DepthwiseConv2D(3, stride, padding="same", use_bias=False)(x)
    y = layers.ReLU()(_normalise(y))
    y = _normalise(layers.Conv2D(filters, 1, use_bias=False)(y))
    return layers.ReLU()(layers.Add()([x, y]) if residual else y)


def _normalise(x: keras.KerasTensor) -> keras.KerasTensor:
    """Batch normalisation that follows its few batches an epoch quickly."""
    return layers.BatchNormalization(momentum=0.9)(x)
