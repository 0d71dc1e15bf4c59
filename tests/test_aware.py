"""Quantization-aware fine-tuning: int8 is what was trained, and comes back to the float model."""

import numpy as np
import pytest

from paritone.config.checks import check
from paritone.engine import tflite
from paritone.errors import ConfigError, ModelError
from paritone.quantization import aware
from paritone.quantization.converter import convert
from paritone.tflite_reference import Reference, dequantize, quantize_input
from zoo_config import FEATURES, make_config

SHAPE = (FEATURES["n_mels"], FEATURES["patch_length"], 1)
SCHEDULE = aware.Schedule(epochs=8, learning_rate=2e-3, batch_size=16, seed=1)
PRODUCTS = ("stem", "depthwise", "pointwise", "head")


@pytest.fixture(scope="module")
def model():
    """Normalization, a residual sum, a maximum, channels uneven."""
    import keras

    keras.utils.set_random_seed(3)
    inputs = keras.Input(SHAPE)
    x = keras.layers.Permute((2, 1, 3))(inputs)
    x = keras.layers.Conv2D(8, 3, strides=2, use_bias=False, name="stem")(x)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.ReLU()(x)
    y = keras.layers.DepthwiseConv2D(3, padding="same", activation="relu", name="depthwise")(x)
    y = keras.layers.Conv2D(8, 1, name="pointwise")(y)
    x = keras.layers.ReLU()(keras.layers.Add()([x, y]))
    x = keras.layers.MaxPooling2D(2)(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    network = keras.Model(inputs, keras.layers.Dense(3, activation="softmax", name="head")(x))
    uneven = np.geomspace(1, 0.003, 8)
    kernel, bias = network.get_layer("depthwise").get_weights()
    network.get_layer("depthwise").set_weights([kernel * uneven[:, None], bias])
    kernel, bias = network.get_layer("pointwise").get_weights()
    network.get_layer("pointwise").set_weights([kernel / uneven[:, None] * 0.3, bias])
    return network


@pytest.fixture(scope="module")
def patches():
    return np.random.default_rng(0).normal(-1, 2, (96, *SHAPE[:2])).astype(np.float32)


@pytest.fixture(scope="module")
def tuned(model, patches):
    """What fine-tuning made, and the int8 model of it."""
    found = aware.fine_tune(model, patches, SCHEDULE)
    return found, convert(found.model, patches, "int8", "int8")


def _scores(content, patches):
    reference = Reference(content)
    codes = quantize_input(patches, np.int8, *reference.input["quantization"])
    outputs = np.concatenate([reference.invoke(patch) for patch in codes])
    return dequantize(outputs, *reference.output["quantization"])


def _same_weights(found, content):
    """Check that int8 holds the weights that were trained; return the graph and its products."""
    graph = tflite.parse(content)
    kinds = {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"}
    operations = [op for op in graph.ops if op.kind in kinds]
    for name, op in zip(PRODUCTS, operations, strict=True):
        weights = graph.tensors[op.inputs[1]]
        kernel = found.twin.get_layer(name).get_weights()[0]
        if op.kind == "CONV_2D":
            kernel = np.moveaxis(kernel, 3, 0)
        elif op.kind == "DEPTHWISE_CONV_2D":
            kernel = kernel.reshape(1, *kernel.shape[:3])
        else:
            kernel = kernel.T
        shape = [1] * kernel.ndim
        shape[weights.quantized_axis] = len(weights.scales)
        real = weights.data * np.reshape(weights.scales, shape)
        np.testing.assert_allclose(real, kernel, rtol=1e-5, atol=1e-9)
    return graph, operations


def test_int8_holds_what_was_trained(tuned, patches):
    """Weights, their scales and those of activations; and the interpreter's scores."""
    found, content = tuned
    graph, operations = _same_weights(found, content)
    bounds = [layer for layer in found.model.layers if layer.name.endswith("_bounds")]
    steps = {float(b.high.numpy() - min(b.low.numpy(), 0)) / 255 for b in bounds}
    stored = {graph.tensors[op.outputs[0]].scale for op in operations} | {graph.input.scale}
    for scale in stored:
        assert min(abs(scale / step - 1) for step in steps) < 1e-4
    trained = np.asarray(found.model(patches[..., None], training=False))
    # One step of the scores, and what a step of the sums before them makes of that.
    assert np.abs(_scores(content, patches) - trained).max() < 0.03


def test_what_quantization_lost_comes_back(tuned, model, patches):
    found, content = tuned
    wanted = np.asarray(model(patches[..., None], training=False))
    assert float(np.square(_scores(content, patches) - wanted).mean()) < 1e-4
    assert len(found.losses) == SCHEDULE.epochs


def test_a_scale_a_tensor(model, patches):
    """The converter finds every weight on its grid, and most of what PTQ lost is back."""
    wanted = np.asarray(model(patches[..., None], training=False))
    found = aware.fine_tune(model, patches, SCHEDULE, per_channel=False)
    content, plain = (
        convert(one, patches, "int8", "int8", per_channel=False) for one in (found.model, model)
    )
    graph, operations = _same_weights(found, content)
    assert {len(graph.tensors[op.inputs[1]].scales) for op in operations} == {1}
    lost, left = (float(np.square(_scores(c, patches) - wanted).mean()) for c in (plain, content))
    assert left < lost / 5


def test_it_repeats_itself(model, patches):
    schedule = aware.Schedule(epochs=1, learning_rate=1e-3, batch_size=32, seed=7)
    first, second = (
        aware.fine_tune(model, patches[:32], schedule).twin.get_weights() for _ in range(2)
    )
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_normalization_that_cannot_be_folded_is_refused(patches):
    import keras

    inputs = keras.Input(SHAPE)
    x = keras.layers.BatchNormalization(name="alone")(inputs)
    x = keras.layers.GlobalAveragePooling2D()(x)
    with pytest.raises(ModelError, match=r"alone .*could be folded"):
        aware.fine_tune(keras.Model(inputs, keras.layers.Dense(2)(x)), patches, SCHEDULE)


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({"quantization_type": "QAT"}, "QAT needs clips to fine-tune on"),
        ({"quantization_type": "QAT", "quantizer": "onnx_quantizer"}, "needs quantizer TFlite"),
    ],
    ids=["no clips", "onnx"],
)
def test_what_it_needs_is_told(tmp_path, section, told):
    path = tmp_path / "model.h5"
    path.touch()
    config = make_config("quantization", general={"model_path": path}, quantization=section)
    with pytest.raises(ConfigError, match=told):
        check(config)
