"""Steps b and d: C from the quantized model, proven on the host, then run on the board."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paritone import build, device, validate
from paritone.build import Firmware, budgets
from paritone.config import Config
from paritone.datasets.clips import ClipData, noise
from paritone.device import deploy
from paritone.engine import plan
from paritone.errors import CheckFailedError, ParitoneError, ToolMissingError
from paritone.features.tables import FrontendTables
from paritone.latency import measuring
from paritone.parity import REFERENCE, Comparison, Tally
from paritone.preparation import Prepared
from paritone.progress import notice, track
from paritone.references.tflite import Reference
from paritone.validate import Validation

GENERATED = "C_header"
FIRMWARE = "firmware"
MOST_PATCHES = 300
INFERENCES = 3
Clips = Sequence[tuple[str, NDArray[np.int16]]]
Stage = Callable[[str], AbstractContextManager[None]]


@dataclass(frozen=True)
class Outcome:
    """What was found on the board.

    Attributes
    ----------
    parts : sections of summary.json: parity, memory, and latency if it was measured
    problem : where host and board part, or why there is no board to compare; None without any
    """

    parts: Mapping[str, Any]
    problem: ParitoneError | None


def clips(prepared: Prepared) -> Clips:
    """PCM to compare on: each clip of the test and quantization sets once, or seeded noise.

    Of large sets some clips, evenly drawn, so that an emulator answers in minutes; that is said.
    """
    found: dict[str, ClipData] = {}
    for dataset in (prepared.test, prepared.calibration):
        for data in prepared.store.load(dataset) if dataset is not None else []:
            found.setdefault(str(data.clip.path), data)
    if not found:
        return [("noise", noise(prepared.config))]
    patches = sum(len(data.patches) for data in found.values())
    count = min(len(found), -(-len(found) * MOST_PATCHES // patches))
    chosen = [list(found.items())[i * len(found) // count] for i in range(count)]
    if count < len(found):
        notice(f"host and board are compared on {count} of {len(found)} clips, evenly drawn")
    return [(name, data.pcm) for name, data in chosen]


def host_parity(model: Path, pcm: Clips, config: Config) -> dict[str, Comparison]:
    """Compare frontends (integer reference, native C) and models (TFLite's kernels, native C)."""
    from paritone.features import integer
    from paritone.generate import frontend_tables
    from paritone.native.engine import Engine
    from paritone.native.frontend import Frontend

    engine, reference = Engine(model, config.optimization), Reference(model)
    tables = frontend_tables(engine.plan, config)
    native = Frontend(tables)
    frontend, scores = Tally(("integer", "native")), Tally((REFERENCE, "native"))
    for _, samples in track(pcm, "Comparing on the host", len(pcm)):
        wanted = integer.patches(samples, tables)
        frontend.add(wanted, native.patches(samples))
        frontend.patches += len(wanted)
        for patch in wanted:
            x = patch.reshape(engine.input.shape)
            scores.add(reference.invoke(x), engine.invoke(x))
            scores.patches += 1
    return {"frontend": frontend.done(), "model": scores.done()}


def run(prepared: Prepared, model: Path, run_dir: Path, stage: Stage, *, measure: bool) -> Outcome:
    """Generate, build, flash, and compare host and board; then measure the board if asked."""
    from paritone import generate

    pcm, config = clips(prepared), prepared.config
    with stage("Generating C"):
        manifest = generate.generate(model, config, run_dir / GENERATED)
    if prepared.left_out is not None:
        with stage("Comparing the native C with its references"):
            return _on_host(host_parity(model, pcm, config), manifest.arena_bytes)
    with stage(f"Building the firmware for {prepared.board}"):
        firmware = build.build_firmware(run_dir / GENERATED, prepared.board, run_dir / FIRMWARE)
    budgets.require(firmware, model, config)
    tables = generate.frontend_tables(plan.of_file(model, config.optimization), config)
    parts: dict[str, Any] = {"memory": firmware.memory}
    try:
        with (
            stage(f"Flashing {prepared.board}, and comparing its features and scores with ours"),
            _deployed(firmware, config, run_dir) as board,
        ):
            found = validate.validate(board, pcm, tables, model, "Validating")
            parts["memory"] = {**firmware.memory, "stack_bytes": board.counters().stack_bytes}
            parts["parity"] = found.record()
            found.draw(run_dir)
            if found.spread.any:
                parts["spread"] = found.spread.record()
            if measure and board.counting:
                found_there = measuring.on_device(board, pcm[0][1], tables, INFERENCES)
                parts["latency"] = found_there.record()
    except ToolMissingError as error:  # what was done without a board is kept
        return Outcome(parts, error)
    if measure and "latency" not in parts and config.port is not None:
        notice(f"{prepared.board} on {config.port} counts no cycles: nothing was measured")
    elif measure and "latency" not in parts:
        with stage(f"Measuring on {prepared.board}"):
            parts["latency"] = _latency(firmware, pcm[0][1], tables)
    return Outcome(parts, _problem(found))


def _deployed(
    firmware: Firmware, config: Config, run_dir: Path
) -> AbstractContextManager[device.Device]:
    folder, serial = run_dir / FIRMWARE, config.stlink_serial_number
    return deploy.deployed(firmware.board, firmware, folder, config.port, serial)


def _latency(firmware: Firmware, pcm: NDArray[np.int16], tables: FrontendTables) -> dict[str, Any]:
    # A board of its own: an emulator that counts instructions is slower than one that does not.
    return measuring.on_board(firmware, None, pcm, tables, INFERENCES).record()


def _problem(found: Validation) -> ParitoneError | None:
    try:
        found.require_equal()
    except CheckFailedError as error:
        return error
    return None


def _on_host(found: Mapping[str, Comparison], arena_bytes: int) -> Outcome:
    units = {"frontend": "cells", "model": "values"}
    parity = {part: _record(found[part], unit) for part, unit in units.items()}
    firsts = [
        f"{part}: {' and '.join(comparison.between)} differ, {comparison.first}"
        for part, comparison in found.items()
        if comparison.mismatched
    ]
    parts = {"parity": parity, "memory": {"arena_bytes": arena_bytes}}
    return Outcome(parts, CheckFailedError(firsts[0]) if firsts else None)


def _record(found: Comparison, unit: str) -> dict[str, Any]:
    return {
        "patches": found.patches,
        unit: found.values,
        "mismatched": found.mismatched,
        "between": list(found.between),
    }
