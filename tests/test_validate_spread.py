"""How far a difference spreads, where frames went, and the halves that find a stage."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from paritone.features import integer
from paritone.features.tables import FrontendTables, InputFormat, make_tables
from paritone.validate import divergence, framing, picture
from paritone.validate.mismatch import Maps, mismatch
from paritone.validate.parity import Parity, Validation
from paritone.validate.spread import Spreading
from zoo_config import FEATURES, RATE, make_config


@pytest.fixture(scope="module")
def tables() -> FrontendTables:
    features = make_config("evaluation", feature_extraction=FEATURES).feature_extraction
    return make_tables(features, RATE, InputFormat("int8", 0.05, 31))


@pytest.fixture(scope="module")
def pcm() -> np.ndarray:
    return np.random.default_rng(3).integers(-9000, 9000, 12000).astype(np.int16)


@pytest.mark.parametrize("steps", [1, 2, 3, 6, 100])
def test_halves_find_every_step(steps: int) -> None:
    """Of a row that agrees up to one step, that one, in the logarithm of so many questions."""
    for first in range(steps):
        asked: list[int] = []

        def differs(step: int, first: int = first, asked: list[int] = asked) -> bool:
            asked.append(step)
            return step >= first

        assert divergence.bisect(steps, differs) == first
        assert len(asked) <= int(np.ceil(np.log2(steps)))
        assert steps - 1 not in asked  # the last one is known to differ


def test_a_frame_is_followed_back_by_few_probes(tables: FrontendTables, pcm: np.ndarray) -> None:
    """A defect in each stage: named, by at most four of the six stages' traces."""
    stages = integer.stages_of(tables)
    name, patch = "clip", integer.patches(pcm, tables)[0]
    for number, stage in enumerate(stages):
        probed: list[str] = []

        def trace(
            frame: np.ndarray, asked: str, number: int = number, probed: list[str] = probed
        ) -> np.ndarray:
            probed.append(asked)
            values = integer.trace(frame, tables)[asked]
            return values + (stages.index(asked) >= number)

        got = patch.copy()
        got[3, 2] += 1
        found = divergence.in_frontend(
            (name, pcm), 0, patch, got, tables, trace, ("integer", "board")
        )
        assert (found.stage, found.frame, found.patch) == (stage, 2, 0)
        assert len(probed) == len(set(probed)) <= 4
        assert found.differ == found.values
        assert (stage != "window") or "every value is off by +1" in str(found)


@pytest.mark.parametrize("hop", [158, 159, 161, 162])
def test_another_hop_is_recognised(hop: int, tables: FrontendTables, pcm: np.ndarray) -> None:
    expected = integer.patches(pcm, tables)[1]
    got = integer.patches(pcm, replace(tables, hop_length=hop))[1]
    note = framing.explain(pcm, tables.patch_step, expected, got, tables)
    assert note.endswith(f"its hop is {hop} samples, the configuration's 160")
    assert ("late" in note) == (hop > 160)


def test_frames_that_all_begin_elsewhere(tables: FrontendTables, pcm: np.ndarray) -> None:
    expected, got = integer.patches(pcm, tables)[0], integer.patches(pcm[3:], tables)[0]
    note = framing.explain(pcm, 0, expected, got, tables)
    assert re.fullmatch(r"its frame \d+ begins 3 samples late", note)


def test_axes_and_rings_are_recognised(tables: FrontendTables, pcm: np.ndarray) -> None:
    expected = integer.patches(pcm, tables)[0]
    turned = np.ascontiguousarray(expected.T).reshape(expected.shape)
    assert "axes are swapped" in framing.explain(pcm, 0, expected, turned, tables)
    rolled = np.roll(expected, 5, axis=1)
    assert "5 places to the right" in framing.explain(pcm, 0, expected, rolled, tables)
    assert framing.explain(pcm, 0, expected, np.zeros_like(expected), tables) == ""


