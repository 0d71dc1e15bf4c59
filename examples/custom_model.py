"""The model that ships: a small depthwise-separable network for a microcontroller.

Every layer's input and output together fit in 80 KiB as int8, so that the network runs layer by
layer in the main memory of an STM32F405.
"""

from __future__ import annotations

import keras
from keras import layers

STEM_FILTERS = 16
# (filters, stride) of each depthwise-separable block
BLOCKS = (
    (32, 1),
    (64, 2),
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
    x = _normalise(layers.Conv2D(STEM_FILTERS, 3, 2, padding="same", use_bias=False)(inputs))
    for filters, stride in BLOCKS:
        x = _normalise(layers.DepthwiseConv2D(3, stride, padding="same", use_bias=False)(x))
        x = _normalise(layers.Conv2D(filters, 1, use_bias=False)(x))
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(dropout)(x)
    return keras.Model(inputs, layers.Dense(num_classes, activation="softmax")(x), name="dscnn")


def _normalise(x: keras.KerasTensor) -> keras.KerasTensor:
    return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
