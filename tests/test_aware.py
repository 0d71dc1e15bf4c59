"""Quantization-aware fine-tuning: int8 is what was trained, and comes back to the float model.

``PARITONE_CLIPS`` clips of ESC-10's fold 5 enlarge what is told of points lost and regained: the
shipped model then, fine-tuned on folds 1 to 4.
"""

import os

import numpy as np
import pytest

from paritone import config as configuration
from paritone import datasets
from paritone.config.checks import check
from paritone.datasets.clips import ClipStore
from paritone.engine import tflite
from paritone.errors import ConfigError, ModelError
from paritone.models.load import load_keras
from paritone.quantization import aware, equalization, folding
from paritone.quantization.converter import convert
from paritone.references.tflite import Reference, dequantize, quantize_input
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


@pytest.fixture(scope="module")
def tuned_per_tensor(model, patches):
    return aware.fine_tune(model, patches, SCHEDULE, per_channel=False)


def test_a_scale_a_tensor(tuned_per_tensor, patches):
    """The converter finds every weight on its grid."""
    content = convert(tuned_per_tensor.model, patches, "int8", "int8", per_channel=False)
    graph, operations = _same_weights(tuned_per_tensor, content)
    assert {len(graph.tensors[op.inputs[1]].scales) for op in operations} == {1}


@pytest.fixture
def lossy(model, tuned_per_tensor, patches, examples, shared_data):
    """A model to which a scale a tensor is too little, fine-tuned; patches, clips and labels."""
    if "PARITONE_CLIPS" not in os.environ:
        scores = np.asarray(model(patches[..., None], training=False))
        least, most = np.sort(scores, axis=1)[:, -2:].T
        sure = patches[most - least > 0.02]  # further apart than the steps of int8 scores
        labels = scores[most - least > 0.02].argmax(axis=1)
        return model, tuned_per_tensor, patches, sure, np.arange(len(sure)), labels
    assert shared_data is not None, "ESC-10 is looked for in shared/data beside the checkout"
    network = _uneven(load_keras(examples / "esc10_dscnn.h5"))
    folder = shared_data / "ESC-10"
    config = configuration.load_file(
        examples / "user_config.yaml",
        [
            *(f"dataset.{s}_audio_path={folder}/audio" for s in ("quantization", "test")),
            *(f"dataset.{s}_csv_path={folder}/meta/esc50.csv" for s in ("quantization", "test")),
            *("+dataset.quantization_folds=[1,2,3,4]", "+dataset.test_folds=[5]"),
            f"general.model_path={examples}/esc10_dscnn.h5",
        ],
    )
    sets, store = [datasets.load(config, s) for s in ("quantization", "test")], ClipStore(config)
    tuning, test = (store.load(one) for one in sets)
    tuning = np.concatenate([clip.patches for clip in tuning])
    test = test[:: -(-len(test) // int(os.environ["PARITONE_CLIPS"]))]
    section = config.quantization
    schedule = aware.Schedule(
        section.qat_epochs, section.qat_learning_rate, config.batch_size, config.general.global_seed
    )
    found = aware.fine_tune(network, tuning, schedule, per_channel=False)
    clips = np.repeat(np.arange(len(test)), [len(clip.patches) for clip in test])
    labels = np.array([sets[1].class_names.index(clip.clip.labels[0]) for clip in test])
    return network, found, tuning, np.concatenate([c.patches for c in test]), clips, labels


def _uneven(given):
    """The same function with channels 2^-2.5 to 2^2.5 times as large, taken back by what reads."""
    plain, rng = folding.fold(given), np.random.default_rng(0)
    for pair in equalization.find_pairs(folding.links(plain))[0]:
        first, second = plain.get_layer(pair.first), plain.get_layer(pair.second)
        kernel, bias = first.get_weights()
        factor = 2 ** rng.uniform(-2.5, 2.5, len(bias))
        first.set_weights([folding.scale_outputs(first, kernel, factor), bias * factor])
        kernel, bias = second.get_weights()
        second.set_weights([folding.scale_inputs(second, kernel, 1 / factor), bias])
    inputs = np.random.default_rng(1).normal(-1, 2, (4, *given.input_shape[1:])).astype("f4")
    wanted, got = (np.asarray(one(inputs, training=False)) for one in (given, plain))
    np.testing.assert_allclose(got, wanted, atol=1e-5)
    return plain


def test_points_that_a_scale_a_tensor_loses_come_back(lossy):
    """More than a point of clips is lost by PTQ; of those QAT loses at most a third."""
    network, found, tuning, patches, clips, labels = lossy
    scores = {"float": network.predict(patches[..., None], verbose=0)}
    for name, one in (("PTQ", network), ("QAT", found.model)):
        content = convert(one, tuning, "int8", "int8", per_channel=False)
        scores[name] = _scores(content, patches)
    right = {}
    for name, rows in scores.items():
        sums = np.zeros((len(labels), rows.shape[1]))
        np.add.at(sums, clips, rows)
        right[name] = int((sums.argmax(axis=1) == labels).sum())
        share = (rows.argmax(axis=1) == labels[clips]).mean()
        print(f"{name}: {right[name]} of {len(labels)} clips, {share:.2%} of patches")
    lost = right["float"] - right["PTQ"]
    assert lost > 0.01 * len(labels)
    assert right["float"] - right["QAT"] <= lost / 3


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
