"""What was generated, beside the C; and files that change only when their text does."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from paritone.engine import kinds, params
from paritone.engine.memory_map import Region
from paritone.engine.plan import Plan
from paritone.engine.tflite import TensorInfo

FILE_NAME = "manifest.json"


@dataclass(frozen=True)
class Layer:
    """One step of the model.

    ``kind`` is one of `paritone.engine.kinds`, ``constant_bytes`` all that its kernel reads from
    flash: weights, biases, factors, tables.
    """

    name: str
    kernel: str
    kind: str
    shape: tuple[int, ...]
    macs: int
    weights_bytes: int
    constant_bytes: int


@dataclass(frozen=True)
class Tensor:
    """The model's input or output."""

    dtype: str
    shape: tuple[int, ...]
    scale: float
    zero_point: int


@dataclass(frozen=True)
class Manifest:
    """Contents of ``manifest.json``; hashes are hexadecimal SHA-256, sizes bytes.

    ``input`` and ``output`` are the first ones. A model alone has no configuration, no frontend.
    ``calls`` holds step, first row and rows of each call, in order of execution;
    ``class_thresholds`` are there where a clip has several labels;
    ``stream_bytes`` is what a core with the DSP extension takes; others may take more.
    """

    generator: str
    format: int
    configuration_sha256: str | None
    model_sha256: str
    frontend_sha256: str | None
    input: Tensor
    output: Tensor
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    macs: int
    weights_bytes: int
    arena_bytes: int
    input_bytes: int
    output_bytes: int
    patch_bytes: int
    stream_bytes: int
    layers: tuple[Layer, ...]
    calls: tuple[tuple[int, int, int], ...]
    optimization: str
    memory: tuple[Region, ...]
    class_thresholds: dict[str, float] | None = None

    def text(self) -> str:
        """JSON, keys in the order of the fields."""
        return json.dumps(asdict(self), indent=2) + "\n"


def layers(plan: Plan) -> tuple[Layer, ...]:
    """Every step of `plan`, in order."""
    return tuple(
        Layer(
            step.name,
            step.kernel,
            kinds.kind_of(step),
            plan.tensor(number).shape,
            step.macs,
            step.weights_bytes,
            sum(array.nbytes for _, array in params.arrays(step.params)),
        )
        for number, step in enumerate(plan.steps)
    )


def calls(plan: Plan) -> tuple[tuple[int, int, int], ...]:
    """Every call of `plan`, in order."""
    return tuple((c.step, c.first_row, c.rows) for c in plan.calls)


def tensor(info: TensorInfo) -> Tensor:
    """`info` without its name and data."""
    return Tensor(info.dtype, info.shape, info.scale, info.zero_point)


def read(folder: Path) -> dict[str, Any]:
    """The manifest in `folder`, as JSON holds it."""
    loaded: dict[str, Any] = json.loads((folder / FILE_NAME).read_text())
    return loaded


def write_all(folder: Path, texts: dict[str, str]) -> None:
    """Write each text to its file in `folder`, leaving files that hold it already untouched."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        path = folder / name
        if not path.is_file() or path.read_bytes() != text.encode():
            _replace(path, text)


def _replace(path: Path, text: str) -> None:
    handle, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
        Path(scratch).chmod(0o644)
        Path(scratch).replace(path)
    except BaseException:
        Path(scratch).unlink(missing_ok=True)
        raise
