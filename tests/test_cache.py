"""What is kept on disk between runs: the same numbers, exactly what must be computed anew."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from paritone import audio, cache, extraction
from paritone.cache import Cache, key_of
from paritone.config.records import Config
from paritone.datasets import Clip, Dataset
from paritone.datasets.clips import ClipStore
from paritone.datasets.prepared_audio import PreparedAudio
from paritone.errors import AudioError
from paritone.evaluation import streaming
from paritone.features import log_mel
from paritone.training import data
from zoo_config import FEATURES, PREPROCESSING, RATE, make_config, write_wav

KEY = key_of({"any": "key"})
ARRAYS = {"a": np.arange(6, dtype=np.int16).reshape(2, 3), "b": np.float32([0.1, np.inf])}


def path_of(folder: Path) -> Path:
    (path,) = (p for p in folder.rglob("*") if p.is_file())
    return path


# ---------------------------------------------------------------- Entries


def test_an_entry_is_what_was_put(tmp_path: Path) -> None:
    kept = Cache(tmp_path)
    assert kept.get(KEY) is None
    kept.put(KEY, ARRAYS)
    found = Cache(tmp_path).get(KEY)
    assert found is not None
    for name, array in ARRAYS.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)
    assert kept.get(key_of({"any": "other key"})) is None


def test_a_damaged_entry_counts_as_absent_and_is_written_anew(tmp_path: Path) -> None:
    kept = Cache(tmp_path)
    kept.put(KEY, ARRAYS)
    path = path_of(tmp_path)
    whole = path.read_bytes()
    start = whole.index(ARRAYS["a"].tobytes())
    flipped = bytearray(whole)
    flipped[start + 3] ^= 0x40
    for damaged in (bytes(flipped), whole[: len(whole) // 2], b"", b"no entry", whole[10:]):
        path.write_bytes(damaged)
        assert kept.get(KEY) is None, damaged[:20]
    kept.put(KEY, ARRAYS)
    assert path.read_bytes() == whole


def test_an_entry_cannot_hold_objects(tmp_path: Path) -> None:
    """They would be addresses, or code; a file that claims to is damaged."""
    kept = Cache(tmp_path)
    kept.put(KEY, {"a": np.zeros(1, np.int64)})
    path = path_of(tmp_path)
    body = path.read_bytes()[4:].replace(b"<i8", b"|O8")
    path.write_bytes(zlib.crc32(body).to_bytes(4, "little") + body)
    assert kept.get(KEY) is None


def test_threads_read_at_once(tmp_path: Path) -> None:
    """NumPy's own files fail here: CPython's parser of their headers is not safe in threads."""
    kept = Cache(tmp_path)
    kept.put(KEY, ARRAYS)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: kept.get(KEY), range(2000)))
    assert all(np.array_equal(one["a"], ARRAYS["a"]) for one in found if one is not None)
    assert None not in found


def test_writing_is_all_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(arrays: object) -> bytes:
        raise OSError(28, "No space left on device")

    told: list[str] = []
    monkeypatch.setattr(cache, "notice", told.append)
    monkeypatch.setattr(cache, "pack", full)
    kept = Cache(tmp_path)
    kept.put(KEY, ARRAYS)
    kept.put(key_of({"any": "other key"}), ARRAYS)
    assert told == [f"{tmp_path}: nothing more is cached there: No space left on device"]
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def test_a_cache_that_cannot_be_made_is_told_of_and_does_without(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("not a folder")
    kept = Cache(tmp_path / "file/cache")
    kept.put(KEY, ARRAYS)
    assert "nothing more is cached there" in capsys.readouterr().err
    assert kept.get(KEY) is None


def test_the_oldest_unused_entries_go_first(tmp_path: Path) -> None:
    big = {"a": np.zeros(10_000, np.uint8)}
    kept = Cache(tmp_path, limit=50_000)
    keys = [key_of({"n": n}) for n in range(6)]
    for age, key in enumerate(reversed(keys)):
        kept.put(key, big)
        for path in tmp_path.glob(f"*/{key}.arrays"):
            os.utime(path, (1e9 - age, 1e9 - age))
    assert kept.get(keys[0]) is not None  # the oldest of all, now just used
    kept.tidy()
    there = [n for n, key in enumerate(keys) if kept.get(key) is not None]
    assert there == [0, 3, 4, 5], "two too many, of the oldest, and room for a tenth"
    kept.tidy()
    assert len(list(tmp_path.glob("*/*"))) == 4, "under its limit nothing goes"


def test_where_it_is_and_how_large_it_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    program = "from paritone import cache; print(cache.folder(), cache.limit_bytes() / 2**30)"
    for environment, expected in (
        ({"PARITONE_CACHE_DIR": "/x/y"}, "/x/y/arrays 20.0"),
        ({"PARITONE_CACHE_DIR": "/x/y", "PARITONE_CACHE_GIB": "0.5"}, "/x/y/arrays 0.5"),
        ({"PARITONE_CACHE_DIR": "/x/y", "PARITONE_CACHE_GIB": "much"}, "/x/y/arrays 20.0"),
        ({"XDG_CACHE_HOME": "/c", "PARITONE_CACHE_DIR": ""}, "/c/paritone/arrays 20.0"),
    ):
        found = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert found.stdout.strip() == expected


WRITER = """
import sys, numpy as np
from pathlib import Path
from paritone.cache import Cache, key_of
kept, bad = Cache(Path(sys.argv[1]), limit=200_000), 0
for turn in range(150):
    n = turn % 10
    wanted = np.full(30_000, n, np.uint8)
    found = kept.get(key_of({"n": n}))
    bad += found is not None and not np.array_equal(found["a"], wanted)
    kept.put(key_of({"n": n}), {"a": wanted})
    if turn % 20 == 0:
        kept.tidy()
