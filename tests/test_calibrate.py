"""The silence gate's threshold: where it is put, why, what the command prints, and bad input."""

import json
from dataclasses import replace
from pathlib import Path

import librosa
import numpy as np
import pytest

from paritone import cli, datasets, quantization
from paritone import config as configuration
from paritone.datasets import Clip
from paritone.datasets.clips import ClipStore
from paritone.errors import ConfigError
from paritone.evaluation import calibration, silence, streaming
from paritone.evaluation.accuracy import measure
from paritone.evaluation.streaming import Heard
from paritone.task import SingleLabel

NAMES = ("a", "b", "c")


def heard(label, patches):
    """A clip of patches (level in mel units, whether the model is right)."""
    levels = np.array([round(1024 * level) for level, _ in patches], np.uint64)
    scores = np.zeros((len(patches), 3), np.float32)
    for row, (_, right) in zip(scores, patches, strict=True):
        row[NAMES.index(label) - (not right)] = 1
    return Heard(Clip(Path(label), (label,)), scores, levels, np.zeros(len(patches), bool))


def planted(even, clips=60, seed=0, steepness=4.0):
    """Clips whose patches are the more often right the louder, as often as not at `even`."""
    rng = np.random.default_rng(seed)
    found = []
    for clip in range(clips):
        octaves = rng.uniform(-6, 10, 8)
        right = rng.random(8) < 1 / (1 + np.exp(-steepness * (octaves - np.log2(even))))
        found.append(heard(NAMES[clip % 3], list(zip(2.0**octaves, right, strict=True))))
    return found


def right_at(clips, threshold):
    """Clips that are right, counted anew."""
    silent = [item.levels < threshold * 1024 for item in clips]
    found = measure(
        [i.scores for i in clips],
        [i.clip for i in clips],
        SingleLabel(NAMES),
        "integer",
        silent,
        threshold,
    )
    return round(found.clip * len(clips)), found.gate.silent_patches


@pytest.mark.parametrize("seed", range(2))
def test_curve_is_what_counting_anew_gives(seed):
    clips = planted(4.0, clips=12, seed=seed, steepness=1.0)
    found = silence.curve(clips, SingleLabel(NAMES))
    assert (np.diff(found.upper) > 0).all()
    assert len(found.upper) == len(found.clips) == len(found.silent) > 80
    for threshold in (0.001, *np.random.default_rng(seed).uniform(0, 600, 9), *found.upper[::7]):
        step = found.at(threshold)
        assert (found.clips[step], found.silent[step]) == right_at(clips, threshold)


@pytest.mark.parametrize("even", [0.5, 8.0, 100.0])
def test_threshold_is_where_patches_are_as_often_wrong_as_right(even):
    clips = planted(even)
    choice = silence.choose(clips, SingleLabel(NAMES))
    assert choice.even == pytest.approx(even, rel=0.4)
    assert choice.threshold == float(f"{choice.even:.3g}")
    assert choice.good[0] < choice.threshold <= choice.good[1]
    best = silence.curve(clips, SingleLabel(NAMES)).clips.max()
    assert right_at(clips, choice.threshold)[0] >= best - np.sqrt(60) / 2


def test_a_break_even_that_costs_clips_is_not_taken():
    """Quiet clips in which one patch is right: silencing them costs more than a standard error."""
    quiet = [heard("a", [(1.0, True), (0.5, False), (0.6, False)]) for _ in range(20)]
    quiet = [replace(item, scores=item.scores * [[9], [1], [1]]) for item in quiet]
    loud = [heard("b", [(50.0 + i, i < 15)]) for i in range(20)]
    choice = silence.choose(quiet + loud, SingleLabel(NAMES))
    assert choice.even is not None
    assert choice.threshold <= 1
    assert right_at(quiet + loud, choice.threshold)[0] == 35


def test_without_a_break_even_the_widest_stretch_is_halved():
    """Loudness tells nothing here: the threshold that is as good as the best most widely."""
    clips = [heard("a", [(0.25, True), (64.0, True)]), heard("b", [(0.25, True), (64.0, True)])]
    assert silence.break_even(clips, SingleLabel(NAMES)) is None
    choice = silence.choose(clips, SingleLabel(NAMES))
    assert choice.good == (0.25, 64.0)
    assert choice.threshold == 4.0


def test_no_gate_where_every_gate_costs():
    quiet = [heard(name, [(1.0, True)]) for name in NAMES * 20]
    loud = [heard("a", [(50.0, False)]), heard("b", [(60.0, True)])]
    choice = silence.choose(quiet + loud, SingleLabel(NAMES))
    assert (choice.threshold, choice.good) == (0.0, (0.0, 0.0))


def test_one_level_divides_nothing():
    with pytest.raises(ConfigError, match="same level"):
        silence.choose([heard("a", [(1.0, True), (1.0, False)])], SingleLabel(NAMES))


# ---- The command ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def quantized(tiny_config, tmp_path_factory):
    tiny = configuration.load_file(tiny_config)
    path = tmp_path_factory.mktemp("quantized") / "q.tflite"
    return quantization.quantize(tiny, path, ClipStore(tiny))


@pytest.fixture
def folds(tiny_config, tmp_path):
    """Overrides for a training set of two folds of one CSV, each clip of the excerpt in one."""
    source = tiny_config.parent
    lines = ["filename,fold,category"]
    for fold, name in enumerate(("calibration", "test"), 1):
        for row in (source / f"{name}.csv").read_text().splitlines()[1:]:
            filename, category = row.split(",")
            lines.append(f"{filename},{fold},{category}")
    (tmp_path / "folds.csv").write_text("\n".join(lines) + "\n")
    return [
        f"+dataset.training_csv_path={tmp_path}/folds.csv",
        f"+dataset.training_audio_path={source}/audio",
        "preprocessing.max_length=5",
    ]


