"""Random single-operator models over shapes, parameters, scales and zero points, extremes included.

Every strategy yields a `Case`; `single_operator` draws from all of them.
"""

from __future__ import annotations

import math

import numpy as np
from hypothesis import strategies as st

from tflite_models import ACTIVATIONS, Case, Tensor, build, options

SAME, VALID = 0, 1

seeds = st.integers(0, 2**32 - 1)
activations = st.sampled_from(sorted(ACTIVATIONS.values()))
zero_points = st.one_of(st.sampled_from([-128, 0, 127]), st.integers(-128, 127))
# Any float32 mantissa: formulas in float and in double differ in its last bits.
scales = st.builds(
    lambda m, e: float(np.float32(m) * np.float32(2.0**e)),
    st.floats(1, 2, exclude_max=True, width=32),
    st.integers(-10, 0),
)
# How much of the output's range sums of products take: 1 is about all of it.
spreads = st.sampled_from([1.0, 1.0, 1.0, 0.2, 5.0, 1e-3, 1e-6, 300.0])
strides = st.tuples(st.integers(1, 3), st.integers(1, 3))
CHANNELS = [1, 2, 3, 4, 5, 7, 8, 12, 16, 17, 20, 32, 33]


def noise(rng, shape, dtype="int8"):
    """Values over the whole range, now and then only its ends, a single one, or small ones."""
    limits = np.iinfo(dtype)
    style = rng.random()
    if style < 0.15:
        return rng.choice([limits.min, limits.max], shape).astype(dtype)
    if style < 0.2:
        return np.full(shape, rng.integers(limits.min, limits.max + 1), dtype)
    if style < 0.3:
        return (rng.integers(-3, 4, shape) + (limits.min + limits.max + 1) // 2).astype(dtype)
    return rng.integers(limits.min, limits.max + 1, shape).astype(dtype)


def several(rng, sources):
    """Three sets of values for `sources`: both ends of the range first."""
    ends = [tuple(np.full(s.shape, end, s.dtype) for s in sources) for end in _ends(sources[0])]
    return ends + [tuple(noise(rng, s.shape, s.dtype) for s in sources) for _ in range(3)]


def _ends(source):
    limits = np.iinfo(source.dtype)
    return int(limits.min), int(limits.max)


def quantized(draw, shape, dtype="int8"):
    """A tensor with a random scale and zero point."""
    zero = draw(zero_points) + (128 if dtype == "uint8" else 0)
    return Tensor(tuple(shape), dtype, (draw(scales),), (zero,))


def alike(tensor, shape, data=None):
    """A tensor quantized as another."""
    return Tensor(tuple(shape), tensor.dtype, tensor.scales, tensor.zeros, data=data)


def window_output(size, window, stride, dilation, padding):
    """Output size along one axis."""
    effective = (window - 1) * dilation + 1
    return -(-size // stride) if padding == SAME else (size - effective) // stride + 1


def weights_of(draw, rng, shape, axis, source, output):
    """Weights and their bias: per channel or per tensor, the whole range or nothing but ends."""
    channels = shape[axis]
    per_channel = draw(st.booleans())
    n = channels if per_channel else 1
    products = math.prod(shape) // channels
    ideal = output.scales[0] / source.scales[0] / np.sqrt(products) / 64 * draw(spreads)
    # The reference wants a factor under 2^30, and 2^-32 is the smallest that is not 0.
    scale = np.float32(ideal * rng.uniform(0.1, 10, n) ** draw(st.sampled_from([1, 1, 4])))
    style = draw(st.sampled_from(["any", "any", "any", "ends", "same", "zeros"]))
    values = {
        "any": lambda: rng.integers(-127, 128, shape),
        "ends": lambda: rng.choice([-127, 127], shape),
        "same": lambda: np.full(shape, rng.choice([-128, -127, 127])),
        "zeros": lambda: rng.integers(-127, 128, shape) * (rng.random(shape) < 0.2),
    }[style]()
    weights = Tensor(tuple(shape), "int8", tuple(map(float, scale)), axis=axis, data=values)
    reach = draw(st.sampled_from([2**6, 2**14, 2**14, 2**20, 2**28]))
    biases = rng.integers(-reach, reach, channels)
    bias_scales = tuple(float(np.float32(source.scales[0]) * s) for s in scale)
    return weights, Tensor((channels,), "int32", bias_scales, data=biases)


@st.composite
def convolutions(draw):
    """CONV_2D with groups, stride and dilation; a pointwise one half of the time."""
    rng = np.random.default_rng(draw(seeds))
    padding, pointwise = draw(st.sampled_from([SAME, VALID])), draw(st.booleans())
    window = (1, 1) if pointwise else draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    stride = draw(st.sampled_from([(1, 1), (1, 1), (2, 2), (2, 1), (3, 2)]))
    dilation = draw(st.sampled_from([(1, 1), (1, 1), (2, 2), (1, 3)]))
    groups = draw(st.sampled_from([1, 1, 1, 2, 3]))
    depth = draw(st.sampled_from(CHANNELS if groups == 1 else CHANNELS[:6]))
    outs = groups * draw(st.sampled_from(CHANNELS if groups == 1 else CHANNELS[:4]))
    return _convolution(
        draw, rng, "CONV_2D", (outs, *window, depth), 0, depth * groups,
        padding, stride, dilation,
    )  # fmt: skip


@st.composite
def depthwise_convolutions(draw):
    """DEPTHWISE_CONV_2D with any multiplier."""
    rng = np.random.default_rng(draw(seeds))
    padding = draw(st.sampled_from([SAME, VALID]))
    window = draw(st.sampled_from([(3, 3), (3, 3), (1, 1), (5, 5), (2, 3), (3, 1), (4, 4)]))
    stride = draw(st.sampled_from([(1, 1), (1, 1), (2, 2), (2, 1), (1, 2), (3, 3)]))
    dilation = draw(st.sampled_from([(1, 1), (1, 1), (1, 1), (2, 2), (1, 3)]))
    channels, multiplier = draw(st.sampled_from(CHANNELS)), draw(st.sampled_from([1, 1, 1, 2, 3]))
    shape = (1, *window, channels * multiplier)
    return _convolution(
        draw, rng, "DEPTHWISE_CONV_2D", shape, 3, channels, padding, stride, dilation
    )


def _convolution(draw, rng, kind, shape, axis, channels, padding, stride, dilation):
    window = shape[1:3]
    least = [
        (w - 1) * d + 1 if padding == VALID else 1 for w, d in zip(window, dilation, strict=True)
    ]
    size = [low + draw(st.integers(0, 8)) for low in least]
    made = [window_output(*a, padding) for a in zip(size, window, stride, dilation, strict=True)]
    source = quantized(draw, (1, *size, channels))
    output = quantized(draw, (1, *made, shape[axis]))
    weights, bias = weights_of(draw, rng, shape, axis, source, output)
    values = {
        "padding": padding, "strideH": stride[0], "strideW": stride[1],
        "dilationHFactor": dilation[0], "dilationWFactor": dilation[1],
        "fusedActivationFunction": draw(activations),
    }  # fmt: skip
    if axis == 3:
        values["depthMultiplier"] = shape[3] // channels
    table = options("Conv2DOptions" if axis == 0 else "DepthwiseConv2DOptions", **values)
    return Case(build(kind, [source, weights, bias], output, table), several(rng, [source]))


@st.composite
def dense_layers(draw):
    """FULLY_CONNECTED of inputs of two to four axes, rows kept apart or not."""
    rng = np.random.default_rng(draw(seeds))
    depth = draw(st.one_of(st.sampled_from(CHANNELS), st.integers(1, 300)))
    outs = draw(st.sampled_from(CHANNELS))
    rows = tuple(draw(st.lists(st.integers(1, 3), min_size=1, max_size=3)))
    keep = draw(st.booleans())
    source = quantized(draw, (*rows, depth))
    output = quantized(draw, (*rows, outs) if keep else (math.prod(rows), outs))
    weights, bias = weights_of(draw, rng, (outs, depth), 0, source, output)
    # A result beyond 32 bits is undefined in the reference: it casts a double.
    factor = source.scales[0] * max(weights.scales) / output.scales[0]
    bias.data = np.clip(bias.data, -(2**30) / factor, 2**30 / factor).astype(np.int32)
    table = options(
        "FullyConnectedOptions", fusedActivationFunction=draw(activations), keepNumDims=keep
    )
    operands = [source, weights, bias if draw(st.booleans()) else None]
    return Case(build("FULLY_CONNECTED", operands, output, table), several(rng, [source]))


@st.composite
def poolings(draw):
    """AVERAGE_POOL_2D and MAX_POOL_2D."""
    rng = np.random.default_rng(draw(seeds))
    kind = draw(st.sampled_from(["AVERAGE_POOL_2D", "MAX_POOL_2D"]))
    padding = draw(st.sampled_from([SAME, VALID]))
    window = draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    stride = draw(strides)
    size = [low + draw(st.integers(0, 6)) for low in window]
    made = [
        window_output(s, k, d, 1, padding) for s, k, d in zip(size, window, stride, strict=True)
    ]
    channels = draw(st.sampled_from(CHANNELS))
    source = quantized(draw, (1, *size, channels))
    table = options(
        "Pool2DOptions", padding=padding, strideH=stride[0], strideW=stride[1],
        filterHeight=window[0], filterWidth=window[1], fusedActivationFunction=draw(activations),
    )  # fmt: skip
    output = alike(source, (1, *made, channels))
    return Case(build(kind, [source], output, table), several(rng, [source]))


@st.composite
def reductions(draw, kind=None):
    """MEAN, SUM and REDUCE_MAX of one to four axes over any of them."""
    rng = np.random.default_rng(draw(seeds))
    kind = kind or draw(st.sampled_from(["MEAN", "MEAN", "SUM", "REDUCE_MAX"]))
    rank = draw(st.integers(1, 4))
    shape = tuple(draw(st.sampled_from([1, 2, 3, 4, 5, 8, 12])) for _ in range(rank))
    axes = draw(st.sets(st.integers(0, rank - 1), min_size=1))
    keep = draw(st.booleans())
    kept = [1 if a in axes else n for a, n in enumerate(shape) if keep or a not in axes]
    source, output = quantized(draw, shape), quantized(draw, kept)
    if kind == "SUM":
        count = math.prod(shape[a] for a in axes)
        output.scales = (float(np.float32(source.scales[0] * count ** draw(st.floats(0, 1)))),)
    if kind == "REDUCE_MAX" or draw(st.booleans()):
        output.scales, output.zeros = source.scales, source.zeros
    numbers = np.array([a - rank if rng.random() < 0.3 else a for a in sorted(axes)])
    axis = Tensor((len(numbers),), "int32", data=numbers)
    table = options("ReducerOptions", keepDims=keep)
    return Case(build(kind, [source, axis], output, table), several(rng, [source]))


def _broadcast(draw, rng, shape):
    """A shape that broadcasts to `shape`: axes left out in front, others of 1."""
    left_out = draw(st.integers(0, len(shape)))
    return tuple(1 if rng.random() < 0.3 else n for n in shape[left_out:]) or (1,)


@st.composite
def binaries(draw):
    """ADD, SUB, MUL, MAXIMUM and MINIMUM: two activations or a constant, equal shapes or not."""
    rng = np.random.default_rng(draw(seeds))
    kind = draw(st.sampled_from(["ADD", "ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM"]))
    shape = tuple(draw(st.lists(st.sampled_from([1, 2, 3, 4, 5, 8, 13]), min_size=1, max_size=4)))
    other = shape if draw(st.booleans()) else _broadcast(draw, rng, shape)
    a, b, output = (quantized(draw, s) for s in (shape, other, shape))
    if draw(st.booleans()):
        b.data = noise(rng, other)
    if kind in ("MAXIMUM", "MINIMUM"):
        b.scales = output.scales = a.scales
        b.zeros = output.zeros = a.zeros
    elif draw(st.booleans()):
        b.scales = a.scales
    if kind == "MUL":  # mul.cc wants the factor under 1
        factor = rng.choice([1.01, 1.5, 20, 300, 30000])
        output.scales = (float(np.float32(a.scales[0] * b.scales[0] * factor)),)
    elif kind in ("ADD", "SUB"):
        larger = max(a.scales[0], b.scales[0])
        output.scales = (float(np.float32(larger * rng.choice([0.1, 0.7, 1, 2, 2.5, 40]))),)
    names = {"ADD": "AddOptions", "SUB": "SubOptions", "MUL": "MulOptions"}
    if kind in names:
        table = options(names[kind], fusedActivationFunction=draw(activations))
    else:
        table = options("MaximumMinimumOptions")
    operands = [b, a] if draw(st.booleans()) else [a, b]
    free = [t for t in operands if t.data is None]
    return Case(build(kind, operands, output, table), several(rng, free))


@st.composite
def softmaxes(draw):
    """SOFTMAX over the last of one to four axes, any beta."""
    rng = np.random.default_rng(draw(seeds))
    shape = (*draw(st.lists(st.integers(1, 3), max_size=3)), draw(st.integers(1, 60)))
    source = quantized(draw, shape)
    output = Tensor(shape, "int8", (1 / 256,), (-128,))
    table = options("SoftmaxOptions", beta=draw(st.sampled_from([1.0, 1.0, 0.5, 0.1, 3.0])))
    return Case(build("SOFTMAX", [source], output, table), several(rng, [source]))


LOOKUPS = ["LOGISTIC", "TANH", "HARD_SWISH", "LEAKY_RELU", "RELU", "RELU6", "RELU_N1_TO_1"]


@st.composite
def lookups(draw):
    """Activations on their own: every stored value."""
    kind, dtype = draw(st.sampled_from(LOOKUPS)), draw(st.sampled_from(["int8", "int8", "uint8"]))
    shape = draw(st.sampled_from([(1, 16, 16, 1), (256,), (2, 128), (1, 4, 8, 8), (4, 8, 8)]))
    source, output = quantized(draw, shape, dtype), quantized(draw, shape, dtype)
    low, table = np.iinfo(dtype).min, None
    if kind == "LOGISTIC":
        output.scales, output.zeros = (1 / 256,), (low,)
    elif kind == "HARD_SWISH":  # the reference wants a factor under 128, and 16 bits hold its shift
        unit = output.scales[0]
        source.scales = (float(np.clip(source.scales[0], unit / 500, unit * 100)),)
    elif kind == "TANH":
        output.scales, output.zeros = (1 / 128,), (low + 128,)
    else:
        ratio = draw(st.sampled_from([1.0, 0.37, 2.9, 0.01, 60.0]))
        output.scales = (float(np.float32(source.scales[0] * ratio)),)
    if kind == "LEAKY_RELU":
        alpha = draw(st.sampled_from([0.2, 0.01, 1.0, 0.0, 1.7, -0.3]))
        table = options("LeakyReluOptions", alpha=alpha)
    every = np.arange(low, low + 256).astype(dtype).reshape(shape)
    # tflite-micro has other formulas for LOGISTIC and TANH, and does not rescale in RELU6.
    micro = dtype == "int8" and kind in ("RELU", "LEAKY_RELU", "HARD_SWISH")
    return Case(build(kind, [source], output, table), [every], micro=micro)


@st.composite
def prelus(draw):
    """PRELU with a slope for each channel, for each value, or one."""
    rng = np.random.default_rng(draw(seeds))
    shape = tuple(draw(st.lists(st.integers(1, 6), min_size=1, max_size=4)))
    slopes = draw(st.sampled_from([(shape[-1],), (*(1 for _ in shape[1:]), shape[-1]), (1,)]))
    if draw(st.booleans()):
        slopes = shape
    source, alpha, output = (quantized(draw, s) for s in (shape, slopes, shape))
    alpha.data = noise(rng, slopes)
    ratio = draw(st.sampled_from([1.0, 0.37, 2.9, 0.05]))
    output.scales = (float(np.float32(source.scales[0] * ratio)),)
    return Case(build("PRELU", [source, alpha], output), several(rng, [source]))


@st.composite
def requantizations(draw):
    """QUANTIZE between types and scales: every value."""
    types = draw(st.sampled_from([("int8", "int8"), ("uint8", "int8"), ("int8", "uint8")]))
    source, output = (quantized(draw, (256,), t) for t in types)
    if draw(st.booleans()):  # what a converter writes for uint8 at the ends
        output.scales = source.scales
    low = np.iinfo(types[0]).min
    content = build("QUANTIZE", [source], output, options("QuantizeOptions"))
    return Case(content, [np.arange(low, low + 256).astype(types[0])])


@st.composite
def ends(draw):
    """QUANTIZE of floats and DEQUANTIZE to floats, ties and huge values among them."""
    rng = np.random.default_rng(draw(seeds))
    dtype, shape = (
        draw(st.sampled_from(["int8", "uint8"])),
        draw(st.sampled_from([(192,), (3, 64)])),
    )
    inside, floats = quantized(draw, shape, dtype), Tensor(shape, "float32")
    if draw(st.booleans()):
        content = build("DEQUANTIZE", [inside], floats, options("DequantizeOptions"))
        return Case(content, several(rng, [inside]))
    scale = np.float32(inside.scales[0])
    content = build("QUANTIZE", [floats], inside, options("QuantizeOptions"))
    odd = np.resize(np.float32([0, -0.0, 1e5, -1e5, 1e-40, 0.49999997 * scale]), shape)
    values = [(rng.integers(-300, 300, shape) + 0.5) * scale, rng.normal(0, 50 * scale, shape), odd]
    # tflite-micro quantizes floats to int8 only.
    return Case(content, [v.astype(np.float32) for v in values], micro=dtype == "int8")
