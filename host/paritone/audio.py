"""Clips to waveforms, and what the zoo does to a waveform before features are taken.

Semantics: mono float, resampled by librosa, cut at ``max_length``, silence removed relative to
the clip's loudest frame, then tiled up to ``min_length``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from paritone.config import Preprocessing
from paritone.errors import AudioError

Wave = npt.NDArray[np.float32]

_OGG_END_OF_STREAM = 0x04
_OGG_LARGEST_PAGE = 65307
_RIFF_UNKNOWN_SIZES = (0, 0xFFFFFFFF)
_MP3_LONGEST_HEADERS = 64
_MP3_HAS_FRAMES, _MP3_HAS_BYTES = 1, 2


def load(path: Path, target_rate: int) -> Wave:
    """Read a WAV, FLAC, OGG or MP3 file as a mono waveform at `target_rate` Hz.

    Returns float32 of shape (samples,), full scale 1.0; lossy files may decode beyond it.
    Raises AudioError, naming the file, if it is unreadable, truncated, empty or no audio.
    """
    wave, rate = _decode(path)
    if rate == target_rate:
        return wave
    import librosa

    return librosa.resample(wave, orig_sr=rate, target_sr=target_rate).astype(np.float32)


def duration(path: Path) -> float:
    """Return a clip's length in seconds from its header; AudioError as `load`, samples unread."""
    with _opened(path) as file:
        return float(file.frames / file.samplerate)


def preprocess(wave: Wave, settings: Preprocessing) -> Wave:
    """Cut, remove silence and lengthen a waveform of ``target_rate`` as the section says.

    Returns float32 of shape (samples,), at most ``max_length`` seconds.
    """
    return np.ascontiguousarray(wave[positions(wave, settings)], dtype=np.float32)


def positions(wave: Wave, settings: Preprocessing) -> npt.NDArray[np.int64]:
    """Return where in `wave` each sample of the preprocessed waveform comes from."""
    kept = np.arange(min(len(wave), int(settings.max_length * settings.target_rate)))
    shortest = int(settings.min_length * settings.target_rate)
    if settings.lengthen == "before":
        kept = _tile(kept, shortest)
        kept = kept[_loud(wave[kept], settings)]
    else:
        kept = _tile(kept[_loud(wave[kept], settings)], shortest)
    if settings.trim_last_second:
        kept = kept[: len(kept) - len(kept) % settings.target_rate]
    return kept


def to_int16(wave: Wave) -> npt.NDArray[np.int16]:
    """Return round(wave * 32768), ties to even, saturated to int16."""
    scaled = np.rint(wave.astype(np.float64) * 32768.0)
    return np.clip(scaled, -32768, 32767).astype(np.int16)


def _loud(wave: Wave, settings: Preprocessing) -> npt.NDArray[np.int64]:
    """Samples of the parts within ``top_db`` of the loudest frame; None keeps everything."""
    every = np.arange(len(wave))
    if settings.top_db is None or len(wave) == 0:
        return every
    import librosa

    kept = librosa.effects.split(
        wave,
        top_db=settings.top_db,
        frame_length=settings.frame_length,
        hop_length=settings.hop_length,
    )
    return np.concatenate([every[start:end] for start, end in kept]) if len(kept) else every[:0]


