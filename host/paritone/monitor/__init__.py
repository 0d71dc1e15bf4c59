"""Live: PCM to a board as it is heard, and what the board makes of it, shown and recorded."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from paritone import datasets, progress
from paritone import task as tasks
from paritone.engine import plan
from paritone.errors import ModelError
from paritone.monitor import ears, recording, view
from paritone.monitor.backlog import Backlog, Chunk
from paritone.monitor.ears import Ear
from paritone.monitor.recording import Recorder
from paritone.monitor.sources import Source
from paritone.monitor.tally import Tally, anew, losses, status
from paritone.monitor.view import View
from paritone.project import Project

BACKLOG_S = 2.0
"""Of sound that may wait for the board; beyond that it does not keep up, and sound is dropped."""
TAKE_SAMPLES = 1024
POLL_S = 0.1


@dataclass(frozen=True)
class Outcome:
    """How it went.

    Attributes
    ----------
    name : who listened
    interrupted : it was ended by Ctrl-C
    recording : its folder; None if nothing was recorded
    """

    name: str
    tally: Tally
    interrupted: bool
    recording: Path | None

    def record(self) -> dict[str, Any]:
        """As ``--json`` writes it."""
        kept = str(self.recording) if self.recording is not None else None
        return {"schema": 1, "board": self.name, **self.tally.record(), "recording": kept}


def monitor(
    project: Project,
    source: Source,
    port: str | None = None,
    *,
    native: bool = False,
    record: Path | None = None,
) -> Outcome:
    """Listen to a source until it ends, or Ctrl-C; show and, into a new folder, record it.

    Parameters
    ----------
    port, native : as `paritone.monitor.ears.listening`'s

    Raises
    ------
    ParitoneError
        As building and greeting do; what was heard until the board failed is recorded.
    """
    tally = _tally(project)
    if record is not None:
        recording.require_new(record)
    where = "this machine" if native else project.board.name
    progress.say(f"Getting {project.model.name} ready on {where}")
    with ears.listening(project, port, native=native) as ear, _interruptions() as stop:
        recorder = Recorder(record, project, ear, source.title) if record is not None else None
        shown = view.open_view(source.title, ear.name, tally)
        _Session(ear, tally, recorder).run(source, shown, stop)
    return Outcome(ear.name, tally, stop.is_set(), record)


def _tally(project: Project) -> Tally:
    config = project.config
    task = tasks.of(config, datasets.class_names(config))
    output = plan.of_file(project.model, config.optimization).outputs[0]
    if output.size != len(task.names):
        raise ModelError(
            f"{project.model}: {output.size} outputs, dataset.class_names has {len(task.names)}"
        )
    rate = config.preprocessing.target_rate
    backlog = Backlog(max(1, round(BACKLOG_S * rate)))
    return Tally(task, output, rate, config.feature_extraction.hop_length, backlog)


class _Session:
    """One stream from its source to its views."""

    def __init__(self, ear: Ear, tally: Tally, recorder: Recorder | None) -> None:
        self._ear, self._tally, self._recorder = ear, tally, recorder
        self._backlog = tally.backlog

    def run(self, source: Source, shown: View, stop: threading.Event) -> None:
        """Hear, tell and record until the source ends, Ctrl-C, or an error."""
        ended, finished = "", False
        try:
            with shown, source.into(self._backlog):
                while not stop.is_set() and (chunk := self._take()) is not None:
                    self._hear(chunk, shown, live=source.live)
                if not stop.is_set():
                    self._finish(shown)
                    finished = True
            ended = "interrupted" if stop.is_set() else "the source ended"
        except BaseException as error:
            ended = str(error) or type(error).__name__
            raise
        finally:
            if self._recorder is not None:
                gaps, resets = self._backlog.gaps, self._ear.resets
                self._recorder.close(ended, gaps, resets, finished=finished)

    def _take(self) -> Chunk | None:
        return self._backlog.take(TAKE_SAMPLES, POLL_S)

    def _hear(self, chunk: Chunk, shown: View, *, live: bool) -> None:
        begun = time.monotonic()
        since = chunk.arrived_s if live else begun
        heard = []
        for patch in self._ear.hear(chunk.pcm):
            heard.append((patch, time.monotonic() - since))
        self._tally.busy_s += time.monotonic() - begun
        self._tally.samples += len(chunk.pcm)
        self._tell(chunk, heard, shown)

    def _finish(self, shown: View) -> None:
        begun = time.monotonic()
        heard = [(patch, time.monotonic() - begun) for patch in self._ear.finish()]
        self._tell(Chunk(ears.NO_PCM, begun), heard, shown)

    def _tell(self, chunk: Chunk, heard: list[tuple[ears.Heard, float]], shown: View) -> None:
        if self._recorder is not None:
            self._recorder.add(chunk.pcm, [patch for patch, _ in heard])
        self._tally.line = self._ear.line()
        for patch, latency_s in heard:
            shown.patch(self._tally.add(patch, latency_s))
        shown.tick()


@contextmanager
def _interruptions() -> Iterator[threading.Event]:
    """Ctrl-C sets the event, so that a stream ends between two chunks; a second one ends it now."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def interrupt(_: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


def show(found: Outcome) -> None:
    """Print the summary."""
    tally = found.tally
    classes = ", ".join(f"{name} {count}" for name, count in tally.classes.most_common())
    print(f"{tally.seconds:.2f} s heard, {tally.patches} patches: {classes or 'none'}")
    for line in (*status(tally), anew(tally, found.name), losses(tally, found.name)):
        if line is not None:
            print(f"  {line}")
    if found.recording is not None:
        print(f"recorded: {found.recording}")
