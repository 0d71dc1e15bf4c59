"""MLflow's records of a run, in a folder and in a database, and what cannot be written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from paritone import tracking
from paritone.config import Config
from paritone.errors import ConfigError
from zoo_config import make_config


def configured(uri: str | None, project: str = "bird song") -> Config:
    return make_config("training", general={"project_name": project}, mlflow={"uri": uri})


@pytest.mark.parametrize("kind", ["folder", "sqlite"])
def test_a_run_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Read back through MLflow's own client."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    from mlflow import MlflowClient

    uri = {"folder": str(tmp_path / "mlruns"), "sqlite": f"sqlite:///{tmp_path}/new/runs.db"}[kind]
    monkeypatch.chdir(tmp_path)
    run = tmp_path / "run"
    (run / "saved_models").mkdir(parents=True)
    for name in ("summary.json", "curves.png", "saved_models/best_model.h5", "secret.txt"):
        (run / name).write_text("x")
    for value in (0.25, 0.5):
        with tracking.tracked(configured(uri), run) as tracker:
            tracker.metrics({"accuracy": value}, 1)
            tracker.metrics({"accuracy": value * 2}, 2)
            tracker.files(run, run / "saved_models")
    with (
        pytest.raises(ValueError, match="stopped"),
        tracking.tracked(configured(uri, "other"), run),
    ):
        raise ValueError("stopped")
    client = MlflowClient(tracking_uri=uri)
    (experiment,) = [e for e in client.search_experiments() if e.name == "bird song"]
    runs = client.search_runs([experiment.experiment_id])
    assert [one.info.status for one in runs] == ["FINISHED"] * 2
    first = min(runs, key=lambda one: one.data.metrics["accuracy"])
    history = client.get_metric_history(first.info.run_id, "accuracy")
    assert [(one.step, one.value) for one in history] == [(1, 0.25), (2, 0.5)]
    assert first.data.params["general.project_name"] == "bird song"
    kept = [
        a.path
        for folder in ("", "saved_models")
        for a in client.list_artifacts(first.info.run_id, folder)
    ]
    assert {"summary.json", "curves.png", "saved_models/best_model.h5"} <= set(kept)
    assert "secret.txt" not in kept
    other = client.get_experiment_by_name("other")
    assert other is not None
    assert [r.info.status for r in client.search_runs([other.experiment_id])] == ["FAILED"]


def test_nothing_is_recorded_without_a_uri(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with tracking.tracked(configured(None), tmp_path) as tracker:
        tracker.metrics({"accuracy": 1.0})
        tracker.files(tmp_path)
    assert not list(tmp_path.iterdir())


def test_unfit_addresses(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    for uri, message in (("ftp://host/runs", "expected a folder"), (str(file), "got the file")):
        with pytest.raises(ConfigError, match=message):
            tracking.check(configured(uri))
    database = f"sqlite:///{file}/runs.db"
    with (
        pytest.raises(ConfigError, match=r"mlflow\.uri: .* cannot be written to"),
        tracking.tracked(configured(database), tmp_path),
    ):
        pass


def test_records_that_fail_do_not_stop_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The folder vanishes in the middle: said once."""
    import shutil

    uri = tmp_path / "mlruns"
    with tracking.tracked(configured(str(uri)), tmp_path) as tracker:
        shutil.rmtree(uri)
        for step in range(3):
            tracker.metrics({"accuracy": 1.0}, step)
    assert capsys.readouterr().err.count("recording stops") == 1
    assert "MLFLOW_HTTP_REQUEST_TIMEOUT" not in os.environ