def _tile(samples: npt.NDArray[np.int64], shortest: int) -> npt.NDArray[np.int64]:
    """Repeat samples that are fewer than `shortest`, and cut them to as many."""
    if len(samples) == 0 or len(samples) >= shortest:
        return samples
    return np.tile(samples, -(-shortest // len(samples)))[:shortest]


def _decode(path: Path) -> tuple[Wave, int]:
    """Return the mono waveform and its rate in Hz, or AudioError."""
    with _opened(path) as file:
        # An MP3 without a header of its own length (`_mp3_is_whole`) declares an estimate.
        rate, declared = int(file.samplerate), 0 if file.format == "MP3" else int(file.frames)
        samples = file.read(dtype="float32", always_2d=True)
    if len(samples) < declared:
        raise AudioError(f"{path}: truncated, {len(samples)} of {declared} samples are there")
    if len(samples) == 0:
        raise AudioError(f"{path}: holds no samples")
    if not np.isfinite(samples).all():
        raise AudioError(f"{path}: holds samples that are not finite")
    return samples.mean(axis=1, dtype=np.float32), rate


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open a sound file; whatever is wrong with it, then or while it is read, is an AudioError."""
    import soundfile

    if not path.is_file():
        raise AudioError(f"{path}: no such audio file")
    try:
        _refuse_truncated(path)
        with soundfile.SoundFile(path) as file:
            yield file
    except (soundfile.SoundFileError, OSError) as error:
        reason = str(error).rpartition(": ")[2].rstrip(".")
        if path.suffix.lower() == ".mp3" and "MP3" not in soundfile.available_formats():
            reason = (
                f"MP3, which libsndfile {soundfile.__libsndfile_version__} cannot read; 1.1 can: "
                "pip install --upgrade soundfile"
            )
        raise AudioError(f"{path}: expected WAV, FLAC, OGG or MP3 audio, got: {reason}") from error


def _refuse_truncated(path: Path) -> None:
    """Raise AudioError for a cut file that libsndfile would read without complaint."""
    with path.open("rb") as file:
        magic, size = file.read(4), path.stat().st_size
        if (magic[:3] == b"ID3" or path.suffix.lower() == ".mp3") and not _mp3_is_whole(file, size):
            raise AudioError(f"{path}: truncated, the file is shorter than its header says")
        if magic == b"RIFF" and not _wav_is_whole(file, size):
            raise AudioError(f"{path}: truncated, the file is shorter than its header says")
        if magic == b"OggS" and not _ogg_is_whole(file, size):
            raise AudioError(f"{path}: truncated, the file does not end with its last page")


def _wav_is_whole(file: BinaryIO, size: int) -> bool:
    """Walk the chunks up to ``data``: each must lie inside the file of `size` bytes."""
    position = 12
    while position + 8 <= size:
        file.seek(position)
        name, length = struct.unpack("<4sI", file.read(8))
        if name == b"data":
            return length in _RIFF_UNKNOWN_SIZES or position + 8 + length <= size
        position += 8 + length + length % 2
    return False


def _mp3_is_whole(file: BinaryIO, size: int) -> bool:
    """Compare `size` with the Xing or Info header of the first frame; without one, nobody knows."""
    file.seek(0)
    tag, start = file.read(10), 0
    if tag[:3] == b"ID3" and len(tag) == 10:
        start = 10 + sum(byte << shift for byte, shift in zip(tag[6:], (21, 14, 7, 0), strict=True))
    file.seek(start)
    frame = file.read(_MP3_LONGEST_HEADERS)
    place = max(frame.find(b"Xing"), frame.find(b"Info"))
    header = frame[place + 4 : place + 16]
    if place < 0 or len(header) < 12:
        return start < size
    flags, *numbers = struct.unpack(">III", header)
    length = numbers[1 if flags & _MP3_HAS_FRAMES else 0]
    return not flags & _MP3_HAS_BYTES or start + length <= size


def _ogg_is_whole(file: BinaryIO, size: int) -> bool:
    """Find the last page: it must be marked as the last of its stream, and lie in the file."""
    start = max(0, size - _OGG_LARGEST_PAGE)
    file.seek(start)
    tail = file.read()
    page = tail.rfind(b"OggS")
    if page < 0 or len(tail) < page + 27:
        return False
    segments = tail[page + 27 : page + 27 + tail[page + 26]]
    length = 27 + tail[page + 26] + sum(segments)
    return bool(tail[page + 5] & _OGG_END_OF_STREAM) and page + length <= len(tail)
