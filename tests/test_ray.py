"""Ray: jobs of a sweep and features of clips on its processes, one of which is killed at work.

The processes are those of this machine; ``PARITONE_CLIPS`` clips of ESC-10, where it is there,
enlarge the comparison with what is computed here.
"""

import csv
import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from paritone import cli, cores, extraction
from paritone import config as configuration
from paritone.datasets import distributed
from paritone.sweep import waiting
from paritone.sweep.job import RECORD
from zoo_config import RATE, tiny_project, write_wav

DEADLINE_S = 300
CLIPS = int(os.environ.get("PARITONE_CLIPS", "12"))


@pytest.fixture(scope="module", autouse=True)
def cluster():
    """Two processes of this machine, started once; gone afterwards."""
    distributed.start("test", "local", num_cpus=2)
    yield
    import ray

    ray.shutdown()


def killed(pid_of, went):
    """Kill a process as soon as `pid_of` knows it, in the background."""

    def watch():
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            pid = pid_of()
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
                went.append(pid)
                return
            time.sleep(0.02)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread


@pytest.fixture
def corpus(tmp_path, shared_data):
    """Clips of ESC-10 where it is there and they are asked for, else noise of every length."""
    if "PARITONE_CLIPS" in os.environ and shared_data is not None:
        return sorted((shared_data / "ESC-10/audio").iterdir())[:CLIPS]
    rng = np.random.default_rng(5)
    paths = [tmp_path / f"clip{i}.wav" for i in range(CLIPS)]
    for index, path in enumerate(paths):
        write_wav(path, rng.normal(0, 0.1, RATE + 311 * index))
    return paths


def entries(folder: Path):
    return {path.name: path.read_bytes() for path in folder.rglob("*.arrays")}


def test_features_are_those_of_this_process(corpus, tiny_config, tmp_path, monkeypatch):
    """The same files of the cache, byte for byte, though a worker is killed on the way."""
    found, cached, went = {}, {}, []
    for engine in ("local", "ray"):
        folder = tmp_path / engine
        monkeypatch.setattr("paritone.cache.folder", lambda folder=folder: folder)
        if engine == "ray":
            thread = killed(_at_work, went)
        config = configuration.load_sections(tiny_config, [f"+execution.engine={engine}"])
        found[engine] = extraction.extract(corpus, config, "float")
        cached[engine] = entries(folder)
    thread.join(DEADLINE_S)
    assert len(went) == 1
    assert len(cached["local"]) == CLIPS
    assert cached["ray"] == cached["local"]
    for name, patches in found["local"].items():
        np.testing.assert_array_equal(patches, found["ray"][name])


def _at_work():
    """A process of this cluster's that computes clips: Ray shows in its name what it does."""
    shown = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,args="], capture_output=True, text=True, timeout=60
    )
    rows = [line.split(None, 2) for line in shown.stdout.splitlines()]
    ours = {str(os.getpid())}
    for _ in range(3):  # this process, Ray's daemon, its workers
        ours |= {pid for pid, parent, _ in rows if parent in ours}
    found = [int(pid) for pid, _, name in rows if pid in ours and name.startswith("ray::Map")]
    return found[0] if found else None


def test_a_sweep_whose_worker_is_killed(tmp_path, examples, monkeypatch, capfd):
    """Its job is run again; the other one is not; both are in the table."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "project").mkdir()
    project = tiny_project(tmp_path / "project", examples).parent

    def worker():
        path = tmp_path / "out/0" / RECORD
        log = path.with_name("output.log")
        return json.loads(path.read_text())["process"] if path.exists() and log.exists() else None

    went = []
    thread = killed(worker, went)
    with pytest.raises(SystemExit) as stopped:
        cli.main(
            [
                *("run", "--multirun", "--config-path", str(project), "hydra/launcher=ray"),
                *("operation_mode=evaluation", "hydra.sweep.dir=out", "preprocessing.top_db=60,50"),
            ]
        )
    thread.join(DEADLINE_S)
    assert stopped.value.code == 0, capfd.readouterr().err
    assert len(went) == 1
    records = [json.loads((tmp_path / f"out/{job}" / RECORD).read_text()) for job in (0, 1)]
    assert [record["attempt"] for record in records] == [2, 1]
    assert records[0]["process"] not in went
    with (tmp_path / "out/comparison.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row, folder in zip(rows, ("0", "1"), strict=True):
        assert row["status"] == "0"
        found = json.loads((tmp_path / "out" / folder / "summary.json").read_text())
        assert float(row["accuracy.float.clip"]) == found["accuracy"]["float"]["clip"]


def test_jobs_that_can_never_begin_are_not_waited_for(tmp_path, examples, monkeypatch, capfd):
    """More processors than the cluster has: what it has is said, and the jobs are in the table."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(waiting, "STALL_S", 1.0)
    monkeypatch.setattr(waiting, "POLL_S", 0.1)
    (tmp_path / "project").mkdir()
    project = tiny_project(tmp_path / "project", examples).parent
    with pytest.raises(SystemExit) as stopped:
        cli.main(
            [
                *("run", "--multirun", "--config-path", str(project), "hydra/launcher=ray"),
                *("operation_mode=evaluation", "hydra.sweep.dir=out", "preprocessing.top_db=60,50"),
                "+hydra.launcher.ray.remote.num_cpus=64",
            ]
        )
    error = capfd.readouterr().err
    assert stopped.value.code == 3
    *_, first, second, last = error.strip().splitlines()
    assert "was not begun" in first
    assert "was not begun" in second
    assert "hydra/launcher=ray: no job could begin for 1 s: 2 of the cluster's 2 CPUs" in last


def test_threads_of_a_job_follow_its_launcher(monkeypatch):
    monkeypatch.setenv(cores.LIMIT, "1")
    assert cores.count() == 1
    monkeypatch.setenv(cores.LIMIT, "many")
    assert cores.count() == os.cpu_count()
