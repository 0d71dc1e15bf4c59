"""Random networks of 3 to 15 layers: chains, branches, sums, joins, several inputs and outputs."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import strategies as st

from engine_models import SAME, VALID, noise, seeds, window_output
from tflite_models import Case, Operation, Tensor, options, pack

LARGEST = 24 * 24 * 24


class Network:
    """A network that grows layer by layer; `ends` are tensors that nothing reads yet."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.tensors: list[Tensor] = []
        self.operations: list[Operation] = []
        self.inputs: list[int] = []
        self.live: list[int] = []
        self.read: set[int] = set()

    def tensor(self, tensor: Tensor) -> int:
        """Number of a new tensor."""
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def activation(self, shape, scale=None, zero=None) -> Tensor:
        """An int8 tensor; with a random scale or zero point where none is given."""
        scale = self.rng.uniform(0.01, 0.2) if scale is None else scale
        zero = int(self.rng.integers(-128, 128)) if zero is None else zero
        return Tensor(tuple(shape), "int8", (float(np.float32(scale)),), (zero,))

    def alike(self, index: int, shape=None) -> Tensor:
        """A tensor quantized as tensor `index`, of another shape or the same."""
        like = self.tensors[index]
        return Tensor(tuple(shape or like.shape), like.dtype, like.scales, like.zeros)

    def constant(self, values) -> int:
        """A constant of int32."""
        array = np.array(values)
        return self.tensor(Tensor(array.shape, "int32", data=array))

    def add(self, kind: str, inputs: list[int], outputs: list[Tensor], table=None) -> list[int]:
        """Append an operator; its outputs' numbers."""
        made = [self.tensor(t) for t in outputs]
        self.operations.append(Operation(kind, inputs, made, table))
        self.read |= set(inputs)
        self.live += made
        return made

    def choose(self) -> int:
        """A tensor to go on from: mostly a late one, now and then one from far back."""
        recent = self.live if self.rng.random() < 0.25 else self.live[-2:]
        return int(self.rng.choice(recent))

    def shape(self, index: int) -> tuple[int, ...]:
        """Of a tensor."""
        return self.tensors[index].shape

    @property
    def ends(self) -> list[int]:
        """Computed tensors that nothing reads."""
        return [i for i in self.live if i not in self.read and i not in self.inputs]


def convolution(n: Network, source: int) -> None:
    """CONV_2D or DEPTHWISE_CONV_2D of any window."""
    rng, (_, height, width, channels) = n.rng, n.shape(source)
    depthwise = rng.random() < 0.4
    window = (1, 1) if rng.random() < 0.4 and not depthwise else (3, 3)
    if rng.random() < 0.15:
        window = tuple(map(int, rng.integers(1, 6, 2)))
    stride = (2, 2) if rng.random() < 0.25 else (1, 1)
    dilation = (2, 2) if rng.random() < 0.1 else (1, 1)
    padding = SAME if rng.random() < 0.8 else VALID
    made = [
        window_output(*a, padding)
        for a in zip((height, width), window, stride, dilation, strict=True)
    ]
    if min(made) < 1:
        return
    outs = channels if depthwise else int(rng.choice([1, 3, 4, 6, 8, 12, 16, 24]))
    shape = (1, *window, outs) if depthwise else (outs, *window, channels)
    products = math.prod(window) * (1 if depthwise else channels)
    scales = np.float32(rng.uniform(0.002, 0.02, outs if rng.random() < 0.8 else 1))
    in_scale = n.tensors[source].scales[0]
    output = n.activation((1, *made, outs), in_scale * scales.mean() * 60 * np.sqrt(products))
    weights = n.tensor(
        Tensor(shape, "int8", tuple(map(float, scales)), axis=3 if depthwise else 0,
               data=rng.integers(-127, 128, shape))
    )  # fmt: skip
    bias = n.tensor(
        Tensor((outs,), "int32", tuple(float(np.float32(in_scale) * s) for s in scales),
               data=rng.integers(-3000, 3000, outs))
    )  # fmt: skip
    values = {
        "padding": padding, "strideH": stride[0], "strideW": stride[1],
        "dilationHFactor": dilation[0], "dilationWFactor": dilation[1],
        "fusedActivationFunction": int(rng.choice([0, 0, 1, 3])),
    }  # fmt: skip
    if depthwise:
        kind, table = (
            "DEPTHWISE_CONV_2D",
            options("DepthwiseConv2DOptions", depthMultiplier=1, **values),
        )
    else:
        kind, table = "CONV_2D", options("Conv2DOptions", **values)
    n.add(kind, [source, weights, bias], [output], table)


