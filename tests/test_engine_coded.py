"""Entropy-coded weights: back to the very words, bit by bit; where a plan has them, and where not.

What decodes them on the host and on cores is compared in test_engine_products.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from paritone.engine import costs
from paritone.engine.lowering import coded
from paritone.engine.plan import plan
from paritone.engine.tflite import parse
from paritone.generate.model import kernels_c
from tflite_models import Tensor, build, options

RNG = np.random.default_rng(4)
WEIGHTS = {
    "zero": np.zeros((2, 8, 4)),
    "highest": np.full((2, 8, 4), 127),
    "lowest": np.full((3, 4, 4), -128),
    "one": np.full((1, 4, 4), -33),
    "ends": RNG.choice([-127, 127], (3, 8, 4)),
    "all": np.arange(-128, 128).reshape(2, 32, 4),
    "uniform": RNG.integers(-128, 128, (3, 64, 4)),
    "small": RNG.laplace(0, 15, (4, 128, 4)).round().clip(-127, 127),
    "tiny": RNG.integers(-3, 4, (3, 64, 4)),
    "rarely large": np.where(RNG.random((8, 256, 4)) < 0.001, 127, 0),
    "mixed": RNG.normal(0, [2, 10, 40, 90], (5, 64, 4)).round().clip(-127, 127),
}


def _words(weights: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(weights.astype(np.int8)).view("<i4")[..., 0]


def _decoded(code: np.ndarray, groups: int, depth: int) -> tuple[np.ndarray, int]:
    """Weights [groups, depth, 4] by what products_decode.h says, and the bits left."""
    halves = code.astype("<i4").view("<u2").astype(int)[:32]
    sixes = code.astype("<i4").view(np.uint8).reshape(-1, 4)[16 : 16 + groups * depth // 4 * 3]
    tail = code[16 + len(sixes) :].astype("<i4").tobytes()
    bits = "".join(f"{byte:08b}" for byte in tail)
    found, at = [], 0
    for three in sixes.reshape(-1, 3, 4).astype(int):
        last = (three >> 6 << np.array([[0], [2], [4]])).sum(axis=0)
        for six in (*(three & 63), last):
            entry = halves[int(bits[at : at + 5], 2)]
            length, base = 32 - entry % 256, entry >> 8
            assert 1 <= length <= 12
            rank = int(bits[at : at + length], 2) + base
            at += length
            quad = int(coded.by_rank()[rank])
            classes = quad >> np.array([0, 2, 4, 6]) & 3
            upper, low = 32 * classes, six % 32
            found.append(np.where(six < 32, ~(upper + 31 - low), upper + low))
    return np.array(found).reshape(groups, depth, 4), len(bits) - at


@pytest.mark.parametrize("name", WEIGHTS)
def test_codes_are_the_weights(name):
    weights = WEIGHTS[name].astype(np.int64)
    found, left = _decoded(coded.encode(_words(weights)), *weights.shape[:2])
    np.testing.assert_array_equal(found, weights)
    assert 32 <= left < 64  # decoding may load a word behind the last code


def test_any_bits_stay_within_the_tables():
    """Ranks of every cell and all that may follow it: products_quads has 256."""
    for weights in WEIGHTS.values():
        table = coded.encode(_words(weights))[:16].astype("<i4").view("<u2").astype(int)
        for cell, entry in enumerate(table):
            length, base = 32 - entry % 256, entry >> 8
            ends = cell << 7 >> (12 - length), ((cell + 1 << 7) - 1) >> (12 - length)
            assert 1 <= length <= 12
            assert 0 <= ends[0] + base <= ends[1] + base <= 255


def test_sizes():
    """Near the entropy of classes where weights are small; more than before where they are not."""
    small, uniform = (_words(WEIGHTS[name]) for name in ("small", "uniform"))
    classes = np.where(WEIGHTS["small"] < 0, -1 - WEIGHTS["small"], WEIGHTS["small"]) // 32
    share = np.bincount(classes.astype(int).reshape(-1)) / classes.size
    bits = 6 - np.sum(share[share > 0] * np.log2(share[share > 0]))
    assert coded.encode(small).nbytes < small.nbytes * bits / 8 * 1.02 + 72
    assert coded.encode(uniform).nbytes > uniform.nbytes


def _model(spread: float, depth: int = 64, channels: int = 128) -> bytes:
    rng = np.random.default_rng(5)
    values = rng.laplace(0, spread, (channels, 1, 1, depth)).round().clip(-127, 127)
    source = Tensor((1, 2, 3, depth), "int8", (0.03,), (-128,))
    output = Tensor((1, 2, 3, channels), "int8", (0.05,), (-128,))
    weights = Tensor(values.shape, "int8", (0.002,), data=values.astype(np.int64))
    bias = Tensor((channels,), "int32", (0.03 * 0.002,), data=np.zeros(channels, np.int64))
    table = options("Conv2DOptions", padding=1, strideH=1, strideW=1, fusedActivationFunction=1)
    return build("CONV_2D", [source, weights, bias], output, table)


@pytest.mark.usefixtures("tflite_schema")
def test_only_plans_for_little_memory_have_them():
    graph = parse(_model(15))
    for point in ("time", "balanced", "ram"):
        (step,) = plan(graph, point).steps
        table = kernels_c(plan(graph, point), "")
        assert (step.kernel == coded.KERNEL) == (step.params.coded is not None)
        assert (step.kernel == coded.KERNEL) == (point == "ram") == ("products_coded," in table)
        assert (step.params.wide is not None) == (point == "time")
        assert (step.params.weights is not None) == (point == "balanced")


@pytest.mark.usefixtures("tflite_schema")
def test_refused_where_they_cost_more():
    """Weights that do not shrink, a depth that is not of whole runs, bytes that cost too much."""
    for content in (_model(1000), _model(15, depth=62)):
        (step,) = plan(parse(content), "ram").steps
        assert step.kernel == "PRODUCTS"
        assert coded.with_coded(step.params) is None
    (step,) = plan(parse(_model(15))).steps
    smaller = coded.with_coded(step.params)
    few, many = ((1,) * calls for calls in (1, 99))
    assert costs.saving_flash(step, few, "ram").params.coded is not None
    assert costs.saving_flash(step, few, "time") is step
    assert costs.saving_flash(step, many, "ram") is step
    assert coded.kernels([step]) == (step,)
    mixed = coded.kernels([step, replace(step, params=smaller)])
    assert {s.kernel for s in mixed} == {coded.KERNEL}
