"""Results kept between runs: the same numbers, computed anew when anything of theirs changed."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from paritone import cache, datasets, evaluation, quantization
from paritone import config as configuration
from paritone.cache import memo
from paritone.config import Config
from paritone.datasets.clips import ClipStore
from paritone.evaluation import figures, streaming
from zoo_config import tiny_model


def chain(config: Config, folder: Path) -> dict[str, Any]:
    """What chain_eqe computes: scores and confusions of every kind, the quantized model."""
    store, test = ClipStore(config), datasets.load(config, "test")
    model = config.general.model_path
    assert test is not None
    assert model is not None
    quantized = quantization.quantize(config, folder / "quantized.tflite", store)
    rows = {
        "float": evaluation.evaluate(model, test, config, "float", store),
        "int8": evaluation.evaluate(quantized, test, config, "float", store),
        "device": evaluation.evaluate(quantized, test, config, "integer", store),
        "streaming": streaming.evaluate(quantized, test, config),
    }
    data = store.load(test)
    return {
        "quantized": quantized.read_bytes(),
        "description": evaluation.describe(quantized),
        "scores": np.concatenate(evaluation.device_scores(quantized, data, config)),
        **{name: (row.summary(), row.confusion.tolist()) for name, row in rows.items()},
    }


@pytest.fixture(scope="module")
def ran(tiny_config: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A folder with a copy of the tiny project and what a first run kept; what it found."""
    folder = tmp_path_factory.mktemp("ran")
    ignored = shutil.ignore_patterns("run")
    shutil.copytree(tiny_config.parent, folder / "project", ignore=ignored)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache, "folder", lambda: folder / "arrays")
        return folder, chain(load(folder / "project"), folder / "cold")


