"""Packed products at their limits: against the references on the host, and on emulated cores.

Weights and inputs at the ends of their ranges fill every lane; depths, channels and pixels that
do not fill a chunk, a group or a triple; windows that leave the input on every side.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

import emulated_models
from cortex_m_emulator import M4, M7, M33
from paritone.engine import costs, params
from paritone.engine.arrangement import with_params
from paritone.engine.lowering import Step, coded, packed
from paritone.engine.plan import Plan, plan
from paritone.engine.tflite import parse
from paritone.native.engine import Engine
from tflite_models import ACTIVATIONS, Case, Tensor, build, expect_parity, options

pytestmark = pytest.mark.usefixtures("tflite_schema")
SAME, VALID = 0, 1
BLOCK = 64
"""Triples of pixels: all that a case has."""


@dataclass(frozen=True)
class Shape:
    """A convolution; `weights` are noise, small mostly, or all of them at an end of their range."""

    size: tuple[int, int]
    depth: int
    channels: int
    window: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: int = VALID
    weights: str = "noise"
    activation: str = "RELU"
    zeros: tuple[int, int] = (-128, -128)


SHAPES = (
    Shape((1, 1), 1, 1, weights="high"),
    Shape((1, 2), 64, 4, weights="low", zeros=(127, -128)),
    Shape((1, 3), 64, 3, weights="ends", zeros=(127, 127), activation="NONE"),
    Shape((1, 4), 256, 8, weights="high", zeros=(-128, 0), activation="NONE"),
    Shape((1, 7), 256, 5, weights="low", zeros=(0, 127), activation="NONE"),
    Shape((7, 1), 37, 6, zeros=(3, -128), activation="RELU6"),
    Shape((9, 8), 1, 8, (3, 3), padding=SAME, zeros=(-7, -128)),
    Shape((8, 9), 3, 4, (3, 3), (2, 2), padding=SAME, weights="ends", zeros=(127, 5)),
    Shape((11, 9), 1, 12, (7, 7), (2, 2), padding=SAME, zeros=(90, -128)),
    Shape((3, 3), 128, 4, (3, 3), padding=SAME, weights="high", zeros=(-128, -128)),
    Shape((3, 4), 128, 5, (3, 3), weights="ends", zeros=(127, 0), activation="NONE"),
    Shape((7, 8), 5, 7, (2, 3), dilation=(2, 2), padding=SAME, zeros=(-30, 10)),
    Shape((6, 7), 64, 8, (3, 3), padding=SAME, activation="NONE", zeros=(4, -2)),
    Shape((5, 6), 18, 10, (1, 1), (2, 3), activation="RELU_N1_TO_1", zeros=(1, 2)),
    Shape((2, 2), 6, 4, (5, 5), padding=SAME, zeros=(-128, 127), activation="NONE"),
    Shape((12, 13), 33, 9, zeros=(-128, -128)),
    Shape((1, 5), 3, 8, weights="low"),
    Shape((4, 5), 64, 11, weights="small"),
    Shape((5, 4), 12, 6, (3, 3), padding=SAME, weights="small", zeros=(7, 0), activation="NONE"),
    Shape((3, 3), 16, 8, weights="zero", zeros=(-3, 9)),
    Shape((4, 4), 20, 6, (3, 3), padding=SAME, zeros=(11, -128)),
    Shape((2, 2), 128, 4, weights="lowest", zeros=(-1, -128)),
    Shape((5, 5), 36, 4, weights="small", zeros=(2, -128)),
)


def _weights(shape: Shape, rng: np.random.Generator) -> np.ndarray:
    dimensions = (shape.channels, *shape.window, shape.depth)
    if shape.weights == "noise":
        return rng.integers(-127, 128, dimensions)
    if shape.weights in ("small", "zero"):
        spread = 18 * (shape.weights == "small")
        return rng.laplace(0, spread, dimensions).round().clip(-127, 127).astype(np.int64)
    if shape.weights == "ends":
        return rng.choice([-127, 127], dimensions)
    return np.full(dimensions, {"high": 127, "low": -127, "lowest": -128}[shape.weights])


def _case(shape: Shape, seed: int) -> Case:
    """A model that uses its output's range, and inputs: noise, both ends, either end."""
    rng = np.random.default_rng(seed)
    values = _weights(shape, rng)
    source = Tensor((1, *shape.size, shape.depth), "int8", (0.03,), (shape.zeros[0],))
    sides = zip(shape.size, shape.window, shape.stride, shape.dilation, strict=True)
    out = [
        -(-n // s) if shape.padding == SAME else (n - (w - 1) * d - 1) // s + 1
        for n, w, s, d in sides
    ]
    output = Tensor((1, *out, shape.channels), "int8", (0.05,), (shape.zeros[1],))
    alike = shape.weights in ("high", "low", "lowest")
    spread = values[0].size if alike else np.sqrt(values[0].size)
    scales = 0.05 / 0.03 / spread / 64 * rng.uniform(0.3, 3, shape.channels)
    weights = Tensor(values.shape, "int8", tuple(scales.astype(np.float32)), data=values)
    bias_scales = tuple(np.float32(0.03) * scales.astype(np.float32))
    biases = rng.integers(-(2**12), 2**12, shape.channels)
    bias = Tensor((shape.channels,), "int32", bias_scales, data=biases)
    table = options(
        "Conv2DOptions", padding=shape.padding, strideH=shape.stride[0], strideW=shape.stride[1],
        dilationHFactor=shape.dilation[0], dilationWFactor=shape.dilation[1],
        fusedActivationFunction=ACTIVATIONS[shape.activation],
    )  # fmt: skip
    content = build("CONV_2D", [source, weights, bias], output, table)
    noise = rng.integers(-128, 128, source.shape).astype(np.int8)
    ends = rng.choice([-128, 127], source.shape).astype(np.int8)
    signs = np.where(values[0] > 0, 127, -128).astype(np.int8)  # what drives a sum furthest
    furthest = np.resize(signs, source.shape)
    constants = [np.full(source.shape, end, np.int8) for end in (-128, 127)]
    return Case(content, [noise, ends, furthest, ~furthest, *constants])


CASES = range(len(SHAPES))


@pytest.fixture(scope="module")
def cases(tflite_schema):
    return [_case(shape, seed) for seed, shape in enumerate(SHAPES)]


def _plans(case: Case) -> list[Plan]:
    """As planned; one triple of pixels at once; weights stored wide; by pairs; entropy-coded."""
    made = plan(parse(case.content))
    (step,) = made.steps
    assert step.kernel == "PRODUCTS"
    others = [packed.with_block(step.params, 1), packed.with_widened(step.params)]
    pairs = packed.with_pairs(step.params)
    assert (pairs is None) == (step.params.depth % 4 > 0)
    if pairs is not None:
        others += [packed.with_block(pairs, block) for block in (BLOCK, 1, 3)]
        others += [packed.with_widened(others[-3])]
    return [
        made,
        *(_with(made, with_params(step, p)) for p in others),
        _with(made, replace(step, params=_coded(step.params), kernel=coded.KERNEL)),
    ]


def _coded(p: params.Products) -> params.Products:
    """Coded weights, be they smaller or not; as they are where the kernel cannot know them."""
    if p.depth % coded.RUN:
        return p
    return replace(p, weights=None, coded=coded.encode(p.weights))


def _with(made: Plan, step: Step) -> Plan:
    """The same plan of one step, with scratch memory of its own behind all else."""
    at = -(-made.arena_bytes // 16) * 16
    size = at + step.params.scratch_bytes
    changed = replace(made.arrangement, steps=(step,), scratch=(at,), arena_bytes=size)
    return replace(made, arrangement=changed)


@pytest.mark.parity
@pytest.mark.parametrize("number", CASES)
def test_equal_to_the_references(cases, number):
    case = cases[number]
    expect_parity(case)
    engines = [Engine(p) for p in _plans(case)]
    for patch in case.patches:
        first, *others = (engine.invoke(patch) for engine in engines)
        assert all(np.array_equal(first, other) for other in others)


@pytest.mark.parametrize("core", [M4, M7, M33], ids=lambda core: core.name)
def test_assembly_equals_the_host(cases, core, tmp_path):
    """Which the test above has compared with the references."""
    chosen = cases if core is M4 else cases[::5]
    plans, patches, expected = [], [], []
    for case in chosen:
        engine = Engine(plan(parse(case.content)))
        found = _plans(case) if core is M4 else _plans(case)[::3]
        plans += found
        patches += [[(p,) for p in case.patches]] * len(found)
        expected += [[(engine.invoke(p),) for p in case.patches]] * len(found)
    assert emulated_models.check(plans, patches, expected, core, tmp_path) > 0


def test_only_the_fast_plan_takes_flash_for_speed(cases):
    """Pairs of channels of deep windows; weights stored unpacked up to a limit."""
    for point in ("time", "balanced", "ram"):
        pairs, wide = 0, 0
        for case in cases:
            (step,) = plan(parse(case.content), point).steps
            p = step.params
            assert step.kernel.startswith("PRODUCTS_PAIRS") == bool(p.pairs)
            assert not p.pairs or (p.depth % 4 == 0 and p.depth >= costs.PAIRS_LEAST)
            assert p.wide is None or p.wide.nbytes // 2 <= costs.WIDENED_BYTES[point]
            pairs, wide = pairs + p.pairs, wide + (p.wide is not None)
        assert (pairs > 0, wide > 0) == (point == "time",) * 2


def test_chunks_and_both_requantizations_are_covered(cases):
    """Each way that products_multiply can end."""
    found = {(p.addend is None, p.chunks is not None) for p in map(_params, cases)}
    assert found == {(False, False), (True, False), (False, True), (True, True)}
    single = [p for p in map(_params, cases) if p.chunks is None]
    assert len({p.shift for p in single if p.addend is not None}) > 1
    depths = {_params(case).depth for case in cases}
    assert {1, 9, 27, 49, 64, 256, 1152} <= depths


def _params(case: Case):
    return plan(parse(case.content)).steps[0].params


def test_pixels_left_over_by_threes_are_covered(cases):
    """By themselves behind pairs: sums in one piece and in several, both requantizations."""
    found = []
    for case in cases:
        step, *_ = plan(parse(case.content)).steps
        p, pixels = step.params, step.params.window.out_height * step.params.window.out_width
        if p.depth % 4 == 0 and pixels > 3 and pixels % 3 == 1:
            found.append(p)
    kinds = {(p.addend is None, p.chunks is not None) for p in found}
    assert kinds >= {(False, False), (False, True), (True, True)}
    assert {p.depth % 64 > 0 for p in found} == {p.depth > 64 for p in found} == {True, False}
    assert {p.window.out_channels % 4 > 0 for p in found} == {True, False}
    assert {p.window.leaves_input for p in found} == {True, False}


def test_lanes_hold_every_sum(cases):
    """The worst inputs of every chunk: within 0 .. 2^21 - 1, from the starts that it has."""
    for case in cases:
        p = _params(case)
        weights = p.weights.view(np.int8).reshape(*p.weights.shape, 4).astype(np.int64)
        for group in range(len(weights)):
            count = 1 if p.chunks is None else int(p.chunks[group])
            for i in range(count):
                edges = [p.depth * n // count // 4 * 4 for n in (i, i + 1)]
                part = weights[group, edges[0] : edges[1] if i + 1 < count else p.depth]
                start = np.full(4, 1 << 20)
                if i == count - 1 and p.start is not None:
                    start += p.start.reshape(-1, 4)[group]
                assert np.all(start + np.minimum(-128 * part, 127 * part).sum(axis=0) >= 0)
                assert np.all(start + np.maximum(-128 * part, 127 * part).sum(axis=0) < 1 << 21)
