"""TRANSPOSE, PAD, STRIDED_SLICE, SPLIT and CONCATENATION: values move, none changes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from paritone.engine import params
from paritone.engine.lowering.operands import (
    Operands,
    Step,
    four,
    layer_name,
    same_quantization,
    shape4,
    step_of,
    strides,
)
from paritone.engine.tflite import TensorInfo
from paritone.errors import ModelError


def _element_bytes(source: TensorInfo, output: TensorInfo) -> int:
    if source.dtype not in ("int8", "uint8", "float32"):
        raise ModelError(f"tensor {source.name!r} is {source.dtype}")
    same_quantization(source, output)
    return np.dtype(source.dtype).itemsize


def transpose(o: Operands) -> Step:
    """Step of TRANSPOSE."""
    source, output = o.activation(0), o.output
    rank, order = len(source.shape), o.integers(1)
    shape4(source)
    if sorted(order) != list(range(rank)):
        raise ModelError(f"order {order} does not permute {rank} axes")
    o.expect_output([source.shape[a] for a in order])
    dense = strides(source.shape)
    read = [dense[a] for a in order]
    return _copy(o, source, output, output.shape, (0, read), (0, strides(output.shape)))


_Side = tuple[int, Sequence[int]]


def _copy(
    o: Operands, source: TensorInfo, output: TensorInfo, shape: Sequence[int], read: _Side,
    write: _Side,
) -> Step:  # fmt: skip
    """Step that copies a block; `read` and `write` are its start and strides on either side."""
    shape4(source)
    shape4(output)
    extents, reads, writes = _merged(shape, read[1], write[1])
    step = params.StridedCopy(
        _element_bytes(source, output), extents, read[0], reads, write[0], writes
    )
    return Step("STRIDED_COPY", layer_name(output), (source.index,), output.index, step)


def _merged(
    shape: Sequence[int], read: Sequence[int], write: Sequence[int]
) -> tuple[params.Four, params.Four, params.Four]:
    """The same block with as long rows as there are: axes that run on are one."""
    axes: list[tuple[int, int, int]] = []
    for n, a, b in zip(shape, read, write, strict=True):
        if axes and n > 1 and (axes[-1][1], axes[-1][2]) == (n * a, n * b):
            axes[-1] = (axes[-1][0] * n, a, b)
        elif n > 1:
            axes.append((n, a, b))
    extents, reads, writes = zip(*axes or [(1, 1, 1)], strict=True)
    return four(extents, 1), four(reads, 0), four(writes, 0)


def strided_slice(o: Operands) -> Step:
    """Step of STRIDED_SLICE; Python's slices have the reference's rules for ends and signs."""
    source, output, options = o.activation(0), o.output, o.op.options
    rank, given = len(source.shape), [o.integers(i) for i in (1, 2, 3)]
    if options["ellipsis_mask"] or options["new_axis_mask"] or options["offset"]:
        raise ModelError("an ellipsis, a new axis and ends as offsets are not supported: name "
                         "each axis, reshape afterwards")  # fmt: skip
    if any(len(g) != rank for g in given) or 0 in given[2]:
        raise ModelError(f"begin, end and strides {given} do not fit {rank} axes")
    ranges = [
        _range(options, axis, n, *bounds)
        for axis, (n, *bounds) in enumerate(zip(source.shape, *given, strict=True))
    ]
    kept = [a for a in range(rank) if not options["shrink_axis_mask"] >> a & 1]
    o.expect_output([len(ranges[a]) for a in kept])
    dense = strides(source.shape)
    start = sum(r.start * s for r, s in zip(ranges, dense, strict=True))
    read = [ranges[a].step * dense[a] for a in kept]
    return _copy(o, source, output, output.shape, (start, read), (0, strides(output.shape)))


def _range(
    options: dict[str, int], axis: int, size: int, begin: int, end: int, stride: int
) -> range:
    """Positions that a slice takes along `axis`."""

    def masked(name: str) -> bool:
        return bool(options[name] >> axis & 1)

    if masked("shrink_axis_mask"):
        start = 0 if masked("begin_mask") else begin + size if begin < 0 else begin
        if not 0 <= start < size or stride < 0:
            raise ModelError(f"index {begin} with stride {stride} is outside axis {axis}")
        return range(start, start + 1)
    first = None if masked("begin_mask") else begin
    last = None if masked("end_mask") else end
    return range(*slice(first, last, stride).indices(size))


def split(o: Operands) -> tuple[Step, ...]:
    """A step for each output of SPLIT."""
    source, outputs = o.activation(1), o.outputs
    axis = _axis(o.integers(0), source)
    parts = len(outputs)
    length = source.shape[axis] // parts
    if length * parts != source.shape[axis] or o.op.options["parts"] != parts:
        raise ModelError(f"{parts} outputs do not split axis {axis} of {source.shape}")
    dense = strides(source.shape)
    shape = [length if a == axis else n for a, n in enumerate(source.shape)]
    if any(output.shape != tuple(shape) for output in outputs):
        raise ModelError(f"outputs have shapes {[t.shape for t in outputs]}, computed {shape}")
    return tuple(
        _copy(o, source, output, shape, (i * length * dense[axis], dense), (0, strides(shape)))
        for i, output in enumerate(outputs)
    )


def concatenation(o: Operands) -> tuple[Step, ...]:
    """A step for each input of CONCATENATION, the last of which completes the output."""
    sources, output = [o.activation(i) for i in range(len(o.op.inputs))], o.output
    axis = _axis([o.op.options["axis"]], output)
    if o.op.options["activation"]:
        raise ModelError("a fused activation is not supported: apply it to the inputs")
    if any(_without(s.shape, axis) != _without(output.shape, axis) for s in sources):
        raise ModelError(f"shapes {[s.shape for s in sources]} do not join along axis {axis}")
    *starts, length = accumulate((s.shape[axis] for s in sources), initial=0)
    o.expect_output([length if a == axis else n for a, n in enumerate(output.shape)])
    dense = strides(output.shape)
    return tuple(
        _copy(o, s, output, s.shape, (0, strides(s.shape)), (start * dense[axis], dense))
        for s, start in zip(sources, starts, strict=True)
    )


def _without(shape: Sequence[int], axis: int) -> tuple[int, ...]:
    return (*shape[:axis], -1, *shape[axis + 1 :])


def _axis(given: Sequence[int], tensor: TensorInfo) -> int:
    """The one axis of `given`, which may count from the end."""
    rank = len(tensor.shape)
    if len(given) != 1 or not -rank <= given[0] < rank:
        raise ModelError(f"axis {list(given)} does not fit {rank} axes")
    return given[0] % rank


def pad(o: Operands) -> Step:
    """Step of PAD."""
    source, output = o.activation(0), o.output
    rank, amounts = len(source.shape), o.integers(1)
    shape = shape4(source)
    if len(amounts) != 2 * rank or min(amounts, default=0) < 0:
        raise ModelError(f"paddings {amounts} do not fit {rank} axes")
    before, after = amounts[0::2], amounts[1::2]
    o.expect_output([b + n + a for b, n, a in zip(before, source.shape, after, strict=True)])
    size = _element_bytes(source, output)
    step = params.Pad(size, shape, four(before, 0), four(after, 0), _pad_value(o, source))
    return step_of(o, "PAD", step, by_rows=step.one_image)


def _pad_value(o: Operands, source: TensorInfo) -> params.Four:
    """Bytes of one element: PADV2's constant, or real zero."""
    if o.op.kind == "PADV2":
        same_quantization(o.input(2), source)
        raw = o.constant(2).reshape(-1)[:1].tobytes()
    else:
        raw = np.array([source.zero_point], source.dtype).tobytes()
    return four(list(raw[::-1]), 0)[::-1]