def pooling(n: Network, source: int) -> None:
    """A pooling of 2 or 3 by either."""
    rng, (_, height, width, channels) = n.rng, n.shape(source)
    window = [min(int(k), s) for k, s in zip(rng.integers(2, 4, 2), (height, width), strict=True)]
    stride, padding = int(rng.integers(1, 3)), int(rng.choice([SAME, VALID]))
    made = [
        window_output(s, k, stride, 1, padding)
        for s, k in zip((height, width), window, strict=True)
    ]
    table = options(
        "Pool2DOptions", padding=padding, strideH=stride, strideW=stride,
        filterHeight=window[0], filterWidth=window[1],
    )  # fmt: skip
    kind = str(rng.choice(["AVERAGE_POOL_2D", "MAX_POOL_2D"]))
    n.add(kind, [source], [n.alike(source, (1, *made, channels))], table)


def binary(n: Network, source: int) -> None:
    """A sum, difference or product with any tensor of the same shape, itself included, or not."""
    rng, shape = n.rng, n.shape(source)
    same = [i for i in n.live if n.shape(i) == shape]
    other = int(rng.choice(same))
    if rng.random() < 0.3:
        constant = n.activation(rng.choice([1, shape[-1]], 1), zero=int(rng.integers(-128, 128)))
        constant.data = noise(rng, constant.shape)
        other = n.tensor(constant)
    a, b = (n.tensors[i].scales[0] for i in (source, other))
    kind = str(rng.choice(["ADD", "ADD", "ADD", "SUB", "MUL"]))
    output = n.activation(shape, a * b * 60 if kind == "MUL" else 1.4 * max(a, b))
    table = options(f"{kind.title()}Options", fusedActivationFunction=int(rng.choice([0, 1, 3])))
    n.add(kind, [source, other] if rng.random() < 0.7 else [other, source], [output], table)


def requantized(n: Network, source: int, like: Tensor) -> int:
    """`source` with the quantization of `like`: as it is, or through a QUANTIZE."""
    found = n.tensors[source]
    if (found.scales, found.zeros) == (like.scales, like.zeros):
        return source
    output = Tensor(found.shape, "int8", like.scales, like.zeros)
    return n.add("QUANTIZE", [source], [output], options("QuantizeOptions"))[0]


def extremum(n: Network, source: int) -> None:
    """MAXIMUM or MINIMUM of two tensors brought to one scale."""
    shape = n.shape(source)
    other = int(n.rng.choice([i for i in n.live if n.shape(i) == shape]))
    operands = [source, requantized(n, other, n.tensors[source])]
    kind = str(n.rng.choice(["MAXIMUM", "MINIMUM"]))
    n.add(kind, operands, [n.alike(source)], options("MaximumMinimumOptions"))


def join(n: Network, source: int) -> None:
    """CONCATENATION along the channels, or along the height, of two or three tensors."""
    axis = 3 if n.rng.random() < 0.7 else 1

    def rest(shape):
        return (*shape[:axis], *shape[axis + 1 :])

    fitting = [i for i in n.live if rest(n.shape(i)) == rest(n.shape(source))]
    others = [int(i) for i in n.rng.choice(fitting, n.rng.integers(1, 3))]
    operands = [source, *(requantized(n, i, n.tensors[source]) for i in others)]
    shape = list(n.shape(source))
    shape[axis] = sum(n.shape(i)[axis] for i in operands)
    if math.prod(shape) <= LARGEST:
        table = options("ConcatenationOptions", axis=axis)
        n.add("CONCATENATION", operands, [n.alike(source, shape)], table)


