"""A deadline for jobs that a cluster leaves waiting: Ray waits for processors for ever."""

from __future__ import annotations

import _thread
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

from paritone.errors import ToolMissingError

STALL_S = 1800.0
"""The longest that no job may run or begin: others may be using the cluster."""
POLL_S = 5.0
_SIGNAL = getattr(signal, "SIGALRM", signal.SIGINT)
"""What stops the main thread; a shell's job in the background ignores SIGINT."""


@contextmanager
def deadline(progress: Callable[[], tuple[int, int]], jobs: int) -> Iterator[None]:
    """Stop what the main thread waits for when no job runs, and none begins, for `STALL_S`.

    Parameters
    ----------
    progress : tells how many jobs have begun, and how many of these have ended
    jobs : how many there are

    Raises
    ------
    ToolMissingError
        With what the cluster has.
    """
    over, stalled = Event(), Event()

    def watch() -> None:
        seen, since = (0, 0), time.monotonic()
        while not over.wait(POLL_S):
            begun, ended = found = progress()
            if found != seen or begun > ended or ended == jobs:
                seen, since = found, time.monotonic()
            elif time.monotonic() - since >= STALL_S:
                stalled.set()
                _thread.interrupt_main(_SIGNAL)
                return

    before = signal.signal(_SIGNAL, signal.default_int_handler)
    thread = Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    except KeyboardInterrupt:
        if stalled.is_set():
            raise ToolMissingError(_told()) from None
        raise
    finally:
        over.set()
        thread.join()
        signal.signal(_SIGNAL, before)


def _told() -> str:
    import ray

    every, free = (
        found.get("CPU", 0) for found in (ray.cluster_resources(), ray.available_resources())
    )
    return (
        f"hydra/launcher=ray: no job could begin for {STALL_S:.0f} s: {free:g} of the cluster's "
        f"{every:g} CPUs are free, and a job takes 1 or hydra.launcher.ray.remote.num_cpus"
    )
