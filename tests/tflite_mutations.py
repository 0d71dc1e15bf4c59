"""Damaged ``.tflite`` files: what may lie in a file that is not to be trusted, made from a seed."""

from __future__ import annotations

import copy
import math
import struct
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Rng = np.random.Generator

WORDS = [0, 1, 2, 3, 4, 127, 128, 255, 256, 4096, 65535, 1 << 20, 1 << 28, (1 << 31) - 1, 1 << 31]
FLOATS = [0.0, -1.0, 1e-38, 1e-45, 3e38, math.inf, -math.inf, math.nan, 1.0, 1 / 256]
DIMENSIONS = [0, -1, 1, 2, 3, 5, 255, 32768, 1 << 20, (1 << 31) - 1, -(1 << 31)]
ZERO_POINTS = [-(2**63), -(2**31), -129, -128, -127, 0, 1, 127, 128, 255, 256, 2**31, 2**63 - 1]
OPTIONS = [-(2**31), -1, 0, 1, 2, 3, 4, 5, 7, 100, 255, 4096, 4097, 65536, 2**31 - 1]
FACTORS = [0.0, -1.0, 0.5, 2.0, 1e-3, 1e3, 1e-30, 1e30, 1.0001, math.nan, math.inf]


def mutant(content: bytes, others: Sequence[bytes], seed: Sequence[int]) -> tuple[str, bytes]:
    """A damaged `content` and how it was damaged; `others` lend parts.

    Half of the damage is to the bytes, half to the records, which are written anew.
    """
    rng = np.random.default_rng(list(seed))
    kinds: list[tuple[str, float, Callable[[], bytes]]] = [
        ("flips", 0.15, lambda: _flips(content, rng)),
        ("words", 0.2, lambda: _words(content, rng)),
        ("cut", 0.05, lambda: _cut(content, rng)),
        ("splice", 0.1, lambda: _splice(content, others, rng)),
        ("records", 0.5, lambda: _records(content, rng)),
    ]
    name, _, make = kinds[rng.choice(len(kinds), p=[share for _, share, _ in kinds])]
    return name, make()


# ------------------------------------------------------------------ Bytes


def structure(content: bytes) -> np.ndarray:
    """Positions of `content` outside large constants: tables, offsets, small vectors."""
    import tflite

    inside = np.ones(len(content), bool)
    base = np.frombuffer(content, np.uint8).__array_interface__["data"][0]
    model = tflite.Model.GetRootAs(content, 0)
    for i in range(model.BuffersLength()):
        buffer = model.Buffers(i)
        if buffer.DataLength() > 64:
            start = buffer.DataAsNumpy().__array_interface__["data"][0] - base
            inside[start : start + buffer.DataLength()] = False
    return np.flatnonzero(inside)


