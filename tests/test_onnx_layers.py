"""Noise of each layer of an ONNX model, against Keras' outputs and a session of the test's own."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper

import onnx_models
from paritone import quantization
from paritone.config.records import Quantization
from paritone.errors import ModelError
from paritone.evaluation import onnx_gains, onnx_layers, qdq_view, remedies
from paritone.models import onnx_export
from paritone.quantization import onnx_quantizer
from zoo_config import FEATURES, make_config

OUTPUTS = {
    "conv2d+batch_normalization+re_lu": "re_lu",
    "depthwise_conv2d": "depthwise_conv2d",
    "conv2d_1": "conv2d_1",
    "re_lu_1": "re_lu_1",
    "max_pooling2d": "max_pooling2d",
    "global_average_pooling2d": "global_average_pooling2d",
}
"""What a layer is called, and Keras' layer whose output it gives."""


@pytest.fixture(scope="module")
def model():
    return onnx_models.keras_model()


@pytest.fixture(scope="module")
def exported(model):
    return onnx_export.export(model, 17)


@pytest.fixture(scope="module")
def patches():
    return onnx_models.patches(8)


def _quantized(content, patches, **settings):
    return onnx_quantizer.quantize_onnx(content, patches, Quantization(**settings))


@pytest.fixture(scope="module")
def found(model, exported, patches):
    """What was measured, with a scale a tensor and with one a channel."""
    names = [layer.name for layer in model.layers]
    return {
        granularity: onnx_layers.compare(
            exported, _quantized(exported, patches, granularity=granularity), patches, names
        )
        for granularity in ("per_tensor", "per_channel")
    }


def _stored(content, patches):
    """Real values behind every QuantizeLinear, in the order of execution."""
    proto = onnx.load_model_from_string(content)
    names = [
        node.output[0]
        for node in proto.graph.node
        if node.op_type == "DequantizeLinear" and node.input[0].endswith("QuantizeLinear_Output")
    ]
    proto.graph.output.extend(
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
        for name in names
        if name != proto.graph.output[0].name
    )
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options)
    rows = [session.run(names, {"input": patch[None, ..., None]}) for patch in patches]
    values = (np.concatenate(each) for each in zip(*rows, strict=True))
    return dict(zip(names, values, strict=True))


def test_snr_is_that_of_keras_against_a_session(model, exported, patches, found):
    import keras

    layers = {layer["name"]: layer for layer in found["per_channel"]["layers"]}
    assert list(layers) == [*OUTPUTS, "dense", "Softmax_14"]
    assert found["per_channel"]["unmatched"] == []
    stored = _stored(_quantized(exported, patches), patches)
    for name, last in OUTPUTS.items():
        part = keras.Model(model.input, model.get_layer(last).output)
        real = np.asarray(part(patches[..., None], training=False), np.float64)
        real = np.moveaxis(real, -1, 1)
        same = [one.reshape(real.shape) for one in stored.values() if one.size == real.size]
        got = min(same, key=lambda one: ((one - real) ** 2).sum())
        error = real - got
        wanted = 10 * np.log10((real**2).sum() / (error**2).sum())
        assert layers[name]["snr_db"] == pytest.approx(wanted, abs=0.01)
        axes = tuple(i for i in range(real.ndim) if i != 1)
        alive = (real**2).sum(axis=axes) > 0
        shares = (real**2).sum(axis=axes)[alive] / (error**2).sum(axis=axes)[alive]
        assert layers[name]["worst_channel_db"] == pytest.approx(
            10 * np.log10(shares.min()), abs=0.02
        )
        assert layers[name]["peak"] == pytest.approx(np.abs(real).max(), rel=1e-4)


def test_uneven_channels_are_named_and_a_scale_a_channel_mends_them(found):
    """What is foretold of per_channel is what per_channel then gives."""
    before, after = (
        {one["name"]: one for one in found[k]["layers"]} for k in ("per_tensor", "per_channel")
    )
    for name in ("conv2d+batch_normalization+re_lu", "depthwise_conv2d", "conv2d_1", "dense"):
        foretold = before[name]["weights_per_channel_db"]
        assert after[name]["weights_db"] == pytest.approx(foretold, abs=0.5)
    section = Quantization(granularity="per_tensor")
    layers = found["per_tensor"]["layers"]
    for evens in (True, False):
        told = remedies.of(layers, section, evens=evens)
        assert told["worst"][0] == "conv2d+batch_normalization+re_lu"
        advice = told["remedies"][0]["try"]
        assert "quantization.granularity: per_channel" in advice
        assert any("quantization.optimize" in one for one in advice) == evens


def test_a_model_that_was_evened_first_is_compared_with_its_twin(
    model, exported, patches, tmp_path, capfd
):
    model.save(tmp_path / "float.keras")
    config = make_config(
        "quantization",
        general={"model_path": tmp_path / "float.keras"},
        feature_extraction=FEATURES,
        quantization={
            "quantizer": "onnx_quantizer",
            "granularity": "per_tensor",
            "optimize": True,
        },
    )
    made = quantization.make(config)
    least = []
    for behind in (made.twin, exported):
        found = onnx_layers.compare(behind, made.content, patches)
        assert found["unmatched"] == [] or behind is exported
        least.append(min(one["weights_db"] or 99 for one in found["layers"]))
    assert least[0] > 19, "noise of the weights that were quantized"
    assert least[1] < 12, "which are others than the file's"


def test_channels_count_by_what_is_made_of_them(patches):
    """Flattened channel by channel: the second one's weights are 12.7 times as large."""
    rng = np.random.default_rng(1)
    rows, columns = 18, 14
    dense = rng.choice([-1.0, 1.0], (3, 2, rows * columns)) * [[[1.0], [12.7]]]
    constants = {
        "kernel": rng.normal(0, 0.3, (2, 1, 3, 3)),
        "dense": dense.reshape(3, -1),
    }
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["patch", "kernel"], ["convolved"], "conv"),
            helper.make_node("Flatten", ["convolved"], ["flat"], "flatten"),
            helper.make_node("Gemm", ["flat", "dense"], ["sums"], "fc", transB=1),
        ],
        "net",
        [
            helper.make_tensor_value_info(
                "patch", onnx.TensorProto.FLOAT, [1, 1, rows + 2, columns + 2]
            )
        ],
        [helper.make_tensor_value_info("sums", onnx.TensorProto.FLOAT, [1, 3])],
        [numpy_helper.from_array(v.astype(np.float32), k) for k, v in constants.items()],
    )
    opsets = [helper.make_opsetid("", 17)]
    content = helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()
    view = qdq_view.view(_quantized(content, patches))
    found = onnx_gains.gains(view)["convolved"]
    assert found.shape == (1, 2, rows, columns)
    assert found.mean() == pytest.approx(1)
    ratio = found[0, 1].mean() / found[0, 0].mean()
    assert ratio == pytest.approx(12.7**2, rel=1e-5)


def test_wider_codes_are_told(exported, patches):
    name = next(n.output[0] for n in onnx.load_model_from_string(exported).graph.node[4:5])
    override = {name: [{"quant_type": "QInt16"}]}
    content = _quantized(exported, patches, extra_options={"TensorQuantOverrides": override})
    with pytest.raises(ModelError, match="values of int16"):
        onnx_layers.compare(exported, content, patches)
