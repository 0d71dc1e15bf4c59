"""Whole models through the engine: every layer, both oracles, bad files, memory."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import numpy as np
import pytest

from paritone import parity, quantization
from paritone.engine import arithmetic
from paritone.engine.plan import plan
from paritone.engine.tflite import parse, read
from paritone.errors import ModelError
from paritone.native.engine import Engine
from tflite_models import Operation, Tensor, build, options, pack

CLASSES = 10
PATCHES = int(os.environ.get("PARITONE_ENGINE_PATCHES", "7"))


def separable_cnn():
    """A depthwise-separable CNN: every pooling, a sum, a concatenation and both ReLUs."""
    from keras import Input, Model, layers

    inputs = Input((32, 48, 1))
    x = layers.Conv2D(8, 3, strides=2, padding="same")(inputs)
    x = layers.ReLU(6)(x)
    x = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2)(x)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.AveragePooling2D(2)(x)
    x = layers.ReLU(6)(layers.Add()([x, layers.Conv2D(16, 1)(x)]))
    x = layers.MaxPooling2D(2)(x)
    x = layers.Concatenate()([x, layers.Conv2D(8, 1)(x)])
    x = layers.SeparableConv2D(24, 3, dilation_rate=2, padding="same")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return Model(inputs, layers.Dense(CLASSES, activation="softmax")(x))


def randomise(model, rng):
    """Weights and normalisation statistics as if trained: none is 0 or 1."""
    for weight in model.weights:
        name = weight.path.rsplit("/", 1)[-1]
        if name in ("kernel", "depthwise_kernel"):  # as He et al. (2015), from this seed
            depth = np.prod(weight.shape[: -1 if name == "kernel" else 2])
            weight.assign(rng.normal(0, np.sqrt(2 / depth), weight.shape))
        if name in ("gamma", "moving_variance"):
            weight.assign(rng.uniform(0.5, 2, weight.shape))
        elif name in ("beta", "bias", "moving_mean"):
            weight.assign(rng.normal(0, 0.2, weight.shape))


def keras_model(name):
    from paritone.models.miniresnet import miniresnet
    from paritone.models.yamnet import yamnet

    shape = (32, 40, 1)
    return {
        "yamnet": lambda: yamnet(256, CLASSES),
        "miniresnet_v1": lambda: miniresnet(1, "v1", CLASSES, shape),
        "miniresnet_v2": lambda: miniresnet(1, "v2", CLASSES, shape, pooling="max"),
        "miniresnet_flat": lambda: miniresnet(1, "v2", CLASSES, shape, pooling=None),
        "separable": separable_cnn,
    }[name]()


# Every kind of model, and every kind of ends and granularity at least once.
VARIANTS = {
    "yamnet-int8": ("yamnet", "int8", "int8", True),
    "yamnet-float-uint8": ("yamnet", "float", "uint8", True),
    "yamnet-uint8-per-tensor": ("yamnet", "uint8", "uint8", False),
    "miniresnet_v1-int8": ("miniresnet_v1", "int8", "int8", True),
    "miniresnet_v1-uint8-per-tensor": ("miniresnet_v1", "uint8", "uint8", False),
    "miniresnet_v2-int8": ("miniresnet_v2", "int8", "int8", True),
    "miniresnet_v2-float": ("miniresnet_v2", "float", "float", False),
    "miniresnet_flat-int8": ("miniresnet_flat", "int8", "int8", True),
    "separable-uint8": ("separable", "uint8", "int8", True),
    "separable-per-tensor": ("separable", "int8", "int8", False),
}


@pytest.fixture(scope="session")
def converted(tmp_path_factory):
    """Quantized models by variant, each converted once."""
    folder = tmp_path_factory.mktemp("models")
    models: dict[str, object] = {}

    def get(variant: str) -> Path:
        path = folder / f"{variant}.tflite"
        if not path.is_file():
            name, input_type, output_type, per_channel = VARIANTS[variant]
            if name not in models:
                models[name] = keras_model(name)
                randomise(models[name], np.random.default_rng(3))
            model = models[name]
            patches = np.random.default_rng(4).normal(-1, 2.3, (8, *model.input_shape[1:]))
            content = quantization.convert(
                model, patches.astype(np.float32), input_type, output_type, per_channel=per_channel
            )
            path.write_bytes(content)
        return path

    return get


@pytest.mark.parity
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_layer_and_output(converted, variant):
    path = converted(variant)
    engine, content = Engine(path), path.read_bytes()
    patches = parity.random_patches(engine.input, PATCHES, seed=1)
    layers = parity.compare_layers(engine, content, patches)
    assert not layers.mismatched, layers.first
    assert layers.patches == PATCHES
    for outcome in parity.compare(engine, content, patches):
        assert not outcome.mismatched, outcome
        assert outcome.values == PATCHES * CLASSES


def test_a_flipped_weight_is_found(converted):
    """The check can fail: one bit of one weight, named by layer and index."""
    path = converted("separable-uint8")
    engine, content = Engine(path), bytearray(path.read_bytes())
    step = next(s for s in engine.plan.steps if s.kernel == "FULLY_CONNECTED")
    weights = step.params.weights.tobytes()
    content[content.index(weights) + 5 * 24] ^= 0x40  # the first weight of output 5
    patches = parity.random_patches(engine.input, 7, seed=2)
    found = parity.compare_layers(engine, bytes(content), patches)
    assert found.mismatched
    assert found.first is not None
    assert (found.first.layer_name, found.first.index) == (step.name, 5)
    outputs = parity.compare(engine, bytes(content), patches)
    assert all(outcome.mismatched for outcome in outputs), outputs


def test_disputes_are_not_ours():
    """Where the references disagree, TensorFlow Lite's judges."""
    tally = parity.Tally(("tflite-micro", "native"))
    micro, ours, judge = (np.array(v, np.int8) for v in ([1, 2, 3], [1, 5, 6], [1, 5, 7]))
    tally.add(micro, ours, judge=judge)
    assert (tally.disputed, tally.mismatched) == (1, 1)