print(bad)
"""


def test_parallel_processes_see_whole_entries_only(tmp_path: Path) -> None:
    def run(_: int) -> str:
        command = [sys.executable, "-c", WRITER, str(tmp_path)]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=120, check=True
        ).stdout.strip()

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(run, range(3))) == ["0", "0", "0"]
    assert not list(tmp_path.rglob("*.partial"))
    assert sum(p.stat().st_size for p in tmp_path.rglob("*.arrays")) <= 320_000


# ---------------------------------------------------------------- Prepared audio


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    """Two seconds of noise at another rate, with silence at its end."""
    rng = np.random.default_rng(5)
    wave = np.concatenate([rng.normal(0, 0.1, 2 * 22050), np.zeros(22050)])
    write_wav(tmp_path / "clip.wav", wave, 22050)
    return tmp_path / "clip.wav"


@pytest.fixture
def counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that were decoded, in a cache of the test's own."""
    monkeypatch.setattr(cache, "folder", lambda: tmp_path / "arrays")
    decoded: list[str] = []
    load = audio.load

    def loading(path: Path, rate: int) -> audio.Wave:
        decoded.append(path.name)
        return load(path, rate)

    monkeypatch.setattr(audio, "load", loading)
    return decoded


def config_of(
    preprocessing: dict | None = None, features: dict | None = None, **dataset: object
) -> Config:
    return make_config(
        "training",
        preprocessing={**PREPROCESSING, **(preprocessing or {})},
        feature_extraction={**FEATURES, **(features or {})},
        dataset=dataset,
    )


def everything(path: Path, config: Config) -> list[np.ndarray]:
    prepared = PreparedAudio(config)
    return [*prepared.pcm_and_spectrogram(path), prepared.whole(path)]


