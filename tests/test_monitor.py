"""Listening live: what is shown and recorded is what independent references make of the sound.

The board is emulated, the terminal a real one with a screen that pyte keeps. No machine of CI has
a microphone: in the place of the library that opens one stands one that hands over known samples.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from itertools import chain, pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile

from board_behind import bad_line
from board_projects import GATE, Boards, Built, hushed, noise
from paritone import cli
from paritone.boards.qemu import Emulator
from paritone.device import flash
from paritone.features import integer
from paritone.monitor import recording
from paritone.monitor.backlog import Backlog, Gap
from paritone.monitor.ears import RESETS
from paritone.references.tflite import Reference, dequantize
from serial_faults import Faults
from terminal import Terminal

RATE = 16000
UNKNOWN = "+deployment.unknown_class_threshold=0.45"


def monitor(*arguments: object) -> int:
    """Exit status of ``paritone monitor`` in this process."""
    with pytest.raises(SystemExit) as stopped:
        cli.main(["monitor", *map(str, arguments)])
    return int(stopped.value.code or 0)


def of_model(built: Built, config: Path, *more: object) -> list[object]:
    return [built.project.model, "--config", config, "--out", built.project.folder, *more]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A second of noise, of silence, and of noise again."""
    path = tmp_path / "clip.wav"
    soundfile.write(path, hushed(), RATE, subtype="PCM_16")
    return path


def references(built: Built, pcm: np.ndarray) -> tuple[Any, Any, Any]:
    """Features, raw scores and silence by the integer reference and TensorFlow Lite's kernels."""
    features, _, silent = integer.patches_and_levels(pcm, built.project.tables())
    reference = Reference(built.project.model)
    return features, [reference.invoke(patch).reshape(-1) for patch in features], silent


def require_as_reference(built: Built, kept: recording.Recording) -> int:
    """Every patch of a recording against the references; how many there are."""
    places, tables = [0, *kept.resets, len(kept.pcm)], built.project.tables()
    least = tables.n_fft + (tables.patch_length - 1) * tables.hop_length
    streams = [kept.pcm[start:end] for start, end in pairwise(places) if end - start >= least]
    found = [references(built, pcm) for pcm in streams]
    features, scores, silent = (list(chain(*parts)) for parts in zip(*found, strict=True))
    assert len(kept.heard) == len(features)
    for patch, wanted, score, mute in zip(kept.heard, features, scores, silent, strict=True):
        assert np.array_equal(patch.features, wanted)
        assert (patch.scores is None) == mute
        if patch.scores is not None:
            assert np.array_equal(patch.scores, score)
    return len(features)


def test_a_clip_by_lines(
    boards: Boards, tiny_config: Path, clip: Path, tmp_path: Path, capsys: Any
) -> None:
    """Each patch's time, class and score; silence and unknown as configured."""
    built = boards("stm32f405", GATE)
    config = of_model(built, tiny_config, *GATE, UNKNOWN, "--board", "native")
    report = tmp_path / "found.json"
    assert monitor(*config, "--file", clip, "--fast", "--json", report) == 0
    output = capsys.readouterr().out
    _, scores, silent = references(built, hushed())
    parameters = Reference(built.project.model)._interpreter.get_output_details()[0]
    scale, zero = parameters["quantization"]
    names, expected = sorted(("crying_baby", "dog", "rooster")), []
    for raw, mute in zip(scores, silent, strict=True):
        real = dequantize(raw, scale, zero)
        best = int(real.argmax())
        known = names[best] if real[best] >= 0.45 else "(unknown)"
        expected.append("(silence)" if mute else f"{known} {real[best]:.2f}")
    told = re.findall(r"(?m)^ *[\d.]+ s  (\(?\w+\)?(?: [\d.]+)?)  ", output)
    assert told == expected
    assert {"(silence)", "(unknown)"} & {text.split()[0] for text in told}
    assert f"{len(hushed()) / RATE:.2f} s heard, {len(expected)} patches" in output
    found = json.loads(report.read_text())
    assert found["patches"] == len(expected) == sum(found["classes"].values())
    assert (found["dropped_samples"], found["link"], found["board"]) == (0, None, "native")
    assert set(found["latency_ms"]) == {"minimum", "median", "maximum"}


