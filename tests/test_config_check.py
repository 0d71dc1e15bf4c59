"""`paritone check`: what would run on what, and bad input in one line with its exit status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from paritone.cli import main

WIDE = "400"


@pytest.fixture
def status(
    repository: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    """Run check on the shipped configuration with a model file that exists; return its status."""
    monkeypatch.chdir(repository)
    monkeypatch.setenv("COLUMNS", WIDE)
    (tmp_path / "float.h5").touch()
    (tmp_path / "int8.tflite").touch()

    def run(*arguments: str, model: str = "float.h5") -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as caught:
            main(
                [
                    "check",
                    "--config-path",
                    "examples",
                    f"general.model_path={tmp_path / model}",
                    *arguments,
                ]
            )
        captured = capsys.readouterr()
        assert isinstance(caught.value.code, int)
        return caught.value.code, captured.out, captured.err

    return run


def test_the_shipped_configuration(status, tmp_path: Path) -> None:
    code, out, err = status("--json", str(tmp_path / "check.json"))
    assert (code, err) == (0, "")
    assert "chain_eqeb: evaluate, quantize, evaluate, benchmark" in out
    assert "40 clips" in out
    assert "warning: preprocessing.top_db 60" in out
    found = json.loads((tmp_path / "check.json").read_text())
    assert found["board"] == "stm32f405"
    assert found["patch"] == [64, 96]
    assert [(data["split"], data["clips"]) for data in found["data"]] == [
        ("quantization", 40),
        ("test", 40),
    ]
    assert set(found["data"][1]["classes"].values()) == {4}
    assert found["refusals"] == []


def test_what_the_device_cannot_do(status) -> None:
    section = "feature_extraction"
    code, out, _ = status(
        f"{section}.center=True", f"{section}.n_fft=600", f"{section}.pad_mode=empty"
    )
    assert code == 0
    assert f"warning: {section}.center True: a clip's last frames (2 at most)" in out
    assert f"the device refuses: {section}.n_fft" in out
    assert f"the device refuses: {section}.pad_mode is empty" in out
    assert out.count("feature_extraction.center") == 1


def test_evaluation_as_the_device_hears_is_announced(status) -> None:
    whole = "note: the quantized model is evaluated on whole clips too, nothing trimmed, "
    _, out, _ = status()
    assert f"{whole}without a silence gate: paritone calibrate finds" in out
    gate = "+deployment.silence_threshold=54"
    _, out, _ = status("operation_mode=evaluation", gate, model="int8.tflite")
    assert f"{whole}patches of a level under 54 being silence" in out
    for mode, model in (("evaluation", "float.h5"), ("benchmarking", "int8.tflite")):
        assert "whole clips" not in status(f"operation_mode={mode}", model=model)[1]


def test_other_modes(status) -> None:
    code, out, _ = status("operation_mode=benchmarking", model="int8.tflite")
    assert code == 0
    assert "benchmarking: benchmark" in out
    code, out, _ = status(
        "operation_mode=quantization",
        "~dataset.quantization_csv_path",
        "~dataset.quantization_audio_path",
    )
    assert code == 0
    assert "random data is used" in out


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("+generals.x=1", "unknown section 'generals' (did you mean 'general'?)"),
        ("operation_mode=prediction ~prediction", "section 'prediction' is required"),
        ("dataset.test_csv_path=nothing.csv", "dataset.test_csv_path: no such file"),
        ("dataset.class_names=[horse,cow]", "none of cow, horse is in"),
        ("dataset.file_extension=[1]", "dataset.file_extension: expected text, got"),
    ],
)
def test_bad_configurations_exit_2_with_a_line(status, override: str, expected: str) -> None:
    code, out, err = status(*override.split())
    assert (code, out) == (2, "")
    assert expected in err
    assert "Traceback" not in err
    assert len(err.splitlines()) == 1


def test_a_broken_clip_among_good_ones_is_named(status, examples: Path, tmp_path: Path) -> None:
    rows = (examples / "esc10/meta/test.csv").read_text().splitlines()
    names = [row.split(",")[0] for row in rows[1:]]
    (tmp_path / "audio").mkdir()
    for name in names:
        (tmp_path / "audio" / name).write_bytes((examples / "esc10/audio" / name).read_bytes())
    broken = tmp_path / "audio" / names[7]
    broken.write_bytes(broken.read_bytes()[:-1000])
    code, _, err = status(f"dataset.test_audio_path={tmp_path / 'audio'}")
    assert code == 2
    assert f"{names[7]}: truncated" in err
