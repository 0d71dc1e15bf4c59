"""FSD50K in its published layout: a small one, and an oracle of unsmearing of another making."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from paritone import config as configuration
from paritone import datasets
from paritone.config import Config
from paritone.datasets import fsd50k
from paritone.errors import AudioError, ConfigError
from zoo_config import FEATURES, PREPROCESSING, write_wav

# Guitar has two parents, as in AudioSet; /m/blank is of those that no clip is labelled with.
ONTOLOGY = {
    "/m/music": ("Music", ["/m/instrument"]),
    "/m/instrument": ("Musical instrument", ["/m/plucked", "/m/bell"]),
    "/m/plucked": ("Plucked string instrument", ["/m/guitar"]),
    "/m/strings": ("String section", ["/m/guitar"]),
    "/m/guitar": ("Guitar", ["/m/electric"]),
    "/m/electric": ("Electric guitar", []),
    "/m/bell": ("Bell", []),
    "/m/animal": ("Animal", ["/m/blank"]),
    "/m/blank": ("Domestic animals, pets", ["/m/dog"]),
    "/m/dog": ("Dog", ["/m/bark"]),
    "/m/bark": ("Bark", []),
}
NAMES = {mid: name.replace(" ", "_") for mid, (name, _) in ONTOLOGY.items()}
DEV = [  # fname, mids as smeared, unsmeared by hand
    (100, ["electric", "guitar", "plucked", "instrument", "music"], ("Electric_guitar",)),
    (101, ["bark", "dog", "animal"], ("Bark",)),
    (102, ["dog", "animal"], ("Dog",)),
    (103, ["bell", "instrument", "music", "bark", "dog", "animal"], ("Bell", "Bark")),
    (104, ["animal"], ("Animal",)),
    (105, ["music", "bell", "instrument"], ("Bell",)),
    (106, ["guitar", "strings"], ("Guitar",)),
]
EVAL = [
    (7, ["bark", "dog", "animal"], ("Bark",)),
    (8, ["bell", "instrument", "music"], ("Bell",)),
    (9, ["music", "dog", "animal"], ("Music", "Dog")),
]


def line(fname: int, mids: list[str]) -> list[str]:
    full = [f"/m/{mid}" for mid in mids]
    return [str(fname), f'"{",".join(NAMES[m] for m in full)}"', f'"{",".join(full)}"']


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """FSD50K's layout: ground_truth/{dev,eval}.csv, a folder of WAV each, the ontology."""
    entries = [
        {
            "id": mid,
            "name": name,
            "child_ids": children,
            "restrictions": [],
            "positive_examples": [],
        }
        for mid, (name, children) in ONTOLOGY.items()
    ]
    (tmp_path / "ontology.json").write_text(json.dumps(entries))
    (tmp_path / "ground_truth").mkdir()
    rng = np.random.default_rng(1)
    for part, rows in (("dev", DEV), ("eval", EVAL)):
        ends = [["train"], ["val"]] if part == "dev" else [[], []]
        lines = [
            [*line(fname, mids), *ends[index % 2]] for index, (fname, mids, _) in enumerate(rows)
        ]
        header = ["fname", "labels", "mids", *(["split"] if part == "dev" else [])]
        text = "\n".join(",".join(cells) for cells in [header, *lines]) + "\n"
        (tmp_path / f"ground_truth/{part}.csv").write_text(text)
        (tmp_path / f"{part}_audio").mkdir()
        for fname, _, _ in rows:
            write_wav(tmp_path / f"{part}_audio/{fname}.wav", rng.normal(0, 0.1, 16000))
    return tmp_path


def load(tree: Path, mode: str = "training", **keys: Any) -> Config:
    """Through a file, as a user's: `keys` of dataset, or of dataset_specific.fsd50k."""
    specific: dict[str, Any] = {
        "csv_folder": str(tree / "ground_truth"),
        "dev_audio_folder": str(tree / "dev_audio"),
        "eval_audio_folder": str(tree / "eval_audio"),
        "audioset_ontology_path": str(tree / "ontology.json"),
        "only_keep_monolabel": True,
    }
    dataset: dict[str, Any] = {"name": "fsd50k", "file_extension": ".wav"}
    for key, value in keys.items():
        (specific if key in specific else dataset)[key] = value
    content = {
        "operation_mode": mode,
        "dataset": dataset,
        "dataset_specific": {"fsd50k": specific},
        "preprocessing": PREPROCESSING,
        "feature_extraction": FEATURES,
        "training": {"model": {"name": "custom"}, "epochs": 1},
    }
    (tree / "custom_model.py").write_text("")
    (tree / "user_config.yaml").write_text(yaml.safe_dump(content))
    return configuration.load(tree)


def clips(config: Config, split: str) -> list[tuple[str, tuple[str, ...]]]:
    dataset = datasets.load(config, split)  # type: ignore[arg-type]
    assert dataset is not None
    return [
        (str(clip.path.relative_to(clip.path.parents[1])), clip.labels) for clip in dataset.clips
    ]


def test_dev_is_training_and_eval_is_validation_and_test(tree: Path) -> None:
    config = load(tree)
    mono = [(f"dev_audio/{fname}.wav", labels) for fname, _, labels in DEV if len(labels) == 1]
    assert len(mono) == 6
    assert clips(config, "training") == mono
    # No class of the dev clips is Music: that clip has two labels, and is left out too.
    held_out = [("eval_audio/7.wav", ("Bark",)), ("eval_audio/8.wav", ("Bell",))]
    assert clips(config, "validation") == clips(config, "test") == held_out
    assert clips(config, "quantization") == mono
    dataset = datasets.load(config, "validation")
    assert dataset is not None
    assert dataset.class_names == ("Animal", "Bark", "Bell", "Dog", "Electric_guitar", "Guitar")


