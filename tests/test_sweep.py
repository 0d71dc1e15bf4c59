"""Sweeps: every job's result and failure in one table, whatever launcher runs them."""

import csv
import json
import shutil
import statistics

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from paritone import cli, sweep
from paritone.datasets import Clip, distributed
from paritone.errors import ConfigError, ToolMissingError
from paritone.evaluation import accuracy, metrics
from paritone.sweep import comparison, pages
from paritone.sweep.job import RECORD, Outcome, write
from paritone.task import MultiLabel
from zoo_config import tiny_project


@pytest.fixture
def own(tmp_path, examples, monkeypatch):
    """A tiny project of the test's own, in the working directory; its files' folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "project").mkdir()
    return tiny_project(tmp_path / "project", examples).parent


def table(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def multirun(project, *overrides):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["run", "--multirun", "--config-path", str(project), *map(str, overrides)])
    return stopped.value.code


def test_jobs_side_by_side(own, tmp_path, capfd, monkeypatch):
    """Three jobs in two processes that share one empty cache; one fails, and says why."""
    monkeypatch.setenv("PARITONE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    (own / "broken.h5").write_bytes(b"no model")
    shutil.copy(own / "tiny.h5", own / "copy.h5")
    status = multirun(
        own,
        "hydra/launcher=joblib",
        "hydra.launcher.n_jobs=2",
        "hydra.sweep.dir='a sweep'",
        f"general.model_path={own}/tiny.h5,{own}/broken.h5,{own}/copy.h5",
        "operation_mode=evaluation",
        "+general.project_name=side by side",
        f"+mlflow.uri={tmp_path}/mlruns",
    )
    output = capfd.readouterr()
    assert status == 2
    lines = [line for line in output.err.splitlines() if "broken.h5: " in line]
    assert len(lines) == 2, "the job says why when it ends, and in the sum"
    assert "1 of 3 jobs failed" in output.err
    assert "Traceback" not in output.err + output.out
    rows = table(tmp_path / "a sweep/comparison.csv")
    assert [row["status"] for row in rows] == ["0", "2", "0"]
    assert rows[2]["general.model_path"] == f"{own}/copy.h5"
    for job, row in enumerate(rows):
        folder = tmp_path / f"a sweep/{job}"
        record = json.loads((folder / RECORD).read_text())
        assert record["attempt"] == 1
        if job != 1:
            found = json.loads((folder / "summary.json").read_text())["accuracy"]
            assert float(row["accuracy.float.clip"]) == found["float"]["clip"]
            assert "Evaluating tiny.h5" in (folder / "output.log").read_text().replace(
                "copy", "tiny"
            )
        else:
            assert "broken.h5" in row["problem"]
    assert (tmp_path / "a sweep/comparison.html").stat().st_size > 10_000
    recorded(tmp_path, jobs=2)


def recorded(folder, jobs):
    """MLflow holds one experiment: the sweep's run, and below it those of its jobs."""
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=str(folder / "mlruns"))
    (experiment,) = [e for e in client.search_experiments() if e.name == "side by side"]
    runs = client.search_runs([experiment.experiment_id])
    (parent,) = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    children = [run for run in runs if run is not parent]
    assert parent.data.tags["sweep_dir"] == str(folder / "a sweep")
    assert parent.info.status == "FAILED"
    assert {r.data.tags["mlflow.parentRunId"] for r in children} == {parent.info.run_id}
    assert [run.info.status for run in children] == ["FINISHED"] * jobs
    assert {"comparison.csv", "comparison.html", "comparison.png"} <= {
        artifact.path for artifact in client.list_artifacts(parent.info.run_id)
    }


def test_the_plan_is_that_of_hydra(tiny_config, tmp_path, monkeypatch):
    """Lists, ranges and the file's own sweeper parameters, in the order of Hydra's sweeper."""
    monkeypatch.chdir(tmp_path)
    text = tiny_config.read_text().replace(
        "hydra:\n", "hydra:\n  sweeper:\n    params:\n      +dataset.seed: range(1,3)\n"
    )
    (tmp_path / "swept.yaml").write_text(text)
    plan = sweep.planned(
        tmp_path, "swept.yaml", ["+dataset.training_folds=[1,2],[3]", "hydra.sweep.dir=out"]
    )
    assert plan.folder == tmp_path / "out"
    assert plan.jobs == tuple(
        (f"+dataset.seed={seed}", f"+dataset.training_folds={folds}")
        for seed in (1, 2)
        for folds in ("[1,2]", "[3]")
    )
    with pytest.raises(ConfigError, match="Hydra's own keys"):
        sweep.planned(tmp_path, "swept.yaml", ["hydra.job.name=a,b"])


def test_bad_input_leaves_nothing_behind(tiny_config, tmp_path, monkeypatch, capsys):
    """Every job's keys are checked before the first one runs."""
    monkeypatch.chdir(tmp_path)
    overrides = ("preprocessing.target_rate=16000,fast", "hydra.sweep.dir=out")
    assert multirun(tiny_config.parent, *overrides) == 2
    error = capsys.readouterr().err
    assert "preprocessing.target_rate=fast: preprocessing.target_rate: expected" in error
    assert not list(tmp_path.iterdir())


def test_a_launcher_that_is_not_there(tiny_config):
    with pytest.raises(ConfigError, match="Could not find 'hydra/launcher/slurm'"):
        sweep.planned(tiny_config.parent, "user_config.yaml", ["hydra/launcher=slurm"])