@pytest.mark.parity
def test_a_sum_is_judged_by_tflite_micro():
    """TensorFlow Lite 2.21 takes int8 sums for unsigned bytes: said to be disputed, not ours."""
    source, axis = Tensor((1, 2, 1, 3), "int8", (0.1,), (0,)), Tensor((1,), "int32")
    axis.data = np.array([1])
    output = Tensor((1, 1, 1, 3), "int8", (0.1,), (0,))
    content = build("SUM", [source, axis], output, options("ReducerOptions", keepDims=True))
    engine = Engine(plan(parse(content)))
    patch = np.array([[3, -5, 100], [4, -6, 100]], np.int8).reshape(source.shape)
    assert engine.invoke(patch).ravel().tolist() == [7, -11, 127]
    by_reference, by_micro = parity.compare(engine, content, [patch])
    assert (by_reference.mismatched, by_reference.disputed) == (0, 2)
    assert (by_micro.mismatched, by_micro.disputed, by_micro.values) == (0, 0, 3)
    assert parity.compare_layers(engine, content, [patch]).values == 0


@pytest.mark.parity
def test_tflite_micro_may_lack_an_operator():
    source = Tensor((1, 4), "int8", (0.1,), (0,))
    content = build("RELU_N1_TO_1", [source], source)
    engine = Engine(plan(parse(content)))
    by_reference, by_micro = parity.compare(engine, content, [np.zeros((1, 4), np.int8)])
    assert (by_reference.values, by_reference.mismatched, by_micro.values) == (4, 0, 0)


