"""One job of a sweep, wherever its launcher runs it: what it did is in a file of its directory.

A launcher may run jobs in this process, in others or on other machines; it may lose one and run
it again. So nothing is handed back but files: ``summary.json`` of a job that was done, and
``job.json`` of every job that was begun.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from paritone import config as configuration
from paritone import cores, pipeline, quiet
from paritone.errors import outcome

RECORD = "job.json"
OUTPUT = "output.log"


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    Attributes
    ----------
    sweep : the sweep's own name: a folder may hold what is left of an earlier one
    status : as the exit status of a run by itself; None: begun, and not at its end
    attempt : 1, or more where a launcher had to run the job again
    """

    sweep: str
    number: int
    overrides: tuple[str, ...]
    folder: str
    process: int
    attempt: int = 1
    status: int | None = None
    problem: str = ""
    seconds: float = 0.0


def here() -> str:
    """Name this process among those of every machine."""
    return f"{socket.gethostname()}:{os.getpid()}"


@dataclass(frozen=True)
class Job:
    """What Hydra's launchers call; light to send to another process.

    Attributes
    ----------
    directory : the configuration's own
    working_directory : what relative paths are relative to
    started_by : the process of the sweep
    parent_run : of MLflow's records; None: nothing is recorded
    keys : that are swept
    """

    sweep: str
    directory: Path
    working_directory: Path
    started_by: str
    host_only: bool
    parent_run: str | None
    keys: tuple[str, ...]

    def __call__(self, composed: Any) -> None:
        """Run one configuration that Hydra composed; every failure ends in the record."""
        from hydra.core.hydra_config import HydraConfig

        hydra = HydraConfig.get()
        folder = Path(hydra.runtime.output_dir)
        begun = self._begun(folder, hydra.job.num, tuple(hydra.overrides.task))
        start = time.monotonic()
        with self._alone(folder) if here() != self.started_by else nullcontext():
            status, problem = self._outcome(composed, folder)
        outcome = replace(
            begun, status=status, problem=problem, seconds=round(time.monotonic() - start, 1)
        )
        write(outcome)
        print(f"paritone: {line(outcome, self.keys)}", file=sys.stderr, flush=True)

    def _begun(self, folder: Path, number: int, overrides: tuple[str, ...]) -> Outcome:
        earlier = read(folder / RECORD)
        again = earlier is not None and earlier.sweep == self.sweep
        attempt = earlier.attempt + 1 if earlier is not None and again else 1
        (folder / "summary.json").unlink(missing_ok=True)  # an earlier run's: not this job's
        begun = Outcome(self.sweep, number, overrides, str(folder), os.getpid(), attempt)
        write(begun)
        return begun

    @contextmanager
    def _alone(self, folder: Path) -> Iterator[None]:
        """In a worker: its share of the cores, the sweep's paths, and output into a file."""
        quiet.set_tensorflow_up()
        cores.limit_tensorflow()
        os.chdir(self.working_directory)
        with quiet.into(folder / OUTPUT):
            yield

    def _outcome(self, composed: Any, folder: Path) -> tuple[int, str]:
        try:
            config = configuration.from_dictconfig(composed, self.directory)
            prepared = pipeline.prepare(config, host_only=self.host_only)
            pipeline.run(prepared, folder, self.parent_run)
        except Exception as error:
            if os.environ.get("PARITONE_DEBUG"):
                traceback.print_exception(error)
            return outcome(error)
        return 0, ""


def values(overrides: Sequence[str]) -> dict[str, str]:
    """Return the overrides of a job as keys and what they are set to."""
    pairs = (text.lstrip("+~").partition("=") for text in overrides)
    return {key: value for key, _, value in pairs}


def line(outcome: Outcome, keys: Sequence[str]) -> str:
    """Return what a terminal shows of a job: what is its own, and how it ended."""
    found = values(outcome.overrides)
    what = ", ".join(f"{key}={found[key]}" for key in keys if key in found)
    end = outcome.problem.splitlines()[0] if outcome.problem else f"done in {outcome.seconds:g} s"
    return f"job {outcome.number} ({what}): {end}" if what else f"job {outcome.number}: {end}"


def write(outcome: Outcome) -> None:
    """Write a job's record, whole or not at all."""
    path = Path(outcome.folder) / RECORD
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(json.dumps(asdict(outcome), indent=2) + "\n", encoding="utf-8")
    partial.replace(path)


def read(path: Path) -> Outcome | None:
    """Return the record in a file; None where there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Outcome(**{**found, "overrides": tuple(found["overrides"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None
