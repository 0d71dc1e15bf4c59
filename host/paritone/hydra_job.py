"""A configuration run as Hydra runs one: validated first, then in its own output directory."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from paritone import config as configuration
from paritone import pipeline, quiet
from paritone.errors import ConfigError

# ST's service is stm32ai_main.py, and Hydra names the log after it: so does a run here.
JOB_NAME = "stm32ai_main"
# Hydra prints tracebacks and exits by itself, unless this is in the environment.
FULL_ERROR = "HYDRA_FULL_ERROR"


class _Stopped(BaseException):
    """Carries an error out of a job past Hydra, which would print a traceback and exit 1."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def run(directory: Path, name: str, overrides: Sequence[str], *, host_only: bool) -> None:
    """Run `name` in `directory` with Hydra's semantics.

    It is composed and checked, its clips and models read, before Hydra makes a directory: bad
    input leaves nothing behind.

    Parameters
    ----------
    host_only : leave out what needs the Arm tools, and say so, when they are missing

    Raises
    ------
    ParitoneError
        As the job raised it.
    """
    ready = pipeline.prepare(configuration.load(directory, name, overrides), host_only=host_only)

    def job(composed: Any) -> None:
        from hydra.core.hydra_config import HydraConfig

        try:
            config = configuration.from_dictconfig(composed, directory)
            # What Hydra interpolates, a time for one, may differ.
            prepared = (
                ready if ready.config == config else pipeline.prepare(config, host_only=host_only)
            )
            pipeline.run(prepared, Path(HydraConfig.get().runtime.output_dir))
        except Exception as error:
            raise _Stopped(error) from error

    try:
        call(job, directory, name, overrides)
    except _Stopped as stopped:
        raise stopped.error from stopped.error.__cause__
    except OSError as error:
        raise ConfigError(f"hydra.run.dir: the directory cannot be written: {error}") from error


def call(job: Callable[[Any], None], directory: Path, name: str, arguments: Sequence[str]) -> None:
    """Have Hydra compose `name` and call `job`, with arguments of Hydra's command line."""
    import hydra

    named = any(argument.startswith("hydra.job.name=") for argument in arguments)
    main = hydra.main(version_base="1.3", config_path=str(directory.resolve()), config_name=name)
    quiet.keep_streams()
    with _command_line([*arguments, *([] if named else [f"hydra.job.name={JOB_NAME}"])]):
        main(job)()


@contextmanager
def _command_line(arguments: Sequence[str]) -> Iterator[None]:
    """hydra.main reads the process's arguments: give it these, and have it raise its errors."""
    arguments_before, full_error_before = sys.argv, os.environ.get(FULL_ERROR)
    sys.argv = ["paritone", *arguments]
    os.environ[FULL_ERROR] = "1"
    try:
        yield
    finally:
        sys.argv = arguments_before
        if full_error_before is None:
            del os.environ[FULL_ERROR]
        else:
            os.environ[FULL_ERROR] = full_error_before
