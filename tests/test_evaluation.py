"""Accuracy: what is counted, the oracle behind it, clips that cannot be used, the device's row."""

from pathlib import Path

import numpy as np
import pytest

from paritone import config as configuration
from paritone import datasets, evaluation, quantization
from paritone.datasets import Clip, Dataset
from paritone.datasets.clips import ClipStore
from paritone.errors import AudioError, ConfigError, ModelError
from paritone.evaluation import accuracy
from paritone.references.tflite import Reference, dequantize, quantize_input
from paritone.task import SingleLabel
from zoo_config import FEATURES, PREPROCESSING, excerpt, make_config, write_wav

NAMES = ("a", "b", "c")


def _clip(label):
    return Clip(Path(label), (label,))


@pytest.fixture(scope="module")
def tiny(tiny_config):
    return configuration.load_file(tiny_config)


@pytest.fixture(scope="module")
def store(tiny):
    return ClipStore(tiny)


@pytest.fixture(scope="module")
def test_set(tiny):
    return datasets.load(tiny, "test")


@pytest.fixture(scope="module")
def quantized(tiny, store, tmp_path_factory):
    return quantization.quantize(tiny, tmp_path_factory.mktemp("quantized") / "q.tflite", store)


def test_a_clip_is_the_argmax_of_the_sum_of_its_patches():
    """One sure patch outweighs two unsure ones: a majority vote would say the opposite."""
    scores = [
        np.array([[0.4, 0.6, 0], [0.4, 0.6, 0], [1, 0, 0]], np.float32),
        np.array([[0, 0.9, 0.1]], np.float32),
        np.array([[0.2, 0.5, 0.3], [0, 0.45, 0.55]], np.float32),
    ]
    found = accuracy.measure(scores, [_clip(name) for name in NAMES], SingleLabel(NAMES), "float")
    assert (found.patch, found.patches) == (3 / 6, 6)
    assert (found.clip, found.clips) == (2 / 3, 3)
    assert found.confusion.tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 0]]
    assert found.per_class == {"a": 1, "b": 1, "c": 0}
    assert found.summary() == {"patch": 0.5, "clip": 2 / 3, "clips": 3, "features": "float"}


def test_silent_patches_do_not_vote_and_silence_is_no_label():
    """The gate turns clip a right, b, all silent, wrong; c keeps its one patch."""
    scores = [
        np.array([[0, 3, 0], [1, 0, 0]], np.float32),
        np.array([[0, 1, 0]], np.float32),
        np.array([[0, 0, 1]], np.float32),
    ]
    clips = [_clip(name) for name in NAMES]
    silent = [np.array([True, False]), np.array([True]), np.array([False])]
    open_gate = accuracy.measure(
        scores, clips, SingleLabel(NAMES), "integer", [~s & s for s in silent]
    )
    assert (open_gate.patch, open_gate.clip) == (3 / 4, 2 / 3)
    assert open_gate.class_names == NAMES
    found = accuracy.measure(scores, clips, SingleLabel(NAMES), "integer", silent, 2.5)
    assert found.summary() == {
        "patch": 1.0,
        "clip": 2 / 3,
        "clips": 3,
        "features": "integer",
        "patches": 4,
        "threshold": 2.5,
        "silent_patches": 2,
        "silent_clips": 1,
    }
    assert found.class_names == (*NAMES, accuracy.SILENCE)
    assert found.confusion.tolist() == [[1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0], [0, 0, 0, 0]]
    assert found.per_class == {"a": 1, "b": 0, "c": 1}


def test_where_every_patch_is_silent_nothing_is_right():
    found = accuracy.measure(
        [np.eye(3)[:1]], [_clip("a")], SingleLabel(NAMES), "integer", [np.array([True])], 1.0
    )
    assert (found.patch, found.clip) == (0, 0)


def test_several_labels_are_refused():
    clip = Clip(Path("x.wav"), ("a", "b"))
    with pytest.raises(
        ConfigError, match=r"x\.wav: 2 labels, expected one: set dataset.multi_label"
    ):
        accuracy.measure([np.zeros((1, 3))], [clip], SingleLabel(NAMES), "float")


