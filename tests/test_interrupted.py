"""A quantization that is killed, interrupted or cannot be written, in processes of their own.

None leaves anything under the model's final name, and one that there was before stays.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

DEADLINE_S = 600
ERRORS = "errors.txt"
MODEL = "run/quantized_models/quantized_model.tflite"
EARLIER = b"an earlier model"
LIMIT_BYTES = 3000
"""More than the run's other files before it, and less than the model, have."""


@pytest.fixture
def start(tiny_config: Path, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start `paritone run` in mode quantization; its directory holds a model already."""
    model = tmp_path / MODEL
    model.parent.mkdir(parents=True)
    model.write_bytes(EARLIER)
    started = []

    def begin(*overrides: str, limit: int | None = None) -> subprocess.Popen[bytes]:
        def confine() -> None:
            if limit is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        command = [sys.executable, "-m", "paritone", "run"]
        command += ["--config-path", str(tiny_config.parent), "operation_mode=quantization"]
        command += [f"hydra.run.dir={tmp_path}/run", *overrides]
        process = subprocess.Popen(
            command,
            stderr=(tmp_path / ERRORS).open("w"),
            stdout=subprocess.DEVNULL,
            cwd=tmp_path,
            env={**os.environ, "PARITONE_CACHE_DIR": str(tmp_path / "cache")},
            preexec_fn=confine,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait(DEADLINE_S)


def _until_quantizing(process: subprocess.Popen[bytes], tmp_path: Path) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while "Quantizing" not in _errors(tmp_path):
        assert process.poll() is None, _errors(tmp_path)
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _errors(tmp_path: Path) -> str:
    return (tmp_path / ERRORS).read_text()


def _left(tmp_path: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (tmp_path / MODEL).parent.iterdir()}


def test_killed_in_the_middle(
    start: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    process = start("++quantization.quantization_type=QAT", "++quantization.qat_epochs=100000")
    _until_quantizing(process, tmp_path)
    process.kill()
    assert process.wait(DEADLINE_S) == -signal.SIGKILL
    assert _left(tmp_path) == {"quantized_model.tflite": EARLIER}


def test_interrupted_in_the_middle(
    start: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    process = start("++quantization.quantization_type=QAT", "++quantization.qat_epochs=100000")
    _until_quantizing(process, tmp_path)
    process.send_signal(signal.SIGINT)
    assert process.wait(DEADLINE_S) == 130
    errors = _errors(tmp_path)
    assert errors.strip().splitlines()[-1] == "paritone: interrupted"
    assert "Traceback" not in errors
    assert _left(tmp_path) == {"quantized_model.tflite": EARLIER}


def test_a_disk_that_cannot_hold_the_model(
    start: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    """A file may not grow beyond a limit: what was written of it goes, the one before stays."""
    process = start(limit=LIMIT_BYTES)
    status, errors = process.wait(DEADLINE_S), _errors(tmp_path)
    assert status == 2, errors
    last = errors.strip().splitlines()[-1]
    assert last.startswith("paritone: ")
    assert "File too large" in last
    assert "Traceback" not in errors
    assert _left(tmp_path) == {"quantized_model.tflite": EARLIER}


def test_a_directory_that_cannot_be_written(tmp_path: Path) -> None:
    """A file in the place of the folder refuses root too."""
    from paritone.errors import ModelError
    from paritone.quantization import write

    (tmp_path / "file").write_text("no folder")
    with pytest.raises(ModelError, match=r"model\.tflite: cannot be written: ") as caught:
        write(tmp_path / "file/model.tflite", b"content")
    assert "\n" not in str(caught.value)
    assert (tmp_path / "file").read_text() == "no folder"
