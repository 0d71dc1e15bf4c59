"""Latency over many inferences, and what it makes of a core's time."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from board_projects import Boards
from paritone import cli
from paritone.features.tables import FrontendTables, InputFormat, make_tables
from paritone.latency import Cost, measuring, table
from paritone.latency.load import Load
from paritone.report import figures, realtime
from zoo_config import FEATURES, RATE, make_config


@pytest.fixture(scope="module")
def tables() -> FrontendTables:
    features = make_config("evaluation", feature_extraction=FEATURES).feature_extraction
    return make_tables(features, RATE, InputFormat("int8", 0.05, 31))


def test_load_by_hand(tables: FrontendTables) -> None:
    """100 frames of 10,000 cycles and 100 / 12 inferences of 1.2 million, of 100 MHz."""
    frame, inference = Cost(9_000, 10_000, 12_000), Cost(1_100_000, 1_200_000, 2_400_000)
    load = Load.of(100_000_000, tables, frame, inference)
    assert (load.hops_per_second, load.patches_per_second) == (100, pytest.approx(100 / 12))
    assert load.shares == (pytest.approx(0.01), pytest.approx(0.1))
    assert load.real_time_factor == pytest.approx(0.012 + 0.2)  # by the most, not the median
    record = load.record()
    assert record["cpu_load"] == pytest.approx(0.11)
    assert record["inference_seconds"] == pytest.approx(0.012)
    assert "estimate" not in record
    assert "estimate" not in str(load.rows())
    text = dict(load.rows())
    assert text["CPU load"].startswith("11.00% of 100 MHz (frontend 1.00%, model 10.00%)")
    assert "12.00 ms, one every 120 ms" in text["one inference"]
    assert "4.7 times" in text["real-time factor"]


def test_an_estimate_says_so_everywhere(tables: FrontendTables) -> None:
    cost = Cost(1, 2, 3)
    load = Load.of(1_000_000, tables, cost, cost, "estimate: by a model")
    assert load.record()["estimate"] == "estimate: by a model"
    assert all("estimate" in text for _, text in load.rows())
    assert all("estimate" in card.note for card in realtime.cards(load.record()))
    stages = {"mel bands": {"instructions": 5, "cycles": 7}}
    latency = {"unit": "instructions", "real_time": load.record(), "frontend_stages": stages}
    assert all("estimate" in str(table) for table in realtime.tables(latency))


def test_what_does_not_keep_up_is_bad(tables: FrontendTables) -> None:
    load = Load.of(100_000, tables, Cost(900, 900, 1001), Cost(1, 1, 1))
    assert load.real_time_factor > 1 > sum(load.shares)
    states = {card.name: card.state for card in realtime.cards(load.record())}
    assert states["real-time factor"] == "bad"


def test_the_command(
    boards: Boards, tiny_config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ranges in order, sums and loads as the counts make them, memory, a picture."""
    project = boards("stm32f405").project
    out = tmp_path / "found.json"
    arguments = [str(project.model), "--config", str(tiny_config), "--out", str(project.folder)]
    with pytest.raises(SystemExit) as caught:
        cli.main(["latency", *arguments, "--inferences", "3", "--json", str(out)])
    assert not caught.value.code
    found = json.loads(out.read_text())
    latency, memory = found["latency"], found["memory"]
    assert (latency["unit"], latency["inferences"]) == ("instructions", 3)
    ranges = [layer["range"] for layer in latency["layers"]] + list(latency["range"].values())
    for one in ranges:
        assert 0 < one["minimum"] <= one["median"] <= one["maximum"]
    layers = sum(layer["instructions"] for layer in latency["layers"])
    assert layers == pytest.approx(latency["inference"], rel=0.05)
    stages = latency["frontend_stages"]
    assert sum(stage["instructions"] for stage in stages.values()) == pytest.approx(
        latency["frontend_per_frame"], abs=60
    )
    assert all(stage["cycles"] >= stage["instructions"] > 100 for stage in stages.values())
    live = latency["real_time"]
    cycles = {part: counts["median"] for part, counts in live["cycles"].items()}
    assert cycles["inference"] > latency["inference"]
    assert cycles["frontend_per_frame"] > latency["frontend_per_frame"]
    busy = cycles["frontend_per_frame"] * 100 + cycles["inference"] * 100 / 12
    assert live["cpu_load"] == pytest.approx(busy / 168e6)
    assert live["cpu_load"] <= live["real_time_factor"] < 0.1
    assert live["estimate"].startswith("estimate: a model of the Cortex-M4's pipeline")
    assert 0 < memory["stack_bytes"] <= memory["stack_bound_bytes"]
    assert memory["flash_bytes"] > memory["frontend_flash_bytes"]
    said = capsys.readouterr().out
    for expected in ("3 inferences", "CPU load", "real-time factor", "Cycles are an estimate"):
        assert expected in said
    assert re.search(r"stack, high water +\d+ B", said)
    assert (project.folder / "latency.png").stat().st_size > 5000


def test_the_stages_that_a_board_times_itself(
    boards: Boards, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are the functions that the emulator counts, and for the first the window's headroom."""
    built = boards("stm32f405")
    pcm, tables = built.clips[0][1], built.project.tables()
    found = measuring.on_board(built.firmware, None, pcm, tables, 1)
    assert found.modelled is not None
    counted = {name: cost.instructions for name, cost in found.modelled.stages.items()}
    timed = {name: cost.median for name, cost in found.latency.stages.items()}
    assert list(timed) == ["window to magnitude", "mel bands", "model input"]
    for name in ("mel bands", "model input"):
        assert timed[name] == pytest.approx(counted[name], abs=60)
    transform = counted["window and transform"] + counted["spectrum and magnitude"]
    assert transform < timed["window to magnitude"] < transform + 2 * counted["samples"]
    alone = replace(found, modelled=None, load=None)
    table.show(alone, "silicon")
    shown = capsys.readouterr().out
    record = alone.record()
    [_, stages] = realtime.tables(record)
    for name, count in timed.items():
        assert record["frontend_stages"][name]["instructions"] == count
        assert re.search(rf"  {name} +│ alone +│ +[\d,]+ │ +{count:,} │", shown), shown
        assert f"{count:,}" in str(stages)
    assert "Stages of a frame alone, instructions" in str(stages)


def test_bars_reach_from_the_least_to_the_most(tmp_path: Path) -> None:
    """Whiskers are drawn where runs differ, and only there."""
    counts = {"minimum": 40, "median": 50, "maximum": 90}
    alike = [{"kernel": "a", "cycles": 50, "range": dict.fromkeys(counts, 50)}]
    spread = [{"kernel": "a", "cycles": 50, "range": counts}]
    plain = figures.latency([{"kernel": "a", "cycles": 50}], "cycles", tmp_path / "plain.png")
    same = figures.latency(alike, "cycles", tmp_path / "same.png")
    wide = figures.latency(spread, "cycles", tmp_path / "wide.png")
    assert plain.read_bytes() == same.read_bytes() != wide.read_bytes()
