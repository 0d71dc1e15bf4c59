"""Where PCM comes from: a file, in real time or as fast as it is taken, or a microphone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from paritone import audio
from paritone.errors import ToolMissingError
from paritone.monitor.backlog import Backlog, Pcm

CHUNKS_PER_S = 50
"""A chunk is 20 ms: what a microphone's driver hands over at once."""
JOIN_S = 5.0
INSTALL = "pip install 'paritone[microphone]'"

Feed = Callable[[Backlog, threading.Event], None]


@dataclass(frozen=True)
class Source:
    """PCM at the configuration's rate, which a thread puts into a backlog.

    Attributes
    ----------
    title : of the view
    live : it does not wait: what is not taken in time is dropped
    feed : puts all of it, until it ends or is told to
    """

    title: str
    live: bool
    feed: Feed

    @contextmanager
    def into(self, backlog: Backlog) -> Iterator[None]:
        """Feed the backlog meanwhile; an error of the source is raised at the end."""
        stop, errors = threading.Event(), list[BaseException]()

        def run() -> None:
            try:
                self.feed(backlog, stop)
            except BaseException as error:
                errors.append(error)
            finally:
                backlog.close()

        thread = threading.Thread(target=run, name="paritone-source", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(JOIN_S)
        if errors:
            raise errors[0]


def file(path: Path, rate: int, *, fast: bool) -> Source:
    """Return an audio file as a source.

    Parameters
    ----------
    rate : Hz, to which it is resampled
    fast : as fast as it is taken, nothing dropped; otherwise as a microphone would hear it

    Raises
    ------
    AudioError
        It cannot be read.
    """
    pcm = audio.to_int16(audio.load(path, rate))
    size = rate // CHUNKS_PER_S

    def feed(backlog: Backlog, stop: threading.Event) -> None:
        begun = time.monotonic()
        for start in range(0, len(pcm), size):
            chunk = pcm[start : start + size]
            if fast:
                backlog.put_patiently(chunk, stop)
            elif not stop.wait(max(0.0, begun + (start + len(chunk)) / rate - time.monotonic())):
                backlog.put(chunk)
            if stop.is_set():
                return

    return Source(path.name, not fast, feed)


def microphone(device: str | None, rate: int) -> Source:
    """Return a microphone as a source.

    Parameters
    ----------
    device : its name or number, as ``python -m sounddevice`` lists them; None: the system's

    Raises
    ------
    ToolMissingError
        sounddevice, PortAudio or a microphone is not there, or not at this rate.
    """
    sounds = _sounddevice()
    chosen: Any = int(device) if device is not None and device.isdigit() else device
    try:
        name = sounds.query_devices(chosen, "input")["name"]
        sounds.check_input_settings(device=chosen, channels=1, dtype="int16", samplerate=rate)
    except (sounds.PortAudioError, ValueError) as error:
        raise ToolMissingError(
            f"no microphone {device or 'here'} of {rate} Hz: {_one_line(error)}; "
            "`python -m sounddevice` lists them"
        ) from error

    def feed(backlog: Backlog, stop: threading.Event) -> None:
        def heard(samples: Pcm, *_: object) -> None:
            backlog.put(np.array(samples[:, 0]))

        with sounds.InputStream(
            device=chosen,
            channels=1,
            dtype="int16",
            samplerate=rate,
            blocksize=rate // CHUNKS_PER_S,
            callback=heard,
        ):
            stop.wait()

    return Source(name, True, feed)


def _sounddevice() -> Any:
    """Import it; it asks for PortAudio at once."""
    try:
        import sounddevice
    except ImportError as error:
        raise ToolMissingError(f"a microphone needs sounddevice: {INSTALL}") from error
    except OSError as error:
        raise ToolMissingError(
            f"a microphone needs PortAudio (apt-get install libportaudio2): {_one_line(error)}"
        ) from error
    return sounddevice


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
