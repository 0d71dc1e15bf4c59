"""Modelled cycles beside cycles that others published: ``python -m paritone.peers.published``.

The network is that of MLPerf Tiny's keyword spotting (DS-CNN, 2.66 million multiply-accumulates),
with weights that nobody trained: the time of int8 kernels does not depend on them.

- The Cortex-M4's model is held against a kernel library that was published and that runs here:
  CMSIS-NN, published as microTVM ran it, here as bakenn brings it. bakenn computes the first
  convolution by code of its own: that layer, an eighth of the work, is left out. The releases
  differ, and the published board has flash with wait states behind a cache.
  Found: 3.37 modelled cycles per multiply-accumulate where 4.51 were published, 25 % fewer.
- The Cortex-M33's model is held against the other one: two engines were published on both cores,
  and by how much either is quicker on a Cortex-M33 is compared with what the two models make of
  one and the same run of ours. Found: 0.894 times the cycles of a Cortex-M4, 7 % above Plumerai's
  0.838, no more than X-CUBE-AI's 0.893.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from paritone import device, project, sources
from paritone.cycles import board as counted_board
from paritone.cycles import run
from paritone.cycles.pipeline import CORTEX_M4
from paritone.cycles.pipeline_m33 import CORTEX_M33
from paritone.peers import bakenn

BOARD = "stm32f405"
INPUT = (49, 10, 1)
CLASSES = 12
CHANNELS = 64
PUBLISHED = {"microTVM + CMSIS-NN": 4.51}
"""Cycles per multiply-accumulate of DS-CNN on a Cortex-M4, MLPerf Tiny, closed division."""
FIRST_MACS = 25 * 5 * CHANNELS * 10 * 4
"""Of the first convolution."""
BOTH_CORES = {"Plumerai": (2.16, 1.81), "X-CUBE-AI 10": (1.96, 1.75)}
"""The same on a Cortex-M4 and on a Cortex-M33."""


@dataclass(frozen=True)
class Quicker:
    """Modelled cycles of one run of ours on the two cores."""

    macs: int
    m4: int
    m33: int

    @property
    def ratio(self) -> float:
        """Cycles of a Cortex-M33 for each of a Cortex-M4."""
        return self.m33 / self.m4

    @property
    def errors(self) -> dict[str, float]:
        """By how much that is above what each engine's publisher found; a fraction."""
        return {name: self.ratio / (m33 / m4) - 1 for name, (m4, m33) in BOTH_CORES.items()}


def ds_cnn() -> bytes:
    """The network as int8 .tflite, with weights drawn by a seed."""
    import keras

    from paritone import quantization

    keras.utils.set_random_seed(1)
    layers = keras.layers
    given = {"activation": "relu", "bias_initializer": "random_normal"}
    inputs = keras.Input(INPUT)
    x = layers.Conv2D(CHANNELS, (10, 4), strides=2, padding="same", **given)(inputs)
    for _ in range(4):
        x = layers.DepthwiseConv2D(3, padding="same", **given)(x)
        x = layers.Conv2D(CHANNELS, 1, **given)(x)
    x = layers.GlobalAveragePooling2D()(x)  # MEAN, which bakenn leaves out: few of the cycles
    outputs = layers.Dense(CLASSES, **{**given, "activation": "softmax"})(x)
    noise = np.random.default_rng(2).normal(0, 1, (8, *INPUT)).astype(np.float32)
    return quantization.convert(keras.Model(inputs, outputs), noise, "int8", "int8")


def quicker(model: Path, folder: Path) -> Quicker:
    """Run a network of ours once on the emulated STM32F405; cycles by both models.

    Parameters
    ----------
    model : whose input is `INPUT`
    folder : for what is generated and built
    """
    shape = (f"n_mels={INPUT[0]}", f"patch_length={INPUT[1]}")
    overrides = [f"feature_extraction.{text}" for text in shape]
    example = sources.root() / "examples" / project.CONFIG_NAME
    found = project.find([str(model), *overrides], example, BOARD, folder)
    firmware = found.build()
    folder.mkdir(exist_ok=True)
    counts = [counted_board.Counts(firmware, folder, core) for core in (CORTEX_M4, CORTEX_M33)]
    patch = np.random.default_rng(5).integers(-128, 128, INPUT[:2]).astype(np.int8)
    with device.open(BOARD, firmware, counting=True, arguments=counts[0].arguments) as opened:
        opened.write(patch)
        opened.run()
        m4, m33 = (one.windows()[-1].total.cycles for one in counts)
    return Quicker(firmware.manifest["macs"], m4, m33)


def cmsis_nn(model: Path, folder: Path) -> float:
    """Modelled cycles per multiply-accumulate of the layers that CMSIS-NN computes for bakenn.

    Raises
    ------
    ModelError, ToolMissingError
        bakenn refuses the model, or cannot be built.
    """
    ran = bakenn.measure(model, folder)
    symbols = run.run_counted(next(folder.glob("*.elf"))).symbols
    cycles = sum(cost.cycles for name, cost in symbols.items() if name.startswith("arm_"))
    return cycles / (ran.macs - FIRST_MACS)


def main() -> None:
    """Print both models beside what was published."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = folder / "ds_cnn.tflite"
        model.write_bytes(ds_cnn())
        ours = quicker(model, folder / "ours")
        peers = folder / "bakenn"
        peers.mkdir()
        per_mac = cmsis_nn(model, peers) if bakenn.installed() else None
    print(f"DS-CNN, {ours.macs:,} multiply-accumulates; cycles of ours are modelled")
    if per_mac is None:
        print("Cortex-M4: bakenn is not installed here: pip install 'paritone[peers]'")
    else:
        print(f"Cortex-M4, CMSIS-NN, all but the first layer: {per_mac:.2f} cycles per MAC")
        for name, published in PUBLISHED.items():
            print(f"  {name}, all: {published:.2f}; modelled is {per_mac / published - 1:+.0%}")
    print(
        f"Cortex-M33 against Cortex-M4, ours: {ours.m33 / ours.macs:.2f} and "
        f"{ours.m4 / ours.macs:.2f} cycles per MAC: {ours.ratio:.3f}"
    )
    for name, error in ours.errors.items():
        m4, m33 = BOTH_CORES[name]
        print(f"  {name}, published: {m33 / m4:.3f}; modelled is {error:+.0%}")


if __name__ == "__main__":
    main()
