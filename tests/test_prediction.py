"""Prediction: classes of clips and patches, clips that cannot be read, native C and a board."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from paritone import audio, cli
from paritone import config as configuration
from paritone.config import Preprocessing
from paritone.datasets import Clip
from paritone.datasets.clips import ClipData
from paritone.datasets.prepared_audio import PreparedAudio
from paritone.evaluation.accuracy import SILENCE
from paritone.evaluation.prediction import Recording, judge
from paritone.task import SingleLabel
from zoo_config import FEATURES, PREPROCESSING, write_wav

NAMES = ("a", "b", "c")
UNKNOWN = SingleLabel.nothing
STEP_S = 12 * FEATURES["hop_length"] / 16000


def run(*arguments):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["run", *map(str, arguments)])
    return stopped.value.code


def table(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def quantized(tiny_config, tmp_path_factory):
    from paritone import quantization

    config = configuration.load_file(tiny_config)
    return quantization.quantize(config, tmp_path_factory.mktemp("quantized") / "q.tflite")


@pytest.fixture
def folder(tiny_config, tmp_path, monkeypatch):
    """Clips in three formats, one in a folder of its own; the working directory."""
    import soundfile

    clips = tmp_path / "clips"
    (clips / "inner").mkdir(parents=True)
    good = sorted((tiny_config.parent / "audio").glob("*.ogg"))[:3]
    shutil.copy(good[0], clips / "one.ogg")
    wave = audio.load(good[1], 16000)
    soundfile.write(clips / "two.flac", wave, 16000)
    soundfile.write(clips / "inner/two.mp3", wave, 16000)
    (clips / "notes.txt").write_text("no clip")
    monkeypatch.chdir(tmp_path)
    return clips


def predict(tiny_config, *overrides, options=()):
    return run(
        "--config-path",
        tiny_config.parent,
        *options,
        "operation_mode=prediction",
        "+prediction.test_files_path=clips",
        "hydra.run.dir=run",
        *overrides,
    )


def _recording(patches):
    data = ClipData(Clip(Path("x.wav"), ()), np.zeros(9, np.int16), np.zeros((patches, 2, 2)))
    return Recording("x.wav", data, tuple(range(patches)), np.arange(patches, dtype=float))


def test_a_clip_is_the_sum_of_its_patches_and_low_scores_are_of_no_class():
    """A majority of unsure patches says b; the threshold is the mean score's, and a patch's."""
    scores = np.array([[0.4, 0.6, 0], [0.4, 0.6, 0], [1, 0, 0]], np.float32)
    heard = np.zeros(3, bool)
    found = judge(_recording(3), scores, heard, SingleLabel(NAMES))
    assert (found.label, found.labels) == ("a", ("b", "b", "a"))
    assert found.score == pytest.approx(0.6)
    assert judge(_recording(3), scores, heard, SingleLabel(NAMES, 0.59)).label == "a"
    strict = judge(_recording(3), scores, heard, SingleLabel(NAMES, 0.61))
    assert (strict.label, strict.labels) == (UNKNOWN, (UNKNOWN, UNKNOWN, "a"))


def test_silent_patches_do_not_vote():
    scores = np.array([[0, 0, 0], [0, 0.7, 0.3]], np.float32)
    found = judge(_recording(2), scores, np.array([True, False]), SingleLabel(NAMES))
    assert (found.label, found.labels) == ("b", (SILENCE, "b"))
    assert found.score == pytest.approx(0.7)
    mute = judge(_recording(2), scores, np.array([True, True]), SingleLabel(NAMES, 0.5))
    assert (mute.label, mute.score) == (SILENCE, 0)


def test_positions_lead_back_to_the_file():
    """Silence removed in the middle, then tiled: where each sample came from."""
    settings = Preprocessing.model_validate({**PREPROCESSING, "min_length": 2, "max_length": 5})
    rng = np.random.default_rng(0)
    wave = np.concatenate([rng.normal(0, 0.1, 6400), np.zeros(9600), rng.normal(0, 0.1, 6400)])
    wave = wave.astype(np.float32)
    kept = audio.positions(wave, settings)
    result = audio.preprocess(wave, settings)
    np.testing.assert_array_equal(result, wave[kept])
    assert len(result) == 32000
    period = int(np.flatnonzero(kept == 0)[1])
    assert period < len(wave), "silence is gone"
    np.testing.assert_array_equal(kept[period:], kept[: 32000 - period])
    gap = int(np.flatnonzero(np.diff(kept[:period]) > 1)[0])
    assert kept[gap + 1] - kept[gap] > 3000


def test_a_folder_of_clips(tiny_config, folder, tmp_path, capfd):
    """Files against Keras, called by hand, in the order of the paths."""
    from paritone.datasets import clips
    from paritone.models.load import load_keras

    assert predict(tiny_config) == 0
    rows = table(tmp_path / "run/predictions.csv")
    names = ["inner/two.mp3", "one.ogg", "two.flac"]
    assert [row["file"] for row in rows] == names
    config = configuration.load_file(tiny_config)
    model = load_keras(config.general.model_path)
    lines = table(tmp_path / "run/predictions_patches.csv")
    for row in rows:
        data = clips.prepare(Clip(folder / row["file"], ()), config, PreparedAudio(config))
        scores = model.predict(data.patches[..., None], verbose=0)
        best = scores.sum(axis=0).argmax()
        assert row["class"] == config.dataset.class_names[best]
        assert float(row["score"]) == pytest.approx(scores[:, best].mean(), abs=1e-5)
        mine = [line for line in lines if line["file"] == row["file"]]
        chosen = [config.dataset.class_names[i] for i in scores.argmax(axis=1)]
        assert [line["class"] for line in mine] == chosen
        np.testing.assert_allclose([float(x["score"]) for x in mine], scores.max(axis=1), atol=1e-5)
        png = tmp_path / "run/predictions" / f"{row['file']}.png"
        assert png.read_bytes().startswith(b"\x89PNG")
    untrimmed = [float(line["start_s"]) for line in lines if line["file"] == "one.ogg"]
    assert untrimmed[0] >= 0
    assert (np.diff(untrimmed) >= STEP_S - 1e-3).all()
    found = json.loads((tmp_path / "run/summary.json").read_text())["prediction"]
    assert (found["clips"], found["target"]) == (3, "host")
    assert sum(found["classes"].values()) == 3
    assert found["patches"] == len(lines)
    output = capfd.readouterr().out
    assert all(name in output for name in names)


def test_check_counts_the_clips(tiny_config, folder, capfd):
    with pytest.raises(SystemExit) as stopped:
        cli.main(
            [
                "check",
                "--config-path",
                str(tiny_config.parent),
                "operation_mode=prediction",
                "+prediction.test_files_path=clips",
            ]
        )
    assert stopped.value.code == 0
    assert "3 clips of clips on host" in capfd.readouterr().out


def test_clips_that_cannot_be_read_are_named_and_the_rest_goes_on(
    tiny_config, folder, tmp_path, capfd
):
    content = (folder / "one.ogg").read_bytes()
    (folder / "cut.ogg").write_bytes(content[: len(content) // 2])
    (folder / "text.wav").write_text("no audio")
    write_wav(folder / "short.wav", np.random.default_rng(0).normal(0, 0.1, 900))
    assert predict(tiny_config, "preprocessing.min_length=0") == 2
    lines = capfd.readouterr().err.strip().splitlines()
    last = lines[-1]
    assert last.startswith("paritone: 3 of 6 clips have no prediction")
    assert all(name in last for name in ("cut.ogg", "text.wav", "short.wav"))
    assert len(table(tmp_path / "run/predictions.csv")) == 3
    found = json.loads((tmp_path / "run/summary.json").read_text())["prediction"]
    assert found["clips"] == 3
    assert sorted(found["unreadable"]) == ["cut.ogg", "short.wav", "text.wav"]
    assert not list((tmp_path / "run").rglob("*.partial"))


def test_native_and_board_agree(tiny_config, folder, tmp_path, quantized):
    """The same table by this machine's C and by the emulated board, byte for byte."""
    files = {}
    for on in ("native", "stm32f405"):
        model = f"general.model_path={quantized}"
        last = "+feature_extraction.include_last_patch=True"
        gate = "+deployment.silence_threshold=5"
        assert predict(tiny_config, model, gate, last, options=("--on", on)) == 0
        files[on] = [
            (tmp_path / "run" / name).read_bytes()
            for name in ("predictions.csv", "predictions_patches.csv")
        ]
        found = json.loads((tmp_path / "run/summary.json").read_text())
        assert found["prediction"]["target"] == on
        shutil.rmtree(tmp_path / "run")
    assert files["native"] == files["stm32f405"]
    assert files["native"][1].count(b"\n") > 20


