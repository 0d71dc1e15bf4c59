"""Each kernel on random single-operator models: equal to both reference interpreters."""

from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tflite_models import ACTIVATIONS, Case, Operation, Tensor, build, expect_parity, options, pack

# Each example compiles a model: few examples, the same ones every time.
few = settings(
    max_examples=int(os.environ.get("PARITONE_EXAMPLES", "25")),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
pytestmark = [pytest.mark.parity, pytest.mark.usefixtures("tflite_schema")]
SAME, VALID = 0, 1

activations = st.sampled_from(sorted(ACTIVATIONS.values()))
zero_points = st.one_of(st.sampled_from([-128, 0, 127]), st.integers(-128, 127))
# Any float32 mantissa: formulas in float and in double differ in its last bits.
scales = st.builds(
    lambda m, e: float(np.float32(m) * np.float32(2.0**e)),
    st.floats(1, 2, exclude_max=True, width=32),
    st.integers(-10, 0),
)
seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 7)


def noise(rng, shape, dtype="int8"):
    """Values over the whole range, and now and then only its ends."""
    limits = np.iinfo(dtype)
    if rng.random() < 0.2:
        return rng.choice([limits.min, limits.max], shape).astype(dtype)
    return rng.integers(limits.min, limits.max + 1, shape).astype(dtype)


def patches(rng, shape, dtype="int8"):
    return [noise(rng, shape, dtype) for _ in range(3)]


def quantized(draw, shape, dtype="int8"):
    zero = draw(zero_points) + (128 if dtype == "uint8" else 0)
    return Tensor(shape, dtype, (draw(scales),), (zero,))


