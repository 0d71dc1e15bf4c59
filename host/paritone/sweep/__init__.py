"""Sweeps: one configuration run for every combination of some keys' values, by Hydra's launchers.

The jobs run one after the other (Hydra's own launcher), side by side (``hydra/launcher=joblib``) or
on a cluster (``hydra/launcher=ray``); one that fails takes no other with it, and all of them end in
one table.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from paritone import config as configuration
from paritone import hydra_job, tracking
from paritone.config import Config
from paritone.datasets import distributed
from paritone.errors import ConfigError, ParitoneError, ToolMissingError
from paritone.sweep import comparison, pages, waiting
from paritone.sweep.comparison import Comparison
from paritone.sweep.job import RECORD, Job, Outcome, here, line, read, values

BASIC = "hydra._internal.core_plugins.basic_sweeper.BasicSweeper"
RAY = "hydra_plugins.hydra_ray_launcher.ray_launcher.RayLauncher"
LOST = "was begun and never ended: its process was lost"
NOT_BEGUN = "was not begun"


class JobsFailedError(ParitoneError):
    """Jobs of a sweep failed; the exit status is the gravest of theirs."""

    def __init__(self, text: str, exit_status: int) -> None:
        super().__init__(text)
        self.exit_status = exit_status


@dataclass(frozen=True)
class Plan:
    """A sweep before its first job.

    Attributes
    ----------
    folder : of the sweep, absolute; the jobs' are below it
    arguments : Hydra's command line
    jobs : each one's overrides, in Hydra's order
    ray : for the launcher of this name: how Ray is started
    """

    folder: Path
    arguments: tuple[str, ...]
    jobs: tuple[tuple[str, ...], ...]
    ray: Mapping[str, Any] | None = None


def run(directory: Path, name: str, overrides: Sequence[str], *, host_only: bool) -> None:
    """Run a sweep; every job's configuration is checked before the first one starts.

    Raises
    ------
    ConfigError
        A configuration is unfit: nothing has been run.
    JobsFailedError
        After all jobs have run and their table is written.
    ToolMissingError
        The launcher is not installed.
    """
    plan = planned(directory, name, overrides)
    configs = [_checked(directory, name, plan, job) for job in plan.jobs]
    if plan.ray is not None:  # the launcher takes Ray as it finds it
        distributed.start("hydra/launcher=ray", **{"log_to_driver": True, **plan.ray})
    with tracking.sweep(configs[0], plan.folder) as tracker:
        identity = uuid.uuid4().hex
        keys = comparison.swept(plan.jobs)
        job = Job(identity, directory, Path.cwd(), here(), host_only, tracker.run, keys)
        stopped: BaseException | None = None
        try:
            with _deadline(plan, identity):
                hydra_job.call(job, directory, name, ["--multirun", *plan.arguments])
        except (Exception, KeyboardInterrupt) as error:
            stopped = error
        outcomes = collected(plan, identity)
        found = comparison.compare(outcomes)
        if any(outcome.process for outcome in outcomes):
            pages.write(found, plan.folder, directory / name)
            tracker.files(plan.folder)
            tracker.metrics(found.means())
        _end(found, outcomes, stopped)


def planned(directory: Path, name: str, overrides: Sequence[str]) -> Plan:
    """Expand a command line's sweeps, and ``hydra.sweeper.params``, as Hydra's sweeper does.

    Raises
    ------
    ConfigError, ToolMissingError
    """
    from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    parser = OverridesParser.create()
    try:
        parsed = parser.parse_overrides(list(overrides))
        for override in parsed:
            if override.is_sweep_override() and override.is_hydra_override():
                raise ConfigError(f"{override.key_or_group}: Hydra's own keys cannot be swept")
        fixed = [o.input_line or "" for o in parsed if not o.is_sweep_override()]
        section = _hydra_section(directory, name, fixed)
        params = [f"{key}={value}" for key, value in (section.sweeper.get("params") or {}).items()]
        every = parser.parse_overrides(params) + [o for o in parsed if not o.is_hydra_override()]
        (jobs,) = BasicSweeper.split_arguments(every, None)
    except HydraException as error:
        raise ConfigError(str(error).splitlines()[0]) from error
    folder = Path(str(section.sweep.dir)).absolute()
    own = [o for o in overrides if not o.lstrip("+").startswith("hydra.sweep.dir=")]
    text = str(folder).replace("'", r"\'")
    ray = section.launcher.get("ray") if section.launcher.get("_target_") == RAY else None
    return Plan(
        folder,
        (*own, f"hydra.sweep.dir='{text}'"),
        tuple(map(tuple, jobs)),
        {str(key): value for key, value in ray.init.items()} if ray is not None else None,
    )


def _hydra_section(directory: Path, name: str, overrides: Sequence[str]) -> Any:
    """Hydra's own part of the configuration, as a sweep's."""
    try:
        section = configuration.compose(directory, name, overrides, whole=True).hydra
    except ConfigError as error:
        if "hydra/launcher/ray" in str(error):
            raise ToolMissingError(
                "hydra/launcher=ray: Ray is not installed: pip install 'paritone[ray]'"
            ) from error
        raise
    if section.sweeper.get("_target_") != BASIC:
        raise ConfigError(
            f"hydra/sweeper: expected basic, Hydra's own, got {section.sweeper.get('_target_')}"
        )
    return section


def _checked(directory: Path, name: str, plan: Plan, job: Sequence[str]) -> Config:
    """One job's configuration; an error names the job."""
    try:
        config = configuration.load(directory, name, job)
        tracking.check(config)
    except ConfigError as error:
        found = values(job)
        which = [f"{key}={found[key]}" for key in comparison.swept(plan.jobs) if key in found]
        raise ConfigError(": ".join([*filter(None, [", ".join(which)]), str(error)])) from error
    return config