def test_native_is_the_integer_features_through_the_reference(tiny_config, folder, quantized):
    from paritone.datasets import clips
    from paritone.engine import plan, tflite
    from paritone.evaluation import scoring
    from paritone.features import integer
    from paritone.generate import frontend_tables
    from paritone.references.tflite import Reference, dequantize

    config = configuration.load_file(tiny_config)
    pcm = clips.prepare(Clip(folder / "one.ogg", ()), config, PreparedAudio(config)).pcm
    with scoring.scorer(quantized, config, "native") as score:
        got, silent = score(pcm)
    reference = Reference(quantized)
    tables = frontend_tables(plan.plan(tflite.read(quantized)), config)
    raw = np.stack([reference.invoke(patch)[0] for patch in integer.patches(pcm, tables)])
    np.testing.assert_array_equal(got, dequantize(raw, *reference.output["quantization"]))
    assert not silent.any()


def test_quantized_on_the_host_and_unknown_clips(tiny_config, folder, tmp_path, quantized):
    model = f"general.model_path={quantized}"
    assert predict(tiny_config, model, "+deployment.unknown_class_threshold=1.0") == 0
    assert {row["class"] for row in table(tmp_path / "run/predictions.csv")} == {UNKNOWN}
    assert {row["class"] for row in table(tmp_path / "run/predictions_patches.csv")} == {UNKNOWN}


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        (["prediction.test_files_path=nowhere"], "no such folder"),
        (["prediction.test_files_path=empty"], "no clip (.flac"),
        (["dataset.class_names=[dog,rooster]"], "3 outputs"),
        (["+prediction.target=toaster"], "expected one of host, native, stm32f405"),
        (["+prediction.target=native"], "not a quantized model"),
        (["dataset.class_names=None"], "class_names"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    tiny_config, folder, tmp_path, capfd, overrides, told
):
    (tmp_path / "empty").mkdir()
    assert predict(tiny_config, *overrides) == 2
    captured = capfd.readouterr()
    assert captured.out == ""
    assert told in captured.err
    assert len(captured.err.strip().splitlines()) == 1, captured.err
    assert not (tmp_path / "run").exists()


def test_a_figure_is_whole_or_not_there(tmp_path, monkeypatch):
    from paritone.evaluation import figures

    drawn = figures.time_line(np.zeros((1, 4, 8)), [0], np.zeros((1, 3)), NAMES, 0.01, "x")
    monkeypatch.setattr(type(drawn), "savefig", lambda *_, **__: (_ for _ in ()).throw(OSError(28)))
    with pytest.raises(OSError):
        figures.save(drawn, tmp_path / "x.png")
    assert list(tmp_path.iterdir()) == []


def test_the_spectrogram_is_put_together_again():
    from paritone.evaluation import figures
    from paritone.features import log_mel

    config = configuration.FeatureExtraction.model_validate(
        {**FEATURES, "include_last_patch": True}
    )
    whole = np.random.default_rng(0).normal(size=(20, 45)).astype(np.float32)
    starts = log_mel.patch_starts(45, config)
    assert starts == [0, 12, 24, 29]
    np.testing.assert_array_equal(figures.joined(log_mel.cut(whole, config), starts), whole)