def _places(content: bytes, rng: Rng, count: int, align: int) -> list[int]:
    """Positions to damage, nearly all of them in the structure."""
    found = structure(content) if rng.random() < 0.85 else np.arange(len(content))
    return [int(p) // align * align for p in rng.choice(found, count)]


def _flips(content: bytes, rng: Rng) -> bytes:
    damaged = bytearray(content)
    for at in _places(content, rng, int(rng.integers(1, 9)), 1):
        damaged[at] = (
            damaged[at] ^ 1 << rng.integers(8) if rng.random() < 0.5 else rng.integers(256)
        )
    return bytes(damaged)


def _words(content: bytes, rng: Rng) -> bytes:
    """Offsets, lengths and numbers of 32 bits, or a table's own offsets of 16."""
    damaged = bytearray(content)
    for at in _places(content, rng, int(rng.integers(1, 4)), 4):
        if at + 4 > len(content):
            continue
        if rng.random() < 0.2:
            struct.pack_into("<H", damaged, at + 2 * rng.integers(2), rng.integers(64))
        elif rng.random() < 0.2:
            struct.pack_into("<f", damaged, at, rng.choice(FLOATS))
        else:
            elsewhere = _places(content, rng, 1, 4)[0] - at
            old = struct.unpack_from("<I", content, at)[0]
            chosen = rng.choice([*WORDS, elsewhere, len(content) - at, old + 1, old - 1, -old])
            struct.pack_into("<I", damaged, at, int(chosen) & 0xFFFFFFFF)
    return bytes(damaged)


def _cut(content: bytes, rng: Rng) -> bytes:
    start, end = sorted(int(v) for v in rng.integers(0, len(content) + 1, 2))
    return content[:start] if rng.random() < 0.6 else content[:start] + content[end:]


def _splice(content: bytes, others: Sequence[bytes], rng: Rng) -> bytes:
    """A run of bytes from any model over, or between, those of this one."""
    lender = [content, *others][rng.integers(len(others) + 1)]
    size = int(2 ** rng.uniform(0, 10))
    source = _places(lender, rng, 1, 4)[0]
    at = _places(content, rng, 1, 4)[0]
    piece = lender[source : source + size]
    return content[:at] + piece + content[at + (len(piece) if rng.random() < 0.8 else 0) :]


# ------------------------------------------------------------------ Records


def _records(content: bytes, rng: Rng) -> bytes:
    """One to three changes of tensors, operators, options or ends; the file itself is sound."""
    import flatbuffers
    from tensorflow.lite.python import schema_py_generated as schema

    original = schema.ModelT.InitFromPackedBuf(content, 0)
    while True:
        model = copy.copy(original)
        graph = copy.deepcopy(original.subgraphs[0])
        model.subgraphs = [graph]
        model.operatorCodes = copy.deepcopy(original.operatorCodes)
        model.buffers = list(original.buffers)
        for _ in range(rng.choice([1, 1, 1, 2, 3])):
            _CHANGES[rng.integers(len(_CHANGES))](model, graph, rng)
        builder = flatbuffers.Builder(len(content) + 4096)
        try:
            builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        except (struct.error, TypeError, OverflowError, ValueError):
            continue  # a number that its field cannot hold
        return bytes(builder.Output())


def _one(values: Sequence[Any], rng: Rng) -> Any:
    return values[rng.integers(len(values))]


def _change_entry(values: Any, odd: Sequence[Any], rng: Rng) -> list[Any]:
    """The list with an entry odd, missing, repeated, or moved."""
    found = [] if values is None else list(values)
    at = int(rng.integers(len(found))) if found else 0
    kind = rng.random()
    if not found or kind < 0.1:
        found.insert(at, _one(odd, rng))
    elif kind < 0.7:
        near = [found[at] + 1, found[at] - 1, found[at] * 2]
        found[at] = _one([*odd, *near], rng)
    elif kind < 0.8:
        del found[at]
    elif kind < 0.9:
        found.insert(at, found[at])
    else:
        other = int(rng.integers(len(found)))
        found[at], found[other] = found[other], found[at]
    return found


def _shape(model: Any, graph: Any, rng: Rng) -> None:
    tensor = _one(graph.tensors, rng)
    tensor.shape = _change_entry(tensor.shape, DIMENSIONS, rng)


def _scale(model: Any, graph: Any, rng: Rng) -> None:
    quantization = _quantization(graph, rng)
    found = [float(v) for v in quantization.scale]
    if rng.random() < 0.8:
        at = int(rng.integers(len(found)))
        found[at] = float(np.clip(found[at] * _one(FACTORS, rng), -3e38, 3e38))
        quantization.scale = found
    else:
        quantization.scale = _change_entry(found, FLOATS, rng)


def _zero_point(model: Any, graph: Any, rng: Rng) -> None:
    quantization = _quantization(graph, rng)
    found = [int(v) for v in quantization.zeroPoint]
    quantization.zeroPoint = _change_entry(found, ZERO_POINTS, rng)


def _axis(model: Any, graph: Any, rng: Rng) -> None:
    _quantization(graph, rng).quantizedDimension = _one([*range(-2, 6), 2**31 - 1], rng)


def _quantization(graph: Any, rng: Rng) -> Any:
    given = [t.quantization for t in graph.tensors if t.quantization is not None]
    return _one([q for q in given if q.scale is not None and len(q.scale)], rng)


def _type(model: Any, graph: Any, rng: Rng) -> None:
    _one(graph.tensors, rng).type = int(rng.integers(0, 20))


def _buffer(model: Any, graph: Any, rng: Rng) -> None:
    _one(graph.tensors, rng).buffer = _one([0, *range(len(model.buffers) + 1), 2**32 - 1], rng)


def _constant(model: Any, graph: Any, rng: Rng) -> None:
    """A small constant: axes, paddings, shapes, a few weights."""
    small = [i for i, b in enumerate(model.buffers) if b.data is not None and len(b.data) <= 64]
    if not small:
        return
    at = _one(small, rng)
    model.buffers[at] = copy.deepcopy(model.buffers[at])
    raw = bytes(bytearray(model.buffers[at].data))
    if len(raw) % 4 or rng.random() < 0.2:
        words = list(raw)[: rng.integers(1, len(raw) + 1)]
        model.buffers[at].data = [v ^ int(rng.random() < 0.3) for v in words]
        return
    words = list(struct.unpack(f"<{len(raw) // 4}i", raw))
    changed = _change_entry(words, DIMENSIONS, rng)
    words = [v & 0xFFFFFFFF for v in changed]
    model.buffers[at].data = list(struct.pack(f"<{len(words)}I", *words))


def _operands(model: Any, graph: Any, rng: Rng) -> None:
    """An operator's tensors, or the graph's inputs and outputs."""
    owner = _one([*graph.operators, graph], rng)
    name = _one(["inputs", "outputs"], rng)
    odd = [-2, -1, *range(len(graph.tensors) + 1), 2**31 - 1]
    setattr(owner, name, _change_entry(getattr(owner, name), odd, rng))


def _option(model: Any, graph: Any, rng: Rng) -> None:
    given = [op for op in graph.operators if op.builtinOptions is not None]
    op = _one(given, rng)
    numbers = [k for k, v in vars(op.builtinOptions).items() if isinstance(v, int | float)]
    if not numbers or rng.random() < 0.1:
        op.builtinOptions, op.builtinOptionsType = None, 0
        return
    name = _one(numbers, rng)
    old = getattr(op.builtinOptions, name)
    odd = [*FLOATS, old * 2] if isinstance(old, float) else [*OPTIONS, old + 1]
    setattr(op.builtinOptions, name, type(old)(_one(odd, rng)))


def _code(model: Any, graph: Any, rng: Rng) -> None:
    code = _one(model.operatorCodes, rng)
    if rng.random() < 0.3:
        code.version = int(rng.integers(0, 12))
    elif rng.random() < 0.5:
        code.builtinCode = int(rng.integers(0, 210))
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
    else:
        _one(graph.operators, rng).opcodeIndex = int(rng.integers(len(model.operatorCodes) + 1))


def _order(model: Any, graph: Any, rng: Rng) -> None:
    ops = graph.operators
    a, b = (int(v) for v in rng.integers(len(ops), size=2))
    kind = rng.integers(3)
    if kind == 0:
        ops[a], ops[b] = ops[b], ops[a]
    elif kind == 1:
        ops.insert(b, ops[a])
    else:
        del ops[a]


_CHANGES = [
    *[_shape, _shape, _scale, _scale, _zero_point, _axis, _type, _buffer, _constant],
    *[_operands, _operands, _option, _option, _option, _code, _order],
]
