"""ONNX models: exported, read, run, quantized; what is refused is one line."""

import sys

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

import onnx_models
from paritone import evaluation
from paritone.config.records import Quantization
from paritone.errors import ConfigError, ModelError, ToolMissingError
from paritone.models import onnx_export, onnx_file
from paritone.quantization import onnx_quantizer, quantize
from paritone.references.onnx_runtime import OnnxReference
from zoo_config import FEATURES, make_config


@pytest.fixture(scope="module")
def model():
    return onnx_models.keras_model()


@pytest.fixture(scope="module")
def exported(model):
    return onnx_export.export(model, 17)


@pytest.fixture(scope="module")
def patches():
    return onnx_models.patches()


def _quantize(content, patches, **settings):
    made = onnx_quantizer.quantize_onnx(content, patches, Quantization(**settings))
    return onnx_file.parse(made, "quantized")


def _weights(model):
    return {item.name: numpy_helper.to_array(item) for item in model.graph.initializer}


def test_an_export_scores_as_keras_does(model, exported, patches):
    scores = OnnxReference(exported).scores(patches)
    np.testing.assert_allclose(scores, np.asarray(model(patches[..., None])), atol=2e-6)
    assert len(set(scores.argmax(1))) > 1, "patches that tell classes apart"


def test_an_export_is_the_same_every_time_and_in_the_opset_asked_for(model, exported):
    assert onnx_export.export(model, 17) == exported
    for opset in (13, 17, 21):
        made = onnx_file.parse(onnx_export.export(model, opset), "exported")
        assert onnx_file.opset(made) == opset


@pytest.mark.parametrize("batch", ["batch", 1])
def test_channels_first_scores_as_keras_with_channels_last(batch, patches):
    expected = np.asarray(onnx_models.channels_last_twin()(patches[..., None]))
    found = OnnxReference(onnx_models.channels_first(batch)).scores(patches)
    np.testing.assert_allclose(found, expected, atol=2e-6)


def test_quantization_is_int8_repeatable_and_close(exported, patches):
    settings = Quantization()
    first = onnx_quantizer.quantize_onnx(exported, patches, settings)
    assert onnx_quantizer.quantize_onnx(exported, patches, settings) == first
    model = onnx_file.parse(first, "quantized")
    assert onnx_file.is_quantized(model)
    assert not onnx_file.is_quantized(onnx_file.parse(exported, "float"))
    weights = _weights(model)
    kinds = {array.dtype.name for array in weights.values()}
    assert "int8" in kinds
    large = [name for name, array in weights.items() if array.ndim > 1 and array.dtype != np.int8]
    assert not large, "every matrix and kernel is int8"
    float_scores, scores = (OnnxReference(one).scores(patches) for one in (exported, first))
    assert np.abs(scores - float_scores).max() < 0.1
    assert np.abs(scores - float_scores).max() > 1e-5, "another model indeed"


def test_granularity(exported, patches):
    """Per channel a filter has its own scale; per tensor a layer has one."""
    most = {}
    for granularity in ("per_channel", "per_tensor"):
        weights = _weights(_quantize(exported, patches, granularity=granularity))
        int8 = {name.removesuffix("_quantized") for name, a in weights.items() if a.ndim > 1}
        most[granularity] = max(weights[f"{name}_scale"].size for name in int8)
    assert most == {"per_channel": 8, "per_tensor": 1}


def test_scores_have_the_scale_that_tflite_fixes(exported, patches):
    model = _quantize(exported, patches)
    weights = _weights(model)
    assert weights["scores_scale"] == np.float32(1 / 256)
    assert weights["scores_zero_point"] == -128


