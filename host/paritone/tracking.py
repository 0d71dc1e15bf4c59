"""A run in MLflow's records, under ``mlflow.uri``: parameters, metrics an epoch, files.

One experiment for each ``general.project_name``. Nothing leaves the machine unless the URI is
that of a server: MLflow's own telemetry is off.
"""

from __future__ import annotations

import importlib.util
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from paritone.config import Config
from paritone.errors import ConfigError
from paritone.progress import notice

_SCHEMES = ("", "file", "sqlite", "http", "https", "databricks", "postgresql", "mysql", "mssql")
_LONGEST = 6000
_FILES = (
    "*.png",
    "*.log",
    "summary.json",
    "report.html",
    "comparison*.csv",
    "comparison.html",
    ".hydra/*.yaml",
)
_ENVIRONMENT = {
    "MLFLOW_ALLOW_FILE_STORE": "true",  # the zoo's users name a folder, which MLflow still writes
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}


class Tracker:
    """Writes to one run of MLflow's; a failure is said once, and the work goes on."""

    def __init__(self, client: Any, run_id: str) -> None:
        self._client, self._run_id, self._failed = client, run_id, False

    @property
    def run(self) -> str | None:
        """The run's identifier in MLflow; None where nothing is recorded."""
        return self._run_id or None

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Record numbers; `step` is the epoch, 1 the first."""
        for name, value in values.items():
            self._try("log_metric", name, float(value), step=step)

    def files(self, run_dir: Path, models: Path | None = None) -> None:
        """Record a run's figures, log, summary and, from a folder, its models."""
        for pattern in _FILES:
            for path in sorted(run_dir.glob(pattern)):
                folder = path.parent.relative_to(run_dir)
                self._try("log_artifact", str(path), str(folder).removeprefix("."))
        for path in sorted(models.glob("*.h5")) if models is not None else ():
            self._try("log_artifact", str(path), "saved_models")

    def end(self, status: str) -> None:
        """Close the run: FINISHED or FAILED."""
        self._try("set_terminated", status)

    def _try(self, call: str, *values: Any, **named: Any) -> None:
        if self._failed:
            return
        try:
            getattr(self._client, call)(self._run_id, *values, **named)
        except Exception as error:
            self._failed = True
            notice(f"mlflow.uri: recording stops: {_line(error)}")


class Untracked(Tracker):
    """Where no ``mlflow.uri`` is given: records nothing."""

    def __init__(self) -> None:
        super().__init__(None, "")
        self._failed = True


def check(config: Config) -> None:
    """Refuse a URI that nothing could be written to; ConfigError tells what is legal."""
    uri = _uri(config)
    if uri is None:
        return
    scheme = _scheme(uri)
    if scheme not in _SCHEMES:
        raise ConfigError(
            f"mlflow.uri: expected a folder, sqlite:///FILE or a server's address, got {uri}"
        )
    if scheme == "sqlite" and importlib.util.find_spec("sqlalchemy") is None:
        raise ConfigError("mlflow.uri: sqlite needs the packages sqlalchemy and alembic")
    path = Path(uri) if scheme == "" else None
    if path is not None and path.exists() and not path.is_dir():
        raise ConfigError(f"mlflow.uri: expected a folder, got the file {path}")


@contextmanager
def tracked(config: Config, run_dir: Path, parent_run: str | None = None) -> Iterator[Tracker]:
    """Open a run in MLflow's records, and close it as finished or failed.

    Parameters
    ----------
    parent_run : the run below which MLflow shows this one: a sweep's

    Raises
    ------
    ConfigError
        ``mlflow.uri`` cannot be written to.
    """
    uri = _uri(config)
    if uri is None:
        yield Untracked()
        return
    with _environment():
        tags = {"operation_mode": config.operation_mode, "run_dir": str(run_dir)}
        if parent_run is not None:
            tags["mlflow.parentRunId"] = parent_run
        tracker = _begin(config, uri, run_dir.name, tags, parameters(config))
        try:
            yield tracker
        except BaseException:
            tracker.end("FAILED")
            raise
        tracker.end("FINISHED")


@contextmanager
def sweep(config: Config, folder: Path) -> Iterator[Tracker]:
    """Open the run that those of a sweep's jobs are shown below, and close it.

    Made before the jobs are: side by side, they find the records' place and their experiment.

    Raises
    ------
    ConfigError
        ``mlflow.uri`` cannot be written to.
    """
    uri = _uri(config)
    if uri is None:
        yield Untracked()
        return
    with _environment():
        tags = {"operation_mode": config.operation_mode, "sweep_dir": str(folder)}
        tracker = _begin(config, uri, f"sweep {folder.name}", tags, {})
        try:
            yield tracker
        except BaseException:
            tracker.end("FAILED")
            raise
        tracker.end("FINISHED")


def _begin(
    config: Config,
    uri: str,
    name: str,
    tags: Mapping[str, str],
    logged: Mapping[str, str],
) -> Tracker:
    try:
        from mlflow import MlflowClient

        logging.getLogger("mlflow").setLevel(logging.ERROR)
        logging.getLogger("alembic").setLevel(logging.ERROR)
        if _scheme(uri) == "sqlite":
            Path(uri.removeprefix("sqlite:///")).absolute().parent.mkdir(
                parents=True, exist_ok=True
            )
        client = MlflowClient(tracking_uri=uri)
        project = config.general.project_name
        known = client.get_experiment_by_name(project)
        experiment = known.experiment_id if known else client.create_experiment(project)
        run = client.create_run(experiment, run_name=name, tags=dict(tags))
        for key, value in logged.items():
            client.log_param(run.info.run_id, key, value)
    except Exception as error:
        raise ConfigError(f"mlflow.uri: {uri} cannot be written to: {_line(error)}") from error
    return Tracker(client, run.info.run_id)


def parameters(config: Config) -> dict[str, str]:
    """Every key that the configuration sets: its dotted name and its value as text."""
    found: dict[str, str] = {}

    def walk(place: str, node: Any) -> None:
        if isinstance(node, dict):
            for key, inner in node.items():
                walk(f"{place}.{key}".lstrip("."), inner)
        else:
            found[place] = str(node)[:_LONGEST]

    walk("", config.model_dump(exclude_unset=True))
    return found


def _uri(config: Config) -> str | None:
    return config.mlflow.uri if config.mlflow is not None else None


def _scheme(uri: str) -> str:
    scheme, colon, _ = uri.partition("://")
    return scheme.split("+")[0].lower() if colon else ""


def _line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return text[0][:200] if text else type(error).__name__


@contextmanager
def _environment() -> Iterator[None]:
    """Set MLflow's switches, where the user has not, while a run is recorded."""
    added = [name for name in _ENVIRONMENT if name not in os.environ]
    os.environ.update({name: _ENVIRONMENT[name] for name in added})
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)
