"""The engine against TensorFlow Lite's reference kernels and tflite-micro, bit for bit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from paritone.engine.plan import Plan
from paritone.engine.tflite import Graph, TensorInfo
from paritone.errors import ModelError, ToolMissingError
from paritone.references.tflite import Reference, quantize_input

if TYPE_CHECKING:
    from paritone.config import Config
    from paritone.device import Device
    from paritone.native.engine import Engine

Array = NDArray[Any]
Run = Callable[[Array], Array]

REFERENCE = "tflite-reference"
MICRO = "tflite-micro"
POISON = 0xA5
MICRO_ARENA_BYTES = 1 << 25


@dataclass(frozen=True)
class Mismatch:
    """The first value that differs; `layer` is given when every layer was compared."""

    patch: int
    index: int
    expected: float
    got: float
    layer: int | None = None
    layer_name: str | None = None

    def __str__(self) -> str:
        where = "" if self.layer is None else f", layer {self.layer} ({self.layer_name})"
        return f"patch {self.patch}{where}, index {self.index}: {self.expected} != {self.got}"


@dataclass(frozen=True)
class Comparison:
    """Outcome of one implementation against another; `values` counts all that were compared.

    `disputed` counts values on which the two references disagree and ours is as TensorFlow Lite's:
    tflite-micro rounds a FULLY_CONNECTED twice, TensorFlow Lite 2.21 once. Of a SUM of int8 values
    it is ours that is as tflite-micro's: TensorFlow Lite 2.21 adds them as unsigned bytes.
    """

    between: tuple[str, str]
    patches: int
    values: int
    mismatched: int
    first: Mismatch | None
    disputed: int = 0

    def record(self) -> dict[str, Any]:
        """The comparison as JSON has it."""
        return asdict(self)


class Tally:
    """Counts differing values, patch after patch."""

    def __init__(self, between: tuple[str, str]) -> None:
        self.between = between
        self.patches = self.values = self.mismatched = self.disputed = 0
        self.first: Mismatch | None = None

    def add(
        self,
        expected: Array,
        got: Array,
        layer: int | None = None,
        name: str | None = None,
        judge: Array | None = None,
    ) -> None:
        """Compare one tensor of the current patch, bits as they are; `judge` settles disputes."""
        a, b = expected.reshape(-1), got.reshape(-1)
        if a.dtype != b.dtype or a.size != b.size:
            raise ModelError(
                f"{self.between[0]} gives {a.size} values of {a.dtype}, "
                f"{self.between[1]} {b.size} of {b.dtype}"
            )
        unequal = _bits(a) != _bits(b)
        if judge is not None:
            disputed = unequal & (_bits(judge.reshape(-1)) == _bits(b))
            self.disputed += int(disputed.sum())
            unequal &= ~disputed
        differ = np.flatnonzero(unequal)
        self.values += a.size
        self.mismatched += differ.size
        if differ.size and self.first is None:
            i = int(differ[0])
            self.first = Mismatch(self.patches, i, a[i].item(), b[i].item(), layer, name)

    def done(self) -> Comparison:
        """What was found."""
        return Comparison(
            self.between, self.patches, self.values, self.mismatched, self.first, self.disputed
        )


def _bits(values: Array) -> Array:
    return values.view(np.uint32) if values.dtype == np.float32 else values


def compare(
    engine: Engine, content: bytes, patches: Sequence[Array], title: str = "Parity"
) -> list[Comparison]:
    """Outputs of `engine` against both oracles on every patch of `patches`.

    `content` is the ``.tflite`` file; the arena is poisoned before each invocation. Where a model
    sums int8 values, tflite-micro settles what is disputed; its comparison stays empty where it
    lacks an operator.
    """
    micro_settles = bool(_sums(engine.plan.graph))
    run_reference, run_micro = Reference(content).invoke, _micro_if_it_runs(content)
    by_reference, by_micro = Tally((REFERENCE, "native")), Tally((MICRO, "native"))
    for patch in _tracked(patches, title):
        engine.arena.fill(POISON)
        got = engine.invoke(patch)
        expected = run_reference(patch)
        by_other = run_micro(patch) if run_micro else None
        by_reference.add(expected, got, judge=by_other if micro_settles else None)
        by_reference.patches += 1
        if by_other is not None:
            by_micro.add(by_other, got, judge=expected)
            by_micro.patches += 1
    return [by_reference.done(), by_micro.done()]


def _micro_if_it_runs(content: bytes) -> Run | None:
    try:
        return micro(content)
    except ModelError:
        return None


def compare_layers(engine: Engine, content: bytes, patches: Sequence[Array]) -> Comparison:
    """Every layer's output against the reference kernels; stops after the first bad patch.

    Leaves out what depends on a sum of int8 values, on which the reference kernels are wrong.
    """
    reference = Reference(content, every_tensor=True)
    left_out = _sums(engine.plan.graph)
    tally = Tally((REFERENCE, "native"))
    for patch in _tracked(patches, "Layers"):
        engine.arena.fill(POISON)
        got = engine.layers(patch)
        reference.invoke(patch)
        for number, step in enumerate(engine.plan.steps):
            if not engine.plan.completes(number) or step.output in left_out:
                continue
            tally.add(reference.tensor(step.output), got[number], number, step.name)
        tally.patches += 1
        if tally.mismatched:
            break
    return tally.done()


def _sums(graph: Graph) -> set[int]:
    """Tensors that depend on a SUM of int8 values, in the order of execution.

    TensorFlow Lite 2.21 adds int8 values as if they were unsigned; tflite-micro does not.
    """
    found: set[int] = set()
    for op in graph.ops:
        summed = op.kind == "SUM" and graph.tensors[op.inputs[0]].dtype == "int8"
        if summed or found & set(op.inputs):
            found |= set(op.outputs)
    return found


def compare_runs(name: str, run: Run, engine: Engine, patches: Sequence[Array]) -> Comparison:
    """Another implementation, such as a board, against the native engine."""
    tally = Tally(("native", name))
    for patch in _tracked(patches, name):
        tally.add(engine.invoke(patch), run(patch))
        tally.patches += 1
    return tally.done()


def compare_board_layers(
    name: str, device: Device, engine: Engine, patches: Sequence[Array]
) -> Comparison:
    """Every layer of a board against the native engine; a layer is read back when its CRC differs.

    Stops after the first bad patch.
    """
    from paritone.device import crc32
    from paritone.native.engine import rows_of

    tally = Tally(("native", name))
    for patch in _tracked(patches, f"{name}, layers"):
        layers = engine.layers(patch)
        for run in device.calls(patch):
            number = run.call.step
            if not engine.plan.completes(number):
                continue
            expected = rows_of(layers[number], run.call, engine.plan)
            got = expected
            if run.crc32 != crc32(expected):
                got = np.frombuffer(device.rows(run.size), np.uint8)
            kind = layers[number].dtype
            name = engine.plan.steps[number].name
            tally.add(expected.view(kind), got.view(kind), number, name)
        tally.patches += 1
        if tally.mismatched:
            break
    return tally.done()


def _tracked(patches: Sequence[Array], title: str) -> Iterable[Array]:
    from paritone.progress import track

    return track(patches, title, len(patches))


def micro(content: bytes) -> Run:
    """tflite-micro's interpreter as a function of one patch."""
    run_all = micro_all(content, 1)
    return lambda patch: run_all([patch])[0]


