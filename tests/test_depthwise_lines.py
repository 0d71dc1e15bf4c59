"""Depthwise 3 x 3 by lines: C and assembly, by rows and in rings, equal to the reference."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

import window_steps
from cortex_m_emulator import M4, M7, M33, Core
from paritone.engine import params
from paritone.engine.lowering import Step
from paritone.engine.lowering.depthwise import SCRATCH_BYTES, with_scratch
from paritone.engine.plan import plan
from paritone.engine.tflite import parse
from paritone.references.tflite import Reference
from tflite_models import ACTIVATIONS, Tensor, build, options
from window_steps import Run

pytestmark = pytest.mark.usefixtures("tflite_schema")
SAME, VALID = 0, 1
WIDTHS = (1, 2, 3, 4, 5, 6, 8, 9, 12, 13, 16, 17, 48)
CHANNELS = 8
# Of YAMNet-256 and of the model that ships; a whole layer at once.
LAYERS = {
    (48, 32, 32, 1): 1.55, (24, 16, 64, 2): 2.35, (24, 16, 128, 1): 1.56, (12, 8, 128, 2): 2.45,
    (12, 8, 256, 1): 1.75, (32, 48, 24, 1): 1.55, (8, 12, 128, 1): 1.8,
}  # fmt: skip
Expected = list[np.ndarray]


def layer(
    rng: np.random.Generator, width: int, stride: int, padding: int
) -> tuple[bytes, np.ndarray]:
    """A model of one depthwise convolution and an input: extremes, and noise."""
    height = int(rng.integers(3, 10)) if padding == VALID else int(rng.integers(1, 10))
    width = max(width, 3) if padding == VALID else width
    shape = (1, height, width, CHANNELS)
    size = [-(-n // stride) if padding == SAME else (n - 3) // stride + 1 for n in shape[1:3]]
    extreme = rng.random() < 0.3
    weights = rng.integers(-127, 128, (1, 3, 3, CHANNELS))
    x = rng.integers(-128, 128, shape)
    if extreme:
        weights = rng.choice([-127, 127], weights.shape)
        x = rng.choice([-128, 127], shape)
    scale = rng.uniform(0.1, 1, CHANNELS) * 1e-3
    operands = [
        Tensor(shape, "int8", (1.0,), (int(rng.choice([-128, -5, 127])),)),
        Tensor(weights.shape, "int8", tuple(scale.astype(np.float32)), axis=3, data=weights),
        Tensor(
            (CHANNELS,), "int32", tuple(scale.astype(np.float32)),
            data=rng.integers(-(2**14), 2**14, CHANNELS),
        ),
    ]  # fmt: skip
    out_scale = float(rng.choice([0.02, 0.2, 0.5]))
    output = Tensor((1, *size, CHANNELS), "int8", (out_scale,), (-128,))
    table = options(
        "DepthwiseConv2DOptions", padding=padding, strideH=stride, strideW=stride,
        dilationHFactor=1, dilationWFactor=1, depthMultiplier=1,
        fusedActivationFunction=ACTIVATIONS["RELU6" if rng.random() < 0.5 else "NONE"],
    )  # fmt: skip
    return build("DEPTHWISE_CONV_2D", operands, output, table), x.astype(np.int8)


@pytest.fixture(scope="module")
def runs() -> tuple[list[Run], Expected]:
    """Every width, stride and padding: whole, in calls of some rows from a ring, in place."""
    rng = np.random.default_rng(4)
    found: list[Run] = []
    expected: Expected = []
    for width, stride, padding in product(WIDTHS, (1, 2), (SAME, VALID)):
        content, x = layer(rng, width, stride, padding)
        (step,) = plan(parse(content)).steps
        if not isinstance(step.params, params.DepthwiseLines):
            continue
        window = step.params.window
        few = replace(step, params=replace(step.params, rows=int(rng.integers(1, 4))))
        rows = int(rng.integers(1, window.out_height + 1))
        needed = min(window.in_height, (rows - 1) * stride + 3)
        ring = int(rng.integers(needed, window.in_height + 1))
        found += [
            Run(step, x, window.out_height, window.in_height),
            Run(few, x, rows, ring),
            Run(few, x, window.out_height, window.in_height, in_place=True),
        ]
        expected += [Reference(content).invoke_all((x,))[0]] * 3
    assert len(found) > 2 * len(WIDTHS) * 4
    return found, expected


def check(found: list[np.ndarray], runs: tuple[list[Run], Expected]) -> None:
    for got, expected, run in zip(found, runs[1], runs[0], strict=True):
        different = np.argwhere(got != expected)
        assert not len(different), (
            f"{run.step.params.window}, {run.rows} rows of a ring of {run.ring}, "
            f"{run.step.params.rows} at once: {len(different)} differ, first at "
            f"{different[0].tolist()}: {expected[got != expected][0]} != {got[got != expected][0]}"
        )


def test_portable_c_equals_the_reference(runs: tuple[list[Run], Expected], tmp_path: Path) -> None:
    """Under ASan and UBSan."""
    program = window_steps.host_program(tmp_path)
    check(window_steps.run_on_host(program, runs[0], tmp_path), runs)


@pytest.mark.parametrize("core", [M4, M7, M33], ids=lambda core: core.name)
def test_assembly_equals_the_reference(
    core: Core, runs: tuple[list[Run], Expected], tmp_path: Path
) -> None:
    elf = window_steps.program(core, tmp_path)
    check(window_steps.run_on(core, elf, runs[0], tmp_path), runs)


def test_instructions_of_each_multiplication(tmp_path: Path) -> None:
    """With -s they are printed; the counts do not depend on values."""
    rng = np.random.default_rng(6)
    steps = [constant_step(rng, *shape) for shape in LAYERS]
    windows = [step.params.window for step in steps]
    runs = [
        Run(step, rng.integers(-128, 128, (1, w.in_height, w.in_width, w.in_channels), np.int8),
            w.out_height, w.in_height)
        for step, w in zip(steps, windows, strict=True)
    ]  # fmt: skip
    window_steps.run_on(M4, window_steps.program(M4, tmp_path), runs, tmp_path, counting=True)
    found = [
        n / step.macs for n, step in zip(window_steps.instructions(tmp_path), steps, strict=True)
    ]
    print(dict(zip(LAYERS, np.round(found, 3).tolist(), strict=True)))
    for shape, got in zip(LAYERS, found, strict=True):
        assert 1 < got <= LAYERS[shape], shape


def constant_step(
    rng: np.random.Generator, height: int, width: int, channels: int, stride: int
) -> Step:
    """Any constants; `height` and `width` of the output, SAME padding of an even input."""
    pad = 1 if stride == 1 else 0
    window = params.Window(
        height * stride, width * stride, channels, height, width, channels,
        3, 3, stride, stride, 1, 1, pad, pad,
    )  # fmt: skip
    lines = params.DepthwiseLines(
        window, 1, -3, -1000, 3, -128, 127, rng.integers(-127, 128, (channels, 3, 3), np.int8),
        rng.integers(0, 1 << 15, channels, np.int16), rng.integers(1, 1 << 30, channels, np.int32),
        rng.integers(0, 1000, channels, np.uint16),
    )  # fmt: skip
    macs = 9 * height * width * channels
    lines = with_scratch(lines, SCRATCH_BYTES)
    return Step("DEPTHWISE_LINES", "layer", (0,), 1, lines, macs, by_rows=True)
