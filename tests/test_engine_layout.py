"""Operators that move values or only rename their shape: equal to both reference interpreters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paritone.engine.plan import plan
from paritone.engine.tflite import parse
from paritone.errors import ModelError
from paritone.references.tflite import Reference
from test_engine_ops import few, noise, quantized, seeds
from tflite_models import Case, Tensor, build, expect_parity, options

pytestmark = [pytest.mark.parity, pytest.mark.usefixtures("tflite_schema")]


def like(tensor, shape):
    return Tensor(tuple(shape), tensor.dtype, tensor.scales, tensor.zeros)


def integers(*values):
    return Tensor((len(values),), "int32", data=np.array(values))


def any_type(draw, shape):
    """A quantized tensor, or a float one: elements of four bytes."""
    return quantized(draw, shape) if draw(st.booleans()) else Tensor(shape, "float32")


def several(rng, sources):
    """Three sets of values for `sources`."""
    return [tuple(noise(rng, s.shape).astype(s.dtype) for s in sources) for _ in range(3)]


def random_shape(draw, least=1):
    return tuple(draw(st.lists(st.integers(least, 5), min_size=1, max_size=4)))


@st.composite
def slices(draw):
    rng = np.random.default_rng(draw(seeds))
    shape = random_shape(draw)
    source = any_type(draw, shape)
    begins, ends, steps, extents, masks = [], [], [], [], [0, 0, 0]
    for axis, n in enumerate(shape):
        shrink, stride = rng.random() < 0.2, int(rng.choice([1, 1, 2, 3, -1, -2]))
        begin, end = (int(v) for v in rng.integers(-2 * n, 2 * n + 1, 2))
        no_begin, no_end = rng.random(2) < 0.3
        taken = range(n)[slice(None if no_begin else begin, None if no_end else end, stride)]
        if shrink:
            begin, stride, no_begin, no_end = int(rng.integers(-n, n)), 1, False, False
        elif not taken:  # TensorFlow Lite has no empty outputs
            stride, no_begin, no_end, taken = 1, True, True, range(n)
        if not shrink:
            extents.append(len(taken))
        for index, bit in enumerate((no_begin, no_end, shrink)):
            masks[index] |= int(bit) << axis
        begins.append(begin), ends.append(end), steps.append(stride)
    table = options(
        "StridedSliceOptions", beginMask=masks[0], endMask=masks[1], shrinkAxisMask=masks[2]
    )
    operands = [source, integers(*begins), integers(*ends), integers(*steps)]
    content = build("STRIDED_SLICE", operands, like(source, extents), table)
    return Case(content, several(rng, [source]))


@few
@given(slices())
def test_strided_slice(case):
    expect_parity(case)


@st.composite
def splits(draw):
    rng = np.random.default_rng(draw(seeds))
    shape, parts = list(random_shape(draw)), draw(st.integers(1, 4))
    axis = int(rng.integers(len(shape)))
    part = list(shape)
    shape[axis] *= parts
    source = any_type(draw, tuple(shape))
    where = Tensor((), "int32", data=np.array(axis - len(shape) if rng.random() < 0.5 else axis))
    outputs = [like(source, part) for _ in range(parts)]
    content = build("SPLIT", [where, source], outputs, options("SplitOptions", numSplits=parts))
    return Case(content, several(rng, [source]))


@few
@given(splits())
def test_split(case):
    expect_parity(case)


@st.composite
def concatenations(draw):
    rng = np.random.default_rng(draw(seeds))
    shape, parts = list(random_shape(draw)), draw(st.integers(1, 4))
    axis = int(rng.integers(len(shape)))
    output = any_type(draw, ())
    sources = []
    for _ in range(parts):
        shape[axis] = int(rng.integers(1, 5))
        sources.append(like(output, shape))
    shape[axis] = sum(s.shape[axis] for s in sources)
    table = options("ConcatenationOptions", axis=axis - len(shape) if rng.random() < 0.5 else axis)
    content = build("CONCATENATION", sources, like(output, shape), table)
    return Case(content, several(rng, sources))


@few
@given(concatenations())
def test_concatenation(case):
    expect_parity(case)


@pytest.mark.parametrize(
    ("kind", "table", "scales", "message"),
    [
        ("CONCATENATION", {"axis": 0}, (0.1, 0.2), "'tensor_1'.*differ in quantization"),
        ("CONCATENATION", {"axis": 1}, (0.1, 0.1), r"axis \[1\] does not fit 1 axes"),
        ("CONCATENATION", {"axis": 0, "fusedActivationFunction": 1}, (0.1, 0.1), "to the inputs"),
    ],
)
def test_what_does_not_concatenate(kind, table, scales, message):
    sources = [Tensor((2,), "int8", (s,), (0,)) for s in scales]
    output = Tensor((4,), "int8", (0.1,), (0,))
    content = build(kind, sources, output, options("ConcatenationOptions", **table))
    with pytest.raises(ModelError, match=rf"CONCATENATION \(layer 'tensor_2'\): .*{message}"):
        plan(parse(content))
    with pytest.raises((RuntimeError, ModelError)):  # TensorFlow Lite neither
        Reference(content).invoke_all([np.zeros(2, np.int8)] * 2)


@pytest.mark.parametrize(
    ("table", "bounds", "message"),
    [
        ({"ellipsisMask": 1}, [[0], [2], [1]], "reshape afterwards"),
        ({"shrinkAxisMask": 1}, [[4], [5], [1]], "index 4 with stride 1 is outside axis 0"),
        ({}, [[0], [2], [0]], "do not fit 1 axes"),
        ({}, [[0], [3], [1]], r"output has shape \(2,\), computed \(3,\)"),
    ],
)
def test_what_does_not_slice(table, bounds, message):
    source = Tensor((4,), "int8", (0.1,), (0,))
    operands = [source, *(integers(*b) for b in bounds)]
    output = like(source, () if "shrinkAxisMask" in table else (2,))
    content = build("STRIDED_SLICE", operands, output, options("StridedSliceOptions", **table))
    with pytest.raises(ModelError, match=rf"STRIDED_SLICE \(layer 'tensor_4'\): .*{message}"):
        plan(parse(content))


def test_a_split_that_does_not_divide():
    source = Tensor((5,), "int8", (0.1,), (0,))
    where = Tensor((), "int32", data=np.array(0))
    outputs = [like(source, (2,)), like(source, (2,))]
    content = build("SPLIT", [where, source], outputs, options("SplitOptions", numSplits=2))
    with pytest.raises(ModelError, match=r"SPLIT .*2 outputs do not split axis 0 of \(5,\)"):
        plan(parse(content))


@st.composite
def views(draw):
    """The same values under another shape: no step at all."""
    rng = np.random.default_rng(draw(seeds))
    shape = random_shape(draw)
    kind = draw(st.sampled_from(["RESHAPE", "SQUEEZE", "EXPAND_DIMS"]))
    source = any_type(draw, shape[:3])
    if kind == "RESHAPE":
        wanted = tuple(rng.permutation(source.shape).tolist())
        operands, table = [source, integers(*wanted)], options("ReshapeOptions", newShape=wanted)
    elif kind == "SQUEEZE":
        wanted = tuple(n for n in source.shape if n > 1) or ()
        operands, table = [source], options("SqueezeOptions", squeezeDims=[])
    else:
        axis = int(rng.integers(len(source.shape) + 1))
        wanted = (*source.shape[:axis], 1, *source.shape[axis:])
        operands, table = [source, integers(axis)], options("ExpandDimsOptions")
    return Case(build(kind, operands, like(source, wanted), table), several(rng, [source]))


@few
@given(views())
def test_views(case):
    expect_parity(case)
    assert not plan(parse(case.content)).steps


@st.composite
def paddings(draw):
    rng = np.random.default_rng(draw(seeds))
    source = quantized(draw, random_shape(draw))
    amounts = rng.integers(0, 4, (len(source.shape), 2))
    padded = [int(n + a.sum()) for n, a in zip(source.shape, amounts, strict=True)]
    value = Tensor((1,), "int8", source.scales, source.zeros, data=noise(rng, (1,)))
    operands = [source, Tensor(amounts.shape, "int32", data=amounts), value]
    content = build("PADV2", operands, like(source, padded), options("PadV2Options"))
    return Case(content, several(rng, [source]))


@few
@given(paddings())
def test_pad_with_a_value(case):
    expect_parity(case)