def window_output(size, window, stride, dilation, padding):
    effective = (window - 1) * dilation + 1
    return -(-size // stride) if padding == SAME else (size - effective) // stride + 1


def weights_of(draw, rng, shape, axis, source, output):
    """Weights, their bias, and scales that use the output's range: per channel or per tensor."""
    channels = shape[axis]
    n = channels if draw(st.booleans()) else 1
    products = np.prod(shape) // channels
    ideal = output.scales[0] / source.scales[0] / np.sqrt(products) / 64
    scale = ideal * rng.uniform(0.1, 10, n)
    values = noise(rng, shape)
    values[values == -128] = -127
    weights = Tensor(shape, "int8", tuple(scale.astype(np.float32)), axis=axis, data=values)
    biases = rng.integers(-(2**14), 2**14, channels)
    bias_scales = tuple(np.float32(source.scales[0]) * scale.astype(np.float32))
    bias = Tensor((channels,), "int32", bias_scales, data=biases)
    return weights, bias if draw(st.booleans()) or n > 1 else None


@st.composite
def convolutions(draw):
    rng = np.random.default_rng(draw(seeds))
    padding, depthwise = draw(st.sampled_from([SAME, VALID])), draw(st.booleans())
    window = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    stride = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    dilation = draw(st.sampled_from([(1, 1), (1, 1), (2, 2), (1, 3)]))
    least = [
        (w - 1) * d + 1 if padding == VALID else 1 for w, d in zip(window, dilation, strict=True)
    ]
    h, w = (low + draw(st.integers(0, 6)) for low in least)
    channels = draw(st.integers(1, 5))
    outs = channels * draw(st.integers(1, 3)) if depthwise else draw(st.integers(1, 6))
    shape = (1, *window, outs) if depthwise else (outs, *window, channels)
    source = quantized(draw, (1, h, w, channels))
    out_hw = [
        window_output(*a, padding) for a in zip((h, w), window, stride, dilation, strict=True)
    ]
    output = quantized(draw, (1, *out_hw, outs))
    weights, bias = weights_of(draw, rng, shape, 3 if depthwise else 0, source, output)
    common = {
        "padding": padding, "strideH": stride[0], "strideW": stride[1],
        "dilationHFactor": dilation[0], "dilationWFactor": dilation[1],
        "fusedActivationFunction": draw(activations),
    }  # fmt: skip
    if bias is None:
        bias = Tensor((outs,), "int32", (1.0,), data=np.zeros(outs))
    if depthwise:
        kind = "DEPTHWISE_CONV_2D"
        table = options("DepthwiseConv2DOptions", depthMultiplier=outs // channels, **common)
    else:
        kind, table = "CONV_2D", options("Conv2DOptions", **common)
    return Case(build(kind, [source, weights, bias], output, table), patches(rng, source.shape))


@few
@given(convolutions())
def test_convolution(case):
    expect_parity(case)


@st.composite
def dense_layers(draw):
    rng = np.random.default_rng(draw(seeds))
    depth, outs, rows = draw(st.integers(1, 40)), draw(sizes), draw(st.integers(1, 3))
    source, output = quantized(draw, (rows, depth)), quantized(draw, (rows, outs))
    weights, bias = weights_of(draw, rng, (outs, depth), 0, source, output)
    table = options("FullyConnectedOptions", fusedActivationFunction=draw(activations))
    # tflite-micro rounds this operator twice, TensorFlow Lite once.
    content = build("FULLY_CONNECTED", [source, weights, bias], output, table)
    return Case(content, patches(rng, source.shape), micro=False)


@few
@given(dense_layers())
def test_fully_connected(case):
    expect_parity(case)


@pytest.mark.parametrize("scale", [2.0**-8, 1e-4, 1e-6])
@pytest.mark.parametrize("per_channel", [True, False])
def test_fully_connected_rounds_as_doubles_do(scale, per_channel):
    """Sums around many thresholds, ties among them: the one operator rescaled in double."""
    rng = np.random.default_rng(8)
    n = 1000
    factor = scale if scale == 2.0**-8 else scale * rng.uniform(1, 2)
    sums = np.floor((rng.integers(-130, 130, n) + 0.5) / factor) + rng.integers(-2, 3, n)
    source, output = Tensor((1, 1), "int8", (1.0,), (0,)), Tensor((1, n), "int8", (1.0,), (0,))
    scales = (factor,) * (n if per_channel else 1)
    weights = Tensor((n, 1), "int8", scales, data=np.ones((n, 1)))
    bias = Tensor((n,), "int32", scales, data=sums)
    content = build(
        "FULLY_CONNECTED", [source, weights, bias], output, options("FullyConnectedOptions")
    )
    expect_parity(Case(content, [np.array([[0]], np.int8)], micro=False))


@st.composite
def poolings(draw, kind):
    rng = np.random.default_rng(draw(seeds))
    padding = draw(st.sampled_from([SAME, VALID]))
    window = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    stride = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    h, w = (low + draw(st.integers(0, 6)) for low in window)
    out_hw = [
        window_output(s, k, d, 1, padding) for s, k, d in zip((h, w), window, stride, strict=True)
    ]
    channels = draw(st.integers(1, 4))
    source = quantized(draw, (1, h, w, channels))
    output = Tensor((1, *out_hw, channels), "int8", source.scales, source.zeros)
    table = options(
        "Pool2DOptions", padding=padding, strideH=stride[0], strideW=stride[1],
        filterHeight=window[0], filterWidth=window[1], fusedActivationFunction=draw(activations),
    )  # fmt: skip
    return Case(build(kind, [source], output, table), patches(rng, source.shape))


@few
@given(poolings("AVERAGE_POOL_2D"))
def test_average_pool(case):
    expect_parity(case)


@few
@given(poolings("MAX_POOL_2D"))
def test_max_pool(case):
    expect_parity(case)


@st.composite
def reductions(draw, kind, pixels=False):
    rng = np.random.default_rng(draw(seeds))
    rank = 4
    shape = tuple(draw(sizes) for _ in range(rank))
    axes = draw(st.sets(st.integers(0, rank - 1), min_size=1))
    if pixels:
        shape, axes = (1, *shape[1:]), {1, 2}
    if kind == "REDUCE_MAX":
        axes -= {0}
        axes = axes or {1}
    keep = draw(st.booleans())
    kept = tuple(1 if a in axes else n for a, n in enumerate(shape) if keep or a not in axes)
    source, output = quantized(draw, shape), quantized(draw, kept)
    if kind == "REDUCE_MAX" or draw(st.booleans()):
        output.scales, output.zeros = source.scales, source.zeros
    given_axes = np.array([a - rank if rng.random() < 0.3 else a for a in sorted(axes)])
    axis = Tensor((len(given_axes),), "int32", data=given_axes)
    table = options("ReducerOptions", keepDims=keep)
    return Case(build(kind, [source, axis], output, table), patches(rng, shape))


@few
@given(reductions("MEAN"))
def test_mean(case):
    expect_parity(case)


@few
@given(reductions("REDUCE_MAX"))
def test_reduce_max(case):
    expect_parity(case)


@few
@given(reductions("REDUCE_MAX", pixels=True))
def test_reduce_max_of_all_pixels(case):
    expect_parity(case)


@st.composite
def binaries(draw, kind):
    rng = np.random.default_rng(draw(seeds))
    shape = tuple(draw(st.integers(1, 5)) for _ in range(4))
    other = draw(
        st.sampled_from([shape, (1, 1, 1, shape[3]), (shape[3],), (1,), (1, shape[1], 1, 1)])
    )
    a, b, output = (quantized(draw, s) for s in (shape, other, shape))
    b.data = noise(rng, other)
    if kind in ("MAXIMUM", "MINIMUM"):
        b.scales = output.scales = a.scales
        b.zeros = output.zeros = a.zeros
    elif draw(st.booleans()):
        b.scales = a.scales
    # mul.cc wants the factor under 1; an activation must be able to hold real values.
    if kind == "MUL":
        output.scales = (float(np.float32(a.scales[0] * b.scales[0] * rng.uniform(1.5, 300))),)
    names = {"ADD": "AddOptions", "SUB": "SubOptions", "MUL": "MulOptions"}
    if kind in names:
        table = options(names[kind], fusedActivationFunction=draw(activations))
    else:
        table = options("MaximumMinimumOptions")
    operands = [b, a] if draw(st.booleans()) else [a, b]
    return Case(build(kind, operands, output, table), patches(rng, shape))


@pytest.mark.parametrize("kind", ["ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM"])
def test_binary(kind):
    few(given(binaries(kind))(expect_parity))()


@st.composite
def activations_alone(draw, kind):
    """Every stored value: exhaustive."""
    dtype = draw(st.sampled_from(["int8", "int8", "uint8"]))
    source, output = quantized(draw, (1, 16, 16, 1), dtype), quantized(draw, (1, 16, 16, 1), dtype)
    low = np.iinfo(dtype).min
    table = None
    if kind == "LOGISTIC":
        output.scales, output.zeros = (1 / 256,), (low,)
    elif kind == "HARD_SWISH":  # the reference wants a factor under 128
        source.scales = (min(source.scales[0], output.scales[0] * 100),)
    elif kind == "TANH":
        standard = draw(st.booleans())
        output.scales, output.zeros = (1 / 128,), (low + 128,) if standard else output.zeros
    else:
        ratio = draw(st.sampled_from([1.0, 0.37, 2.9]))
        output.scales = (float(np.float32(source.scales[0] * ratio)),)
    if kind == "LEAKY_RELU":
        alpha = draw(st.sampled_from([0.2, 0.01, 1.0, 0.0, 1.7, -0.3]))
        table = options("LeakyReluOptions", alpha=alpha)
    every = np.arange(low, low + 256).astype(dtype).reshape(source.shape)
    # tflite-micro: no uint8; other formulas for LOGISTIC and TANH; RELU6 is not rescaled.
    micro = dtype == "int8" and kind in ("RELU", "LEAKY_RELU", "HARD_SWISH")
    return Case(build(kind, [source], output, table), [every], micro=micro)


@pytest.mark.parametrize("kind", ["LOGISTIC", "TANH", "HARD_SWISH", "LEAKY_RELU", "RELU", "RELU6"])
def test_activation_exhaustively(kind):
    few(given(activations_alone(kind))(expect_parity))()


@st.composite
def requantizations(draw):
    """Every value of the input's type: exhaustive."""
    types = draw(st.sampled_from([("int8", "int8"), ("uint8", "int8"), ("int8", "uint8")]))
    source, output = (quantized(draw, (256,), t) for t in types)
    if draw(st.booleans()):  # what a converter writes for uint8 at the ends
        output.scales = source.scales
    low = np.iinfo(types[0]).min
    content = build("QUANTIZE", [source], output, options("QuantizeOptions"))
    return Case(content, [np.arange(low, low + 256).astype(types[0])])


@few
@given(requantizations())
def test_requantize_exhaustively(case):
    expect_parity(case)


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_quantize_floats(dtype):
    rng = np.random.default_rng(5)
    for _ in range(10):
        scale = float(np.float32(rng.uniform(0.001, 0.2)))
        zero = int(rng.integers(0, 128))
        output = Tensor((512,), dtype, (scale,), (zero,))
        content = build("QUANTIZE", [Tensor((512,), "float32")], output, options("QuantizeOptions"))
        ties = (rng.integers(-300, 300, 512) + 0.5) * np.float32(scale)
        wide = rng.normal(0, 50 * scale, 512)
        ends = np.resize(np.float32([0, -0.0, 1e5, -1e5, 1e-40, 0.49999997 * scale]), 512)
        values = [x.astype(np.float32) for x in (ties, wide, ends)]
        # tflite-micro quantizes floats to int8 only.
        expect_parity(Case(content, values, micro=dtype == "int8"))


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_dequantize_exhaustively(dtype):
    rng = np.random.default_rng(6)
    low = np.iinfo(dtype).min
    for _ in range(5):
        source = Tensor((256,), dtype, (float(np.float32(rng.uniform(1e-3, 1))),), (low + 77,))
        content = build(
            "DEQUANTIZE", [source], Tensor((256,), "float32"), options("DequantizeOptions")
        )
        expect_parity(Case(content, [np.arange(low, low + 256).astype(dtype)]))


def test_softmax_of_every_difference():
    """Two scores, every pair of values: the exponential and the reciprocal exhaustively."""
    pairs = np.stack(np.meshgrid(np.arange(-128, 128), [-128, -5, 0, 127]), -1).reshape(-1, 2)
    for scale in (0.003, 0.0442, 0.1, 0.5, 3.0):
        source = Tensor(pairs.shape, "int8", (scale,), (3,))
        output = Tensor(pairs.shape, "int8", (1 / 256,), (-128,))
        content = build("SOFTMAX", [source], output, options("SoftmaxOptions", beta=1.0))
        expect_parity(Case(content, [pairs.astype(np.int8)]))


@few
@given(st.integers(1, 40), st.integers(1, 3), scales, seeds)
def test_softmax(depth, rows, scale, seed):
    source = Tensor((rows, depth), "int8", (scale,), (0,))
    output = Tensor((rows, depth), "int8", (1 / 256,), (-128,))
    content = build("SOFTMAX", [source], output, options("SoftmaxOptions", beta=1.0))
    expect_parity(Case(content, patches(np.random.default_rng(seed), source.shape)))


@st.composite
def layouts(draw):
    rng = np.random.default_rng(draw(seeds))
    rank = draw(st.integers(2, 4))
    shape = tuple(draw(st.integers(1, 5)) for _ in range(rank))
    source = quantized(draw, shape)
    if draw(st.booleans()):
        order = draw(st.permutations(range(rank)))
        argument = Tensor((rank,), "int32", data=np.array(order))
        output = Tensor(tuple(shape[a] for a in order), "int8", source.scales, source.zeros)
        kind, table = "TRANSPOSE", options("TransposeOptions")
    else:
        pads = rng.integers(0, 4, (rank, 2))
        argument = Tensor((rank, 2), "int32", data=pads)
        padded = tuple(int(n + p.sum()) for n, p in zip(shape, pads, strict=True))
        output = Tensor(padded, "int8", source.scales, source.zeros)
        kind, table = "PAD", options("PadOptions")
    return Case(build(kind, [source, argument], output, table), patches(rng, shape))


@few
@given(layouts())
def test_transpose_and_pad(case):
    expect_parity(case)


def test_an_input_that_no_operator_reads_is_left_alone():
    """It has a place all the same, for the caller to write to."""
    rng = np.random.default_rng(11)
    shapes = [(1, 4, 3, 2), (1, 5)]
    tensors = [Tensor(shape, scales=(0.1,), zeros=(0,)) for shape in (*shapes, shapes[0])]
    content = pack(tensors, [Operation("RELU", [0], [2])], [0, 1], [2])
    patches = [tuple(rng.integers(-128, 128, s).astype(np.int8) for s in shapes) for _ in range(4)]
    expect_parity(Case(content, patches))
