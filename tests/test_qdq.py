"""int8 ONNX models on the device: the same weights and scales, each operator within a step."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import onnx_models
from paritone import qdq
from paritone.config.records import Quantization
from paritone.engine import tflite
from paritone.errors import ModelError
from paritone.evaluation import reference_scores
from paritone.models import onnx_export, onnx_file
from paritone.quantization import onnx_quantizer
from paritone.references.onnx_runtime import OnnxReference
from paritone.references.tflite import Reference, quantize_input
from tflite_models import Case, expect_parity

RNG = np.random.default_rng(11)
SHAPE = (1, 4, 9, 10)
"""Channels first; sizes that no order of axes mistakes for each other."""


def _model(nodes, constants, shape=SHAPE):
    """A float model whose first operator makes four channels of one, so that layouts matter."""
    weights = {"k": RNG.normal(0, 1, (shape[1], 1, 1, 1)), **constants}
    first = helper.make_node("Conv", ["x", "k"], ["a"], "first")
    graph = helper.make_graph(
        [first, *nodes],
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, *shape[2:]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [
            numpy_helper.from_array(
                value if value.dtype == np.int64 else value.astype(np.float32), name
            )
            for name, value in ((name, np.asarray(value)) for name, value in weights.items())
        ],
    )
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()


def _node(kind, inputs=("a",), output="y", **attributes):
    return helper.make_node(kind, list(inputs), [output], f"{kind.lower()}_{output}", **attributes)


def _patches(count=12, shape=SHAPE):
    return RNG.normal(0, 1.5, (count, *shape[2:])).astype(np.float32)


def _kernel(*shape):
    return RNG.normal(0, 0.5, shape)


# fmt: off
_CASES = {
    "conv": (
        [_node("Conv", ("a", "w", "b"), pads=[1, 1, 1, 1])],
        {"w": _kernel(6, 4, 3, 3), "b": _kernel(6)},
    ),
    "conv_stride": (
        [_node("Conv", ("a", "w"), strides=[2, 2], auto_pad="SAME_UPPER")],
        {"w": _kernel(5, 4, 3, 3)},
    ),
    "conv_uneven_pads": (
        [_node("Conv", ("a", "w"), pads=[2, 0, 1, 1], dilations=[2, 1])],
        {"w": _kernel(5, 4, 3, 2)},
    ),
    "conv_relu": (
        [_node("Conv", ("a", "w"), "c"), _node("Relu", ("c",))], {"w": _kernel(5, 4, 1, 1)},
    ),
    "depthwise": (
        [_node("Conv", ("a", "w"), group=4, pads=[1, 1, 1, 1])], {"w": _kernel(4, 1, 3, 3)},
    ),
    "depthwise_twice": ([_node("Conv", ("a", "w"), group=4)], {"w": _kernel(8, 1, 3, 2)}),
    "max_pool": ([_node("MaxPool", kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 1])], {}),
    "average_pool": ([_node("AveragePool", kernel_shape=[2, 2], strides=[2, 2])], {}),
    "average_pool_counting": (
        [_node("AveragePool", kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1)], {},
    ),
    "global_average": ([_node("GlobalAveragePool")], {}),
    "global_max": ([_node("GlobalMaxPool")], {}),
    "mean_of_an_axis": ([_node("ReduceMean", axes=[1], keepdims=0)], {}),
    "mean_of_places": ([_node("ReduceMean", axes=[2, 3], keepdims=0)], {}),
    "add": ([_node("Relu", output="r"), _node("Add", ("r", "a"))], {}),
    "add_weight": ([_node("Add", ("a", "w"))], {"w": _kernel(4, 1, 1)}),
    "weight_minus": ([_node("Sub", ("w", "a"))], {"w": _kernel(1, 4, 1, 10)}),
    "multiply": ([_node("Mul", ("a", "w"))], {"w": _kernel(4, 1, 1)}),
    "flatten_dense": (
        [_node("Flatten", output="f"), _node("Gemm", ("f", "w", "b"), transB=1)],
        {"w": _kernel(3, 360) / 8, "b": _kernel(3)},
    ),
    "matmul": (
        [_node("ReduceMean", axes=[2, 3], keepdims=0, output="m"), _node("MatMul", ("m", "w"))],
        {"w": _kernel(4, 7)},
    ),
    "transposed_there_and_back": (
        [_node("Transpose", output="t", perm=[0, 3, 1, 2]), _node("Relu", ("t",), "r"),
         _node("Transpose", ("r",), perm=[0, 2, 3, 1])], {},
    ),
    "reshape": ([_node("Reshape", ("a", "s"))], {"s": np.array([1, 9, 4, 10])}),
    "concat": ([_node("Relu", output="r"), _node("Concat", ("r", "a"), axis=1)], {}),
    "pad": ([_node("Pad", ("a", "p"), mode="constant")], {"p": np.array([0, 1, 2, 0, 0, 0, 1, 3])}),
    "relu6": ([_node("Clip", ("a", "lo", "hi"))], {"lo": np.array(0.0), "hi": np.array(6.0)}),
    "leaky_relu": ([_node("LeakyRelu", alpha=0.2)], {}),
    "sigmoid": ([_node("Sigmoid")], {}),
    "tanh": ([_node("Tanh")], {}),
    "softmax": (
        [_node("ReduceMean", axes=[2, 3], keepdims=0, output="m"),
         _node("Mul", ("m", "w"), "z"), _node("Softmax", ("z",))], {"w": np.array([4.0])},
    ),
}
# fmt: on


def _last_step(content):
    """The step of the model's output."""
    return Reference(content).output["quantization"][0]


