"""Post-training quantization: types at the ends, granularity, calibration, what is refused."""

import numpy as np
import pytest

from paritone.errors import ModelError
from paritone.quantization import check_shapes, convert, ends, quantize, write
from paritone.references.tflite import Reference
from zoo_config import FEATURES, PREPROCESSING, make_config, write_wav

SHAPE = (FEATURES["n_mels"], FEATURES["patch_length"], 1)


@pytest.fixture(scope="module")
def model():
    """A model with a convolution of uneven channels, where granularity shows."""
    import keras

    keras.utils.set_random_seed(1)
    inputs = keras.Input(SHAPE)
    x = keras.layers.Conv2D(4, 3, strides=2, activation="relu")(inputs)
    x = keras.layers.GlobalAveragePooling2D()(x)
    network = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(x))
    kernel, bias = network.layers[1].get_weights()
    network.layers[1].set_weights([kernel * [1, 0.1, 0.01, 3], bias])
    return network


@pytest.fixture(scope="module")
def patches():
    return np.random.default_rng(0).normal(-1, 2, (20, *SHAPE[:2])).astype(np.float32)


@pytest.fixture(scope="module")
def model_file(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "float.h5"
    model.save(path)
    return path


def _reference(content, tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(content)
    return Reference(path)


@pytest.mark.parametrize(
    ("input_type", "output_type"),
    [("int8", "int8"), ("uint8", "uint8"), ("float", "uint8"), ("float", "float")],
)
def test_types_at_the_ends(model, patches, tmp_path, input_type, output_type):
    reference = _reference(convert(model, patches, input_type, output_type), tmp_path)
    names = {"float": np.float32, "int8": np.int8, "uint8": np.uint8}
    assert reference.input["dtype"] is names[input_type]
    assert reference.output["dtype"] is names[output_type]
    assert reference.quantized
    assert tuple(reference.input["shape"]) == (1, *SHAPE)
    assert tuple(reference.input["shape_signature"]) == (1, *SHAPE), "no dynamic batch"


def test_granularity(model, patches, tmp_path):
    """Per channel each filter has its scale; per tensor all weights of a layer share one."""
    scales = {}
    for per_channel in (True, False):
        content = convert(model, patches, "int8", "int8", per_channel=per_channel)
        details = _reference(content, tmp_path)._interpreter.get_tensor_details()
        sizes = [len(tensor["quantization_parameters"]["scales"]) for tensor in details]
        scales[per_channel] = max(sizes)
    assert scales == {True: 4, False: 1}


def test_conversion_is_quiet_and_repeatable(model, patches, capfd):
    first = convert(model, patches, "int8", "int8")
    assert first == convert(model, patches, "int8", "int8")
    assert capfd.readouterr() == ("", "")


def test_a_model_that_cannot_be_converted_is_one_line(patches):
    import keras

    inputs = keras.Input(SHAPE)
    x = keras.layers.Flatten()(keras.ops.fft((inputs, inputs))[0])
    with pytest.raises(ModelError, match="cannot be quantized") as caught:
        convert(keras.Model(inputs, keras.layers.Dense(2)(x)), patches, "int8", "int8")
    assert "\n" not in str(caught.value)


def test_random_data_is_said_and_seeded(model_file, tmp_path, capfd):
    config = make_config("quantization", general={"model_path": model_file})
    first = quantize(config, tmp_path / "a.tflite").read_bytes()
    assert "random data" in capfd.readouterr().err
    assert quantize(config, tmp_path / "b.tflite").read_bytes() == first
    other = config.model_copy(
        update={"general": config.general.model_copy(update={"global_seed": 1})}
    )
    assert quantize(other, tmp_path / "c.tflite").read_bytes() != first
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tflite", "b.tflite", "c.tflite"]


def test_quantization_split_takes_a_part(model_file, tmp_path, monkeypatch):
    """Half of the calibration clips gives half of the patches, the same ones each time."""
    rng = np.random.default_rng(3)
    rows = ["filename,category"]
    for index in range(8):
        write_wav(tmp_path / f"{index}.wav", rng.normal(0, 0.1, 16000))
        rows.append(f"{index}.wav,{'ab'[index % 2]}")
    (tmp_path / "clips.csv").write_text("\n".join(rows) + "\n")
    seen = []

    def record(model, patches, *arguments, **options):
        seen.append(patches)
        return b""

    monkeypatch.setattr("paritone.quantization.convert", record)
    for split in (None, 0.5, 0.5):
        config = make_config(
            "quantization",
            general={"model_path": model_file},
            dataset={
                "quantization_csv_path": tmp_path / "clips.csv",
                "quantization_audio_path": tmp_path,
                "quantization_split": split,
                "to_cache": False,  # each time anew
            },
            preprocessing=PREPROCESSING,
            feature_extraction=FEATURES,
        )
        quantize(config, tmp_path / "out" / "q.tflite")
    assert [len(patches) for patches in seen][1:] == [len(seen[0]) // 2] * 2
    np.testing.assert_array_equal(seen[1], seen[2])


def test_shapes_are_told_with_both_numbers():
    with pytest.raises(ModelError, match=r"input is 32 x 96 x 1.*64 x 96"):
        check_shapes((None, 32, 96, 1), (None, 10), 64, 96, 10)
    with pytest.raises(ModelError, match=r"10 outputs.*7 classes"):
        check_shapes((None, 64, 96, 1), (None, 10), 64, 96, 7)
    check_shapes((None, 64, 96), (None, 10), 64, 96, None)


def test_a_model_with_two_inputs_is_refused():
    import keras

    first, second = keras.Input(SHAPE), keras.Input(SHAPE)
    outputs = keras.layers.Dense(3)(keras.layers.Flatten()(keras.layers.Add()([first, second])))
    with pytest.raises(ModelError, match="2 inputs and 1 outputs"):
        ends(keras.Model([first, second], outputs))
    with pytest.raises(ModelError, match="0 inputs"):
        ends(keras.Sequential([keras.layers.Dense(3)]))


def test_calibration_on_the_features_of_the_device(model_file, tmp_path):
    """The input's range is that of the integer frontend's own patches, by its reference."""
    from paritone import datasets
    from paritone.datasets.clips import ClipStore
    from paritone.features import integer
    from paritone.native.frontend import config_tables

    rng = np.random.default_rng(5)
    for name in ("0", "1"):
        write_wav(tmp_path / f"{name}.wav", rng.normal(0, 0.2, 16000))
    (tmp_path / "clips.csv").write_text("filename,category\n0.wav,a\n1.wav,b\n")
    scales = {}
    for features in ("float", "integer"):
        config = make_config(
            "quantization",
            general={"model_path": model_file},
            dataset={
                "quantization_csv_path": tmp_path / "clips.csv",
                "quantization_audio_path": tmp_path,
            },
            preprocessing=PREPROCESSING,
            feature_extraction=FEATURES,
            quantization={"calibration_features": features},
        )
        path = quantize(config, tmp_path / f"{features}.tflite")
        scales[features] = Reference(path).input["quantization"]
    clips = ClipStore(config).load(datasets.load(config, "quantization"))
    tables = config_tables(config, None)
    values = np.concatenate([integer.patches(clip.pcm, tables) for clip in clips])
    width = max(values.max(), 0) - min(values.min(), 0)  # zero is always among the steps
    assert scales["integer"][0] == pytest.approx(width / 255, rel=1e-6)
    assert scales["integer"] != scales["float"]


def test_a_directory_that_cannot_be_written_is_one_line(tmp_path):
    """A file in the place of the folder refuses root too."""
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(ModelError, match=r"model\.tflite: cannot be written: ") as caught:
        write(tmp_path / "file/model.tflite", b"content")
    assert "\n" not in str(caught.value)
    assert (tmp_path / "file").read_text() == "no folder"
