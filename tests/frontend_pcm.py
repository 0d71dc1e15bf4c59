"""Long int16 streams for the frontend: recordings, and what is hardest on integers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from frontend_cases import RATE
from paritone import audio
from paritone.features.tables import FrontendTables

Pcm = npt.NDArray[np.int16]
Piece = npt.NDArray[np.float64]

ROOT = Path(__file__).resolve().parents[1]
LEVELS = (1, 2, 5, 30, 300, 3000, 20000, 32767)
CLIPS_A_STREAM = 4
WINDOWS_A_PIECE = 4
SINES_A_ROUND = 4


def clip_files() -> list[Path]:
    """ESC-10 where it lies beside the checkout, else the shipped excerpt."""
    beside = ROOT.parent / "shared/data/ESC-10"
    return sorted((beside if beside.is_dir() else ROOT / "examples/esc10").rglob("*.ogg"))


@cache
def clip(path: Path, rate: int = RATE) -> Pcm:
    """One recording as int16."""
    return audio.to_int16(audio.load(path, rate))


def stream(tables: FrontendTables, frames: int, seed: int) -> Pcm:
    """PCM of at least `frames` frames: short pieces, real and adversarial ones in turn."""
    samples = (frames - 1) * tables.hop_length + tables.n_fft
    pieces: list[Pcm] = []
    for piece in _pieces(tables, np.random.default_rng(seed), seed * sines(tables, frames)):
        pieces.append(np.clip(np.rint(piece), -32768, 32767).astype(np.int16))
        samples -= len(piece)
        if samples <= 0:
            break
    return np.concatenate(pieces)


def sines(tables: FrontendTables, frames: int) -> int:
    """How many sines a stream of that many frames holds, about."""
    round_samples = (13 + SINES_A_ROUND) * WINDOWS_A_PIECE * tables.n_fft // 2
    return SINES_A_ROUND * (frames * tables.hop_length // round_samples)


def chunks(pcm: Pcm, seed: int) -> list[Pcm]:
    """The stream cut at random: 0 to some 8,000 samples, short and long alike."""
    sizes: list[npt.NDArray[np.int64]] = []
    rng = np.random.default_rng(seed)
    while sum(int(part.sum()) for part in sizes) < len(pcm):
        sizes.append((2 ** rng.uniform(0, 13, 256)).astype(np.int64) - 1)
    cuts = np.cumsum(np.concatenate(sizes))
    return np.split(pcm, cuts[cuts < len(pcm)])


def _pieces(tables: FrontendTables, rng: np.random.Generator, sine: int) -> Iterator[Piece]:
    """Rounds of every kind of piece, without end; sines from number `sine` on."""
    files = clip_files()
    chosen = [clip(files[i]) for i in rng.integers(0, len(files), CLIPS_A_STREAM)]
    recording = np.concatenate(chosen).astype(np.float64)
    while True:
        yield from _recorded(recording, tables.n_fft, rng)
        yield from _adversarial(tables.n_fft, rng)
        for _ in range(SINES_A_ROUND):
            yield _sine(tables.n_fft, sine, rng)
            sine += 1


def _length(n_fft: int, rng: np.random.Generator) -> int:
    return int(rng.integers(1, WINDOWS_A_PIECE * n_fft))


def _recorded(recording: Piece, n_fft: int, rng: np.random.Generator) -> Iterator[Piece]:
    """Excerpts: as they are, clipped, and quiet."""
    for gain in (1.0, 1.0, 1.0, rng.uniform(2, 200), 2.0 ** -rng.integers(1, 15)):
        length = _length(n_fft, rng)
        start = int(rng.integers(0, len(recording) - length))
        yield gain * recording[start : start + length]


def _adversarial(n_fft: int, rng: np.random.Generator) -> Iterator[Piece]:
    def time() -> npt.NDArray[np.int64]:
        return np.arange(_length(n_fft, rng))

    def noise(t: npt.NDArray[np.int64]) -> Piece:
        level = int(rng.choice(LEVELS))
        return rng.integers(-level, level + 1, len(t)).astype(np.float64)

    yield 0.0 * time()
    yield np.full(len(time()), float(rng.choice([32767, -32768, 1, -1, rng.integers(-9999, 9999)])))
    t = time()
    yield np.where(t // rng.integers(1, n_fft) % 2, 32767.0, -32768.0)
    t = time()
    yield np.where(t % rng.integers(1, n_fft) == 0, rng.choice([-32768.0, 32767.0]), noise(t))
    t = time()
    yield np.where(t == rng.integers(0, len(t)), 32767.0, 0.0)
    t = time()
    yield np.linspace(-32768, 32767, len(t))
    for _ in range(2):
        yield noise(time())


def _sine(n_fft: int, number: int, rng: np.random.Generator) -> Piece:
    """A sine at one of the bins' centres and edges (0, 1/2, 1, ... n_fft / 2 bins) in turn."""
    bins = number % (n_fft + 1) / 2
    t = np.arange(_length(n_fft, rng) + n_fft)
    level = float(rng.choice([32767, 32767, 3000, 30, 60000]))
    return level * np.sin(2 * np.pi * (bins * t / n_fft + rng.random()))