def calibrate(*arguments):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["calibrate", *map(str, arguments)])
    return stopped.value.code


def test_the_command_prints_the_line_and_it_gives_what_was_promised(
    quantized, tiny_config, folds, tmp_path, capfd
):
    out, png = tmp_path / "out.json", tmp_path / "out.png"
    arguments = [quantized, "--config", tiny_config, *folds, "+dataset.training_folds=[1]"]
    assert calibrate(*arguments, "--json", out, "--plot", png) == 0
    captured = capfd.readouterr()
    found = json.loads(out.read_text())
    threshold = found["set"]["deployment.silence_threshold"]
    assert threshold > 0
    assert f"deployment:\n  silence_threshold: {threshold:g}\n" in captured.out
    override = f"++deployment.silence_threshold={threshold:g}"
    assert override in captured.out
    assert "6 clips of the training set, folds 1" in captured.out
    assert "test set too" not in captured.err
    assert found["without"]["clips"] == 6
    assert found["without"]["silent_patches"] == 0 < found["without"]["patches"]
    assert png.read_bytes().startswith(b"\x89PNG")
    # The same clips with that line: what evaluation then finds is what was promised.
    config = configuration.load_sections(
        tiny_config, [*folds, "+dataset.training_folds=[1]", override]
    )
    clips = datasets.load(config.model_copy(update={"dataset": _whole(config)}), "training")
    accuracy = streaming.evaluate(quantized, clips, config)
    assert accuracy.summary() == found["gated"]


def test_the_reference_of_decibels_is_the_median_of_the_clips_loudest_cells(
    quantized, tiny_config, tmp_path, capfd
):
    out, db = tmp_path / "out.json", "feature_extraction.to_db=True"
    assert calibrate(quantized, "--config", tiny_config, db, "--json", out) == 0
    captured = capfd.readouterr()
    config = configuration.load_sections(tiny_config)
    loudest = []
    for clip in datasets.load(config, "quantization").clips:
        pcm = streaming.whole(clip, config) / np.float32(32768)
        mel = librosa.feature.melspectrogram(
            y=pcm, sr=16000, n_fft=512, hop_length=160, win_length=400, center=False, power=1,
            n_mels=20, fmin=125, fmax=7500, norm=None, htk=True,
        )  # fmt: skip
        loudest.append(mel.max())
    found = json.loads(out.read_text())["set"]
    assert found["feature_extraction.db_reference"] == pytest.approx(np.median(loudest), rel=0.005)
    line = f"feature_extraction:\n  db_reference: {found['feature_extraction.db_reference']:g}\n"
    assert line in captured.out
    # One that is there is kept.
    given = "+feature_extraction.db_reference=3.5"
    assert calibrate(quantized, "--config", tiny_config, db, given, "--json", out) == 0
    assert list(json.loads(out.read_text())["set"]) == ["deployment.silence_threshold"]


def _whole(config):
    return config.dataset.model_copy(update={"validation_split": None})


def test_the_quantization_set_where_there_is_no_training_set(tiny_config, quantized, capfd):
    config = configuration.load_sections(tiny_config)
    dataset, source = calibration.clips_of(config)
    assert source == "6 clips of the quantization set"
    assert dataset == datasets.load(config, "quantization")
    assert calibrate(quantized, "--config", tiny_config) == 0
    assert "silence_threshold" in capfd.readouterr().out


def test_clips_of_the_test_set_are_told_and_never_taken_silently(tiny_config, folds, capfd):
    config = configuration.load_sections(tiny_config, [*folds, "+dataset.training_folds=[1,2]"])
    dataset, _ = calibration.clips_of(config)
    assert len(dataset.clips) == 12
    assert "6 of the 12 clips are in the test set too" in capfd.readouterr().err
    # A test set that is a part of the training rows is left out.
    apart = ["dataset.test_csv_path=None", "dataset.test_audio_path=None"]
    config = configuration.load_sections(
        tiny_config, [*folds, *apart, "+dataset.validation_split=0.5"]
    )
    dataset, _ = calibration.clips_of(config)
    test = datasets.load(config, "test")
    assert len(dataset.clips) == len(test.clips) == 6
    assert not {clip.path for clip in dataset.clips} & {clip.path for clip in test.clips}


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        (["+dataset.training_folds=[1]"], "training_csv_path"),
        (
            ["dataset.quantization_csv_path=None", "dataset.quantization_audio_path=None"],
            "expected labelled clips",
        ),
        (["dataset.class_names=[dog,rooster]"], "3 outputs"),
        (["feature_extraction.n_mels=24"], "20 x 16"),
        (["+deployment.silence_threshold=loud"], "silence_threshold"),
        (["+deployment.silence_threshold=-1"], "silence_threshold"),
        (["dataset.quantization_csv_path=nowhere.csv"], "nowhere.csv"),
        (["--json", "nowhere/out.json"], "no folder nowhere"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else value,
)
def test_bad_input_is_one_line(quantized, tiny_config, capfd, overrides, told):
    assert calibrate(quantized, "--config", tiny_config, *overrides) == 2
    captured = capfd.readouterr()
    assert captured.out == ""
    assert told in captured.err
    assert len(captured.err.strip().splitlines()) == 1, captured.err


def test_a_model_that_is_not_there_or_not_quantized(tiny_config, capfd):
    assert calibrate("nowhere.tflite", "--config", tiny_config) == 2
    assert "nowhere.tflite: no such model" in capfd.readouterr().err
    assert calibrate(tiny_config.parent / "tiny.h5", "--config", tiny_config) == 2
    assert "expected a quantized model" in capfd.readouterr().err