@pytest.mark.parametrize(
    ("arguments", "status"),
    [(["--random", "3", "--layers"], 0), (["--random", "0"], 2), (["--on", "abacus"], 2)],
)
def test_parity_command(converted, tmp_path, capsys, arguments, status):
    from paritone.cli import main

    record = tmp_path / "found.json"
    model = str(converted("separable-uint8"))
    with pytest.raises(SystemExit) as caught:
        main(["parity", model, "--random", "2", "--json", str(record), *arguments])
    assert caught.value.code == status, capsys.readouterr().err
    if status == 0:
        found = json.loads(record.read_text())["parity"]
        assert [c["mismatched"] for c in found] == [0, 0, 0]
        assert found[0]["between"] == ["tflite-reference", "native"]


def test_patches_from_a_file(converted, tmp_path):
    engine = Engine(converted("separable-uint8"))
    floats = np.random.default_rng(0).normal(-1, 2, (2, 32, 48)).astype(np.float32)
    np.save(tmp_path / "floats.npy", floats)
    patches = parity.file_patches(tmp_path / "floats.npy", engine.input)
    assert [(p.dtype.name, p.shape) for p in patches] == [("uint8", (1, 32, 48, 1))] * 2
    np.save(tmp_path / "wrong.npy", floats[:, :4])
    for name in ("wrong.npy", "missing.npy"):
        with pytest.raises(ModelError, match=name):
            parity.file_patches(tmp_path / name, engine.input)


@pytest.mark.parity
def test_nothing_is_written_past_the_arena(converted):
    engine = Engine(converted("separable-uint8"))
    engine.arena.fill(parity.POISON)
    engine.invoke(parity.random_patches(engine.input, 1, 0)[0])
    assert np.all(engine.arena[engine.plan.arena_bytes :] == parity.POISON)


@pytest.mark.parity
def test_engines_interleave(converted):
    """Two models and two copies of one, step by step in turn: no state but the arenas."""
    paths = [converted(v) for v in ("separable-uint8", "separable-per-tensor", "separable-uint8")]
    engines = [Engine(path) for path in paths]
    patches = [parity.random_patches(e.input, 7, seed)[-1] for seed, e in enumerate(engines)]
    alone = [e.invoke(x) for e, x in zip(engines, patches, strict=True)]
    for engine, patch in zip(engines, patches, strict=True):
        engine._write_inputs([patch])
    for step in range(max(len(e.plan.calls) for e in engines)):
        for e in engines:
            if step < len(e.plan.calls):
                e._lib.paritone_model_step(e._model, e._kernels, e._arena, step)
    for engine, expected in zip(engines, alone, strict=True):
        assert np.array_equal(engine._read(engine.output), expected)


def test_plan_of_yamnet(converted):
    """Sizes that are known from counting by hand."""
    found = plan(read(converted("yamnet-int8")))
    assert found.macs == 23_902_720
    assert 139_176 <= found.weights_bytes < 140_000


@pytest.mark.parity
@pytest.mark.parametrize(
    ("point", "limit"), [("time", 96 << 10), ("balanced", 72 << 10), ("ram", 48 << 10)]
)
def test_every_point_keeps_its_memory_and_the_bits(converted, point, limit):
    """YAMNet, which takes 147,456 bytes layer by layer."""
    path = converted("yamnet-int8")
    engine, content = Engine(path, point), path.read_bytes()
    assert engine.plan.arena_bytes <= limit
    patches = parity.random_patches(engine.input, 7, seed=2)[5:]
    assert not parity.compare_layers(engine, content, patches).mismatched
    assert not parity.compare(engine, content, patches)[0].mismatched


@pytest.mark.parametrize(
    ("shape", "dtype"), [((1, 32, 40, 1), "uint8"), ((32, 40), "int8"), ((2, 32, 40, 1), "int8")]
)
def test_input_must_fit(converted, shape, dtype):
    engine = Engine(converted("miniresnet_v1-int8"))
    with pytest.raises(ModelError, match=r"the model takes int8 of shape \(1, 32, 40, 1\)"):
        engine.invoke(np.zeros(shape, dtype))


def test_an_unsupported_operator_is_named():
    source = Tensor((1, 4), "int8", (0.1,), (0,))
    content = build("ELU", [source], source)
    with pytest.raises(ModelError, match=r"ELU .*tensor_1.*supported are .*CONV_2D"):
        plan(parse(content))