def test_a_second_run_reads_the_same_numbers_and_no_audio(wav: Path, counted: list[str]) -> None:
    config = config_of()
    first = everything(wav, config)
    assert counted, "the first run decodes"
    wave = audio.preprocess(audio.load(wav, RATE), config.preprocessing)
    counted.clear()
    second = everything(wav, config)
    assert counted == []
    for one, other in zip(first, second, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(second[0], audio.to_int16(wave))
    direct = log_mel.spectrogram(wave, config.feature_extraction, RATE)
    np.testing.assert_array_equal(second[1], direct)
    assert len(second[2]) > len(second[0]), "the whole clip keeps its silence"


ALL = {"pcm", "spectrogram", "whole"}


def _shown(value: object) -> str:
    """The same text in every process, of sets too."""
    return str(sorted(value)) if isinstance(value, set) else str(value)


@pytest.mark.parametrize(
    ("change", "anew"),
    [
        ({"preprocessing": {"target_rate": 8000}, "features": {"fmax": 3900}}, ALL),
        ({"preprocessing": {"top_db": 30}}, ALL),
        ({"preprocessing": {"min_length": 2.5}}, ALL),
        ({"preprocessing": {"lengthen": "before"}}, ALL),
        ({"features": {"n_mels": 24}}, {"spectrogram"}),
        ({"features": {"window": "hamming"}}, {"spectrogram"}),
        ({"features": {"window": "('kaiser', 8)"}}, {"spectrogram"}),
        ({"features": {"fmin": 100}}, {"spectrogram"}),
        ({"features": {"power": 2.0}}, {"spectrogram"}),
        ({"features": {"to_db": True}}, {"spectrogram"}),
        ({"features": {"norm": "slaney"}}, {"spectrogram"}),
        ({"features": {"htk": False}}, {"spectrogram"}),
        ({"features": {"n_fft": 1024}}, {"spectrogram", "whole"}),
        ({"features": {"hop_length": 200}}, {"spectrogram", "whole"}),
        ({"features": {"patch_length": 20}}, {"whole"}),
        ({"features": {"overlap": 0.5}}, set()),
        ({"features": {"include_last_patch": True}}, set()),
        ({"shuffle": False, "class_names": ["a", "b"]}, set()),
    ],
    ids=_shown,
)
def test_a_changed_key_computes_anew_what_depends_on_it(
    wav: Path, counted: list[str], change: dict, anew: set[str]
) -> None:
    everything(wav, config_of())
    for kind in sorted(ALL):
        counted.clear()
        changed = config_of(**change)
        cached = getattr(PreparedAudio(changed), kind)(wav)
        assert bool(counted) == (kind in anew), kind
        direct = getattr(PreparedAudio(config_of(**change, to_cache=False)), kind)(wav)
        np.testing.assert_array_equal(cached, direct)
    everything(wav, config_of())
    counted.clear()
    everything(wav, config_of())
    assert counted == [], "what was there before is there still"


def test_a_changed_file_is_read_again_and_a_moved_one_is_not(
    wav: Path, counted: list[str], tmp_path: Path
) -> None:
    config = config_of()
    before = everything(wav, config)
    (tmp_path / "elsewhere").mkdir()
    copy = Path(shutil.copyfile(wav, tmp_path / "elsewhere/other_name.wav"))
    counted.clear()
    everything(copy, config)
    assert counted == []
    # Same size, same time of modification, one sample changed.
    stamp, content = wav.stat(), bytearray(wav.read_bytes())
    content[20_001] ^= 0x20
    wav.write_bytes(content)
    os.utime(wav, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    after = everything(wav, config)
    assert "clip.wav" in counted
    assert not np.array_equal(before[1], after[1])
    np.testing.assert_array_equal(everything(copy, config)[1], before[1])


def test_damage_is_computed_again(wav: Path, counted: list[str], tmp_path: Path) -> None:
    before = everything(wav, config_of())
    for path in (tmp_path / "arrays").rglob("*.arrays"):
        path.write_bytes(path.read_bytes()[:-40])
    counted.clear()
    again = everything(wav, config_of())
    assert counted
    for one, other in zip(before, again, strict=True):
        np.testing.assert_array_equal(one, other)
    counted.clear()
    everything(wav, config_of())
    assert counted == []


def test_to_cache_false_leaves_the_disk_alone(
    wav: Path, counted: list[str], tmp_path: Path
) -> None:
    for _ in range(2):
        counted.clear()
        everything(wav, config_of(to_cache=False))
        assert counted
    assert not (tmp_path / "arrays").exists()


def test_one_store_serves_training_evaluation_streaming_and_features(
    wav: Path, counted: list[str]
) -> None:
    config, clip = config_of(), Clip(wav, ("a",))
    dataset = Dataset((clip,), ("a", "b"))
    (item,) = ClipStore(config).load(dataset)
    assert counted == ["clip.wav"], "one clip is read once for both"
    counted.clear()
    recordings = data.read(dataset, config, "clips")
    np.testing.assert_array_equal(data.patches(recordings, config)[0][..., 0], item.patches)
    extract = extraction.extract([wav], config, "float")["clip"]
    rounded = item.pcm.astype(np.float32) / np.float32(32768)
    np.testing.assert_array_equal(
        extract, log_mel.patches(rounded, config.feature_extraction, RATE)
    )
    assert counted == []
    streaming.whole(clip, config)
    streaming.whole(clip, config)
    assert counted == ["clip.wav"]


def test_errors_are_the_same_from_the_cache(wav: Path, counted: list[str]) -> None:
    everything(wav, config_of())
    expected = r"clip\.wav: after preprocessing too short for a patch: \d+ samples give \d+ frames"
    for _ in range(2):
        with pytest.raises(AudioError, match=expected):
            PreparedAudio(config_of(features={"patch_length": 1000})).spectrogram(wav)
    wav.write_bytes(wav.read_bytes()[:1000])
    for _ in range(2):
        with pytest.raises(AudioError, match=r"clip\.wav: truncated"):
            PreparedAudio(config_of()).pcm(wav)
    with pytest.raises(AudioError, match=r"nowhere\.wav: no such audio file"):
        PreparedAudio(config_of()).pcm(wav.with_name("nowhere.wav"))


def test_other_code_makes_other_entries(
    wav: Path, counted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from paritone.datasets import prepared_audio

    everything(wav, config_of())
    monkeypatch.setattr(prepared_audio, "code", lambda: {"librosa": "another version"})
    counted.clear()
    everything(wav, config_of())
    assert counted


def test_the_code_is_named_by_versions_and_sources() -> None:
    assert cache.sources("audio.py") != cache.sources("audio.py", "datasets/clips.py")
    assert cache.versions("numpy") == {"numpy": np.__version__}