def split(n: Network, source: int) -> None:
    """SPLIT along the channels: two branches."""
    shape = n.shape(source)
    if shape[3] % 2 == 0:
        half = [n.alike(source, (*shape[:3], shape[3] // 2)) for _ in range(2)]
        where = n.tensor(Tensor((), "int32", data=np.array(3)))
        n.add("SPLIT", [where, source], half, options("SplitOptions", numSplits=2))


def cut(n: Network, source: int) -> None:
    """STRIDED_SLICE of rows and columns."""
    rng, (_, height, width, channels) = n.rng, n.shape(source)
    top, left = int(rng.integers(0, (height + 1) // 2)), int(rng.integers(0, (width + 1) // 2))
    step = int(rng.integers(1, 3))
    made = (1, len(range(top, height, step)), width - left, channels)
    operands = [source, n.constant([0, top, left, 0]), n.constant([1, height, width, channels])]
    operands.append(n.constant([1, step, 1, 1]))
    n.add("STRIDED_SLICE", operands, [n.alike(source, made)], options("StridedSliceOptions"))


def padding(n: Network, source: int) -> None:
    """PAD of rows and columns."""
    amounts = [[0, 0], *n.rng.integers(0, 3, (2, 2)).tolist(), [0, 0]]
    made = [s + sum(a) for s, a in zip(n.shape(source), amounts, strict=True)]
    operands = [source, n.constant(amounts)]
    n.add("PAD", operands, [n.alike(source, made)], options("PadOptions"))


def turn(n: Network, source: int) -> None:
    """TRANSPOSE of height, width and channels, or another view by RESHAPE."""
    _, height, width, channels = n.shape(source)
    if n.rng.random() < 0.5:
        order = [0, *(int(a) + 1 for a in n.rng.permutation(3))]
        made = [n.shape(source)[a] for a in order]
        table = options("TransposeOptions")
        n.add("TRANSPOSE", [source, n.constant(order)], [n.alike(source, made)], table)
    else:
        made = (1, width, height, channels)
        table = options("ReshapeOptions", newShape=list(made))
        n.add("RESHAPE", [source, n.constant(made)], [n.alike(source, made)], table)


def alone(n: Network, source: int) -> None:
    """An activation on its own."""
    kind = str(n.rng.choice(["RELU", "LEAKY_RELU", "HARD_SWISH", "PRELU", "LOGISTIC", "RELU6"]))
    scale = n.tensors[source].scales[0] * n.rng.uniform(0.5, 2)
    output, table, operands = n.activation(n.shape(source), scale), None, [source]
    if kind == "LEAKY_RELU":
        table = options("LeakyReluOptions", alpha=0.1)
    if kind == "LOGISTIC":
        output = n.activation(n.shape(source), 1 / 256, -128)
    if kind == "PRELU":
        slopes = n.activation((1, 1, n.shape(source)[3]), 0.01)
        slopes.data = noise(n.rng, slopes.shape)
        operands.append(n.tensor(slopes))
    n.add(kind, operands, [output], table)


def mean(n: Network, source: int) -> None:
    """MEAN over height and width, kept: it multiplies or is added again later."""
    if len(n.live) > 2:
        output = n.activation((1, 1, 1, n.shape(source)[3]), n.tensors[source].scales[0] / 2)
        operands = [source, n.constant([1, 2])]
        made = n.add("MEAN", operands, [output], options("ReducerOptions", keepDims=True))[0]
        a, b = (n.tensors[i].scales[0] for i in (source, made))
        output = n.activation(n.shape(source), 1.3 * max(a, b))
        n.add("ADD", [source, made], [output], options("AddOptions"))


LAYERS = (
    [convolution] * 9 + [pooling] * 2 + [binary] * 4 + [join] * 2
    + [extremum, split, cut, padding, turn, alone, alone, mean]
)  # fmt: skip


def classifier(n: Network, source: int) -> None:
    """MEAN, FULLY_CONNECTED and SOFTMAX."""
    rng, channels, outs = n.rng, n.shape(source)[3], int(n.rng.integers(2, 11))
    scale = n.tensors[source].scales[0]
    pooled = n.activation((1, channels), scale / 2)
    axes = [source, n.constant([1, 2])]
    (index,) = n.add("MEAN", axes, [pooled], options("ReducerOptions", keepDims=False))
    weights = Tensor(
        (outs, channels), "int8", (0.01,), data=rng.integers(-127, 128, (outs, channels))
    )
    operands = [index, n.tensor(weights), -1]
    scores = n.activation((1, outs), pooled.scales[0] * 0.01 * 40 * np.sqrt(channels))
    (index,) = n.add("FULLY_CONNECTED", operands, [scores], options("FullyConnectedOptions"))
    output = n.activation((1, outs), 1 / 256, -128)
    n.add("SOFTMAX", [index], [output], options("SoftmaxOptions", beta=1.0))


def entry(n: Network) -> None:
    """An input: int8, or uint8 or float before a QUANTIZE."""
    rng = n.rng
    channels = int(rng.choice([1, 1, 3, 4, 8]))
    shape = n.shape(n.inputs[0]) if n.inputs else (1, *map(int, rng.integers(5, 25, 2)), channels)
    inside, kind = n.activation(shape), str(rng.choice(["int8", "int8", "uint8", "float32"]))
    if kind == "int8":
        index = n.tensor(inside)
        n.inputs.append(index)
        n.live.append(index)
        return
    outside = Tensor(shape, kind)
    if kind == "uint8":
        outside.scales, outside.zeros = inside.scales, (inside.zeros[0] + 128,)
    index = n.tensor(outside)
    n.inputs.append(index)
    n.add("QUANTIZE", [index], [inside], options("QuantizeOptions"))


def exits(n: Network) -> list[int]:
    """The outputs: every end, some of them as uint8 or floats, sometimes one from the middle."""
    rng, made = n.rng, []
    ends = n.ends
    if rng.random() < 0.2:
        ends = [*ends, int(rng.choice([i for i in n.live if i not in [*ends, *n.inputs]] or ends))]
    for index in dict.fromkeys(ends):
        inside, kind = n.tensors[index], rng.random()
        if kind < 0.2:
            output = Tensor(inside.shape, "uint8", inside.scales, (inside.zeros[0] + 128,))
            made += n.add("QUANTIZE", [index], [output], options("QuantizeOptions"))
        elif kind < 0.4:
            output = Tensor(inside.shape, "float32")
            made += n.add("DEQUANTIZE", [index], [output], options("DequantizeOptions"))
        else:
            made.append(index)
    return made


@st.composite
def networks(draw, most=15):
    """A network of up to `most` layers and five sets of values for its inputs."""
    n = Network(np.random.default_rng(draw(seeds)))
    for _ in range(draw(st.sampled_from([1, 1, 1, 2]))):
        entry(n)
    layers = draw(st.integers(3, most))
    for _ in range(200):
        if len(n.operations) >= layers:
            break
        source = n.choose()
        if math.prod(n.shape(source)) <= LARGEST:
            LAYERS[int(n.rng.integers(len(LAYERS)))](n, source)
    if draw(st.booleans()):
        classifier(n, n.live[-1])
    content = pack(n.tensors, n.operations, n.inputs, exits(n))
    return Case(content, [tuple(_values(n, i) for i in n.inputs) for _ in range(5)])


def _values(n: Network, index: int) -> np.ndarray:
    tensor = n.tensors[index]
    if tensor.dtype == "float32":
        return n.rng.normal(0, 4, tensor.shape).astype(np.float32)
    return noise(n.rng, tensor.shape, tensor.dtype)