def test_float_model_scores_are_those_of_keras(tiny, store, test_set):
    """Batches and threads change nothing but the last bits."""
    from paritone.models.load import load_keras

    model = load_keras(tiny.general.model_path)
    data = store.load(test_set)
    scores = evaluation.float_scores(tiny.general.model_path, data, tiny)
    for clip, got in zip(data, scores, strict=True):
        wanted = model.predict(clip.patches[..., None], verbose=0)
        np.testing.assert_allclose(got, wanted, atol=1e-6)


def test_quantized_scores_are_those_of_the_interpreter(tiny, store, test_set, quantized):
    reference = Reference(quantized)
    in_scale, in_zero = reference.input["quantization"]
    out_scale, out_zero = reference.output["quantization"]
    data = store.load(test_set)
    for clip, got in zip(data, evaluation.float_scores(quantized, data, tiny), strict=True):
        for patch, row in zip(clip.patches, got, strict=True):
            x = np.clip(np.round(patch / in_scale + in_zero), -128, 127).astype(np.int8)
            wanted = (reference.invoke(x)[0].astype(float) - out_zero) * out_scale
            np.testing.assert_allclose(row, wanted, rtol=1e-6)


def test_device_scores_are_integer_features_through_the_reference(tiny, store, test_set, quantized):
    """Our C frontend and engine against the integer reference and TensorFlow Lite's kernels."""
    from paritone.engine import plan, tflite
    from paritone.features import integer
    from paritone.generate import frontend_tables

    reference = Reference(quantized)
    tables = frontend_tables(plan.plan(tflite.read(quantized)), tiny)
    data = store.load(test_set)
    for clip, got in zip(data, evaluation.device_scores(quantized, data, tiny), strict=True):
        outputs = [reference.invoke(patch)[0] for patch in integer.patches(clip.pcm, tables)]
        assert len(outputs) == len(clip.patches), "as many patches as on the host"
        wanted = dequantize(np.stack(outputs), *reference.output["quantization"])
        np.testing.assert_array_equal(got, wanted)


def test_device_needs_a_quantized_model(tiny, store, test_set):
    with pytest.raises(ModelError, match="runs quantized models"):
        evaluation.evaluate(tiny.general.model_path, test_set, tiny, "integer", store)


def test_input_quantization_rounds_and_clips():
    values = np.array([-100, -0.76, -0.75, 0, 0.25, 0.76, 100], np.float32)
    got = quantize_input(values, np.int8, 0.5, -1)
    assert got.tolist() == [-128, -3, -2, -1, 0, 1, 127]  # -2.5 and -0.5: ties to even


def test_what_a_file_is(tiny, quantized):
    assert not evaluation.is_quantized(tiny.general.model_path)
    assert evaluation.is_quantized(quantized)
    described = evaluation.describe(quantized)
    assert described["input"] == {"dtype": "int8", "shape": [1, 20, 16, 1]}
    with pytest.raises(ModelError, match=r"3 outputs.*2 classes"):
        evaluation.check_fits(quantized, tiny, 2)
    with pytest.raises(ModelError, match=r"20 x 16 x 1.*64 x 96"):
        evaluation.check_fits(quantized, make_config("evaluation"), 3)


@pytest.mark.parametrize("kind", ["short", "truncated", "text"])
def test_a_bad_clip_among_good_ones_is_named(tmp_path, examples, kind):
    good = [path for path, _ in excerpt(examples, "test.csv", ("dog",), 3)]
    bad = tmp_path / ("bad.wav" if kind == "short" else "bad.ogg")
    if kind == "short":
        write_wav(bad, np.random.default_rng(0).normal(0, 0.1, 900))
    elif kind == "truncated":
        content = good[0].read_bytes()
        bad.write_bytes(content[: len(content) // 2])
    else:
        bad.write_text("filename,category\n")
    config = make_config(
        "evaluation",
        preprocessing={**PREPROCESSING, "min_length": 0},
        feature_extraction=FEATURES,
    )
    clips = tuple(Clip(path, ("dog",)) for path in (good[0], bad, *good[1:]))
    with pytest.raises(AudioError, match=r"bad\.(wav|ogg)"):
        ClipStore(config).load(Dataset(clips, ("dog",)))
