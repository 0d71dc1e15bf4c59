"""ESC-layout data sets: splits against scikit-learn, fall-backs, and CSVs that do not fit."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from sklearn.model_selection import train_test_split

from paritone import datasets
from paritone.config import Config
from paritone.config.data import Dataset as Settings
from paritone.errors import AudioError, ConfigError

CLASSES = ("rain", "dog", "cat", "bird")
PER_CLASS = 10


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """40 (empty) clips of 4 classes in 5 folds; the CSV leaves the extension out."""
    (tmp_path / "audio").mkdir()
    lines = ["filename,fold,target,category"]
    for index in range(PER_CLASS * len(CLASSES)):
        name = f"clip{index:02d}"
        (tmp_path / f"audio/{name}.wav").touch()
        lines.append(f"{name},{index % 5 + 1},{index % 4},{CLASSES[index % 4]}")
    (tmp_path / "all.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


Make = Callable[..., Config]


@pytest.fixture
def make(tree: Path) -> Make:
    """Build a configuration whose given sets (by name) use the tree's CSV."""

    def build(*sets: str, mode: str = "chain_eqe", **keys: object) -> Config:
        paths = {f"{name}_csv_path": tree / "all.csv" for name in sets}
        paths |= {f"{name}_audio_path": tree / "audio" for name in sets}
        section = Settings.model_validate({**paths, **keys})
        return Config(operation_mode=mode, dataset=section)  # type: ignore[arg-type]

    return build


def names(config: Config, split: str) -> list[str]:
    dataset = datasets.load(config, split)  # type: ignore[arg-type]
    assert dataset is not None
    return [clip.path.stem for clip in dataset.clips]


def test_a_whole_set_keeps_the_csvs_order(make: Make) -> None:
    dataset = datasets.load(make("test"), "test")
    assert dataset is not None
    assert dataset.class_names == ("bird", "cat", "dog", "rain")
    assert [clip.path.name for clip in dataset.clips] == [f"clip{i:02d}.wav" for i in range(40)]
    assert [clip.labels for clip in dataset.clips[:4]] == [(name,) for name in CLASSES]
    assert dataset.counts() == dict.fromkeys(dataset.class_names, 10)


def test_validation_is_scikit_learns_stratified_split(make: Make) -> None:
    rows = [f"clip{i:02d}" for i in range(40)]
    labels = [CLASSES[i % 4] for i in range(40)]
    train, rest = train_test_split(rows, test_size=0.3, random_state=7, stratify=labels)
    config = make("training", seed=7, validation_split=0.3)
    assert names(config, "training") == train
    assert names(config, "validation") == rest
    assert names(config, "test") == rest
    assert names(config, "quantization") == train
    assert names(make("training", seed=8, validation_split=0.3), "validation") != rest


def test_fall_backs(make: Make) -> None:
    assert datasets.load(make("test"), "quantization") is None
    assert datasets.load(make("quantization"), "test") is None
    both = make("training", "validation")
    assert len(names(both, "training")) == len(names(both, "test")) == 40
    own = make("training", "quantization", quantization_folds=[2])
    assert len(names(own, "quantization")) == 8


def test_quantization_split_keeps_a_stratified_part(make: Make) -> None:
    for sets in (("quantization",), ("training", "validation")):
        dataset = datasets.load(make(*sets, quantization_split=0.1), "quantization")
        assert dataset is not None
        assert dataset.counts() == dict.fromkeys(dataset.class_names, 1)
    assert len(names(make("quantization", quantization_split=1), "quantization")) == 40
    # Too small for a clip of each class.
    assert len(names(make("quantization", quantization_split=0.05), "quantization")) == 2


def test_folds_make_one_csv_serve_cross_validation(make: Make) -> None:
    config = make("training", training_folds="(1, 2, 3)", validation_folds=[4], test_folds=[5])
    found = {split: set(names(config, split)) for split in ("training", "validation", "test")}
    assert [len(found[split]) for split in found] == [24, 8, 8]
    assert not found["training"] & found["validation"]
    assert found["test"] == {f"clip{i:02d}" for i in range(4, 40, 5)}
    with pytest.raises(
        ConfigError, match=r"dataset.test_folds: expected some of \[1, 2, 3, 4, 5\]"
    ):
        names(make("training", test_folds=[6]), "test")


def test_training_on_the_other_folds(make: Make) -> None:
    """One key swept is a cross-validation: what is trained on follows what is tested on."""
    for fold in range(1, 6):
        config = make("training", training_folds="others", test_folds=[fold])
        rest = [other for other in range(1, 6) if other != fold]
        listed = make("training", training_folds=rest, test_folds=[fold])
        assert names(config, "training") == names(listed, "training")
    config = make("training", training_folds="others", validation_folds=[4], test_folds=[5])
    listed = make("training", training_folds=[1, 2, 3], validation_folds=[4], test_folds=[5])
    assert names(config, "training") == names(listed, "training")
    assert names(config, "quantization") == names(listed, "quantization")


