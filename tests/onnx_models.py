"""Float models in the size of a test: of Keras, and ONNX as PyTorch writes it."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo_config import FEATURES

BANDS, FRAMES = FEATURES["n_mels"], FEATURES["patch_length"]


def keras_model(classes: int = 3, seed: int = 1) -> Any:
    """Convolutions plain, depthwise and of uneven channels, a sum, pooling, a dense head."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(seed)
    inputs = keras.Input((BANDS, FRAMES, 1))
    # Named, as Keras numbers its own names through the process.
    x = layers.Conv2D(8, 3, strides=2, padding="same", name="conv2d")(inputs)
    x = layers.ReLU(name="re_lu")(layers.BatchNormalization(name="batch_normalization")(x))
    y = layers.DepthwiseConv2D(3, padding="same", activation="relu", name="depthwise_conv2d")(x)
    y = layers.Conv2D(8, 1, name="conv2d_1")(y)
    x = layers.ReLU(name="re_lu_1")(layers.Add(name="add")([x, y]))
    x = layers.MaxPooling2D(2, name="max_pooling2d")(x)
    x = layers.GlobalAveragePooling2D(name="global_average_pooling2d")(x)
    model = keras.Model(inputs, layers.Dense(classes, activation="softmax", name="dense")(x))
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        shapes = [weight.shape for weight in layer.get_weights()]
        spread = [0.05 + np.abs(rng.normal(0, 0.4, shape)) for shape in shapes]
        if isinstance(layer, layers.BatchNormalization):
            layer.set_weights(spread)
        elif shapes:
            layer.set_weights(
                [
                    rng.normal(0, 0.3, shape) * 2.0 ** rng.integers(-2, 2, shape[-1])
                    for shape in shapes
                ]
            )
    return model


def channels_first(
    batch: int | str = "batch", weights: list[Any] | None = None, opset: int = 17
) -> bytes:
    """A model on [batch, 1, n_mels, patch_length], as PyTorch exports it, written by hand."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    kernel, bias, dense, offset = weights or _weights()
    constants = {
        "kernel": kernel.transpose(3, 2, 0, 1), "bias": bias, "dense": dense.T, "offset": offset,
    }  # fmt: skip
    nodes = [
        helper.make_node(
            "Conv", ["patch", "kernel", "bias"], ["convolved"], "conv1",
            strides=[2, 2], pads=[1, 1, 1, 1],
        ),
        helper.make_node("Clip", ["convolved", "low", "high"], ["active"], "relu6"),
        helper.make_node("GlobalAveragePool", ["active"], ["mean"], "pool"),
        helper.make_node("Flatten", ["mean"], ["flat"], "flatten", axis=1),
        helper.make_node("Gemm", ["flat", "dense", "offset"], ["logits"], "fc", transB=1),
        helper.make_node("Softmax", ["logits"], ["scores"], "softmax", axis=-1),
    ]  # fmt: skip
    constants |= {"low": np.float32(0), "high": np.float32(6)}
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("patch", TensorProto.FLOAT, [batch, 1, BANDS, FRAMES])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [batch, len(offset)])],
        [
            numpy_helper.from_array(np.ascontiguousarray(v, np.float32), k)
            for k, v in constants.items()
        ],
    )
    opsets = [helper.make_opsetid("", opset)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def channels_last_twin() -> Any:
    """Keras' own computation of `channels_first`, without a batch dimension to get wrong."""
    import keras
    from keras import layers

    inputs = keras.Input((BANDS, FRAMES, 1))
    x = layers.ZeroPadding2D(1)(inputs)
    x = layers.ReLU(max_value=6)(layers.Conv2D(5, 3, strides=2)(x))
    x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, layers.Dense(3, activation="softmax")(x))
    model.set_weights(_weights())
    return model


def _weights() -> list[Any]:
    rng = np.random.default_rng(5)
    shapes = (3, 3, 1, 5), (5,), (5, 3), (3,)
    return [rng.normal(0, 0.6, shape).astype(np.float32) for shape in shapes]


def patches(count: int = 20, seed: int = 0) -> np.ndarray:
    """Noise as wide as log-mel: float32 [count, n_mels, patch_length], no two of one level."""
    rng = np.random.default_rng(seed)
    level = rng.normal(-1, 2, (count, 1, 1))
    return (level + rng.normal(0, 2, (count, BANDS, FRAMES))).astype(np.float32)
