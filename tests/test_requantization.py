"""The requantization constants against the reference's arithmetic, over every accumulator."""

from __future__ import annotations

import sys
from dataclasses import replace
from types import FrameType

import numpy as np
import pytest

from paritone.engine import requantization
from paritone.engine.arithmetic import multiply_by_quantized_multiplier, quantize_multiplier
from paritone.engine.requantization import Layer

ROOM = 1 << 13


def _layer(
    reals: list[float], biases: list[int], reach: int, zero_point: int, lanes: int = 1
) -> Layer:
    factors = [quantize_multiplier(real) for real in reals]
    n = len(reals)
    low, high = np.full(n, -reach), np.full(n, reach - 1)
    return Layer(
        np.array([m for m, _ in factors]), np.array([e for _, e in factors]), np.array(biases),
        low, high, np.full(n, lanes), np.full(n, -ROOM), np.full(n, ROOM - 1), zero_point,
    )  # fmt: skip


def _expected(layer: Layer, channel: int, dot: int) -> int:
    scaled = multiply_by_quantized_multiplier(
        dot + int(layer.bias[channel]),
        int(layer.multiplier[channel]),
        int(layer.exponent[channel]),
    )
    return min(max(scaled + layer.zero_point, -128), 127)


@pytest.mark.parametrize("seed", range(6))
def test_constants_are_exact_after_a_relu(seed: int) -> None:
    rng = np.random.default_rng(seed)
    reals = (2.0 ** rng.uniform(-12, -6.5, 5)).tolist()
    bias, reach = int(rng.integers(-5000, 5000)), int(2.0 ** rng.uniform(5, 16))
    lanes = seed // 2
    layer = _layer(reals, [bias] * len(reals), reach, -128, lanes)
    found = requantization.solve(layer)
    assert found is not None
    assert 0 <= found.shift <= requantization.MAX_SHIFT
    assert np.all((found.start >= layer.start_low) & (found.start <= layer.start_high))
    dots = np.arange(-reach, reach)
    for channel in range(len(reals)):
        got = requantization.apply(found, channel, dots, lanes)
        reference = requantization.reference(
            dots + bias, layer.multiplier[channel], layer.exponent[channel]
        )
        np.testing.assert_array_equal(got, np.clip(reference - 128, -128, 127))
        for dot in dots[:: max(1, reach // 50)]:  # the arithmetic in plain integers
            assert got[dot + reach] == _expected(layer, channel, int(dot))


def test_what_cannot_be_exact_is_refused() -> None:
    # Outputs on both sides of the zero point: ties there round away from it.
    assert requantization.solve(_layer([2.0**-8 * 1.3], [0], 60_000, 3)) is None
    assert requantization.solve(_layer([0.9], [0], 2000, -128)) is None  # no room for a shift
    assert requantization.solve(_layer([2.0**3], [1 << 29], 2000, -128)) is None  # would wrap


@pytest.mark.parametrize("bias", [-(1 << 25), 1 << 25])
def test_constant_outputs(bias: int) -> None:
    found = requantization.solve(_layer([2.0**-9], [bias], 1000, -128))
    assert found is not None
    got = requantization.apply(found, 0, np.arange(-1000, 1000), 1)
    assert set(got.tolist()) == {127 if bias > 0 else -128}


def test_a_rescaling_to_nothing_needs_no_long_search() -> None:
    layer = _layer([2.0**-60] * 256, list(range(256)), 1 << 18, -128)
    searches = 0

    def count(frame: FrameType, event: str, _: object) -> None:
        nonlocal searches
        searches += event == "call" and frame.f_code is requantization._search.__code__

    sys.setprofile(count)
    found = requantization.solve(layer)
    sys.setprofile(None)
    assert 256 <= searches < 512  # trying every constant for each channel took 1,048
    assert found is not None
    got = requantization.apply(found, 7, np.arange(-(1 << 18), 1 << 18), 1)
    assert set(got.tolist()) == {-128}


@pytest.mark.parametrize("zero_point", [-128, -7, 0, 127])
def test_rounding_twice_is_the_reference(zero_point: int) -> None:
    rng = np.random.default_rng(zero_point + 128)
    reals = [*(2.0 ** rng.uniform(-18, -1.1, 12)).tolist(), 2.0**-5, 2.0**-9]  # with exact ties
    layer = _layer(reals, [int(b) for b in rng.integers(-3000, 3000, len(reals))], 1 << 15, 0)
    layer = replace(layer, zero_point=zero_point)
    layer = replace(layer, lanes=rng.integers(0, 20, len(reals)))
    found = requantization.rounded_twice(layer)
    assert found is not None
    dots = np.arange(-(1 << 15), 1 << 15)
    for channel, bias in enumerate(layer.bias):
        expected = requantization.reference(
            dots + bias, layer.multiplier[channel], layer.exponent[channel]
        )
        got = requantization.apply_twice(found, channel, dots + layer.lanes[channel] * (1 << 20))
        np.testing.assert_array_equal(got, np.clip(expected + zero_point, -128, 127))


def test_rounding_twice_refuses_left_shifts() -> None:
    assert requantization.rounded_twice(_layer([1.5], [0], 100, 0)) is None
