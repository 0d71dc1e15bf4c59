"""Noise of each layer, against Keras' own outputs and the interpreter's; what would mend it."""

import re

import numpy as np
import pytest

from paritone.config.records import Quantization
from paritone.engine import tflite
from paritone.evaluation import layer_errors, remedies
from paritone.quantization.converter import convert, convert_float
from paritone.report import quantization as section
from zoo_config import FEATURES

SHAPE = (FEATURES["n_mels"], FEATURES["patch_length"], 1)


@pytest.fixture(scope="module")
def model():
    """Convolution, batch normalization, ReLU, depthwise, pointwise of uneven channels, dense."""
    import keras

    keras.utils.set_random_seed(1)
    inputs = keras.Input(SHAPE)
    x = keras.layers.Conv2D(6, 3, strides=2, name="stem")(inputs)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.ReLU(name="relu")(x)
    x = keras.layers.DepthwiseConv2D(3, activation="relu", name="depthwise")(x)
    x = keras.layers.Conv2D(8, 1, activation="relu", name="pointwise")(x)
    x = keras.layers.GlobalAveragePooling2D(name="mean")(x)
    network = keras.Model(inputs, keras.layers.Dense(3, name="head")(x))
    norm = network.get_layer("norm")
    norm.set_weights([np.linspace(0.5, 1.5, 6), np.linspace(-0.2, 0.4, 6), np.zeros(6), np.ones(6)])
    pointwise = network.get_layer("pointwise")
    kernel, bias = pointwise.get_weights()
    uneven = np.geomspace(1, 0.02, 8)
    pointwise.set_weights([kernel * uneven, bias])
    kernel, bias = network.get_layer("head").get_weights()
    network.get_layer("head").set_weights([kernel / uneven[:, None], bias])
    return network


@pytest.fixture(scope="module")
def patches():
    return np.random.default_rng(0).normal(-1, 2, (12, *SHAPE[:2])).astype(np.float32)


@pytest.fixture(scope="module")
def float_content(model):
    return convert_float(model)


@pytest.fixture(scope="module")
def found(model, patches, float_content):
    """What was measured, with a scale a tensor and with one a channel."""
    names = [layer.name for layer in model.layers]
    return {
        per_channel: layer_errors.compare(
            float_content,
            convert(model, patches, "int8", "int8", per_channel=per_channel),
            patches,
            names,
        )
        for per_channel in (False, True)
    }


def _by_keras(model, name, patches):
    """Output of a layer, batch normalization and activation included, by Keras."""
    import keras

    last = {"stem": "relu"}.get(name, name)
    part = keras.Model(model.input, model.get_layer(last).output)
    return np.asarray(part(patches[..., None], training=False), np.float64)


def _by_interpreter(content, patches, wanted):
    """Real values of the first output of an operator, by TensorFlow Lite's reference kernels."""
    import tensorflow as tf

    interpreter = tf.lite.Interpreter(
        model_content=content,
        experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_REF,
        experimental_preserve_all_tensors=True,
    )
    interpreter.allocate_tensors()
    (info,) = interpreter.get_input_details()
    details = {tensor["index"]: tensor for tensor in interpreter.get_tensor_details()}
    output = details[interpreter._get_ops_details()[wanted]["outputs"][0]]
    rows = []
    for patch in patches:
        scale, zero = info["quantization"]
        codes = np.clip(np.round(patch / scale + zero), -128, 127).astype(np.int8)
        interpreter.set_tensor(info["index"], codes.reshape(info["shape"]))
        interpreter.invoke()
        scale, zero = output["quantization"]
        rows.append((interpreter.get_tensor(output["index"]).astype(np.float64) - zero) * scale)
    return np.concatenate(rows)


