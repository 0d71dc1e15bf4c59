"""Clips to waveforms: against librosa's own loader, and files that are not what they seem."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from paritone import audio
from paritone.config import Preprocessing
from paritone.errors import AudioError

RATE = 16000


def settings(**changes: object) -> Preprocessing:
    keys: dict[str, object] = {
        "min_length": 1,
        "max_length": 10,
        "target_rate": RATE,
        "top_db": 60,
        "frame_length": 3200,
        "hop_length": 3200,
    }
    return Preprocessing.model_validate({**keys, **changes})


def noise(seconds: float, scale: float = 0.5, seed: int = 1) -> np.ndarray:
    shape = int(seconds * RATE)
    return (scale * np.random.default_rng(seed).uniform(-1, 1, shape)).astype(np.float32)


def test_real_clips_load_as_librosa_loads_them(examples: Path) -> None:
    import librosa

    for path in sorted((examples / "esc10/audio").glob("*.ogg"))[:2]:
        expected, _ = librosa.load(path, sr=RATE, mono=True)
        np.testing.assert_array_equal(audio.load(path, RATE), expected)
        assert audio.duration(path) == pytest.approx(len(expected) / RATE, abs=1 / RATE)


@pytest.mark.parametrize("extension", ["wav", "flac", "ogg", "mp3"])
def test_stereo_is_averaged_and_resampled(tmp_path: Path, extension: str) -> None:
    time = np.arange(44100) / 44100
    left, right = 0.5 * np.sin(2 * np.pi * 440 * time), np.zeros(44100)
    path = tmp_path / f"clip.{extension}"
    soundfile.write(path, np.stack([left, right], axis=1), 44100)
    wave = audio.load(path, RATE)
    assert (wave.dtype, wave.shape) == (np.float32, (RATE,))
    middle = slice(2000, 14000)
    expected = 0.25 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)
    np.testing.assert_allclose(wave[middle], expected[middle], atol=0.01)


def test_int16_survives_a_round_trip(tmp_path: Path) -> None:
    pcm = np.array([0, 1, -1, 32767, -32768, 12345], dtype=np.int16)
    soundfile.write(tmp_path / "clip.wav", pcm, RATE, subtype="PCM_16")
    np.testing.assert_array_equal(audio.to_int16(audio.load(tmp_path / "clip.wav", RATE)), pcm)


def test_to_int16_rounds_half_to_even_and_saturates() -> None:
    steps = np.array([0.5, 1.5, 2.5, -0.5, -1.5, 32766.5, 32768, 40000, -32768, -40000])
    expected = [0, 2, 2, 0, -2, 32766, 32767, 32767, -32768, -32768]
    result = audio.to_int16((steps / 32768).astype(np.float32))
    assert result.dtype == np.int16
    assert result.tolist() == expected


def test_silence_is_judged_against_the_loudest_frame() -> None:
    """Frame i is centred on sample 3200 i, and stands for the samples from there to the next."""
    loud, faint, silent = noise(0.6), noise(0.4, 0.0001), np.zeros(RATE, np.float32)
    wave = np.concatenate([silent, loud, silent, faint, silent])
    # 0.0001 / 0.5 is -74 dB. A frame that is half sound is kept.
    expected = wave[16000 : 25600 + 3200]
    np.testing.assert_array_equal(audio.preprocess(wave, settings(min_length=0)), expected)
    both = np.concatenate([expected, wave[41600 : 48000 + 3200]])
    np.testing.assert_array_equal(audio.preprocess(wave, settings(top_db=80)), both)
    np.testing.assert_array_equal(audio.preprocess(wave, settings(top_db=None)), wave)


def test_a_silent_clip_is_kept() -> None:
    silent = np.zeros(2 * RATE, np.float32)
    np.testing.assert_array_equal(audio.preprocess(silent, settings()), silent)


def test_short_clips_are_tiled_and_cut() -> None:
    wave = noise(0.4)
    expected = np.concatenate([wave, wave, wave])[:RATE]
    np.testing.assert_array_equal(audio.preprocess(wave, settings()), expected)
    np.testing.assert_array_equal(audio.preprocess(wave, settings(lengthen="before")), expected)


def test_lengthen_before_may_end_shorter_than_min_length() -> None:
    wave = np.concatenate([noise(0.2), np.zeros(9600, np.float32)])
    before = audio.preprocess(wave, settings(lengthen="before"))
    after = audio.preprocess(wave, settings(lengthen="after"))
    assert (len(before), len(after)) == (int(0.6 * RATE), RATE)


def test_long_clips_are_cut_and_last_seconds_trimmed() -> None:
    wave = noise(3.7)
    cut = audio.preprocess(wave, settings(max_length=2.5))
    np.testing.assert_array_equal(cut, wave[: int(2.5 * RATE)])
    trimmed = audio.preprocess(wave, settings(trim_last_second=True))
    np.testing.assert_array_equal(trimmed, wave[: 3 * RATE])


def clip(path: Path) -> Path:
    soundfile.write(path, noise(2), RATE)
    return path


@pytest.mark.parametrize("extension", ["wav", "flac", "ogg", "mp3"])
@pytest.mark.parametrize("kept", [0.99, 0.5, 0.001])
def test_truncated_files_are_named(tmp_path: Path, extension: str, kept: float) -> None:
    path = clip(tmp_path / f"clip.{extension}")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(AudioError, match=rf"clip\.{extension}: "):
        audio.load(path, RATE)


def test_an_mp3_that_does_not_tell_its_length_is_read_to_its_end(tmp_path: Path) -> None:
    """Without the first frame, which holds no sound but the length; tags before and after it."""
    path = clip(tmp_path / "clip.mp3")
    whole = path.read_bytes()
    assert b"Xing" in whole[:64] or b"Info" in whole[:64]
    tag = b"ID3\x04\0\0\0\0\x02\x0a" + bytes(2 * 128 + 10)
    path.write_bytes(tag + whole + b"TAG" + bytes(125))
    assert len(audio.load(path, RATE)) == 2 * RATE
    path.write_bytes(tag + whole[:-300])
    with pytest.raises(AudioError, match=r"clip\.mp3: truncated"):
        audio.load(path, RATE)
    second = whole.index(whole[:2], 2)
    path.write_bytes(whole[second:])
    assert len(audio.load(path, RATE)) > RATE


def test_an_old_libsndfile_says_what_reads_mp3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "clip.mp3").write_bytes(bytes(1000))
    formats = soundfile.available_formats()
    monkeypatch.setattr(
        soundfile, "available_formats", lambda: {k: v for k, v in formats.items() if k != "MP3"}
    )
    expected = r"clip\.mp3: .* got: MP3, which libsndfile .* cannot read; 1\.1 can: pip install"
    with pytest.raises(AudioError, match=expected):
        audio.load(tmp_path / "clip.mp3", RATE)


def test_files_that_are_no_audio(tmp_path: Path) -> None:
    path = tmp_path / "clip.wav"
    with pytest.raises(AudioError, match=r"clip\.wav: no such audio file"):
        audio.load(path, RATE)
    for content in (b"", b"not audio at all" * 100, b"\x89PNG\r\n\x1a\n" + bytes(500)):
        path.write_bytes(content)
        with pytest.raises(
            AudioError, match=r"clip\.wav: expected WAV, FLAC, OGG or MP3 audio, got"
        ):
            audio.load(path, RATE)
        with pytest.raises(AudioError, match=r"clip\.wav: "):
            audio.duration(path)


def test_files_without_usable_samples(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), RATE)
    with pytest.raises(AudioError, match=r"empty\.wav: holds no samples"):
        audio.load(tmp_path / "empty.wav", RATE)
    broken = np.array([0.0, np.nan, 0.5], np.float32)
    soundfile.write(tmp_path / "nan.wav", broken, RATE, subtype="FLOAT")
    with pytest.raises(AudioError, match=r"nan\.wav: holds samples that are not finite"):
        audio.load(tmp_path / "nan.wav", RATE)


def test_a_streamed_wav_of_unknown_length_is_not_truncated(tmp_path: Path) -> None:
    path = clip(tmp_path / "clip.wav")
    content = bytearray(path.read_bytes())
    position = content.index(b"data") + 4
    content[position : position + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    assert len(audio.load(path, RATE)) == 2 * RATE
