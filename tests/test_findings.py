"""The document of --json: whole, as it was, or not there; and what a failing link leaves behind."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from board_behind import bad_line
from board_projects import Boards, noise
from paritone import cli
from paritone.device import conversation
from paritone.monitor import recording
from serial_faults import Faults

RATE = 16000


def paritone(*words: object) -> int:
    with pytest.raises(SystemExit) as stopped:
        cli.main(list(map(str, words)))
    return int(stopped.value.code or 0)


def test_a_file_that_cannot_be_written_is_told_before_anything_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for file, problem in (
        (tmp_path / "nowhere" / "found.json", f"there is no folder {tmp_path / 'nowhere'}"),
        (tmp_path, "expected a file, this is a folder"),
    ):
        for words in (["validate", "no-such.tflite"], ["boards"], ["parity", "no-such.tflite"]):
            assert paritone(*words, "--json", file) == 2
            output = capsys.readouterr()
            assert (output.out, output.err) == ("", f"paritone: --json {file}: {problem}\n")


def test_a_full_disk_leaves_the_document_as_it_was(tmp_path: Path) -> None:
    """No file may grow beyond no bytes at all: what writing to a full disk is, for any user."""
    document = tmp_path / "found.json"
    document.write_text('{"schema": 1}')
    command = f"ulimit -f 0; exec {sys.executable} -B -m paritone boards --json {document}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert "cannot be written" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert document.read_text() == '{"schema": 1}'
    assert [path.name for path in tmp_path.iterdir()] == ["found.json"]


def test_what_is_no_file_is_written_to(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "paritone", "boards", "--json", "/dev/stderr"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0
    assert {"name", "core"} <= set(json.loads(done.stderr)[0])


LINES = {
    "noise": (Faults(corrupt=0.2, drop=0.2, begin=60), (1, 3), "gave up on the line|not answer"),
    "silence": (Faults(drop=1.0, begin=60), (3,), "does not answer .PCM, 3 s.; .* frames sent"),
    "no cable": (Faults(unplugged=60), (1,), "lost during PCM and did not come back within 3 s"),
}


@pytest.mark.parametrize(
    ("command", "line"),
    [("validate", "noise"), ("validate", "silence"), ("monitor", "no cable"), ("monitor", "noise")],
)
def test_a_link_that_gives_up_leaves_no_document(
    boards: Boards,
    tiny_config: Path,
    tmp_path: Path,
    command: str,
    line: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One line that says why, the status of it; what the board said until then is a recording."""
    monkeypatch.setattr(conversation, "RUN_TIMEOUT_S", 3.0)
    built, (faults, statuses, reason) = boards("stm32f405"), LINES[line]
    document, kept, sound = tmp_path / "found.json", tmp_path / "kept", tmp_path / "sound.wav"
    soundfile.write(sound, noise(2 * RATE), RATE, subtype="PCM_16")
    words = [command, built.project.model, "--config", tiny_config, "--board", "stm32f405"]
    words += ["--out", built.project.folder, "--json", document]
    if command == "monitor":
        words += ["--file", sound, "--fast", "--record", kept]
    with bad_line(built, faults, seed=3) as port:
        assert paritone(*words, "--port", port.url) in statuses
    error = capsys.readouterr().err
    assert "Traceback" not in error
    said = [text for text in error.splitlines() if text.startswith("paritone: ")]
    assert len(said) == 1
    assert re.search(reason, said[0]), said
    assert not list(tmp_path.glob("found.json*"))
    if command == "monitor":
        about = recording.read(kept).about
        assert (f"paritone: {about['ended']}", about["finished"]) == (said[0], False)