def test_snr_is_that_of_keras_against_the_interpreter(model, patches, found):
    content = convert(model, patches, "int8", "int8", per_channel=False)
    assert [layer["name"] for layer in found[False]["layers"]] == [
        "stem+norm+relu",
        "depthwise",
        "pointwise",
        "mean",
        "fully_connected",
    ], "and the fused ones are said"
    for index, name in enumerate(("stem", "depthwise", "pointwise", "mean", "head")):
        real = _by_keras(model, name, patches)
        error = real - _by_interpreter(content, patches, index)
        wanted = 10 * np.log10((real**2).sum() / (error**2).sum())
        layer = found[False]["layers"][index]
        assert layer["snr_db"] == pytest.approx(wanted, abs=0.01)
        channels = tuple(range(real.ndim - 1))
        alive = (real**2).sum(axis=channels) > 0
        shares = (real**2).sum(axis=channels)[alive] / (error**2).sum(axis=channels)[alive]
        assert layer["worst_channel_db"] == pytest.approx(10 * np.log10(shares.min()), abs=0.02)
        assert layer["peak"] == pytest.approx(np.abs(real).max(), rel=1e-5)
    assert found[False]["unmatched"] == []


def test_uneven_channels_are_named_and_a_scale_a_channel_mends_them(found):
    """What is foretold of per_channel is what per_channel then gives."""
    before, after = ({one["name"]: one for one in found[k]["layers"]} for k in (False, True))
    for name in ("stem+norm+relu", "depthwise", "pointwise", "fully_connected"):
        foretold = before[name]["weights_per_channel_db"]
        assert after[name]["weights_db"] == pytest.approx(foretold, abs=0.5)
    assert before["pointwise"]["channel_spread"] > 3
    told = remedies.of(found[False]["layers"], Quantization(granularity="per_tensor"))
    advised = {one["layer"]: one for one in told["remedies"]}
    assert "quantization.granularity: per_channel" in advised["pointwise"]["try"]
    assert re.search(r"would keep \d\d\.\d instead of \d\d\.\d dB", advised["pointwise"]["because"])


def test_values_outside_of_the_calibrated_range_are_named(model, patches, float_content):
    content = convert(model, patches / 4, "int8", "int8")
    names = [layer.name for layer in model.layers]
    layers = layer_errors.compare(float_content, content, patches, names)["layers"]
    (head,) = (layer for layer in layers if layer["kind"] == "FULLY_CONNECTED")
    real = _by_keras(model, "head", patches)
    low, high = head["range"]
    step = (high - low) / 255
    outside = (real < low - step / 2) | (real > high + step / 2)
    assert head["clipped"] == pytest.approx(outside.mean())
    told = remedies.of(layers, Quantization())
    assert told["worst"][0] == told["remedies"][0]["layer"]
    assert "calibration" in told["remedies"][0]["try"][0]
    assert f"{high:.3g}" in " ".join(one["because"] for one in told["remedies"])


def test_layers_without_a_twin_are_told(model, patches, float_content):
    import keras

    shorter = keras.Model(model.inputs, model.get_layer("mean").output)
    content = convert(model, patches, "int8", "int8")
    pairs, unmatched = layer_errors.match(
        tflite.parse(convert_float(shorter)), tflite.parse(content)
    )
    assert [op.kind for op in unmatched] == ["FULLY_CONNECTED"]
    assert [one.kind for one, _ in pairs] == [other.kind for _, other in pairs]


def test_the_section_names_layers_and_draws_them(found, tmp_path):
    told = remedies.of(found[False]["layers"], Quantization(granularity="per_tensor"))
    part = section.section({**found[False], **told}, tmp_path)
    assert (tmp_path / "quantization_error.png").read_bytes().startswith(b"\x89PNG")
    assert [row[0].split()[1] for row in part.tables[-1].rows] == [
        layer["name"] for layer in found[False]["layers"]
    ]
    assert part.tables[0].rows[0][0] == told["remedies"][0]["layer"]
    assert told["worst"][0] in part.texts[0]
    assert section.section({}, tmp_path).empty