def test_class_names_are_chosen_after_unsmearing(tree: Path) -> None:
    config = load(tree, class_names=["Bell", "Dog"], use_garbage_class=True)
    assert dict(clips(config, "training")) == {
        "dev_audio/102.wav": ("Dog",),
        "dev_audio/105.wav": ("Bell",),
        **{f"dev_audio/{n}.wav": ("other",) for n in (100, 101, 104, 106)},
    }


def test_clips_keep_several_labels_where_they_may(tree: Path) -> None:
    """Unsmeared still; Music is no class of the dev clips, so that clip 9 is of one alone."""
    config = load(tree, only_keep_monolabel=False, multi_label=True)
    every = [(f"dev_audio/{fname}.wav", labels) for fname, _, labels in DEV]
    assert clips(config, "training") == every
    assert clips(config, "validation")[2] == ("eval_audio/9.wav", ("Dog",))
    dataset = datasets.load(config, "training")
    assert dataset is not None
    bell, bark = (dataset.class_names.index(name) for name in ("Bell", "Bark"))
    assert dataset.labels[3, [bell, bark]].all()
    assert dataset.labels.sum(axis=1).tolist() == [1, 1, 1, 2, 1, 1, 1]


def test_other_paths_of_the_file_are_of_no_use(tree: Path) -> None:
    """A user who comes from ESC-10 leaves them there."""
    stale = {"training_csv_path": "meta/esc50.csv", "training_audio_path": "audio"}
    assert clips(load(tree, **stale), "training") == clips(load(tree), "training")


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"csv_folder": None}, "dataset_specific.fsd50k.csv_folder: is required"),
        ({"csv_folder": "nowhere"}, "fsd50k.csv_folder: no such folder: .*nowhere"),
        ({"dev_audio_folder": "nowhere"}, "fsd50k.dev_audio_folder: no such folder"),
        ({"audioset_ontology_path": "."}, "fsd50k.audioset_ontology_path: no such file"),
        ({"only_keep_monolabel": False}, "only_keep_monolabel: False needs dataset.multi_label"),
        ({"class_names": ["Cat", "Cow"]}, "none of Cat, Cow is in .*dev.csv, which holds Animal, "),
    ],
)
def test_what_does_not_fit_is_named(tree: Path, keys: dict[str, Any], expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        datasets.load(load(tree, **keys), "training")


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("ontology.json", "{not json", "ontology.json: expected AudioSet's ontology"),
        ("ontology.json", '[{"id": "/m/a"}]', "ontology.json: expected AudioSet's ontology"),
        ("ontology.json", '{"a": 1}', "ontology.json: expected AudioSet's ontology"),
        ("ontology.json", "[" * 100_000, "ontology.json: expected AudioSet's ontology"),
        (
            "ground_truth/dev.csv",
            "filename,category\n",
            "expected columns fname and labels and mids",
        ),
        ("ground_truth/dev.csv", "fname,labels,mids\n1,Dog,\n", "line 2: expected a fname and a l"),
        (
            "ground_truth/dev.csv",
            'fname,labels,mids\n1,"Dog,Animal",/m/dog\n',
            "dev.csv: line 2: 2 labels, but 1 mids",
        ),
    ],
)
def test_files_that_do_not_fit(tree: Path, name: str, content: str, expected: str) -> None:
    (tree / name).write_text(content)
    with pytest.raises(ConfigError, match=expected):
        datasets.load(load(tree), "training")


def test_missing_files_are_named(tree: Path) -> None:
    (tree / "dev_audio/101.wav").unlink()
    with pytest.raises(AudioError, match=r"101\.wav: named in dev\.csv, and is not there"):
        datasets.load(load(tree), "training")
    (tree / "ground_truth/eval.csv").unlink()
    with pytest.raises(ConfigError, match=r"fsd50k\.csv_folder: no eval\.csv in "):
        load(tree)


# ---------------------------------------------------------------- Unsmearing against an oracle


@st.composite
def graphs(draw: st.DrawFn) -> tuple[np.ndarray, list[int]]:
    """A random ontology, several parents allowed, as an adjacency matrix; labels of a clip."""
    size = draw(st.integers(2, 9))
    edges = draw(st.lists(st.tuples(st.integers(0, size - 1), st.integers(0, size - 1))))
    adjacency = np.zeros((size, size), int)
    for parent, child in edges:
        if parent < child:  # no cycle
            adjacency[parent, child] = 1
    labels = draw(st.lists(st.integers(0, size - 1), unique=True, min_size=1))
    return adjacency, labels


@settings(max_examples=300, deadline=None)
@given(graphs())
def test_unsmearing_is_what_powers_of_the_adjacency_matrix_say(
    graph: tuple[np.ndarray, list[int]],
) -> None:
    """There is a path from a to b where (I + A)^n has a number at [a, b]."""
    adjacency, labels = graph
    size = len(adjacency)
    reach = np.linalg.matrix_power(np.eye(size, dtype=int) + adjacency, size) > 0
    expected = [a for a in labels if not any(reach[a, b] and a != b for b in labels)]
    children = {str(a): tuple(map(str, np.flatnonzero(adjacency[a]))) for a in range(size)}
    mids = [str(label) for label in labels]
    names = [f"name {mid}" for mid in mids]
    found = fsd50k.unsmear(names, mids, lambda mid: fsd50k.descendants(mid, children))
    assert found == tuple(f"name {label}" for label in expected)
    assert found, "something is always left"


def test_a_cyclic_ontology_ends() -> None:
    children = {"a": ("b",), "b": ("a", "c")}
    assert fsd50k.descendants("a", children) == {"a", "b", "c"}
