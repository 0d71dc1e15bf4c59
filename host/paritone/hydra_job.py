"""A configuration run as Hydra runs one: validated first, then in its own output directory."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Iterator, Sequence
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


def run(
    directory: Path, name: str, overrides: Sequence[str], *, multirun: bool, host_only: bool
) -> None:
    """Run `name` in `directory` with Hydra's semantics.

    Every job of a multirun is composed and checked, its clips and models read, before Hydra
    makes a directory: bad input leaves nothing behind.

    Parameters
    ----------
    host_only : leave out what needs the Arm tools, and say so, when they are missing

    Raises
    ------
    ParitoneError
        As the job raised it.
    """
    jobs = sweep(overrides) if multirun else [list(overrides)]
    ready = [
        pipeline.prepare(configuration.load(directory, name, job), host_only=host_only)
        for job in jobs
    ]

    def job(composed: Any) -> None:
        from hydra.core.hydra_config import HydraConfig

        try:
            prepared = _matching(
                ready, configuration.from_dictconfig(composed, directory), host_only
            )
            pipeline.run(prepared, Path(HydraConfig.get().runtime.output_dir))
        except Exception as error:
            raise _Stopped(error) from error

    try:
        _hydra(job, directory, name, overrides, multirun)
    except _Stopped as stopped:
        raise stopped.error from stopped.error.__cause__
    except OSError as error:
        raise ConfigError(f"hydra.run.dir: the directory cannot be written: {error}") from error


def _matching(
    ready: list[pipeline.Prepared], config: configuration.Config, host_only: bool
) -> pipeline.Prepared:
    """The job prepared for this configuration, which may differ by what Hydra interpolates."""
    for index, prepared in enumerate(ready):
        if prepared.config == config:
            return ready.pop(index)
    return pipeline.prepare(config, host_only=host_only)


def sweep(overrides: Sequence[str]) -> list[list[str]]:
    """Overrides of each job of a multirun, as Hydra's basic sweeper expands them.

    Raises
    ------
    ConfigError
        An override cannot be parsed.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import OverrideParseException

    try:
        parsed = OverridesParser.create().parse_overrides(list(overrides))
    except OverrideParseException as error:
        raise ConfigError(str(error).splitlines()[0]) from error
    choices = []
    for override in parsed:
        if override.is_sweep_override():
            key = override.get_key_element()
            choices.append([f"{key}={value}" for value in override.sweep_string_iterator()])
        else:
            assert override.input_line is not None
            choices.append([override.input_line])
    return [list(job) for job in itertools.product(*choices)]


def _hydra(job: Any, directory: Path, name: str, overrides: Sequence[str], multirun: bool) -> None:
    import hydra

    named = any(override.startswith("hydra.job.name=") for override in overrides)
    arguments = [
        *(["--multirun"] if multirun else []),
        *overrides,
        *([] if named else [f"hydra.job.name={JOB_NAME}"]),
    ]
    main = hydra.main(version_base="1.3", config_path=str(directory.resolve()), config_name=name)
    quiet.keep_streams()
    with _command_line(arguments):
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