def test_what_differs_is_counted_once(tables: FrontendTables, pcm: np.ndarray) -> None:
    """One cell that stands in two patches, and one more: patches, frames, bands, scores."""
    spreading = Spreading(tables)
    patches = integer.patches(pcm, tables)
    frames = len(integer.frame_windows(pcm, tables))
    spreading.features("same", frames, patches, patches.copy())
    got = patches.copy()
    got[0, 4, 13] ^= 8  # frame 13 is column 1 of the second patch
    got[1, 4, 1] ^= 8
    got[1, 7, 9] ^= 1
    spreading.features("other", frames, patches, got)
    scores = np.array([3, 9, 1], np.int8)
    spreading.scores(scores, scores)
    spreading.scores(scores, np.array([3, 8, 1], np.int8))
    spreading.scores(scores, np.array([13, 9, 1], np.int8))
    found = spreading.done()
    (clip,) = found.clips
    assert (clip.clip, clip.differ, clip.largest) == ("other", 2, 8)
    assert (clip.patches, clip.frames, clip.bands) == (((0, 1),), ((13, 13), (21, 21)),
                                                       ((4, 4), (7, 7)))  # fmt: skip
    assert clip.values == tables.n_mels * ((len(patches) - 1) * tables.patch_step + 16)
    assert (found.of_clips, found.patches, found.of_patches) == (2, 2, 2 * len(patches))
    assert (found.scores, found.scored, found.scores_largest, found.decisions) == (2, 3, 10, 1)
    text = "\n".join(found.lines())
    assert "frames 13, 21, bands 4, 7" in text
    assert "features of 2 of " in text
    assert "scores of 2 of 3" in text


def test_nothing_differs_and_nothing_is_said(tables: FrontendTables, pcm: np.ndarray) -> None:
    spreading = Spreading(tables)
    patches = integer.patches(pcm, tables)
    spreading.features("same", len(integer.frame_windows(pcm, tables)), patches, patches.copy())
    assert spreading.done().lines() == []
    assert spreading.maps is None


def test_the_picture_marks_what_differs(tmp_path: Path) -> None:
    """White where values agree: as many cells as differ are coloured in the third panel."""
    from matplotlib import image

    plane = np.zeros((10, 20), np.int8)
    got = plane.copy()
    got[2:5, 3:8] = 7

    def coloured(values: np.ndarray) -> int:
        path = picture.draw(Maps("a", ("frame", "band"), plane, values), "b", tmp_path / "a.png")
        pixels = image.imread(path)[..., :3]
        lower = pixels[2 * len(pixels) // 3 :, : 9 * pixels.shape[1] // 10]
        return int((lower[..., 0] - lower[..., 1] > 0.25).sum())

    some, more = coloured(got), coloured(np.full_like(plane, 7))
    assert some > 0
    assert more / some == pytest.approx(200 / 15, rel=0.1)


def test_a_difference_that_is_no_number() -> None:
    """NaN against a number: it differs, and by nothing that could be said."""
    expected = np.array([1.0, 2.0], np.float32)
    found = mismatch(("model", "scores", "clip", 0, None), expected, expected * np.nan, ("a", "b"))
    assert (found.differ, found.largest) == (2, 0)
    assert "2 of 2 values there differ" in str(found)


def test_a_runs_report_shows_it(tables: FrontendTables, pcm: np.ndarray, tmp_path: Path) -> None:
    """Stage, place, both values, the spread, and the picture that lies in the run's directory."""
    from paritone.datasets.clips import ClipStore
    from paritone.report import page

    patches = integer.patches(pcm, tables)
    got = patches.copy()
    got[0, 3] += 1
    spreading = Spreading(tables)
    spreading.features("clip<", len(integer.frame_windows(pcm, tables)), patches, got)
    first = mismatch(
        ("frontend", "input", "clip<", 0, 0), patches[0, :, 0], got[0, :, 0], ("a", "b")
    )
    parts = (
        Parity(len(patches), patches.size, 16, ("integer", "native", "board"), first),
        Parity(len(patches), 3, 0, ("tflite-reference", "native", "board")),
    )
    found = Validation(*parts, (), spreading.done(), spreading.maps)
    assert found.first == first
    record = {"operation_mode": "benchmarking", "parity": found.record(),
              "spread": found.spread.record()}  # fmt: skip
    json.dumps(record)
    config = make_config("benchmarking")
    material = page.Material(tmp_path, config, record, [], None, ClipStore(config), {}, None)
    assert found.draw(tmp_path) == tmp_path / picture.NAME
    text = page.write(material).read_text()
    for expected in (
        "First difference",
        "clip&lt;, patch 0, frame 0",
        "How far it spreads",
        "0-15",
    ):
        assert expected in text
    assert 'alt="desk, board, and where they differ"' in text
    # Another run, in which nothing differs, takes the picture away.
    equal = Validation(*parts, (), Spreading(tables).done())
    assert equal.draw(tmp_path) is None
    assert "where they differ" not in page.write(material).read_text()
