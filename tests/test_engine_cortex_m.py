"""The engine on emulated cores: random models, whole models on real patches, as on the host.

The host's outputs are compared with both oracles in the same run. ``PARITONE_BOARD_MODELS`` and
``PARITONE_BOARD_NETWORKS`` set how many random ones, ``PARITONE_PATCHES`` how many patches.
"""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass

import numpy as np
import pytest

import emulated_models
from cortex_m_emulator import M4, M7, M33
from engine_networks import networks
from engine_verdict import Verdict
from paritone import config as configuration
from paritone import datasets, parity, quantization
from paritone.datasets import clips
from paritone.engine.plan import OPTIMIZATIONS, plan
from paritone.engine.tflite import parse
from paritone.models.load import load_keras
from paritone.models.miniresnet import miniresnet
from paritone.models.yamnet import yamnet
from test_engine import randomise
from test_engine_models import SINGLE, drawn, share
from tflite_models import Case

pytestmark = pytest.mark.usefixtures("tflite_schema")

PLACES = {
    "test_audio_path": "audio",
    "test_csv_path": "meta/test.csv",
    "quantization_audio_path": "audio",
    "quantization_csv_path": "meta/calibration.csv",
}

MODELS = int(os.environ.get("PARITONE_BOARD_MODELS", "20"))
NETWORKS = int(os.environ.get("PARITONE_BOARD_NETWORKS", "3"))
PATCHES = int(os.environ.get("PARITONE_PATCHES", "2"))


@dataclass
class Judged:
    """Models, their patches, and what the host makes of them: equal to both oracles."""

    cases: list
    expected: list
    verdict: Verdict

    @staticmethod
    def of(cases):
        """Run `cases` on the host."""
        verdict = Verdict()
        return Judged(cases, verdict.judge(cases), verdict)

    def check(self, core, folder, points=OPTIMIZATIONS):
        """Run them on a core, one after the other at each of `points` in turn."""
        graphs = [parse(case.content) for case in self.cases]
        turn = itertools.cycle(points)
        plans = [plan(graph, next(turn)) for graph in graphs]
        patches = [[p if isinstance(p, tuple) else (p,) for p in c.patches] for c in self.cases]
        values = emulated_models.check(plans, patches, self.expected, core, folder)
        print(f"{core.name}: {values} values, 0 mismatches; host: {self.verdict}")


def test_single_operators(tmp_path):
    cases = [case for kind in SINGLE for case in drawn(SINGLE[kind], share(kind, MODELS))]
    Judged.of(cases).check(M4, tmp_path)


def test_networks(tmp_path):
    Judged.of(drawn(networks(), NETWORKS)).check(M4, tmp_path)


@pytest.fixture(scope="session")
def real(examples):
    """Float log-mel patches of shipped clips that no model was trained on, 8 or more."""
    config = configuration.load_file(
        examples / "user_config.yaml",
        [f"general.model_path={examples / 'esc10_dscnn.h5'}"]
        + [f"dataset.{key}={examples / 'esc10' / place}" for key, place in PLACES.items()],
    )
    found = datasets.load(config, "test")
    # A clip has 2 patches at least.
    chosen = found.clips[:: max(1, 2 * len(found.clips) // max(PATCHES, 8))]
    prepared = clips.ClipStore(config).load(datasets.Dataset(chosen, found.class_names))
    return np.concatenate([clip.patches for clip in prepared])


def whole_models(examples, shared_data):
    """Float models: MiniResNets, YAMNet with its trained weights if they are there, the shipped."""
    made = [miniresnet(1, "v1", 10), miniresnet(1, "v2", 10, pooling="max")]
    if shared_data is None:
        made.append(yamnet(256, 10))
    for model in made:
        randomise(model, np.random.default_rng(3))
    if shared_data is not None:
        made.append(load_keras(shared_data / "models/yamnet_256_64x96_tl.h5"))
    return [*made, load_keras(examples / "esc10_dscnn.h5")]


@pytest.fixture(scope="session")
def whole(real, examples, shared_data):
    """Each whole model on real patches, calibrated on some of them."""
    spread = np.linspace(0, len(real) - 1, PATCHES).astype(int)
    cases = []
    for model in whole_models(examples, shared_data):
        content = quantization.convert(model, real[:: len(real) // 8], "int8", "int8")
        patches = parity.quantized(real[spread], plan(parse(content)).inputs[0])
        cases.append(Case(content, patches))
    return Judged.of(cases)


@pytest.mark.parametrize("core", [M4, M33, M7], ids=lambda core: core.name)
def test_whole_models(whole, core, tmp_path):
    for point in OPTIMIZATIONS if PATCHES > 2 else OPTIMIZATIONS[:1]:
        folder = tmp_path / point
        folder.mkdir()
        whole.check(core, folder, [point])