@pytest.mark.parametrize("name", sorted(_CASES))
def test_an_operator_is_within_a_step_of_onnx_runtime_and_exact_in_c(name):
    patches = _patches()
    quantized = onnx_quantizer.quantize_onnx(_model(*_CASES[name]), patches, Quantization())
    content = qdq.translate(quantized, name)
    reference = Reference(content)
    wanted = OnnxReference(quantized).scores(patches)
    got = reference_scores(reference, patches).reshape(wanted.shape)
    steps = np.abs(wanted - got) / _last_step(content)
    # The first convolution may be off by a step of its own, which an operator can enlarge.
    assert steps.max() <= 2.01
    assert steps.mean() < 0.5
    assert np.ptp(got) > 20 * _last_step(content), "values that tell"
    scale, zero = reference.input["quantization"]
    codes = quantize_input(patches, np.int8, scale, zero)
    expect_parity(Case(content, [code.reshape(1, 9, 10, 1) for code in codes[:4]]))


@pytest.fixture(scope="module")
def quantized():
    patches = onnx_models.patches()
    content = onnx_export.export(onnx_models.keras_model(), 17)
    return onnx_quantizer.quantize_onnx(content, patches, Quantization())


def test_weights_and_scales_are_the_file_s(quantized):
    """Every weight, transposed; every scale, unrounded; nothing quantized anew."""
    weights = {
        item.name: numpy_helper.to_array(item)
        for item in onnx_file.parse(quantized, "q").graph.initializer
    }
    graph = tflite.parse(qdq.translate(quantized, "q"))
    kept = {t.name: t for t in graph.tensors if t.data is not None and t.dtype in ("int8", "int32")}
    compared = 0
    for name, array in weights.items():
        if array.ndim < 1 or array.dtype not in (np.int8, np.int32) or "zero_point" in name:
            continue
        tensor = (
            kept[f"{name.removesuffix('_quantized')}_DequantizeLinear_Output"]
            if (f"{name.removesuffix('_quantized')}_DequantizeLinear_Output" in kept)
            else kept[name.removesuffix("_quantized")]
        )
        assert np.array_equal(np.sort(tensor.data, axis=None), np.sort(array, axis=None))
        scale = weights[
            f"{name}_scale" if f"{name}_scale" in weights else name.replace("_quantized", "_scale")
        ]
        np.testing.assert_array_equal(np.float32(tensor.scales), scale.reshape(-1))
        compared += 1
    assert compared == 8, "three kernels, a matrix, their biases"
    steps = {float(a) for n, a in weights.items() if n.endswith("_scale") and not a.ndim}
    used = {t.scale for t in graph.tensors if t.dtype == "int8" and t.data is None}
    assert used <= steps
    assert not {"QUANTIZE", "TRANSPOSE"} & {op.kind for op in graph.ops}


@pytest.mark.parametrize(("ends", "dtype"), [("uint8", np.uint8), ("float", np.float32)])
def test_ends_of_another_type_give_the_same_scores(quantized, ends, dtype):
    patches = onnx_models.patches(5)
    wanted = reference_scores(Reference(qdq.translate(quantized, "q")), patches)
    reference = Reference(qdq.translate(quantized, "q", ends, ends))
    assert reference.input["dtype"] is reference.output["dtype"] is dtype
    np.testing.assert_array_equal(reference_scores(reference, patches), wanted)


