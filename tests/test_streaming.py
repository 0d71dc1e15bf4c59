"""Evaluation as the device hears: whole clips, nothing trimmed, silent patches without a vote."""

import librosa
import numpy as np
import pytest

from paritone import audio, datasets, quantization
from paritone import config as configuration
from paritone.datasets import Clip, Dataset
from paritone.datasets.clips import ClipStore
from paritone.errors import AudioError, ModelError
from paritone.evaluation import streaming
from paritone.references.tflite import Reference, dequantize
from zoo_config import FEATURES, PREPROCESSING, RATE, make_config, write_wav

NAMES = ("crying_baby", "dog", "rooster")
PATCH = (FEATURES["patch_length"] - 1) * FEATURES["hop_length"] + FEATURES["n_fft"]


def gated(config, threshold):
    deployment = {"silence_threshold": threshold}
    section = config.deployment.model_copy(update=deployment)
    return config.model_copy(update={"deployment": section})


@pytest.fixture(scope="module")
def tiny(tiny_config):
    return configuration.load_file(tiny_config)


@pytest.fixture(scope="module")
def test_set(tiny):
    return datasets.load(tiny, "test")


@pytest.fixture(scope="module")
def quantized(tiny, tmp_path_factory):
    path = tmp_path_factory.mktemp("quantized") / "q.tflite"
    return quantization.quantize(tiny, path, ClipStore(tiny))


def config_of(**preprocessing):
    settings = {**PREPROCESSING, **preprocessing}
    return make_config("evaluation", preprocessing=settings, feature_extraction=FEATURES)


def sound(path, *parts):
    """A clip of parts: (seconds, amplitude) of noise."""
    rng = np.random.default_rng(0)
    wave = np.concatenate([a * rng.uniform(-1, 1, round(s * RATE)) for s, a in parts])
    write_wav(path, wave)
    return Clip(path, ("dog",))


def test_nothing_is_trimmed_and_max_length_cuts(tmp_path):
    clip = sound(tmp_path / "a.wav", (0.5, 0), (0.6, 0.5), (1, 0), (0.25, 0.5))
    pcm = audio.to_int16(audio.load(clip.path, RATE))
    config = config_of(trim_last_second=True)
    assert len(audio.preprocess(audio.load(clip.path, RATE), config.preprocessing)) == RATE
    np.testing.assert_array_equal(streaming.whole(clip, config), pcm)
    cut = streaming.whole(clip, config_of(max_length=1.5, min_length=1.5))
    np.testing.assert_array_equal(cut, pcm[: RATE * 3 // 2])


def test_only_a_clip_shorter_than_a_patch_is_lengthened(tmp_path):
    enough = sound(tmp_path / "enough.wav", (PATCH / RATE, 0.5))
    assert len(streaming.whole(enough, config_of())) == PATCH
    short = sound(tmp_path / "short.wav", ((PATCH - 1) / RATE, 0.5))
    tiled = streaming.whole(short, config_of())
    assert len(tiled) == RATE
    np.testing.assert_array_equal(tiled[: PATCH - 1], tiled[PATCH - 1 : 2 * (PATCH - 1)])


def test_a_clip_too_short_for_a_patch_is_named(tmp_path, tiny, quantized):
    clip = sound(tmp_path / "short.wav", (0.05, 0.5))
    config = tiny.model_copy(update={"preprocessing": config_of(min_length=0).preprocessing})
    with pytest.raises(AudioError, match=r"short\.wav: too short for a patch"):
        streaming.evaluate(quantized, Dataset((clip,), NAMES), config)


def mel_levels(pcm):
    """librosa's mel bands summed over each patch: an oracle that shares no code."""
    frames = librosa.feature.melspectrogram(
        y=pcm / np.float32(32768), sr=RATE, n_fft=512, hop_length=160, win_length=400,
        center=False, power=1, n_mels=20, fmin=125, fmax=7500, norm=None, htk=True,
    ).sum(axis=0)  # fmt: skip
    return np.array([frames[i : i + 16].sum() for i in range(0, len(frames) - 15, 12)])


def test_scores_and_levels_are_those_of_independent_references(tiny, test_set, quantized):
    """TensorFlow Lite's kernels on the integer reference's patches; librosa's mel bands."""
    from paritone.engine import plan, tflite
    from paritone.features import integer
    from paritone.generate import frontend_tables

    reference = Reference(quantized)
    config = gated(tiny, 40.0)
    tables = frontend_tables(plan.plan(tflite.read(quantized)), config)
    heard = streaming.hear(quantized, test_set.clips, config, "Listening")
    assert [item.clip for item in heard] == list(test_set.clips)
    levels = []
    for item in heard:
        pcm = streaming.whole(item.clip, config)
        outputs = [reference.invoke(patch)[0] for patch in integer.patches(pcm, tables)]
        wanted = dequantize(np.stack(outputs), *reference.output["quantization"])
        np.testing.assert_array_equal(item.scores, wanted)
        np.testing.assert_allclose(item.levels / 1024, mel_levels(pcm), rtol=0.002, atol=0.05)
        np.testing.assert_array_equal(item.silent, item.levels < 40 * 1024)
        levels.append(item.levels)
    silent = np.concatenate(levels) < 40 * 1024
    assert 0 < silent.sum() < len(silent)


def test_the_gate_keeps_silence_from_the_vote(tmp_path, tiny, quantized):
    clips = (
        sound(tmp_path / "late.wav", (0.8, 0), (0.2, 0.5)),
        sound(tmp_path / "none.wav", (1, 1e-4)),
        sound(tmp_path / "all.wav", (1, 0.5)),
    )
    dataset = Dataset(clips, NAMES)
    opened = streaming.evaluate(quantized, dataset, tiny)
    assert (opened.gate.threshold, opened.gate.silent_patches, opened.patches) == (0, 0, 21)
    found = streaming.evaluate(quantized, dataset, gated(tiny, 10.0))
    assert (found.gate.threshold, found.gate.silent_clips, found.clips) == (10, 1, 3)
    assert 7 < found.gate.silent_patches < 14
    assert found.confusion[:, -1].sum() == 1


def test_the_device_runs_quantized_models(tiny, test_set):
    with pytest.raises(ModelError, match="runs quantized models"):
        streaming.evaluate(tiny.general.model_path, test_set, tiny)
