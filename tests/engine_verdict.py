"""Models on the native engine and on both oracles: what differs, and what the oracles dispute."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from paritone import parity
from paritone.engine.plan import Plan, plan
from paritone.engine.tflite import parse
from paritone.errors import ModelError
from paritone.native.engine import Engine
from paritone.tflite_reference import Reference
from tflite_models import Case


@dataclass
class Verdict:
    """Counts over models; `disputed`, `refused` and `other` have them by operator.

    The reference kernels judge, but tflite-micro where a model sums int8 values: what the other
    oracle says differently is disputed, and so is a model that tflite-micro does not run.
    """

    models: int = 0
    values: int = 0
    by_kind: Counter = field(default_factory=Counter)
    disputed: Counter = field(default_factory=Counter)
    refused: Counter = field(default_factory=Counter)

    def add(self, case: Case, chosen: Plan | None = None) -> list[list[np.ndarray]]:
        """Run a model; AssertionError where it differs. The outputs for each set of values."""
        engine = Engine(chosen or plan(parse(case.content)))
        kinds = {op.kind for op in engine.plan.graph.ops}
        name = "+".join(sorted(kinds)) if len(kinds) == 1 else "network"
        self.models += 1
        self.by_kind[name] += 1
        reference, micro = Reference(case.content).invoke_all, self._micro(case, engine, name)
        judge, other = (micro, reference) if "SUM" in kinds else (reference, micro)
        outputs, disputed = [], 0
        for patch in case.patches:
            values = patch if isinstance(patch, tuple) else (patch,)
            outputs.append(invoke(engine, values))
            disputed += self._compare(outputs[-1], judge(values), other and other(values))
        self.disputed[name] += disputed > 0
        return outputs

    def _micro(self, case, engine, name):
        if not case.micro:
            self.refused[name] += 1
            return None
        try:
            run = parity.micro_all(case.content, len(engine.plan.outputs))
            run([np.zeros(t.shape, t.dtype) for t in engine.plan.inputs])
        except (ModelError, RuntimeError):
            self.refused[name] += 1
            return None
        return run

    def _compare(self, got, expected, other) -> bool:
        for index, (a, b) in enumerate(zip(expected, got, strict=True)):
            assert (a.dtype, a.size) == (b.dtype, b.size)
            differ = np.flatnonzero(bits(a) != bits(b))
            self.values += a.size
            assert not differ.size, (
                f"output {index}: {differ.size} of {a.size} differ, first at {differ[0]}: expected "
                f"{a.reshape(-1)[differ[0]]}, got {b.reshape(-1)[differ[0]]}"
            )
        return other is not None and any(
            np.any(bits(a) != bits(b)) for a, b in zip(other, got, strict=True)
        )

    def __str__(self) -> str:
        def listed(counts: Counter) -> str:
            return ", ".join(f"{k} {n}" for k, n in sorted(counts.items()) if n) or "none"

        return (
            f"{self.models} models, {self.values} values, 0 mismatches; {listed(self.by_kind)}\n"
            f"disputed between the oracles, by model: {listed(self.disputed)}\n"
            f"not run by tflite-micro: {listed(self.refused)}"
        )


def invoke(engine: Engine, values: tuple) -> list[np.ndarray]:
    """All outputs; the arena is poisoned before, nothing past its end may be written."""
    engine.arena.fill(parity.POISON)
    outputs = engine.invoke_all(values)
    size = engine.plan.arena_bytes
    assert np.all(engine.arena[size:] == parity.POISON), "written past the arena"
    return outputs


def bits(values: np.ndarray) -> np.ndarray:
    """Values as they are compared: floats by their bits."""
    flat = np.asarray(values).reshape(-1)
    return flat.view(np.uint32) if flat.dtype == np.float32 else flat