def test_class_names_choose_and_are_sorted(make: Make) -> None:
    dataset = datasets.load(make("test", class_names=["rain", "dog"]), "test")
    assert dataset is not None
    assert dataset.class_names == ("dog", "rain")
    assert dataset.counts() == {"dog": 10, "rain": 10}


@pytest.mark.parametrize(("wanted", "count"), [(None, 10), (2, 4), (99, 20)])
def test_the_garbage_class(make: Make, wanted: int | None, count: int) -> None:
    config = make(
        "test",
        class_names=["rain", "dog"],
        use_garbage_class=True,
        n_samples_per_garbage_class=wanted,
    )
    dataset = datasets.load(config, "test")
    assert dataset is not None
    assert dataset.counts() == {"dog": 10, "other": count, "rain": 10}
    assert dataset == datasets.load(config, "test")
    paths = [clip.path for clip in dataset.clips]
    assert paths == sorted(paths)


def test_the_garbage_class_is_balanced_against_the_average_class(tree: Path, make: Make) -> None:
    """7 dogs and 4 rains make 5.5 a class: 2.75 of each of the 2 others, 3 as they are whole."""
    lines = (tree / "all.csv").read_text().splitlines()
    dogs = [line for line in lines if line.endswith("dog")][:7]
    rains = [line for line in lines if line.endswith("rain")][:4]
    others = [line for line in lines if line.endswith(("cat", "bird"))]
    (tree / "all.csv").write_text("\n".join([lines[0], *dogs, *rains, *others]) + "\n")
    config = make("test", class_names=["rain", "dog"], use_garbage_class=True)
    dataset = datasets.load(config, "test")
    assert dataset is not None
    assert dataset.counts() == {"dog": 7, "other": 6, "rain": 4}
    of = {line.split(",")[0]: line.split(",")[-1] for line in others}
    drawn = [of[clip.path.stem] for clip in dataset.clips if clip.labels == ("other",)]
    assert sorted(drawn) == ["bird"] * 3 + ["cat"] * 3


def test_the_garbage_class_is_in_every_split(make: Make) -> None:
    config = make(
        "training", class_names=["rain", "dog"], use_garbage_class=True, validation_split=0.2
    )
    parts = [datasets.load(config, split) for split in ("training", "validation")]  # type: ignore[arg-type]
    assert [part and part.counts() for part in parts] == [
        {"dog": 8, "other": 8, "rain": 8},
        {"dog": 2, "other": 2, "rain": 2},
    ]


@pytest.mark.parametrize("name", ["clip00", "clip00.wav", "sub/clip00", r"sub\clip00.ogg"])
def test_the_extension_is_optional(tree: Path, make: Make, name: str) -> None:
    (tree / "audio/sub").mkdir()
    (tree / "audio/sub/clip00.wav").touch()
    (tree / "all.csv").write_bytes(f"\ufefffilename,category\r\n{name},dog\r\n".encode())
    clips = datasets.load(make("test", class_names=["dog", "cat"], file_extension="wav"), "test")
    assert clips is not None
    assert clips.clips[0].path.name == "clip00.wav"
    assert clips.clips[0].path.parent.name == ("sub" if "sub" in name else "audio")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "expected columns filename and category, got an empty file"),
        ("name;category\na;dog\n", "expected columns filename and category, got name;category"),
        ("filename,category\nclip00,\n", "line 2: expected a filename and a category"),
        ("filename,category\nclip00\n", "line 2: expected a filename and a category"),
        (
            "filename,category\nclip00,\"['dog','cat']\"\n",
            "line 2: 2 categories, expected one: set dataset.multi_label to True",
        ),
        ("filename,category\nclip00,horse\n", "none of bird, cat is in .* which holds horse"),
        (b"filename,category\n\xff\xfe,dog\n", "expected a CSV file in UTF-8"),
    ],
)
def test_csvs_that_do_not_fit(tree: Path, make: Make, content: str | bytes, expected: str) -> None:
    (tree / "all.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigError, match=expected):
        datasets.load(make("test", class_names=["cat", "bird"]), "test")


def test_missing_clips_are_named(tree: Path, make: Make) -> None:
    (tree / "audio/clip03.wav").unlink()
    (tree / "audio/clip17.wav").unlink()
    expected = re.escape("clip03.wav: named in all.csv, and is not there (and 1 more of 40)")
    with pytest.raises(AudioError, match=expected):
        datasets.load(make("test"), "test")


def test_too_few_clips_to_divide(tree: Path, make: Make) -> None:
    (tree / "all.csv").write_text("filename,category\nclip00,dog\nclip01,cat\nclip02,cat\n")
    with pytest.raises(ConfigError, match=r"dataset.validation_split: 0.2 of 3 clips cannot"):
        datasets.load(make("training"), "training")


def test_the_shipped_example(examples: Path) -> None:
    section = Settings.model_validate(
        {
            "test_csv_path": examples / "esc10/meta/test.csv",
            "test_audio_path": examples / "esc10/audio",
            "file_extension": ".ogg",
        }
    )
    dataset = datasets.load(Config(operation_mode="evaluation", dataset=section), "test")
    assert dataset is not None
    assert dataset.class_names[0] == "chainsaw"
    assert set(dataset.counts().values()) == {4}