LABELS = (("high",), ("low",), ("high", "low"), ()) * 4
CLIPS = {(1, 0): 0.75, (2, 0): 0.8, (3, 0): 0.95, (1, 1): 0.5, (2, 1): 0.7}


def outcomes(folder):
    """Folds swept beside another key; a job without a result, and one that was lost."""
    found = []
    for number, (fold, dropout) in enumerate([*CLIPS, (3, 1)]):
        place = folder / str(number)
        place.mkdir(parents=True)
        overrides = (
            "operation_mode=training",
            f"dataset.test_folds=[{fold}]",
            f"+training.dropout={dropout}",
        )
        one = Outcome("now", number, overrides, str(place), 1, status=0, seconds=2.0)
        write(one)
        if (fold, dropout) in CLIPS:
            row = {"patch": 0.25, "clip": CLIPS[fold, dropout], "clips": 80}
            record = {"schema": 1, "accuracy": {"float": row}}
            (place / "summary.json").write_text(json.dumps(record))
        found.append(one)
    return found


def test_means_over_folds(tmp_path, capsys):
    """Grouped by what is no fold; the statistics module is the oracle."""
    found = comparison.compare(outcomes(tmp_path))
    assert found.keys == ("dataset.test_folds", "training.dropout")
    assert found.results == ("accuracy.float.clip", "accuracy.float.patch")
    pages.write(found, tmp_path, tmp_path / "user_config.yaml")
    first, second = table(tmp_path / "comparison_means.csv")
    assert (first["training.dropout"], second["training.dropout"]) == ("0", "1")
    assert (second["jobs"], second["done"]) == ("3", "2")
    for row, dropout in ((first, 0), (second, 1)):
        values = [clip for (_, other), clip in CLIPS.items() if other == dropout]
        assert float(row["accuracy.float.clip.mean"]) == pytest.approx(statistics.mean(values))
        assert float(row["accuracy.float.clip.sd"]) == pytest.approx(statistics.stdev(values))
    printed = capsys.readouterr().out
    assert "83.33% ± 10.41" in printed
    assert "mean of 2 of 3" in printed
    assert [row["accuracy.float.clip"] for row in table(tmp_path / "comparison.csv")][-1] == ""
    assert (tmp_path / "comparison.png").read_bytes().startswith(b"\x89PNG")
    page = (tmp_path / "comparison.html").read_text()
    assert "83.33% ± 10.41" in page
    assert "data:image/png;base64," in page


def test_several_labels_are_compared_by_mean_average_precision(tmp_path, capsys):
    """Not by clips that have exactly their labels; scikit-learn is the oracle of the numbers."""
    task, rng, wanted = MultiLabel(("high", "low"), (0.5, 0.5)), np.random.default_rng(3), []
    clips = [Clip(tmp_path / f"{i}.wav", labels) for i, labels in enumerate(LABELS)]
    actual = accuracy.labels_of(clips, task)
    for number, noise in enumerate((0.2, 0.6)):
        scores = np.clip(actual + rng.normal(0, noise, actual.shape), 0, 1).astype(np.float32)
        found = accuracy.measure([row[None] for row in scores], clips, task, "float")
        row = {**found.summary(), **metrics.of(found).record()}
        place = tmp_path / str(number)
        place.mkdir()
        (place / "summary.json").write_text(json.dumps({"accuracy": {"float": row}}))
        macro = sklearn_metrics.average_precision_score(actual, scores, average="macro")
        wanted.append((macro, sklearn_metrics.hamming_loss(actual, scores >= 0.5)))
    jobs = [
        Outcome("now", n, (f"training.dropout={n}",), str(tmp_path / str(n)), 1, status=0)
        for n in range(2)
    ]
    found = comparison.compare(jobs)
    assert found.ranking == ("accuracy.float.mean_average_precision.clip",)
    pages.write(found, tmp_path, tmp_path / "user_config.yaml")
    printed, page = capsys.readouterr().out, (tmp_path / "comparison.html").read_text()
    assert "float, mAP (clips)" in " ".join(printed.split())
    rows = table(tmp_path / "comparison.csv")
    for row, (precision, loss) in zip(rows, wanted, strict=True):
        assert float(row["accuracy.float.mean_average_precision.clip"]) == pytest.approx(precision)
        assert float(row["accuracy.float.hamming_loss.clip"]) == pytest.approx(loss)
        assert f"{precision:.3f}" in printed
        assert f"{loss:.3f}" in page
    assert (tmp_path / "comparison.png").read_bytes().startswith(b"\x89PNG")


def test_what_is_left_of_an_earlier_sweep_is_no_result(tmp_path):
    """Records count only if they are of this sweep; a job that was begun only, was lost."""
    jobs = tuple(("general.global_seed=" + str(seed),) for seed in range(3))
    for number, (name, status) in enumerate((("now", 0), ("before", 0), ("now", None))):
        (tmp_path / str(number)).mkdir()
        write(Outcome(name, number, jobs[number], str(tmp_path / str(number)), 1, status=status))
    found = sweep.collected(sweep.Plan(tmp_path, (), jobs), "now")
    assert [one.problem for one in found] == ["", sweep.NOT_BEGUN, sweep.LOST]
    assert [one.status for one in found] == [0, 1, 1]


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "head", "head:port"])
def test_a_cluster_that_is_not_there_is_not_waited_for(address):
    with pytest.raises(ToolMissingError, match=rf"execution.address: no Ray cluster at {address}"):
        distributed.require_listener("execution.address", address)
