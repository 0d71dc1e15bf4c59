"""Architectures, the user's own model, and model files of both Keras generations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from paritone.errors import ConfigError, ModelError
from paritone.models.custom import custom
from paritone.models.load import load_keras
from paritone.models.miniresnet import miniresnet
from paritone.models.yamnet import yamnet


def seeded_patches(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(7).normal(-1.0, 2.3, shape).astype(np.float32)


# The counts are the published ones: 135,104 in the pretrained backbone, 3.2 M in YAMNet-1024.
@pytest.mark.parametrize(
    ("embedding_size", "parameters"), [(256, 137_674), (512, 1_625_034), (1024, 3_227_594)]
)
def test_yamnet(embedding_size: int, parameters: int) -> None:
    model = yamnet(embedding_size, 10)
    assert model.input_shape == (None, 64, 96, 1)
    assert model.output_shape == (None, 10)
    assert model.count_params() == parameters
    assert model.get_layer("embedding").output.shape == (None, embedding_size)


# 126,922 is the zoo's MiniResNet with one stack on 64 x 50 patches (123.6 KiB as int8).
@pytest.mark.parametrize(
    ("version", "n_stacks", "pooling", "parameters"),
    [
        ("v1", 1, None, 126_922),
        ("v1", 2, "avg", 423_242),
        ("v2", 1, "avg", 91_338),
        ("v2", 2, "max", 422_090),
    ],
)
def test_miniresnet(version: str, n_stacks: int, pooling: str | None, parameters: int) -> None:
    model = miniresnet(n_stacks, version, 10, (64, 50, 1), pooling, dropout=0.5)
    assert model.output_shape == (None, 10)
    assert model.count_params() == parameters


@pytest.mark.parametrize(
    "build",
    [
        lambda: yamnet(300, 10),
        lambda: miniresnet(0, "v1", 10),
        lambda: miniresnet(1, "v3", 10),
        lambda: miniresnet(1, "v1", 10, pooling="median"),
    ],
)
def test_unknown_variants_are_refused(build: Any) -> None:
    with pytest.raises(ConfigError, match=r"training\.model\."):
        build()


CUSTOM = """
import keras
def get_custom_model(num_classes, input_shape, dropout):
    i = keras.Input(input_shape)
    x = keras.layers.GlobalAveragePooling2D()(i)
    return keras.Model(i, keras.layers.Dense(num_classes, activation="softmax")(x))
