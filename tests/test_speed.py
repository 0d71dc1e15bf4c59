"""`paritone speed`: real patches, both sides' scores equal, one line and one record a model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from paritone import cli, project
from paritone.engine import tflite
from zoo_config import tiny_model


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stop:
        cli.main(list(arguments))
    return int(stop.value.code)


def test_two_models_on_real_patches(
    tiny_config: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    config, models = project.given([], tiny_config)
    other = tiny_model(tmp_path / "other.h5", seed=2)
    quantized = project.quantized(models[0], config, tmp_path)
    arguments = [str(quantized), str(other), "--config", str(tiny_config)]
    assert run("speed", *arguments, "--patches", "5", "--json", "speed.json") == 0
    printed = capsys.readouterr().out.splitlines()
    features, first, second = json.loads(Path("speed.json").read_text())["speed"]
    assert features["unit"] == "frame"
    assert features["count"] > 300
    assert [first["what"], second["what"]] == [str(quantized), str(other)]
    assert first["count"] == second["count"] == 5
    assert first["on"] == "the test clips"
    for found, line in zip((features, first, second), printed, strict=True):
        assert found["ratio"] == pytest.approx(found["theirs_us"] / found["ours_us"])
        assert f"{found['ratio']:.1f} times as fast" in line
        assert 0.05 < found["ours_us"] < 1e5
    assert features["ratio"] > 1


def test_each_float_model_is_quantized_itself(tiny_config: Path, tmp_path: Path) -> None:
    config, models = project.given([], tiny_config)
    other = tiny_model(tmp_path / "other.h5", seed=2)
    made = [project.quantized(path, config, tmp_path / path.stem) for path in (models[0], other)]
    weights = [
        [t.data for t in tflite.read(path).tensors if t.data is not None and t.data.ndim == 4]
        for path in made
    ]
    assert all(len(found) == 2 for found in weights)
    assert not any(np.array_equal(a, b) for a, b in zip(*weights, strict=True))


def test_bad_input(tiny_config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("speed", str(tmp_path / "no.tflite"), "--config", str(tiny_config)) == 2
    assert "no.tflite: no such model" in capsys.readouterr().err
    assert run("speed", "general.model_path=null", "--config", str(tiny_config)) == 2
    assert "no model: name a .tflite file" in capsys.readouterr().err
    assert run("speed", "--config", str(tmp_path / "no.yaml")) == 2
