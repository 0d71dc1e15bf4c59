"""What the frontend costs in a firmware of the tutorial's parameters: instructions, flash, RAM."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import frontend_pcm
from frontend_cases import RATE, TUTORIAL
from paritone import boards, device, latency
from paritone.build import footprint
from paritone.device import Device
from paritone.project import Project
from test_generate import dense_model
from zoo_config import PREPROCESSING, make_config

BOARD = "stm32f405"
INSTRUCTIONS = 20_000
FLASH_BYTES = 16_640
RAM_BYTES = 6 * 1024


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The tutorial's frontend with a dense layer behind it."""
    folder = tmp_path_factory.mktemp("tutorial")
    config = make_config("benchmarking", preprocessing=PREPROCESSING, feature_extraction=TUTORIAL)
    model = folder / "model.tflite"
    model.write_bytes(dense_model(TUTORIAL["n_mels"], TUTORIAL["patch_length"]))
    return Project(config, model, boards.get(BOARD), folder)


@pytest.fixture(scope="module")
def board(project: Project) -> Iterator[Device]:
    with device.open(BOARD, project.build(), counting=True) as opened:
        yield opened


def test_every_frame_takes_at_most_20000_instructions(board: Device, project: Project) -> None:
    """Of a recording and of what is hardest, from a hop of PCM to its column."""
    recording = frontend_pcm.clip(frontend_pcm.clip_files()[0])[: 2 * RATE]
    adversarial = frontend_pcm.stream(project.tables(), 100, seed=3)
    for pcm in (recording, adversarial):
        frame = latency.measure(board, pcm, project.tables(), runs=1).frontend
        print(f"{frame.minimum:,} {frame.median:,} {frame.maximum:,} instructions")
        assert 10_000 < frame.minimum <= frame.maximum <= INSTRUCTIONS


def test_it_fits_16_and_a_quarter_kb_of_flash_and_6_kb_of_ram(board: Device) -> None:
    found = board.firmware.frontend
    print(found)
    assert found.flash_bytes <= FLASH_BYTES
    assert found.ram_bytes <= RAM_BYTES


def test_what_is_counted_is_what_was_linked(board: Device, project: Project) -> None:
    """By name: every function and table of the frontend, none of the firmware's other parts."""
    firmware = board.firmware
    kept = list(footprint.sections(firmware.elf.with_suffix(".map")))
    objects = {s.object.split(".")[0] for s in kept if footprint.is_frontend(s)}
    assert {"paritone_frontend", "frontend", "frontend_stream", "frontend_mel"} <= objects
    assert not {"model", "requests", "main", "startup", "fully_connected"} & objects
    held = footprint.symbol_sizes(firmware.elf)
    assert not {s.archive for s in kept if "genuine" in s.archive}
    named = {name: size for name, size in held.items() if "frontend_" in name}
    assert len(named) > 10
    assert sum(named.values()) <= firmware.frontend.flash_bytes <= firmware.flash_bytes
    whole = held["stream_memory"] + held["stream"]
    assert firmware.frontend.ram_bytes == whole - project.tables().patch_bytes
