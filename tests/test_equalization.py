"""Float weights reshaped for one scale a tensor: the function stays, the channels even out."""

import numpy as np
import pytest

from paritone.errors import ConfigError
from paritone.evaluation import layer_errors
from paritone.models import onnx_export
from paritone.quantization import equalization, folding, make
from paritone.quantization.converter import convert_float
from zoo_config import FEATURES, make_config

SHAPE = (FEATURES["n_mels"], FEATURES["patch_length"], 1)


def _uneven(layer, seed):
    """Give a layer's output channels weights of very different sizes."""
    kernel, *rest = layer.get_weights()
    shape = kernel.shape[2:] if "Depthwise" in type(layer).__name__ else kernel.shape[-1:]
    factor = np.exp(np.random.default_rng(seed).normal(0, 1.2, shape))
    layer.set_weights([kernel * factor, *rest])


@pytest.fixture(scope="module", params=["relu", "relu6"])
def model(request):
    """A stem with normalization, a depthwise and a pointwise layer, a sum, a dense softmax."""
    import keras

    keras.utils.set_random_seed(2)
    cut = 6.0 if request.param == "relu6" else None
    inputs = keras.Input(SHAPE)
    x = keras.layers.Conv2D(6, 3, strides=2, use_bias=False, name="stem")(inputs)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.ReLU(max_value=cut)(x)
    x = keras.layers.MaxPooling2D(2)(x)
    x = keras.layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x)
    x = keras.layers.ReLU(max_value=cut)(x)
    x = keras.layers.Conv2D(8, 1, activation=request.param, name="pointwise")(x)
    y = keras.layers.Conv2D(8, 1, name="beside")(x)
    x = keras.layers.Add(name="sum")([x, y])
    x = keras.layers.GlobalAveragePooling2D()(x)
    network = keras.Model(inputs, keras.layers.Dense(3, activation="softmax", name="head")(x))
    rng = np.random.default_rng(3)
    network.get_layer("norm").set_weights(
        [rng.uniform(0.5, 2, 6), rng.normal(0, 0.5, 6), rng.normal(0, 0.5, 6), rng.uniform(1, 3, 6)]
    )
    for seed, name in enumerate(("stem", "depthwise", "pointwise")):
        _uneven(network.get_layer(name), seed)
    return network


@pytest.fixture(scope="module")
def patches():
    return np.random.default_rng(0).normal(-1, 2, (40, *SHAPE[:2])).astype(np.float32)


def _outputs(model, patches):
    return np.asarray(model(patches[..., None], training=False))


def test_folding_keeps_the_function(model, patches):
    """And leaves neither normalization nor activation inside of a product."""
    plain = folding.fold(model)
    np.testing.assert_allclose(_outputs(plain, patches), _outputs(model, patches), atol=2e-6)
    kinds = [type(layer).__name__ for layer in plain.layers]
    assert "BatchNormalization" not in kinds
    products = [layer for layer in plain.layers if folding.is_product(layer)]
    assert [layer.name for layer in products] == [
        "stem",
        "depthwise",
        "pointwise",
        "beside",
        "head",
    ]
    assert all(layer.use_bias and layer.activation.__name__ == "linear" for layer in products)


def test_pairs_are_found_and_the_others_explained(model):
    pairs, skipped = equalization.find_pairs(folding.links(folding.fold(model)))
    assert [(one.first, one.second) for one in pairs] == [
        ("stem", "depthwise"),
        ("depthwise", "pointwise"),
    ]
    assert {one.limit for one in pairs} in ({None}, {6.0})
    assert skipped == [
        "pointwise: 2 layers read pointwise_activation",
        "beside: sum (Add) joins it with others",
    ]


def test_equalization_keeps_the_function_and_evens_the_channels_out(model, patches):
    found = equalization.optimize(model, patches, per_channel=False)
    np.testing.assert_allclose(_outputs(found.twin, patches), _outputs(model, patches), atol=1e-5)
    plain = folding.fold(model)

    def spread(network, name):
        kernel = np.abs(network.get_layer(name).get_weights()[0])
        ranges = kernel.reshape(-1, kernel.shape[2] * kernel.shape[3]).max(axis=0)
        if name != "depthwise":
            ranges = kernel.max(axis=(0, 1, 2))
        return ranges.max() / np.median(ranges)

    before, after = (
        [spread(network, name) for name in ("stem", "depthwise")] for network in (plain, found.twin)
    )
    assert sum(after) < sum(before)
    if all(pair.limit is None for pair in found.pairs):
        # Each channel's largest weights are the same on both sides of it: Nagel et al., eq. 11.
        stem = np.abs(found.twin.get_layer("stem").get_weights()[0]).max(axis=(0, 1, 2))
        depthwise = np.abs(found.twin.get_layer("depthwise").get_weights()[0]).max(axis=(0, 1, 3))
        np.testing.assert_allclose(stem, depthwise, rtol=0.01)


