"""``paritone features``: one clip's patches by every implementation of the host."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import paritone
from paritone.cli import main
from paritone.config import load_sections
from paritone.errors import AudioError, ConfigError, ModelError
from paritone.extraction import extract


@pytest.fixture(scope="module")
def clips(examples: Path) -> list[Path]:
    return sorted((examples / "esc10/audio").glob("*.ogg"))[:2]


@pytest.fixture(scope="module")
def config_file(examples: Path) -> Path:
    return examples / "user_config.yaml"


def status(*arguments: object) -> int:
    with pytest.raises(SystemExit) as stopped:
        main([str(argument) for argument in arguments])
    return int(stopped.value.code or 0)


@pytest.mark.parametrize("center", [False, True])
def test_every_backend(clips: list[Path], config_file: Path, tmp_path: Path, center: bool) -> None:
    found = {}
    for backend in ("float", "integer", "native"):
        out = tmp_path / f"{backend}.npz"
        options = ("--config", config_file, "--backend", backend, "--out", out)
        overrides = ("feature_extraction.overlap=0.5", f"feature_extraction.center={center}")
        assert status("features", *clips, *options, *overrides) == 0
        found[backend] = np.load(out)
        assert set(found[backend]) == {clip.stem for clip in clips}
    for clip in clips:
        exact, integer, native = (found[b][clip.stem] for b in ("float", "integer", "native"))
        assert native.shape[1:] == (64, 96)
        assert np.array_equal(integer, native)
        assert np.abs(native - exact).max() < 0.0564
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".npz"] == []


def test_from_config(config_file: Path) -> None:
    frontend = paritone.Frontend.from_config(config_file)
    silence = frontend.patches(np.zeros(16000 * 2, np.int16))
    assert silence.shape == (2, 64, 96)
    assert np.allclose(silence, np.log(1e-4), atol=1e-5)


def test_refusals(
    clips: list[Path], config_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.npz"
    options = ("--config", config_file, "--out", out)
    for arguments, words in (
        (("missing.ogg",), "missing.ogg"),
        ((config_file,), "expected WAV, FLAC, OGG or MP3 audio"),
        ((clips[0], "--backend", "stm32f4"), "no backend 'stm32f4'"),
        ((clips[0], "feature_extraction.to_db=True"), "to_db is True"),
        ((clips[0], "feature_extraction.patch_length=9999"), f"{clips[0]}: too short"),
        ((clips[0], clips[0].parent / ".." / "audio" / clips[0].name), "the arrays of both"),
        (("feature_extraction.overlap=0.5",), "no clip given"),
    ):
        assert status("features", *arguments, *options) == 2
        error = capsys.readouterr().err
        assert words in error
        assert len(error.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_board_needs_a_model(clips: list[Path], config_file: Path) -> None:
    config = load_sections(config_file, ["general.model_path=model.h5"])
    with pytest.raises(ModelError, match=r"give --model MODEL.tflite"):
        extract(clips, config, "stm32f405")
    with pytest.raises(ConfigError, match="no backend"):
        extract(clips, config, "")
    with pytest.raises(AudioError, match="too short"):
        extract(clips, load_sections(config_file, ["feature_extraction.patch_length=999"]), "float")
