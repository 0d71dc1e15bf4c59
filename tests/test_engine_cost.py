"""Instructions per multiply-accumulate on the emulated STM32F405, by kind of layer."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from frontend_cases import TUTORIAL
from paritone import boards, device, quantization, validate
from paritone.cycles import board as counted_board
from paritone.latency import network_cost
from paritone.latency.network_cost import NetworkCost
from paritone.models.miniresnet import miniresnet
from paritone.project import Project
from zoo_config import PREPROCESSING, make_config

PER_MAC = {"pointwise": 0.70, "depthwise": 1.8, "few-channel": 1.6, "convolution": 0.65}
"""Instructions at ``time``, by kind of layer; the rest takes `REST` of all."""
REST = 0.02


def test_miniresnet_of_two_stacks_by_kind(tmp_path):
    """Its last outputs are 4 x 4: five threes of pixels, and one."""
    import keras

    keras.utils.set_random_seed(1)
    model = miniresnet(2, "v1", 10, (64, 50, 1))
    patches = np.random.default_rng(4).normal(-1, 2.3, (2, *model.input_shape[1:]))
    content = quantization.convert(model, patches.astype(np.float32), "int8", "int8")
    cost = measure(content, 50, tmp_path)
    for part in cost.kinds():
        instructions, macs = part.cost.instructions, part.macs
        print(f"{part.name}: {instructions:,} instructions, {instructions / macs:.4f} each")
        if part.name in PER_MAC:
            assert instructions <= PER_MAC[part.name] * macs, part
        else:
            assert instructions <= REST * cost.whole.cost.instructions, part


def measure(content: bytes, patch_length: int, folder: Path) -> NetworkCost:
    """Of a quantized model at ``time``, on noise."""
    config = make_config(
        "benchmarking",
        preprocessing=PREPROCESSING,
        feature_extraction={**TUTORIAL, "patch_length": patch_length},
        tools={"stedgeai": {"optimization": "time"}},
    )
    (folder / "model.tflite").write_bytes(content)
    project = Project(config, folder / "model.tflite", boards.get("stm32f405"), folder)
    firmware, pcm = project.build(), validate.clips_of(config, 1)[0][1]
    counts = counted_board.Counts(firmware, folder)
    with device.open(project.board, firmware, counting=True, arguments=counts.arguments) as opened:
        return network_cost.measure(opened, counts, pcm, project.tables())