def test_the_peaks_of_channels_come_nearer_to_each_other(model, patches):
    """Where weights have scales of their own: for nothing before a depthwise layer."""
    import keras

    found = equalization.optimize(model, patches, per_channel=True)
    np.testing.assert_allclose(_outputs(found.twin, patches), _outputs(model, patches), atol=1e-5)

    def shares(network, name):
        inputs = network.get_layer(name).input
        values = np.asarray(keras.Model(network.input, inputs)(patches[..., None], training=False))
        peaks = np.abs(values).max(axis=(0, 1, 2))
        return peaks / peaks.max()

    plain = folding.fold(model)
    for name, exponent in (("depthwise", 1.0), ("pointwise", equalization.EVENING)):
        share = shares(plain, name)
        if all(pair.limit is None for pair in found.pairs):
            expected = share / np.maximum(share**exponent, equalization.SMALLEST)
            np.testing.assert_allclose(shares(found.twin, name), expected, rtol=1e-4)
        assert shares(found.twin, name).min() >= share.min() > 0


@pytest.mark.parametrize("per_channel", [False, True])
def test_bias_correction_brings_the_means_back(model, patches, per_channel):
    """With weights rounded, each channel's mean is that of the float model again."""
    import keras

    inputs = patches[..., None]
    names = ("stem", "depthwise", "pointwise", "beside", "head")

    def means(network):
        outputs = [network.get_layer(name).output for name in names]
        found = keras.Model(network.input, outputs)(inputs, training=False)
        return [np.asarray(one).mean(axis=tuple(range(one.ndim - 1))) for one in found]

    def rounded(network):
        for name in names:
            kernel, bias = network.get_layer(name).get_weights()
            others = tuple(range(kernel.ndim - (2 if name == "depthwise" else 1)))
            step = np.abs(kernel).max(others if per_channel else None, keepdims=True) / 127
            network.get_layer(name).set_weights([np.round(kernel / step) * step, bias])
        return network

    wanted = means(folding.fold(model))
    corrected = folding.fold(model)
    equalization.correct_biases(corrected, inputs, per_channel=per_channel)
    for before, after, goal in zip(
        means(rounded(folding.fold(model))), means(rounded(corrected)), wanted, strict=True
    ):
        assert np.abs(before - goal).max() > 1e-4
        np.testing.assert_allclose(after, goal, atol=2e-5)


def _skewed(model):
    """What each channel means stays, and its size becomes very different from its neighbours'."""
    network = folding.fold(model)
    for seed, (first, second) in enumerate((("stem", "depthwise"), ("depthwise", "pointwise"))):
        before, after = network.get_layer(first), network.get_layer(second)
        (kernel, bias), (kernel_after, bias_after) = before.get_weights(), after.get_weights()
        factor = np.exp(np.random.default_rng(seed).uniform(-2, 2, len(bias)))
        shape = kernel.shape[2:] if first == "depthwise" else kernel.shape[-1:]
        before.set_weights([kernel / factor.reshape(shape), bias / factor])
        after.set_weights([kernel_after * factor[:, None], bias_after])
    return network


@pytest.mark.parametrize("granularity", ["per_tensor", "per_channel"])
def test_quantization_loses_less_with_optimize(model, patches, granularity, tmp_path, capfd):
    """From the configuration to the quantized model: closer to the float model's output."""
    model, path = _skewed(model), tmp_path / "float.keras"
    model.save(path)
    snr = {}
    for optimize in (False, True):
        section = {"granularity": granularity, "optimize": optimize}
        config = make_config("quantization", general={"model_path": path}, quantization=section)
        made = make(config)
        assert (made.twin is not None) == optimize
        twin = made.twin or convert_float(model)
        snr[optimize] = layer_errors.compare(twin, made.content, patches)["layers"][-1]["snr_db"]
    assert snr[True] > snr[False] + 1, snr
    told = capfd.readouterr().err
    assert "not equalized: beside: sum (Add) joins it with others" in told


def test_onnx_is_made_of_the_evened_model(model, patches, tmp_path):
    """From Keras; ONNX itself is refused in one line."""
    import onnxruntime

    model, path = _skewed(model), tmp_path / "float.keras"
    model.save(path)
    errors = {}
    for optimize in (False, True):
        section = {"quantizer": "onnx_quantizer", "granularity": "per_tensor", "optimize": optimize}
        config = make_config("quantization", general={"model_path": path}, quantization=section)
        session = onnxruntime.InferenceSession(make(config).content)
        name = session.get_inputs()[0].name
        scores = [session.run(None, {name: patch[None, ..., None]})[0] for patch in patches]
        errors[optimize] = np.square(np.concatenate(scores) - _outputs(model, patches)).mean()
    assert errors[True] < errors[False] / 2, errors
    exported = tmp_path / "float.onnx"
    exported.write_bytes(onnx_export.export(model, 17))
    config = make_config("quantization", general={"model_path": exported}, quantization=section)
    with pytest.raises(ConfigError, match=r"optimize: .*float\.onnx is ONNX; it works on the wei"):
        make(config)
