"""Starting from trained weights: transfer, heads for other classes, frozen layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from paritone.config.training import Training
from paritone.errors import ConfigError, ModelError
from paritone.models import transfer
from paritone.models.load import load_keras
from paritone.models.yamnet import yamnet

SHAPE = (20, 16, 1)


def patches(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(3).normal(-1.0, 2.3, shape).astype(np.float32)


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file as the zoo's: a model within a model on (96, 64, 1), no head, other names."""
    import keras

    keras.utils.set_random_seed(5)
    source = yamnet(256, 7)
    for layer in source.layers:
        if "BatchNormalization" in type(layer).__name__:
            rng = np.random.default_rng(len(layer.name))
            layer.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
    inner = keras.Model(
        source.get_layer("permute").output, source.get_layer("layer6_pointwise_conv_relu").output
    )
    model = keras.Sequential(
        [keras.Input((96, 64, 1)), inner, keras.layers.GlobalAveragePooling2D()]
    )
    path = tmp_path_factory.mktemp("backbone") / "backbone.h5"
    model.save(path)
    return path


def test_weights_of_a_backbone_on_the_other_side_up(
    backbone: Path, shared_data: Path | None
) -> None:
    """The zoo's own file too, where it lies beside the checkout: the same embedding to the bit."""
    import keras

    files = [backbone, *([shared_data / "models/yamnet_256_f32.h5"] if shared_data else [])]
    for file in files:
        model = yamnet(256, 10)
        transfer.transfer_weights(model, file)
        embedding = keras.Model(model.inputs, model.get_layer("embedding").output)
        x = patches((2, 64, 96, 1))
        expected = load_keras(file)(x.transpose(0, 2, 1, 3), training=False)
        np.testing.assert_array_equal(embedding(x, training=False), expected)


def test_weights_that_do_not_fit_name_the_layer(backbone: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"layer7_depthwise_conv .* got no such layer"):
        transfer.transfer_weights(yamnet(512, 10), backbone)
    wider = tmp_path / "wider.h5"
    small().save(wider)
    with pytest.raises(ModelError, match=r"layer1_conv .* expects \[\(3, 3, 1, 32\)\]"):
        transfer.transfer_weights(yamnet(256, 10), wider)


def small(classes: int = 3, *, tail: bool = False) -> Any:
    import keras
    from keras import layers

    inputs = keras.Input(SHAPE)
    x = layers.Conv2D(4, 3, activation="relu", name="first")(inputs)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(0.4, name="own_dropout")(x)
    x = layers.Dense(classes, name="scores", activation=None if tail else "softmax")(x)
    return keras.Model(inputs, layers.Softmax()(x) if tail else x)


@pytest.mark.parametrize("tail", [False, True])
def test_a_head_that_fits_stays(tail: bool) -> None:
    model = small(tail=tail)
    assert transfer.with_head(model, 3, SHAPE) is model
    x = patches((4, *SHAPE))
    again = transfer.with_head(model, 3, SHAPE, dropout=0.2)
    np.testing.assert_allclose(again(x, training=False), model(x, training=False), atol=1e-7)
    rates = [layer.rate for layer in again.layers if type(layer).__name__ == "Dropout"]
    assert rates == [0.2], "the dropout asked for takes the place of the model's own"


@pytest.mark.parametrize("tail", [False, True])
def test_a_head_for_other_classes(tail: bool) -> None:
    model = small(tail=tail)
    made = transfer.with_head(model, 5, SHAPE)
    assert made.output_shape == (None, 5)
    scores = np.asarray(made(patches((4, *SHAPE)), training=False))
    np.testing.assert_allclose(scores.sum(axis=1), 1.0, rtol=1e-5)
    np.testing.assert_array_equal(
        made.get_layer("first").get_weights()[0], model.get_layer("first").get_weights()[0]
    )


def test_a_turned_backbone_gets_a_permutation(backbone: Path) -> None:
    model = load_keras(backbone)
    made = transfer.with_head(model, 4, (64, 96, 1))
    assert made.input_shape == (None, 64, 96, 1)
    assert made.output_shape == (None, 4)
    transfer.freeze_backbone(made)
    assert [tuple(w.shape) for w in made.trainable_weights] == [(256, 4), (4,)]
    with pytest.raises(ModelError, match=r"expected input \(20, 16, 1\), got \(96, 64, 1\)"):
        transfer.with_head(model, 4, SHAPE)


def training(**keys: Any) -> Training:
    return Training.model_validate({"epochs": 1, **keys})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("None", None),
        (3, (3,)),
        ("(0:4)", (slice(0, 4),)),
        ("(0:-1)", (slice(0, -1),)),
        ("[1, 3:, -2]", (1, slice(3, None), -2)),
        ([0, "2:6:2"], (0, slice(2, 6, 2))),
    ],
)
def test_indices_of_frozen_layers(text: Any, expected: Any) -> None:
    assert training(frozen_layers=text).frozen_layers == expected


@pytest.mark.parametrize("text", ["all", "(0:b)", "(1:2:3:4)", "(::0)", "1.5", "{}"])
def test_unfit_indices(text: str) -> None:
    with pytest.raises(ValueError, match=r"indices such as \(0:-1\)"):
        training(frozen_layers=text)


def test_frozen_layers_count_as_python_does() -> None:
    model = small()
    transfer.freeze(model, (slice(0, 2), 2))
    assert [layer.name for layer in model.layers if layer.trainable][-1] == "scores"
    assert [weight.path for weight in model.trainable_weights] == ["scores/kernel", "scores/bias"]
    transfer.freeze(model, (1,))
    assert "norm/gamma" in {weight.path for weight in model.trainable_weights}
    assert "first/kernel" not in {weight.path for weight in model.trainable_weights}


@pytest.mark.parametrize(
    ("indices", "message"),
    [((9,), "has 6 layers"), ((slice(None),), "head is always trained"), ((0, -1), r"\(0:-1\)")],
)
def test_layers_that_cannot_be_frozen(indices: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        transfer.freeze(small(), indices)