@pytest.fixture
def config(
    ran: tuple[Path, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Config:
    """The project after its first run, copied to where a test may change it."""
    for name in ("project", "arrays"):
        shutil.copytree(ran[0] / name, tmp_path / name)
    monkeypatch.setattr(cache, "folder", lambda: tmp_path / "arrays")
    return load(tmp_path / "project")


def load(folder: Path) -> Config:
    audio = [f"dataset.{name}_audio_path={folder}/audio" for name in ("test", "quantization")]
    return configuration.load_file(
        folder / "user_config.yaml", [*audio, f"general.model_path={folder}/tiny.h5"]
    )


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each long step was done, and not taken from the disk."""
    counts: Counter[str] = Counter()

    def count(module: Any, name: str) -> None:
        original = getattr(module, name)

        def counting(*arguments: Any, **named: Any) -> Any:
            counts[name.strip("_")] += 1
            return original(*arguments, **named)

        monkeypatch.setattr(module, name, counting)

    for name in ("_keras_scores", "_tflite_scores", "_device_scores"):
        count(evaluation, name)
    count(quantization, "convert")
    count(streaming, "_hear")
    return counts


ONCE = {
    "keras_scores": 1,
    "tflite_scores": 1,
    "device_scores": 1,
    "convert": 1,
    "hear": 1,
}


def same(one: dict[str, Any], other: dict[str, Any]) -> None:
    np.testing.assert_array_equal(one.pop("scores"), other.pop("scores"))
    assert one == other


def test_a_warm_run_computes_nothing_and_finds_the_same(
    config: Config, ran: tuple[Path, dict[str, Any]], computed: Counter[str], tmp_path: Path
) -> None:
    warm = chain(config, tmp_path / "warm")
    assert computed == {}
    same(warm, dict(ran[1]))


def test_to_cache_false_computes_everything_and_finds_the_same(
    config: Config, ran: tuple[Path, dict[str, Any]], computed: Counter[str], tmp_path: Path
) -> None:
    off = config.dataset.model_copy(update={"to_cache": False})
    before = sorted((tmp_path / "arrays").rglob("*"))
    uncached = chain(config.model_copy(update={"dataset": off}), tmp_path / "uncached")
    assert computed == {**ONCE, "device_scores": 2}
    assert sorted((tmp_path / "arrays").rglob("*")) == before
    same(uncached, dict(ran[1]))


def test_a_changed_clip_repeats_what_heard_it(
    config: Config, computed: Counter[str], tmp_path: Path
) -> None:
    """One of the test set: the model is quantized on others, and stays."""
    test = datasets.load(config, "test")
    assert test is not None
    shutil.copyfile(test.clips[0].path, test.clips[-1].path)
    chain(config, tmp_path / "changed")
    assert computed == {name: 1 for name in ONCE if name != "convert"}


def test_touched_files_repeat_nothing(
    config: Config, ran: tuple[Path, dict[str, Any]], computed: Counter[str], tmp_path: Path
) -> None:
    """Another time of modification, the same bytes: clips, tables and the model."""
    touched = [path for path in (tmp_path / "project").rglob("*") if path.is_file()]
    assert len(touched) > 10
    for path in touched:
        os.utime(path, (1e9, 1e9))
    same(chain(config, tmp_path / "touched"), dict(ran[1]))
    assert computed == {}


def test_another_model_repeats_everything(
    config: Config, ran: tuple[Path, dict[str, Any]], computed: Counter[str], tmp_path: Path
) -> None:
    assert config.general.model_path is not None
    tiny_model(config.general.model_path, seed=2)
    other = chain(config, tmp_path / "other")
    assert computed == ONCE
    assert other["quantized"] != ran[1]["quantized"]


def _shown(value: object) -> str:
    """The same text in every process, of sets too."""
    return str(sorted(value)) if isinstance(value, set) else str(value)


@pytest.mark.parametrize(
    ("section", "keys", "anew"),
    [
        ("quantization", {"granularity": "per_tensor"}, {"convert", "tflite", "device", "hear"}),
        ("feature_extraction", {"include_last_patch": True}, {"all"}),
        ("deployment", {"silence_threshold": 2.0}, {"device", "hear"}),
        ("general", {"display_figures": True, "num_threads_tflite": 2}, set()),
        ("dataset", {"shuffle": False}, set()),
    ],
    ids=_shown,
)
def test_a_changed_key_repeats_what_depends_on_it(
    config: Config,
    computed: Counter[str],
    tmp_path: Path,
    section: str,
    keys: dict[str, Any],
    anew: set[str],
) -> None:
    changed = getattr(config, section).model_copy(update=keys)
    chain(config.model_copy(update={section: changed}), tmp_path / "changed")
    done = {name.removesuffix("_scores") for name in computed}
    everything = {"convert", "keras", "tflite", "device", "hear"}
    assert done == (everything if anew == {"all"} else anew)


def test_a_figure_is_drawn_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the same values, those of a large array's middle included."""
    monkeypatch.setattr(cache, "folder", lambda: tmp_path / "arrays")
    titles: list[str] = []

    def draw(matrix: np.ndarray, title: str) -> Any:
        titles.append(title)
        drawn = figures.figure(2, 2)
        drawn.add_subplot(title=title).imshow(matrix)
        return drawn

    matrix = np.zeros((40, 40), np.int64)
    first = figures.save_kept(tmp_path / "1.png", draw, matrix=matrix, title="a").read_bytes()
    again = figures.save_kept(tmp_path / "2.png", draw, matrix=matrix, title="a").read_bytes()
    assert first == again == figures.save(draw(matrix, "a"), tmp_path / "3.png").read_bytes()
    assert titles == ["a", "a"]
    matrix[20, 20] = 1
    changed = figures.save_kept(tmp_path / "2.png", draw, matrix=matrix, title="a").read_bytes()
    figures.save_kept(tmp_path / "2.png", draw, matrix=matrix, title="b")
    assert titles == ["a", "a", "a", "b"]
    assert changed != first


def test_errors_are_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "folder", lambda: tmp_path / "arrays")
    model = tmp_path / "model.tflite"
    model.write_bytes(b"a model")
    calls = []

    def failing() -> int:
        calls.append(1)
        raise ValueError("no")

    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            memo.of_model("fact", model, failing)
    assert len(calls) == 2
    assert memo.of_model("fact", model, lambda: [1, None, "x"]) == [1, None, "x"]
    assert memo.of_model("fact", model, failing) == [1, None, "x"]
    assert memo.of_model("fact", model, lambda: 2, another="key") == 2


def test_other_code_repeats(
    config: Config, computed: Counter[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ClipStore(config)
    quantization.quantize(config, tmp_path / "one.tflite", store)
    assert computed["convert"] == 0
    monkeypatch.setattr(memo, "_code", lambda: {"tensorflow": "another version"})
    quantization.quantize(config, tmp_path / "two.tflite", store)
    assert computed["convert"] == 1
