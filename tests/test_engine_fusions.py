"""Rewrites that save work: exact for every value, made where they apply and nowhere else."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine_networks import Network, convolution
from paritone.engine import plan, tflite
from test_engine_models import settled
from tflite_models import ACTIVATIONS, Case, Tensor, expect_parity, options, pack

pytestmark = [pytest.mark.parity, pytest.mark.usefixtures("tflite_schema")]
few = settled(12)
EVERY = np.arange(-128, 128).astype(np.int8)
NOTHING = ACTIVATIONS["NONE"]


def network(seed: int) -> Network:
    return Network(np.random.default_rng(seed))


def source(n: Network, shape: tuple[int, ...], **given: float) -> int:
    """An input of the model."""
    index = n.tensor(n.activation(shape, **given))
    n.inputs.append(index)
    n.live.append(index)
    return index


def content(n: Network) -> bytes:
    return pack(n.tensors, n.operations, n.inputs, n.ends)


def kernels(n: Network) -> list[str]:
    return [step.kernel for step in plan.plan(tflite.parse(content(n))).steps]


def parameter(n: Network, shape: tuple[int, ...], scale: float, zero: int) -> int:
    values = n.rng.integers(-128, 128, shape).astype(np.int8)
    return n.tensor(Tensor(shape, "int8", (float(np.float32(scale)),), (zero,), data=values))


def fixed(n: Network, kind: str, tensor: int, activation: int) -> int:
    """ADD, SUB or MUL of `tensor` and a constant for each channel; scales that leave values."""
    rng, scale = n.rng, n.tensors[tensor].scales[0]
    other = float(rng.uniform(0.2, 2) * (0.02 if kind == "MUL" else scale))
    output = scale * other * 60 if kind == "MUL" else max(scale, other)
    shape = n.shape(tensor)[-1:] if rng.random() < 0.9 else (1,)
    constant = parameter(n, shape, other, int(rng.integers(-128, 128)))
    operands = [tensor, constant] if kind == "MUL" or rng.random() < 0.5 else [constant, tensor]
    made = n.activation(n.shape(tensor), output * rng.uniform(0.6, 1.5))
    table = options(f"{kind.title()}Options", fusedActivationFunction=activation)
    return n.add(kind, operands, [made], table)[0]


def every_value(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """All 256 values in each channel."""
    channels = shape[-1]
    return np.stack([rng.permutation(EVERY) for _ in range(channels)], -1).reshape(shape)


@few
@given(st.integers(0, 2**32 - 1), st.sampled_from([3, 4, 16, 20]), st.integers(1, 3))
def test_normalisations_are_looked_up(seed: int, channels: int, length: int) -> None:
    """MUL, ADD and SUB of constants with activations, for every value of each channel."""
    n = network(seed)
    tensor = source(n, (1, 16, 16, channels))
    for _ in range(length):
        kind = str(n.rng.choice(["MUL", "ADD", "SUB"]))
        tensor = fixed(n, kind, tensor, int(n.rng.choice([NOTHING, ACTIVATIONS["RELU"]])))
    assert kernels(n) in (["CHANNEL_LOOKUP"], ["LOOKUP"])
    patches = [every_value(n.shape(0), n.rng)]
    expect_parity(Case(content(n), patches))


def test_a_tensor_read_twice_stays() -> None:
    n = network(1)
    first = fixed(n, "MUL", source(n, (1, 16, 16, 4)), NOTHING)
    fixed(n, "ADD", first, NOTHING)
    fixed(n, "SUB", first, NOTHING)
    assert len(kernels(n)) == 3
    expect_parity(Case(content(n), [every_value(n.shape(0), n.rng)]))


def test_a_sum_of_simple_scales_costs_little() -> None:
    """Of halves: nearly every pair of values is a tie, and no weighted sum rounds them all."""
    n = network(1)
    halved = n.activation((1, 16, 16, 4), 0.1, 0)
    sides = [source(n, (1, 16, 16, 4), scale=0.05, zero=0) for _ in range(2)]
    n.add("ADD", sides, [halved], options("AddOptions", fusedActivationFunction=NOTHING))
    tracemalloc.start()
    assert kernels(n) == ["ADD"]
    assert tracemalloc.get_traced_memory()[1] < 100e6  # every candidate at once took 390
    tracemalloc.stop()
    expect_parity(Case(content(n), [tuple(every_value(n.shape(side), n.rng) for side in sides)]))


@few
@given(st.integers(0, 2**32 - 1), st.sampled_from(["ADD", "SUB"]))
def test_sums_of_every_pair(seed: int, kind: str) -> None:
    n = network(seed)
    scales = 2.0 ** n.rng.uniform(-8, 0, 2)
    tensors = [source(n, (1, 256, 256, 1), scale=s) for s in scales]
    made = n.activation((1, 256, 256, 1), scales.max() * n.rng.uniform(0.5, 2), 0)
    activation = ACTIVATIONS[str(n.rng.choice(["NONE", "RELU"]))]
    if activation:
        made.zeros = (-128,)
    table = options(f"{kind.title()}Options", fusedActivationFunction=activation)
    n.add(kind, tensors, [made], table)
    assert kernels(n) == ["WEIGHTED_SUM"]
    a, b = np.meshgrid(EVERY, EVERY)
    pair = tuple(v.reshape(1, 256, 256, 1) for v in (a, b))
    expect_parity(Case(content(n), [pair]))


def padded(n: Network, tensor: int, pads: list[list[int]]) -> int:
    shape = [s + sum(p) for s, p in zip(n.shape(tensor), pads, strict=True)]
    amounts = n.constant(np.array(pads, np.int32))
    return n.add("PAD", [tensor, amounts], [n.alike(tensor, shape)], options("PadOptions"))[0]


def pooled(n: Network, tensor: int) -> int:
    batch, height, width, channels = n.shape(tensor)
    shape = (batch, (height - 3) // 2 + 1, (width - 3) // 2 + 1, channels)
    table = options("Pool2DOptions", padding=1, strideH=2, strideW=2, filterHeight=3, filterWidth=3)
    return n.add("MAX_POOL_2D", [tensor], [n.alike(tensor, shape)], table)[0]


@few
@given(st.integers(0, 2**32 - 1))
def test_padding_is_the_windows(seed: int) -> None:
    """PAD before CONV_2D, DEPTHWISE_CONV_2D and MAX_POOL_2D of random windows."""
    n = network(seed)
    tensor = padded(n, source(n, (1, 9, 7, 4)), [[0, 0], *n.rng.integers(0, 3, (2, 2)), [0, 0]])
    convolution(n, tensor)
    pool = source(n, (1, 8, 9, 4))
    pooled(n, padded(n, pool, [[0, 0], [1, 2], [2, 0], [0, 0]]))
    (window,) = [o for o in n.operations if "CONV" in o.kind]
    span = n.tensors[window.inputs[1]].shape[1:3]
    folded = window.options.padding == 1 and min(span) > 2
    assert kernels(n).count("PAD") == 0 or not folded
    patches = [
        tuple(n.rng.integers(-128, 128, n.shape(i)).astype(np.int8) for i in n.inputs)
        for _ in range(3)
    ]
    expect_parity(Case(content(n), patches))


@few
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_a_sum_belongs_to_the_products_before_it(seed: int, twice: bool) -> None:
    """CONV_2D, then ADD or SUB with what it read, or with itself: that stays a step of its own."""
    n = network(seed)
    tensor = source(n, (1, 7, 6, 8))
    made = dense_convolution(n, tensor)
    kind, scale = str(n.rng.choice(["ADD", "SUB"])), n.tensors[made].scales[0]
    operands = [made, made] if twice else [int(i) for i in n.rng.permutation([made, tensor])]
    table = options(f"{kind.title()}Options", fusedActivationFunction=NOTHING)
    n.add(kind, operands, [n.activation(n.shape(made), scale * n.rng.uniform(1, 3))], table)
    found = kernels(n)
    assert found == (["PRODUCTS", "WEIGHTED_SUM"] if twice else ["PRODUCTS_SUM"])
    patches = [n.rng.integers(-128, 128, n.shape(tensor)).astype(np.int8) for _ in range(3)]
    expect_parity(Case(content(n), patches))


def dense_convolution(n: Network, tensor: int) -> int:
    """CONV_2D of 3 x 3 that keeps the shape."""
    channels, rng = n.shape(tensor)[-1], n.rng
    scale, factor = n.tensors[tensor].scales[0], float(np.float32(rng.uniform(0.002, 0.02)))
    shape = (channels, 3, 3, channels)
    weights = Tensor(shape, "int8", (factor,), data=rng.integers(-127, 128, shape))
    biases = rng.integers(-3000, 3000, channels)
    bias = Tensor((channels,), "int32", (float(np.float32(scale) * factor),), data=biases)
    output = n.activation(n.shape(tensor), scale * factor * 60 * 9)
    table = options("Conv2DOptions", padding=0, strideH=1, strideW=1, dilationHFactor=1,
                    dilationWFactor=1, fusedActivationFunction=int(rng.choice([0, 1])))  # fmt: skip
    return n.add("CONV_2D", [tensor, n.tensor(weights), n.tensor(bias)], [output], table)[0]