"""


def test_custom_model(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(CUSTOM)
    model = custom(
        path, num_classes=3, input_shape=(8, 9, 1), dropout=0.1, pretrained_weights=False
    )
    assert model.input_shape == (None, 8, 9, 1)
    assert model.output_shape == (None, 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no such file"),
        ("def f(:\n", "not valid Python"),
        ("import no_such_module_anywhere\n", "cannot be loaded"),
        ("x = 1\n", "does not define get_custom_model"),
        ("def get_custom_model(num_classes):\n    return 3\n", "must return a keras.Model"),
        ("def get_custom_model(num_classes):\n    1 / 0\n", "division by zero"),
    ],
)
def test_unfit_custom_files(tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "mine.py"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        custom(path, num_classes=3)
    assert len(str(caught.value).splitlines()) == 1


def small_model() -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((8, 9, 1))
    x = layers.DepthwiseConv2D(3, padding="same", name="block_depthwise")(inputs)
    x = layers.BatchNormalization(name="block_bn")(x)
    x = layers.ReLU(name="block_relu")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(3, activation="softmax")(x))


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_keras_3_files(tmp_path: Path, suffix: str) -> None:
    model, path, x = small_model(), tmp_path / f"model{suffix}", seeded_patches((2, 8, 9, 1))
    model.save(path)
    np.testing.assert_array_equal(load_keras(path)(x), model(x))


def as_keras_2(path: Path) -> None:
    """Rewrite a file as Keras 2.9 would have written it: names, keys and inbound nodes."""
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        for layer in config["config"]["layers"]:
            _layer_as_keras_2(layer)
        for ends in ("input_layers", "output_layers"):
            config["config"][ends] = [_slashed(config["config"][ends])]
        file.attrs["model_config"] = json.dumps(config)
        file.attrs["keras_version"] = "2.9.0"


def _slashed(value: Any) -> Any:
    if isinstance(value, list):
        return [_slashed(item) for item in value]
    return value.replace("block_", "block/") if isinstance(value, str) else value


def _layer_as_keras_2(layer: dict[str, Any]) -> None:
    inner = layer["config"]
    layer.pop("module", None), layer.pop("registered_name", None), layer.pop("build_config", None)
    layer["name"] = inner["name"] = _slashed(inner["name"])
    inner["dtype"] = "float32"
    inner.pop("optional", None), inner.pop("quantization_config", None)
    if layer["class_name"] == "InputLayer":
        inner["batch_input_shape"] = inner.pop("batch_shape")
    if layer["class_name"] == "DepthwiseConv2D":
        inner |= {"groups": 1, "kernel_initializer": None}
    if layer["class_name"] == "BatchNormalization":
        inner["axis"] = [3]
        for key in ("synchronized", "renorm", "renorm_clipping", "renorm_momentum"):
            inner.pop(key, None)
    for key, value in inner.items():
        if isinstance(value, dict) and "class_name" in value:
            inner[key] = {name: value[name] for name in ("class_name", "config")}
    nodes = layer["inbound_nodes"]
    if nodes:
        history = nodes[0]["args"][0]["config"]["keras_history"]
        layer["inbound_nodes"] = [[[*_slashed(history), {}]]]


def test_keras_2_file(tmp_path: Path) -> None:
    model, path, x = small_model(), tmp_path / "old.h5", seeded_patches((2, 8, 9, 1))
    model.save(path)
    as_keras_2(path)
    before = path.read_bytes()
    loaded = load_keras(path)
    assert "block_bn" in [layer.name for layer in loaded.layers]
    np.testing.assert_array_equal(loaded(x), model(x))
    assert path.read_bytes() == before


def test_pretrained_keras_2_backbone(shared_data: Path | None) -> None:
    """The same backbone inside a Keras 3 file is the oracle, where the data is there."""
    if shared_data is None:
        return
    import keras

    old = load_keras(shared_data / "models/yamnet_256_f32.h5")
    whole = load_keras(shared_data / "models/yamnet_256_64x96_tl.h5")
    assert whole.count_params() == yamnet(256, 10).count_params()
    backbone = keras.Model(whole.input, whole.layers[-2].output)
    x = seeded_patches((2, 64, 96, 1))
    np.testing.assert_array_equal(old(x.transpose(0, 2, 1, 3)), backbone(x))


def test_unfit_files_are_refused(tmp_path: Path) -> None:
    unreadable = {suffix: tmp_path / f"noise{suffix}" for suffix in (".h5", ".keras")}
    for path in unreadable.values():
        path.write_bytes(b"no model at all")
    weights = tmp_path / "only.weights.h5"
    small_model().save_weights(weights)
    cases = {
        tmp_path / "absent.h5": "no such model file",
        tmp_path / "model.pt": "expected a Keras model",
        unreadable[".h5"]: "not an HDF5 file",
        unreadable[".keras"]: "not a Keras model",
        weights: "no model configuration",
    }
    for path, message in cases.items():
        with pytest.raises(ModelError, match=message) as caught:
            load_keras(path)
        assert str(path) in str(caught.value)


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_code_in_a_file_is_not_run(tmp_path: Path, suffix: str) -> None:
    import keras

    inputs = keras.Input((4,))
    path = tmp_path / f"lambda{suffix}"
    keras.Model(inputs, keras.layers.Lambda(lambda x: x + 1, name="sneaky")(inputs)).save(path)
    with pytest.raises(ModelError, match="sneaky is a Lambda"):
        load_keras(path)


def test_classes_of_other_modules_are_not_imported(tmp_path: Path) -> None:
    path = tmp_path / "model.h5"
    small_model().save(path)
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        config["config"]["layers"][1]["module"] = "os"
        file.attrs["model_config"] = json.dumps(config)
    with pytest.raises(ModelError, match="module os"):
        load_keras(path)
