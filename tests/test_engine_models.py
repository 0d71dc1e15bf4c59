"""Random models, PARITONE_MODELS of one operator each: bit for bit as both oracles compute."""

from __future__ import annotations

import math
import os

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import engine_models as models
import test_engine_layout as layouts
import test_engine_ops
from engine_networks import networks
from engine_verdict import Verdict

pytestmark = [pytest.mark.parity, pytest.mark.usefixtures("tflite_schema")]

SINGLE = {
    "CONV_2D": models.convolutions(),
    "DEPTHWISE_CONV_2D": models.depthwise_convolutions(),
    "FULLY_CONNECTED": models.dense_layers(),
    "pooling": models.poolings(),
    "reduction": models.reductions(),
    "binary": models.binaries(),
    "SOFTMAX": models.softmaxes(),
    "activation": models.lookups(),
    "PRELU": models.prelus(),
    "ends": st.one_of(models.requantizations(), models.ends()),
    "layout": st.one_of(
        layouts.slices(), layouts.splits(), layouts.concatenations(), layouts.views(),
        layouts.paddings(), test_engine_ops.layouts(),
    ),
}  # fmt: skip
# The products have the most ways to go wrong.
WEIGHTS = {"CONV_2D": 6, "DEPTHWISE_CONV_2D": 4, "FULLY_CONNECTED": 3, "binary": 2}
COUNT = int(os.environ.get("PARITONE_MODELS", "120"))
NETWORKS = int(os.environ.get("PARITONE_NETWORKS", "10"))


def share(kind: str, count: int = COUNT) -> int:
    """How many of at least `count` models are of this kind."""
    total = sum(WEIGHTS.get(k, 1) for k in SINGLE)
    return math.ceil(count * WEIGHTS.get(kind, 1) / total)


def settled(count: int) -> settings:
    """Many or few examples, the same ones every time."""
    return settings(
        max_examples=count,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def drawn(strategy, count):
    """`count` examples, the same ones every time."""
    found = []

    @settled(count)
    @given(strategy)
    def collect(case):
        found.append(case)

    collect()
    return found


@pytest.mark.parametrize("kind", SINGLE)
def test_single_operator(kind):
    verdict = Verdict()
    verdict.judge(drawn(SINGLE[kind], share(kind)))
    print(verdict)


def test_networks():
    verdict = Verdict()
    verdict.judge(drawn(networks(), NETWORKS))
    print(verdict)