def test_operators_to_quantize_and_options(exported, patches):
    convolutions = _quantize(exported, patches, op_types_to_quantize=["Conv"])
    dense = next(node for node in convolutions.graph.node if node.op_type == "Gemm")
    assert _weights(convolutions)[dense.input[1]].dtype == np.float32
    with pytest.raises(ConfigError, match="op_types_to_quantize: Convolution: the model has none"):
        _quantize(exported, patches, op_types_to_quantize=["Conv", "Convolution"])
    symmetric = _weights(
        _quantize(exported, patches, extra_options={"ActivationSymmetric": "True"})
    )
    zeros = [int(a) for name, a in symmetric.items() if name.endswith("zero_point") and not a.ndim]
    assert set(zeros) == {0, -128}, "all but the scores, which are fixed"
    first = next(n.input[0] for n in convolutions.graph.node if n.op_type == "QuantizeLinear")
    override = {first: [{"quant_type": "QInt8", "rmin": -16, "rmax": 15.875}]}
    made = _weights(_quantize(exported, patches, extra_options={"TensorQuantOverrides": override}))
    assert made[f"{first}_scale"] == np.float32(0.125)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"extra_options": {"ActivationSymetric": True}}, "not ActivationSymetric"),
        ({"extra_options": {"WeightSymmetric": "yes"}}, "WeightSymmetric as True or False"),
        ({"extra_options": "all"}, "names of options"),
        ({"target_opset": 12}, "greater than or equal to 13"),
    ],
)
def test_bad_settings(settings, expected):
    with pytest.raises(ValueError, match=expected):
        Quantization(**settings)


def _config(model, **quantization):
    return make_config(
        "quantization",
        general={"model_path": model},
        feature_extraction=FEATURES,
        quantization={"quantizer": "onnx_quantizer", **quantization},
    )


def test_keras_or_onnx_in_and_nothing_half_written(model, exported, tmp_path, capfd):
    model.save(tmp_path / "float.keras")
    (tmp_path / "float.onnx").write_bytes(exported)
    made = [
        quantize(_config(tmp_path / f"float.{kind}"), tmp_path / f"{kind}/q.onnx")
        for kind in ("keras", "onnx")
    ]
    assert "random data" in capfd.readouterr().err
    assert made[0].read_bytes() == made[1].read_bytes()
    assert [path.name for path in made[0].parent.iterdir()] == ["q.onnx"]
    assert evaluation.is_quantized(made[0])
    again = _config(made[0])
    with pytest.raises(ModelError, match="is quantized already"):
        quantize(again, tmp_path / "again/q.onnx")
    assert not (tmp_path / "again").exists()


def _two_inputs(model):
    extra = model.graph.input.add()
    extra.CopyFrom(model.graph.input[0])
    extra.name = "more"


def _elsewhere(model):
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")


def _foreign(model):
    model.graph.node[0].op_type, model.graph.node[0].domain = "Secret", "com.example"
    model.opset_import.add(domain="com.example", version=1)


def _integers(model):
    model.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.INT8


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (_two_inputs, "2 inputs and 1 outputs"),
        (_elsewhere, r"weights of it lie in another file \(weights.bin\).*save it as one file"),
        (_foreign, "ONNX Runtime cannot run it: .*Secret"),
        (_integers, "ONNX Runtime cannot run it|expected an input of float32"),
    ],
    ids=["inputs", "external", "foreign", "integers"],
)
def test_a_model_that_cannot_be_used_is_one_line(tmp_path, change, expected):
    model = onnx_file.parse(onnx_models.channels_first(), "made")
    change(model)
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match=expected) as caught:
        OnnxReference(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("part", [0, 5, 100, -1])
def test_a_damaged_file_is_one_line(tmp_path, part):
    path = tmp_path / "model.onnx"
    path.write_bytes(onnx_models.channels_first()[:part])
    with pytest.raises(ModelError, match="ONNX model") as caught:
        OnnxReference(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    with pytest.raises(ModelError, match="cannot be read"):
        OnnxReference(tmp_path / "nothing.onnx")


def test_a_fixed_batch_and_another_patch_are_told(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(onnx_models.channels_first(16))
    with pytest.raises(ModelError, match="takes 16 patches at a time"):
        OnnxReference(path)
    config = make_config("evaluation", feature_extraction={**FEATURES, "n_mels": 64})
    with pytest.raises(ModelError, match=r"input is 20 x 16 x 1.*64 x 16"):
        evaluation.check_fits(path, config, 3)
    with pytest.raises(ModelError, match=r"3 outputs.*7 classes"):
        evaluation.check_fits(path, make_config("evaluation", feature_extraction=FEATURES), 7)


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_without_the_extra_the_line_that_installs_it(monkeypatch, exported, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ToolMissingError, match=r"pip install 'paritone\[onnx\]'") as caught:
        OnnxReference(exported)
    assert caught.value.exit_status == 3