def _deadline(plan: Plan, identity: str) -> AbstractContextManager[None]:
    """Jobs on a cluster wait for others' that are running there."""
    if plan.ray is None:
        return nullcontext()

    def progress() -> tuple[int, int]:
        begun = _begun(plan, identity).values()
        return len(begun), sum(one.status is not None for one in begun)

    return waiting.deadline(progress, len(plan.jobs))


def _begun(plan: Plan, identity: str) -> dict[int, Outcome]:
    records = [read(path) for path in sorted(plan.folder.rglob(RECORD))]
    return {one.number: one for one in records if one is not None and one.sweep == identity}


def collected(plan: Plan, identity: str) -> list[Outcome]:
    """What became of every job of a plan, from the records below the sweep's folder."""
    begun = _begun(plan, identity)
    outcomes = []
    for number, overrides in enumerate(plan.jobs):
        absent = Outcome(identity, number, overrides, "", 0, status=1, problem=NOT_BEGUN)
        outcome = replace(begun.get(number, absent), overrides=overrides)
        if outcome.status is None:
            outcome = replace(outcome, status=1, problem=LOST)
        outcomes.append(outcome)
    return outcomes


def _end(found: Comparison, outcomes: Sequence[Outcome], stopped: BaseException | None) -> None:
    if isinstance(stopped, KeyboardInterrupt):
        raise stopped
    if isinstance(stopped, OSError) and not any(one.process for one in outcomes):
        raise ConfigError(f"hydra.sweep.dir: cannot be written: {stopped}") from stopped
    failed = [one for one in outcomes if one.status]
    if not failed and stopped is None:
        return
    lines = [line(one, found.keys) for one in failed]
    statuses = [one.status or 0 for one in failed] or [1]
    if isinstance(stopped, ParitoneError):
        lines.append(str(stopped))
        statuses.append(stopped.exit_status)
    elif stopped is not None:
        lines.append(f"the launcher stopped: {type(stopped).__name__}: {stopped}".splitlines()[0])
    text = "\n".join([f"{len(failed)} of {len(outcomes)} jobs failed", *lines])
    raise JobsFailedError(text, max(statuses)) from stopped