def test_unsigned_activations_are_the_same_values():
    """ONNX Runtime's usual uint8 activations: int8 with a zero point lower by 128."""
    from onnxruntime.quantization import QuantType

    content, patches = onnx_models.channels_first(), onnx_models.patches()
    given = _quantized_by_hand(content, patches, activation_type=QuantType.QUInt8)
    scores = reference_scores(Reference(qdq.translate(given, "q")), patches)
    assert np.abs(scores - OnnxReference(given).scores(patches)).max() < 4 / 256


def _quantized_by_hand(content, patches, **options):
    """What a user's own script makes of a model."""
    from onnxruntime.quantization import quantize_static

    reader = onnx_quantizer._Patches(onnx_file.parse(content, "float"), patches)
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        quantize_static(onnx_file.parse(content, "float"), f"{folder}/q.onnx", reader, **options)
        return Path(folder, "q.onnx").read_bytes()


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"op_types_to_quantize": ["Conv"]}, "is not quantized"),
        (
            {"granularity": "per_tensor", "extra_options": {"WeightSymmetric": False}},
            "zero point other than 0.*WeightSymmetric",
        ),
    ],
)
def test_what_the_device_cannot_is_refused_in_a_line(settings, expected):
    content = onnx_export.export(onnx_models.keras_model(), 17)
    made = onnx_quantizer.quantize_onnx(content, onnx_models.patches(), Quantization(**settings))
    with pytest.raises(ModelError, match=expected) as caught:
        qdq.translate(made, "some.onnx")
    assert str(caught.value).startswith("some.onnx: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("nodes", "constants", "expected"),
    [
        ([_node("Elu")], {}, "operator Elu 'elu_y' has no way to the device: .*supported are"),
        ([_node("Conv", ("a", "w"), group=2)], {"w": _kernel(4, 2, 1, 1)}, "2 groups"),
        ([_node("Flatten", output="f"), _node("Softmax", ("f",), axis=0)], {}, "last axis"),
        (
            [_node("Clip", ("a", "lo", "hi"))],
            {"lo": np.array(-2.0), "hi": np.array(3.0)},
            "from -2 to 3",
        ),
    ],
    ids=["operator", "groups", "axis", "clip"],
)  # fmt: skip
def test_an_operator_that_is_not_there_is_named(nodes, constants, expected):
    options = {"QDQKeepRemovableActivations": True}
    content = _model(nodes, constants)
    made = onnx_quantizer.quantize_onnx(content, _patches(), Quantization(extra_options=options))
    with pytest.raises(ModelError, match=expected):
        qdq.translate(made, "some.onnx")


def test_a_float_model_and_the_other_format_are_refused(quantized):
    with pytest.raises(ModelError, match="is a float model"):
        qdq.translate(onnx_models.channels_first(), "some.onnx")
    model = onnx_file.parse(quantized, "q")
    model.graph.node[-1].op_type = "QLinearAdd"
    model.graph.node[-1].domain = "com.microsoft"
    with pytest.raises(ModelError, match="QOperator format"):
        qdq.translate(model.SerializeToString(), "some.onnx")


def _damaged(content, rng):
    """A quantized model one of whose sizes, attributes or values is another."""
    model = onnx_file.parse(content, "whole")
    graph = model.graph
    tensor = graph.initializer[rng.integers(len(graph.initializer))]
    node = graph.node[rng.integers(len(graph.node))]
    change = rng.integers(4)
    if change == 0 and node.attribute:
        node.attribute.pop(rng.integers(len(node.attribute)))
    elif change == 1 and node.attribute and node.attribute[0].ints:
        node.attribute[0].ints[0] = int(rng.choice([-3, 0, 7, 1 << 40]))
    elif change == 2 and len(tensor.dims):
        tensor.dims[0], tensor.dims[-1] = tensor.dims[-1], tensor.dims[0]
    else:
        raw = rng.integers(0, 256, len(tensor.raw_data), dtype=np.uint8)
        tensor.raw_data = raw.tobytes()
    return model.SerializeToString()


def test_a_damaged_model_is_translated_or_one_line(quantized):
    rng = np.random.default_rng(7)
    refused = 0
    for _ in range(100):
        damaged = _damaged(quantized, rng)
        try:
            Reference(qdq.translate(damaged, "some.onnx"))
        except ModelError as error:
            refused += len(str(error).splitlines())
    assert 0 < refused < 100
