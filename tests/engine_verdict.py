"""Models on the native engine and on both oracles: what differs, and what the oracles dispute."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import numpy as np

from paritone import parity
from paritone.engine.plan import OPTIMIZATIONS, Plan, plan
from paritone.engine.tflite import parse
from paritone.errors import ModelError
from paritone.generate.model import model_c
from paritone.native import build
from paritone.native.engine import Engine
from paritone.references.tflite import Reference
from tflite_models import Case

BATCH = 20
Values = list[np.ndarray]


@dataclass
class Verdict:
    """Counts over models; `disputed` and `refused` by operator.

    The reference kernels judge, but tflite-micro where a model sums int8 values: what the other
    oracle says differently is disputed; tflite-micro refuses what it does not run.
    """

    models: int = 0
    values: int = 0
    by_kind: Counter[str] = field(default_factory=Counter)
    disputed: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    def judge(self, cases: Sequence[Case]) -> list[list[Values]]:
        """Run models at every point of optimization; AssertionError where one differs.

        Returns the outputs of each model for each set of values.
        """
        outputs = []
        for some in batches(cases, BATCH):
            plans = [[plan(parse(c.content), o) for o in OPTIMIZATIONS] for c in some]
            with loaded([p for each in plans for p in each]):
                outputs += [self._case(c, each) for c, each in zip(some, plans, strict=True)]
        return outputs

    def _case(self, case: Case, plans: list[Plan]) -> list[Values]:
        kinds = {op.kind for op in plans[0].graph.ops}
        name = min(kinds) if len(kinds) == 1 else "network"
        self.models += 1
        self.by_kind[name] += 1
        micro = _micro(case, len(plans[0].outputs))
        self.refused[name] += micro is None
        reference = Reference(case.content).invoke_all
        judge, other = (micro, reference) if "SUM" in kinds else (reference, micro)
        sets = [p if isinstance(p, tuple) else (p,) for p in case.patches]
        expected = [judge(values) for values in sets]
        others = [expected[i] if other is None else other(v) for i, v in enumerate(sets)]
        self.disputed[name] += any(map(different, expected, others))
        for chosen in plans:
            engine = Engine(chosen)
            for values, outputs in zip(sets, expected, strict=True):
                message = different(outputs, invoke(engine, values))
                assert not message, f"{name} of model {self.models}: {message}"
        self.values += sum(o.size for outputs in expected for o in outputs)
        return expected

    def __str__(self) -> str:
        return (
            f"{self.models} models, {self.values} values, 0 mismatches at each of "
            f"{', '.join(OPTIMIZATIONS)}: {_listed(self.by_kind)}\n"
            f"disputed between the oracles: {_listed(self.disputed)}; "
            f"not run by tflite-micro: {_listed(self.refused)}"
        )


def batches(cases: Sequence[Case], size: int) -> Iterator[Sequence[Case]]:
    """`cases` in pieces of at most `size`."""
    return (cases[i : i + size] for i in range(0, len(cases), size))


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{k} {n}" for k, n in sorted(counts.items()) if n) or "none"


def _micro(case: Case, n_outputs: int) -> Callable[[Sequence[np.ndarray]], Values] | None:
    """tflite-micro on a model, None where it has not all that it takes."""
    if not case.micro:
        return None
    first = case.patches[0]
    try:
        run = parity.micro_all(case.content, n_outputs)
        run(first if isinstance(first, tuple) else (first,))
    except (ModelError, RuntimeError):
        return None
    return run


def invoke(engine: Engine, values: Sequence[np.ndarray]) -> Values:
    """All outputs; the arena is poisoned before, nothing past its end may be written."""
    engine.arena.fill(parity.POISON)
    outputs = engine.invoke_all(values)
    size = engine.plan.arena_bytes
    assert np.all(engine.arena[size:] == parity.POISON), "written past the arena"
    return outputs


def different(expected: Values, got: Values) -> str:
    """Where outputs first differ, bit for bit; empty where they do not."""
    for index, (a, b) in enumerate(zip(expected, got, strict=True)):
        if (a.dtype, a.size) != (b.dtype, b.size):
            return f"output {index} is {b.dtype} of {b.size}, expected {a.dtype} of {a.size}"
        differ = np.flatnonzero(bits(a) != bits(b))
        if differ.size:
            first = differ[0]
            return (
                f"output {index}: {differ.size} of {a.size} differ, first at {first}: expected "
                f"{a.reshape(-1)[first]}, got {b.reshape(-1)[first]}"
            )
    return ""


def bits(values: np.ndarray) -> np.ndarray:
    """Values as they are compared: floats by their bits."""
    flat = np.asarray(values).reshape(-1)
    return flat.view(np.uint32) if flat.dtype == np.float32 else flat


@contextmanager
def loaded(plans: Sequence[Plan]) -> Iterator[None]:
    """Compile many models at once: an `Engine` of any of `plans` finds its own."""
    texts = {id(p): model_c(p, "") for p in plans}
    numbers = {text: number for number, text in enumerate(dict.fromkeys(texts.values()))}
    with tempfile.TemporaryDirectory(prefix="paritone-") as folder:
        together = "\n".join(_numbered(text, number) for text, number in numbers.items())
        (Path(folder) / "models.c").write_text(together)
        found = {
            text: build.load_data(Path(folder), f"paritone_model_{number}", "paritone_model_t")
            for text, number in numbers.items()
        }
    with mock.patch("paritone.native.engine._load", lambda p: found[texts[id(p)]]):
        yield


def _numbered(text: str, number: int) -> str:
    """Generated C whose names no other model has."""
    names = r"(?<![.\w])(layer_\d+\w*|steps|calls|inputs|outputs|paritone_model)\b"
    return re.sub(names, rf"\1_{number}", text)