def micro_all(content: bytes, n_outputs: int) -> Callable[[Sequence[Array]], list[Array]]:
    """tflite-micro's interpreter as a function of all inputs that gives all outputs."""
    try:
        from tflite_micro.python.tflite_micro import runtime
    except ImportError as error:
        raise ToolMissingError(
            "tflite-micro is not there: python -m pip install tflite-micro (Linux)"
        ) from error
    try:
        interpreter = runtime.Interpreter.from_bytes(content, arena_size=MICRO_ARENA_BYTES)
    except RuntimeError as error:
        raise ModelError(f"tflite-micro refuses the model: {error}") from error

    def run(values: Sequence[Array]) -> list[Array]:
        for index, value in enumerate(values):
            interpreter.set_input(value, index)
        interpreter.invoke()
        return [np.asarray(interpreter.get_output(i)) for i in range(n_outputs)]

    return run


def random_patches(info: TensorInfo, count: int, seed: int) -> list[Array]:
    """Zeros, an impulse, full scale, a ramp, then seeded noise, in the format of `info`.

    Float inputs get noise with the spread of log-mel values.
    """
    rng = np.random.default_rng(seed)
    floating = info.dtype == "float32"
    low, high = (-9.21, 5.31) if floating else _limits(info.dtype)
    zero = np.full(info.shape, 0 if floating else info.zero_point, info.dtype)
    impulse = zero.copy()
    impulse.reshape(-1)[info.size // 2] = high
    full = [np.full(info.shape, v, info.dtype) for v in (low, high)]
    ramp = np.linspace(low, high, info.size).astype(info.dtype).reshape(info.shape)
    patches = [zero, impulse, *full, ramp][:count]
    while len(patches) < count:
        noise = rng.normal(-1.07, 2.34, info.shape) if floating else _noise(rng, info)
        patches.append(noise.astype(info.dtype))
    return patches


def _noise(rng: np.random.Generator, info: TensorInfo) -> Array:
    low, high = _limits(info.dtype)
    return rng.integers(low, high + 1, info.shape)


def _limits(dtype: str) -> tuple[int, int]:
    limits = np.iinfo(dtype)
    return int(limits.min), int(limits.max)


def file_patches(path: Path, info: TensorInfo) -> list[Array]:
    """Patches of a ``.npy`` file [patches, ...]: in the model's dtype, or float log-mel."""
    try:
        values = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ModelError(f"{path}: not a NumPy array: {error}") from error
    if values.ndim < 1 or values.size != len(values) * info.size or not len(values):
        raise ModelError(f"{path}: shape {values.shape}, expected (patches, {info.shape[1:]})")
    if values.dtype.name == info.dtype:
        return [v.reshape(info.shape) for v in values]
    if values.dtype.kind != "f":
        raise ModelError(f"{path}: {values.dtype} values, expected {info.dtype} or float32")
    return quantized(values, info)


def quantized(patches: Array, info: TensorInfo) -> list[Array]:
    """Float log-mel `patches` in the format of `info`: round(x / scale + zero point), clipped."""
    values = quantize_input(patches, np.dtype(info.dtype).type, info.scale, info.zero_point)
    return [v.reshape(info.shape) for v in values]


def real_patches(plan: Plan, config: Config, count: int) -> list[Array]:
    """At most `count` patches of the configuration's test clips, evenly drawn; none without."""
    from paritone import datasets
    from paritone.datasets import clips
    from paritone.generate import check_input

    features = config.feature_extraction
    check_input(plan.inputs[0], features.n_mels, features.patch_length)
    data = datasets.load(config, "test")
    if data is None or count < 1:
        return []
    chosen = data.clips[:: max(1, len(data.clips) // count)]
    prepared = clips.ClipStore(config).load(datasets.Dataset(chosen, data.class_names))
    every = np.concatenate([clip.patches for clip in prepared])
    picked = np.linspace(0, len(every) - 1, min(count, len(every))).astype(int)
    return quantized(every[picked], plan.inputs[0])
