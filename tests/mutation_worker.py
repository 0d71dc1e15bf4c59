"""Runs damaged models, each in a process of its own that may crash: ours, or TensorFlow Lite's.

``python mutation_worker.py engine|reference FOLDER`` takes every ``NAME.tflite`` of the folder and
leaves ``NAME.engine.npz`` or ``NAME.reference.npz`` (its outputs; the engine's inputs too) or
``NAME.engine.refused`` (the error's text); ``FOLDER/engine.json`` says how each process ended.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from paritone.engine import plan

SOUND = "sound-"
"""Begins the names of the models that are not damaged: they must come out equal."""
CPU_S = 10
WALL_S = 300
"""Compilers and a loaded machine take their time; only the processor's counts."""


def run_engine(path: Path) -> None:
    """Plan, generate, compile and run `path`; a refusal is written down."""
    from paritone import parity
    from paritone.errors import ModelError
    from paritone.native.engine import Engine

    try:
        engine = Engine(path, _point(path))
    except ModelError as error:
        path.with_suffix(".engine.refused").write_text(str(error))
        return
    found: dict[str, Any] = {}
    sets = [parity.random_patches(info, 7, 3) for info in engine.plan.inputs]
    for run in (3, 6):
        values = [patches[run] for patches in sets]
        engine.arena.fill(parity.POISON)
        outputs = engine.invoke_all(values)
        assert np.all(engine.arena[engine.plan.arena_bytes :] == parity.POISON), "past the arena"
        found |= {f"in_{run}_{i}": v for i, v in enumerate(values)}
        found |= {f"out_{run}_{i}": v for i, v in enumerate(outputs)}
    np.savez(path.with_suffix(".engine.npz"), **found)


def _point(path: Path) -> str:
    """A point of optimization, by the digits of the file's name."""
    digits = "".join(c for c in path.stem if c.isdigit()) or "0"
    return plan.OPTIMIZATIONS[int(digits) % len(plan.OPTIMIZATIONS)]


def run_reference(path: Path) -> None:
    """Run the inputs that the engine took through the reference kernels."""
    from paritone.errors import ModelError
    from paritone.references.tflite import Reference

    given = np.load(path.with_suffix(".engine.npz"))
    found = {}
    try:
        reference = Reference(path)
        for run in (3, 6):
            inputs = [given[f"in_{run}_{i}"] for i in range(_count(given, f"in_{run}_"))]
            outputs = reference.invoke_all(inputs)
            found |= {f"out_{run}_{i}": v for i, v in enumerate(outputs)}
    except (ModelError, RuntimeError, ValueError) as error:
        path.with_suffix(".reference.refused").write_text(str(error))
        return
    np.savez(path.with_suffix(".reference.npz"), **found)


def _count(given: Any, prefix: str) -> int:
    return sum(name.startswith(prefix) for name in given.files)


def in_a_process(run: Callable[[Path], None], path: Path) -> dict[str, Any]:
    """Status, processor seconds and peak memory of `run` on `path`, in a fork."""
    child = os.fork()
    if child == 0:
        try:
            resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
            log = os.open(path.with_suffix(".log"), os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
            os.dup2(log, 1)
            os.dup2(log, 2)
            run(path)
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
        os._exit(0)
    deadline = time.monotonic() + WALL_S
    while True:
        pid, status, usage = os.wait4(child, os.WNOHANG)
        if pid:
            break
        if time.monotonic() > deadline:
            os.kill(child, 9)
        time.sleep(0.002)
    return {
        "status": os.waitstatus_to_exitcode(status),
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "peak_kib": usage.ru_maxrss,
    }


def _warm_up(kind: str, folder: Path) -> Callable[[Path], None]:
    """Import, build and compute what runs share, before the forks, by running the sound models."""
    if kind == "engine":
        # The sanitizers are loaded by now: compilers do without.
        os.environ.pop("LD_PRELOAD", None)
    run = {"engine": run_engine, "reference": run_reference}[kind]
    for sound in sorted(folder.glob(f"{SOUND}*.tflite")):
        run(sound)
    return run


def main(kind: str, folder: Path) -> None:
    run = _warm_up(kind, folder)
    suffix = {"engine": ".tflite", "reference": ".engine.npz"}[kind]
    ends = {}
    for found in sorted(folder.glob(f"*{suffix}")):
        path = folder / f"{found.name.split('.')[0]}.tflite"
        ends[path.stem] = in_a_process(run, path)
        if kind == "engine":
            _forget_data()
    (folder / f"{kind}.json").write_text(json.dumps(ends))


def _forget_data() -> None:
    """Drop the compiled constants: each damaged model has its own."""
    from paritone.native import build

    for folder in build.cache_dir().glob("data_*"):
        shutil.rmtree(folder)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
