"""Patches through a line that damages, loses, delays and cuts: every result, and every bit of it.

``PARITONE_FAULT_PATCHES=1000`` makes the stream longer; the ten disconnects are spread over it.
``PARITONE_SOAK_SECONDS=3600`` is an hour of stream.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from board_behind import bad_line
from board_projects import Boards, Built, noise
from paritone import device
from paritone.device import Device
from paritone.errors import CheckFailedError
from paritone.features import integer
from paritone.link.health import HOPELESS, LEAST_WAIT_S, RECENT, Health, Wait
from paritone.references.tflite import Reference
from serial_faults import CHUNK_BYTES, BadLine, Faults

NAME = "stm32f405"
SOAK_S = float(os.environ.get("PARITONE_SOAK_SECONDS", "5"))
RATE_HZ = 16000
PERIOD = 8
"""Patches after which the sound of the soak repeats."""
PATCHES = int(os.environ.get("PARITONE_FAULT_PATCHES", "30"))


@dataclass(frozen=True)
class Sound:
    """PCM, and what must come of it: features by the integer reference, scores by TFLite."""

    pcm: np.ndarray
    features: np.ndarray
    scores: np.ndarray


def sound(built: Built, patches: int) -> Sound:
    """Noise of many levels, so that the patches' scores differ."""
    tables = built.project.tables()
    step = tables.patch_step * tables.hop_length
    pcm = noise(tables.window_length + tables.patch_length * tables.hop_length + step * patches)
    pcm >>= np.repeat(np.random.default_rng(2).integers(0, 10, len(pcm) // 1000 + 1), 1000)[
        : len(pcm)
    ].astype(np.int16)
    features = integer.patches(pcm, tables)
    assert len(features) >= patches
    model = Reference(built.project.model)
    scores = np.stack([model.invoke(patch)[0] for patch in features])
    assert len(np.unique(scores, axis=0)) > 2
    return Sound(pcm, features, scores)


@contextmanager
def board_behind(built: Built, faults: Faults, seed: int) -> Iterator[tuple[Device, BadLine]]:
    """The emulated board behind a bad line."""
    with (
        bad_line(built, faults, seed) as line,
        device.open(NAME, built.firmware, line.url) as board,
    ):
        yield board, line


def expect_all(board: Device, heard: Sound, *, features: bool) -> None:
    """0 wrong, 0 lost, none twice."""
    found = list(board.stream(heard.pcm, features=features))
    assert len(found) == len(heard.features)
    assert np.array_equal(np.stack([patch.scores[0] for patch in found]), heard.scores)
    if features:
        assert np.array_equal(np.stack([patch.features for patch in found]), heard.features)


def test_corrupted_and_dropped_chunks_and_ten_disconnects(boards: Boards) -> None:
    built = boards(NAME)
    heard = sound(built, PATCHES)
    least = 2 * len(heard.pcm) // CHUNK_BYTES  # chunks that a perfect line would take
    cuts = tuple(range(least // 12, least, least // 12))[:10]
    faults = Faults(corrupt=0.01, drop=0.01, disconnects=cuts)
    with board_behind(built, faults, seed=1) as (board, line):
        expect_all(board, heard, features=False)
        counters, health, done = board.counters(), board.health, line.done
    print(f"{len(heard.features)} patches, 0 wrong, 0 lost; {health}; {done}; {counters}")
    assert counters.patches == len(heard.features)
    assert done.disconnected == health.reopened == 10
    assert done.corrupted > 0.005 * done.chunks
    assert done.dropped > 0.005 * done.chunks
    assert health.repeated > 0
    assert health.refused > 0


def test_every_fault_at_once_and_the_board_reset(boards: Boards) -> None:
    """Features too, of padded and reflected frames: what is replayed has the same bits."""
    built = boards(
        NAME,
        [
            "feature_extraction.center=True",
            "+feature_extraction.pad_mode=reflect",
            "+feature_extraction.include_last_patch=True",
        ],
    )
    heard = sound(built, 6)
    faults = Faults(
        *(0.005, 0.005, 0.01, 0.01, 0.02),
        stalls=(150,),
        disconnects=(300,),
        resets=(200, 450, 600),
    )
    with board_behind(built, faults, seed=2) as (board, line):
        expect_all(board, heard, features=True)
        health, done = board.health, line.done
    assert health.resets == done.reset == 3
    assert health.reopened == done.disconnected == done.stalled == 1
    for count in (done.corrupted, done.dropped, done.duplicated, done.reordered, done.delayed):
        assert count > 0, done


def test_a_hopeless_line_is_given_up(boards: Boards) -> None:
    """At 20 % corrupted and 20 % dropped; the sentence says what was seen."""
    built = boards(NAME)
    heard = sound(built, 30)
    with board_behind(built, Faults(), seed=3) as (board, line):
        line.faults = Faults(corrupt=0.2, drop=0.2)
        with pytest.raises(CheckFailedError, match="gave up on the line to socket://") as caught:
            expect_all(board, heard, features=False)
    said = re.search(
        r"(\d+)% of the last frames went unanswered \((\d+) frames sent, (\d+) answered, "
        r"(\d+) repeated, (\d+) damaged on the way to the board, (\d+) damaged on the way back",
        str(caught.value),
    )
    assert said is not None, caught.value
    share, sent, answered, repeated, to_board, back = map(int, said.groups())
    assert share > 100 * HOPELESS
    assert RECENT <= answered + repeated + 3 <= sent + 3 <= 10 * RECENT
    assert to_board + back > 10


def test_a_cable_that_stays_out_is_told(boards: Boards) -> None:
    built = boards(NAME)
    with board_behind(built, Faults(), seed=4) as (board, line):
        board.counters()
        line.unplug()
        with pytest.raises(CheckFailedError, match=r"was lost during HELLO and did not come back"):
            board.greet(timeout_s=0.5)


def test_waits_follow_the_answers() -> None:
    """RFC 6298: the mean and four deviations, doubled at each repetition, within bounds."""
    wait = Wait()
    assert wait.seconds(0, 0.5) == 0.5
    assert wait.seconds(3, 60) == 8
    wait.took(1.0)
    assert wait.seconds(0, 60) == 1.0 + 4 * 0.5
    wait.took(1.0)
    assert wait.seconds(0, 60) == 1.0 + 4 * 0.375
    for _ in range(200):
        wait.took(0.001)
    assert wait.seconds(0, 60) == LEAST_WAIT_S
    assert wait.seconds(50, 60) == 60


def test_a_slow_board_is_no_bad_line() -> None:
    health = Health()
    for _ in range(3 * RECENT):
        health.fared(answered=False)
    assert not health.hopeless
    health.damaged = RECENT
    assert health.hopeless
    assert health.piece_bytes == 256
    for _ in range(RECENT):
        health.fared(answered=True)
    assert not health.hopeless
    assert health.piece_bytes == 2048


def resident_bytes() -> int:
    """Memory of this process now, by the kernel."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def test_a_long_stream_does_not_drift(boards: Boards) -> None:
    """The same sound over and over: the same scores, counters that add up, no more memory."""
    built = boards(NAME)
    tables = built.project.tables()
    period = PERIOD * tables.patch_step * tables.hop_length
    heard = sound(built, 2 * PERIOD)
    pcm = np.tile(heard.pcm[:period], max(3, -(-int(SOAK_S * RATE_HZ) // period)))
    features = integer.patches(pcm[: 3 * period], tables)[:PERIOD]
    model = Reference(built.project.model)
    expected = [model.invoke(patch)[0].tobytes() for patch in features]
    assert len(set(expected)) > 2
    start, count, memory = time.monotonic(), 0, []
    with device.open(NAME, built.firmware) as board:
        for patch in board.stream(pcm, features=False):
            assert patch.scores[0].tobytes() == expected[count % PERIOD], count
            count += 1
            if count % (20 * PERIOD) == 0:
                memory.append(resident_bytes())
        counters, health = board.counters(), board.health
        first = next(board.stream(pcm[:period], features=False)).scores
    wall_s = time.monotonic() - start
    print(f"{len(pcm) / RATE_HZ:g} s of stream in {wall_s:.0f} s: {count} patches, {counters}")
    print(f"{health}; memory {[round(m / 2**20, 1) for m in memory[:2] + memory[-1:]]} MiB")
    assert first[0].tobytes() == expected[0]
    assert count == counters.patches == len(pcm) // (period // PERIOD) - 1
    # A line that loses nothing: what a stalled emulator could not keep is repeated.
    assert counters.damaged <= 2 + count // 100
    assert 0 < counters.stack_bytes <= built.firmware.stack.bytes
    if len(memory) > 2:
        assert memory[-1] - memory[1] < 4 << 20
