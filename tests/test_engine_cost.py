"""What networks take on the emulated STM32F405: instructions, cycles, arena, the whole image.

YAMNet-256 has its trained weights where they are there; else it is, like MiniResNet, a network that
has not been trained yet.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from frontend_cases import TUTORIAL
from paritone import boards, device, quantization, validate
from paritone.build import Firmware
from paritone.cycles import board as counted_board
from paritone.latency import network_cost
from paritone.latency.network_cost import NetworkCost
from paritone.models.load import load_keras
from paritone.models.miniresnet import miniresnet
from paritone.models.yamnet import yamnet
from paritone.project import Project
from zoo_config import PREPROCESSING, make_config

KIB = 1024


@dataclass(frozen=True)
class Limits:
    """Of one inference, of its tensors, and of the firmware with frontend and link."""

    instructions: float
    cycles: float
    arena_bytes: int
    flash_bytes: int


YAMNET = {
    "time": Limits(16.0e6, 30e6, 96 * KIB, 235_000),
    "balanced": Limits(20.0e6, 36e6, 72 * KIB, 195_000),
    "ram": Limits(27.0e6, 44e6, 48 * KIB, 168_000),
}
PER_MAC = {"pointwise": 0.70, "depthwise": 1.8, "few-channel": 1.6, "convolution": 0.65}
"""Instructions at ``time``, by kind of layer; the rest takes `REST` of all."""
REST = 0.02
LESS_CODED_BYTES = 4096
"""Random weights take more bits each than trained ones, at ``ram``."""


@dataclass(frozen=True)
class Measured:
    """A network's firmware, and what an inference took."""

    firmware: Firmware
    cost: NetworkCost


def untrained(make):
    """A model of `make` with the same weights every time."""
    import keras

    keras.utils.set_random_seed(1)
    return make()


def quantized(model):
    """Its .tflite, calibrated on noise of a spectrogram's range."""
    patches = np.random.default_rng(4).normal(-1, 2.3, (8, *model.input_shape[1:]))
    return quantization.convert(model, patches.astype(np.float32), "int8", "int8")


@pytest.fixture(scope="module")
def measure(tmp_path_factory):
    """Builds in one folder, so that networks share their objects."""
    folder = tmp_path_factory.mktemp("cost")

    def run(content: bytes, point: str, patch_length: int = TUTORIAL["patch_length"]) -> Measured:
        features = {**TUTORIAL, "patch_length": patch_length}
        config = make_config(
            "benchmarking", preprocessing=PREPROCESSING, feature_extraction=features,
            tools={"stedgeai": {"optimization": point}},
        )  # fmt: skip
        (folder / "model.tflite").write_bytes(content)
        project = Project(config, folder / "model.tflite", boards.get("stm32f405"), folder)
        firmware, pcm = project.build(), validate.clips_of(config, 1)[0][1]
        counts = counted_board.Counts(firmware, folder)
        board = device.open(project.board, firmware, counting=True, arguments=counts.arguments)
        with board as opened:
            cost = network_cost.measure(opened, counts, pcm, project.tables())
        return Measured(firmware, cost)

    return run


def check_kinds(cost: NetworkCost) -> None:
    """Instructions per multiply-accumulate of every kind that there is."""
    for part in cost.kinds():
        instructions, macs = part.cost.instructions, part.macs
        print(f"{part.name}: {instructions:,} instructions, {instructions / max(1, macs):.3f} each")
        if part.name in PER_MAC:
            assert instructions <= PER_MAC[part.name] * macs, part
        else:
            assert instructions <= REST * cost.whole.cost.instructions, part


@pytest.fixture(scope="module")
def yamnet_256(shared_data) -> bytes:
    if shared_data is not None:
        return quantized(load_keras(shared_data / "models/yamnet_256_64x96_tl.h5"))
    return quantized(untrained(lambda: yamnet(256, 10)))


def test_miniresnet_of_two_stacks_by_kind(measure):
    """Its last outputs are 4 x 4: five threes of pixels, and one."""
    content = quantized(untrained(lambda: miniresnet(2, "v1", 10, (64, 50, 1))))
    check_kinds(measure(content, "time", 50).cost)


@pytest.mark.parametrize("point", YAMNET)
def test_yamnet_at_each_point(yamnet_256, measure, point, shared_data):
    found, limits = measure(yamnet_256, point), YAMNET[point]
    whole, memory = found.cost.whole.cost, found.firmware.memory
    print(f"{point}: {whole.instructions:,} instructions, {whole.cycles:,} cycles, {memory}")
    assert whole.instructions <= limits.instructions
    assert whole.cycles <= limits.cycles
    assert memory["arena_bytes"] <= limits.arena_bytes
    more = 0 if shared_data is not None else LESS_CODED_BYTES
    assert memory["flash_bytes"] <= limits.flash_bytes + more
    if point == "time":
        check_kinds(found.cost)