def test_a_name_keeps_a_message_on_one_line():
    source = Tensor((1, 4), "int8", (0.1,), (0,))
    content = build("ELU", [source], source).replace(b"tensor_1", b"ten\nor\x001")
    with pytest.raises(ModelError, match=r"ten\?or\?1.*supported are .*CONV_2D"):
        plan(parse(content))


def test_a_float_model_is_refused():
    source = Tensor((1, 4), "float32")
    content = build("SOFTMAX", [source], source, options("SoftmaxOptions", beta=1.0))
    with pytest.raises(ModelError, match=r"SOFTMAX.*float32, expected int8.*quantize the model"):
        plan(parse(content))


@pytest.mark.parametrize(("dtype", "zero"), [("int8", 128), ("uint8", -1), ("float32", 1 << 31)])
def test_an_end_has_a_zero_point_in_range(dtype, zero):
    """Of a tensor that is only viewed under another shape: no kernel asks for it."""
    ends = [Tensor((1, 4), dtype, (0.1,), (0,)), Tensor((4,), dtype, (0.1,), (zero,))]
    content = build("SQUEEZE", ends[:1], ends[1], options("SqueezeOptions"))
    with pytest.raises(ModelError, match=f"output 'tensor_1' has the zero point {zero}"):
        plan(parse(content))


def test_no_tensor_is_computed_twice():
    """An operator without effect counts too: TensorFlow Lite lets it overwrite other tensors."""
    tensors = [Tensor((1, 4), "int8", (1 / 128,), (0,)) for _ in range(3)]
    once = [Operation("TANH", [0], [1]), Operation("TANH", [1], [2])]
    plan(parse(pack(tensors, once, [0], [2])))
    with pytest.raises(ModelError, match="TANH overwrites 'tensor_1'"):
        plan(parse(pack(tensors, [*once, once[0]], [0], [2])))


@pytest.mark.parametrize("kept", [0, 4, 100, 1000, 5000, -1000, -1])
def test_a_truncated_model_is_refused(converted, tmp_path, kept):
    content = converted("separable-uint8").read_bytes()
    path = tmp_path / "cut.tflite"
    path.write_bytes(content[:kept])
    with pytest.raises(ModelError, match=r"cut\.tflite"):
        plan(read(path))


def test_a_missing_model_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"none\.tflite: cannot be read"):
        read(tmp_path / "none.tflite")


def test_absurd_scales_are_refused_at_once():
    """Far apart, doubles do not tell neighbouring accumulators apart: nothing is counted there."""
    assert arithmetic.exact_multiplier(1e-60, 2**31) == (0, 0)
    for real in (2.0**30, 1e300, math.inf):
        with pytest.raises(ModelError, match="the model's scales are absurd"):
            arithmetic.quantize_multiplier(real)


def test_what_a_file_claims_is_bounded(monkeypatch):
    from paritone.engine import tflite

    content = build("TANH", [Tensor((1, 4), "int8", (0.1,), (0,))], Tensor((1, 4)))
    for limit in ("MAX_TENSORS", "MAX_OPERATORS", "MAX_AXES", "MAX_CHANNELS", "MAX_OPERANDS"):
        with monkeypatch.context() as patch:
            patch.setattr(tflite, limit, 0)
            with pytest.raises(ModelError, match=r"the file claims \d+ .*, at most 0 are read"):
                parse(content)


def test_damaged_models_never_crash(converted):
    """A mutated file is refused, or it is a program that our planner holds to be sound."""
    content = bytearray(converted("separable-uint8").read_bytes())
    rng = np.random.default_rng(11)
    refused = 0
    for _ in range(300):
        damaged = bytearray(content)
        for at in rng.integers(8, len(content), rng.integers(1, 8)):
            damaged[at] = rng.integers(0, 256)
        try:
            plan(parse(bytes(damaged)))
        except ModelError:
            refused += 1
    assert refused > 20