def test_a_board_on_a_terminal_recorded_and_replayed(
    boards: Boards, tiny_config: Path, tmp_path: Path, capsys: Any
) -> None:
    """In real time until Ctrl-C; the recording is whole, and the desk has the same bits."""
    built = boards("stm32f405")
    long = tmp_path / "long.wav"
    soundfile.write(long, np.tile(noise(RATE) // 8, 600), RATE, subtype="PCM_16")
    kept = tmp_path / "kept"
    words = of_model(built, tiny_config, "--board", "stm32f405", "--file", long, "--record", kept)
    with Terminal("monitor", *map(str, words), rows=16, columns=64) as terminal:
        terminal.until(lambda text: text.count("|") >= 3 and "repeated" in text)
        screen = terminal.text
        assert "long.wav on stm32f405" in screen
        for name in ("crying_baby", "dog", "rooster"):
            assert re.search(rf"{name} +█* +[01]\.\d\d", screen), screen
        assert re.search(r"link: 0 damaged, \d+ repeated", screen), screen
        rows = [y for y, row in enumerate(terminal.screen.display) if row.count("▀") > 20]
        assert len(rows) == 8
        cells = [terminal.screen.buffer[y][x] for y in rows for x in range(27)]
        assert len({(cell.fg, cell.bg) for cell in cells}) > 5, "drawn in colours"
        assert not kept.exists()
        terminal.press_ctrl_c()
        assert terminal.ended() == 130
        assert "s heard, " in terminal.text
        assert "paritone: interrupted" in terminal.text
        assert "Traceback" not in terminal.text
    assert not (tmp_path / "kept.partial").exists()
    read = recording.read(kept)
    assert (read.about["ended"], read.about["finished"]) == ("interrupted", False)
    assert require_as_reference(built, read) >= 3
    assert monitor("--replay", kept, "--board", "native") == 0
    said = capsys.readouterr().out
    values = len(read.heard) * 20 * 16
    assert f"of stm32f405 replayed on native: 0 of {values:,} features and" in said
    assert monitor("--replay", kept, "--out", built.project.folder) == 0
    assert "replayed on stm32f405, the same firmware: 0 of" in capsys.readouterr().out


def test_a_replay_names_the_first_bit_that_differs(
    boards: Boards, tiny_config: Path, clip: Path, tmp_path: Path, capsys: Any
) -> None:
    built, kept = boards("stm32f405"), tmp_path / "kept"
    config = of_model(built, tiny_config, "--board", "native")
    assert monitor(*config, "--file", clip, "--fast", "--record", kept) == 0
    assert require_as_reference(built, recording.read(kept)) >= 3
    assert monitor("--replay", kept) == 0
    with np.load(kept / "patches.npz") as arrays:
        changed = dict(arrays)
    changed["features"][2, 5, 7] ^= 1
    np.savez(kept / "patches.npz", **changed)
    capsys.readouterr()
    assert monitor("--replay", kept) == 1
    output = capsys.readouterr()
    assert "1 of " in output.out
    assert "differs from what native said: patch 2, features[5, 7]: " in output.err
    whole = (kept / "model.tflite").read_bytes()
    (kept / "model.tflite").write_bytes(whole[:-1])
    assert monitor("--replay", kept) == 2
    assert "model.tflite is not what was recorded" in capsys.readouterr().err


def test_a_board_that_does_not_keep_up(
    boards: Boards, tiny_config: Path, tmp_path: Path, capsys: Any
) -> None:
    """A board that is held for a while: what is dropped is told, what was heard is right."""
    built, kept = boards("stm32f405"), tmp_path / "kept"
    sound = tmp_path / "sound.wav"
    soundfile.write(sound, np.tile(noise(RATE) // 8, 6), RATE, subtype="PCM_16")
    with Emulator(built.project.board) as emulator:
        flash.flash(built.firmware.elf, emulator.gdb, flash.EMULATOR_RESET)
        words = of_model(built, tiny_config, "--board", "stm32f405", "--port", emulator.serial_url)
        words += ["--file", sound, "--record", kept]
        command = [sys.executable, "-m", "paritone", "monitor", *map(str, words)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        assert any("0.1" in line for line in lines), "it has begun"
        emulator._process.send_signal(signal.SIGSTOP)
        time.sleep(4)
        emulator._process.send_signal(signal.SIGCONT)
        output = "".join(lines)
        assert process.wait(120) == 0
    dropped = re.findall(r"stm32f405 does not keep up: ([\d,]+) samples \(", output)
    read = recording.read(kept)
    assert int(dropped[-1].replace(",", "")) == sum(n for _, n in read.about["gaps"]) > 0
    assert len(read.pcm) + sum(n for _, n in read.about["gaps"]) == 6 * RATE
    require_as_reference(built, read)


def test_a_board_that_is_reset_goes_on(
    boards: Boards, tiny_config: Path, tmp_path: Path, capsys: Any
) -> None:
    """What it hears anew is recorded as that: the bits of each of its streams, and of a replay."""
    built, kept, report = boards("stm32f405"), tmp_path / "kept", tmp_path / "found.json"
    sound = tmp_path / "sound.wav"
    soundfile.write(sound, noise(2 * RATE) // 8, RATE, subtype="PCM_16")
    words = of_model(built, tiny_config, "--board", "stm32f405", "--file", sound, "--fast")
    words += ["--record", kept, "--json", report]
    with bad_line(built, Faults(resets=(150, 400, 530, 540)), seed=1) as line:
        assert monitor(*words, "--port", line.url) == 0
        assert line.done.reset == 4
    said = capsys.readouterr().out
    read = recording.read(kept)
    marks = read.about["resets"]
    assert 3 <= len(marks) <= 4, "one that falls into the greeting after another is none more"
    assert 0 < marks[0] < marks[1] < marks[2] < len(read.pcm) == 2 * RATE
    assert json.loads(report.read_text())["link"]["resets"] == len(marks)
    assert "stm32f405 was reset once: it hears anew what came after" in said
    assert f"  stm32f405 was reset {len(marks)} times: it hears anew what came after" in said
    assert require_as_reference(built, read) >= 6
    assert monitor("--replay", kept, "--board", "native") == 0
    assert f"{len(read.heard)} patches of stm32f405 replayed" in capsys.readouterr().out
    index = json.loads((kept / "recording.json").read_text())
    (kept / "recording.json").write_text(json.dumps({**index, "resets": []}))
    assert monitor("--replay", kept, "--board", "native") == 1, "the marks are what it needs"
    (kept / "recording.json").write_text(json.dumps({**index, "resets": [9, 3]}))
    assert monitor("--replay", kept) == 2
    assert "resets after [9, 3] of 32000 samples" in capsys.readouterr().err


def test_a_board_that_resets_for_ever_is_given_up(
    boards: Boards, tiny_config: Path, clip: Path, tmp_path: Path, capsys: Any
) -> None:
    """What was heard until then is kept, and says why there is no more."""
    built, kept, report = boards("stm32f405"), tmp_path / "kept", tmp_path / "found.json"
    words = of_model(built, tiny_config, "--board", "stm32f405", "--file", clip, "--fast")
    with bad_line(built, Faults(resets=tuple(range(200, 2000, 20))), seed=1) as line:
        assert monitor(*words, "--port", line.url, "--record", kept, "--json", report) == 1
        assert line.done.reset >= RESETS
    error = capsys.readouterr().err.splitlines()[-1]
    assert re.fullmatch("paritone: stm32f405 was reset 5 times without completing .*", error)
    assert not report.exists()
    read = recording.read(kept)
    assert (f"paritone: {read.about['ended']}", read.about["finished"]) == (error, False)
    assert monitor("--replay", kept, "--board", "native") == 0


def test_a_killed_recording_is_not_taken_for_one(
    boards: Boards, tiny_config: Path, tmp_path: Path, clip: Path
) -> None:
    built, kept = boards("stm32f405"), tmp_path / "kept"
    long = tmp_path / "long.wav"
    soundfile.write(long, np.tile(noise(RATE), 600), RATE, subtype="PCM_16")
    config = of_model(built, tiny_config, "--board", "native", "--record", kept)
    command = [sys.executable, "-m", "paritone", "monitor", *map(str, config), "--file", str(long)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert any(" s  " in line for line in iter(process.stdout.readline, ""))
    process.kill()
    process.communicate(timeout=60)
    assert not kept.exists()
    assert (tmp_path / "kept.partial").is_dir()
    assert monitor(*config, "--file", clip, "--fast") == 0, "what is left is in nobody's way"
    assert require_as_reference(built, recording.read(kept)) >= 3


# ------------------------------------------------------------------ Where sound comes from


class Library:
    """What `paritone.monitor.sources` uses of sounddevice; gives these samples, then Ctrl-C."""

    class PortAudioError(Exception):
        pass

    def __init__(self, pcm: np.ndarray) -> None:
        self._pcm = pcm

    def query_devices(self, device: object, kind: str) -> dict[str, str]:
        if device == "none":
            raise ValueError("No input device\nmatching 'none'")
        return {"name": "a microphone"}

    def check_input_settings(self, **settings: object) -> None:
        assert settings == {"device": 3, "channels": 1, "dtype": "int16", "samplerate": RATE}

    def InputStream(self, *, blocksize: int, callback: Any, **_: object) -> Any:  # noqa: N802
        class Stream:
            def __enter__(_) -> None:  # noqa: N805
                threading.Thread(target=self._play, args=(blocksize, callback)).start()

            def __exit__(_, *error: object) -> None:  # noqa: N805
                pass

        return Stream()

    def _play(self, size: int, callback: Any) -> None:
        for start in range(0, len(self._pcm), size):
            block = self._pcm[start : start + size, None].copy()
            callback(block, len(block), None, None)
            block[:] = 0  # PortAudio's buffer is its own again
            time.sleep(size / RATE / 4)
        time.sleep(3)
        os.kill(os.getpid(), signal.SIGINT)


def test_a_microphone(
    boards: Boards,
    tiny_config: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Any,
) -> None:
    built, kept, pcm = boards("stm32f405"), tmp_path / "kept", noise(12000)
    monkeypatch.setitem(sys.modules, "sounddevice", Library(pcm))
    config = of_model(built, tiny_config, "--board", "native", "--microphone")
    assert monitor(*config, "--device", "3", "--record", kept) == 130
    assert "a microphone on native" in capsys.readouterr().out
    read = recording.read(kept)
    assert np.array_equal(read.pcm, pcm[: len(read.pcm)])
    assert require_as_reference(built, read) >= 3
    assert monitor(*config, "--device", "none") == 3
    assert "no microphone none of 16000 Hz: No input device matching" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    assert monitor(*config) == 3
    assert "pip install 'paritone[microphone]'" in capsys.readouterr().err


def test_what_waits_is_bounded_and_what_is_lost_is_counted() -> None:
    backlog = Backlog(100)
    for _ in range(4):
        backlog.put(np.ones(40, np.int16))
    assert (backlog.waiting, backlog.dropped) == (80, 80)
    first = backlog.take(50, 0)
    assert first is not None
    assert len(first.pcm) == 40, "chunks are not cut"
    backlog.put(np.full(40, 2, np.int16))
    backlog.close()
    rest = backlog.take(1000, 0)
    assert rest is not None
    assert rest.pcm.tolist() == [1] * 40 + [2] * 40
    assert backlog.take(1, 0) is None
    assert backlog.gaps == [Gap(80, 80)]


def test_who_can_wait_loses_nothing() -> None:
    backlog, stop, taken = Backlog(100), threading.Event(), []
    samples = np.arange(5000).astype(np.int16)

    def feed() -> None:
        for start in range(0, len(samples), 64):
            backlog.put_patiently(samples[start : start + 64], stop)
        backlog.close()

    thread = threading.Thread(target=feed)
    thread.start()
    while (chunk := backlog.take(100, 1)) is not None:
        assert len(chunk.pcm) <= 100
        taken.append(chunk.pcm)
    thread.join(10)
    assert np.array_equal(np.concatenate(taken), samples)
    assert backlog.gaps == []


@pytest.fixture
def anything(boards: Boards, tiny_config: Path, tmp_path: Path) -> SimpleNamespace:
    built = boards("stm32f405")
    return SimpleNamespace(words=of_model(built, tiny_config, "--board", "native"), folder=tmp_path)


USES = {
    "no source": ([], "expected one of --file CLIP, --microphone and --replay DIR, got none"),
    "two": (["--file", "x.wav", "--microphone"], "got --file and --microphone"),
    "the board's own": (["--board-stream"], "no board here has a driver of a microphone"),
    "no clip": (["--file", "no-such.wav"], "no-such.wav: no such audio file"),
    "fast without a file": (["--microphone", "--fast"], "--fast goes with --file"),
    "classes": (["--file", "clip.wav", "dataset.class_names=[a,b]"], "3 outputs, dataset.class"),
}


@pytest.mark.parametrize("use", USES)
def test_bad_use_is_one_line(
    anything: SimpleNamespace, clip: Path, use: str, capsys: Any, monkeypatch: Any
) -> None:
    monkeypatch.chdir(clip.parent)
    words, expected = USES[use]
    assert monitor(*anything.words, *words) == 2
    assert expected in capsys.readouterr().err


def test_a_recording_is_neither_overwritten_nor_taken_on_trust(
    anything: SimpleNamespace, clip: Path, capsys: Any
) -> None:
    full = anything.folder / "full"
    full.mkdir()
    shutil.copy(clip, full)
    assert monitor(*anything.words, "--file", clip, "--record", full) == 2
    assert "it is there already" in capsys.readouterr().err
    assert monitor("--replay", full) == 2
    assert "no recording of `paritone monitor --record`" in capsys.readouterr().err
    assert monitor(*anything.words, "--replay", full) == 2
    assert "takes model and configuration from the recording" in capsys.readouterr().err
