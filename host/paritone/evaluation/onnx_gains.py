"""As `channel_gains`, of an ONNX model: how much each value counts for what comes after it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from paritone.evaluation.qdq_view import Real, View
from paritone.qdq.source import Node


def gains(view: View) -> dict[str, Real]:
    """Gain in power from each tensor's values to the output, by the tensor's name.

    Returns
    -------
    float64 in the tensor's own shape; its mean is 1
    """
    shapes = view.source.shapes
    found: dict[str, Real] = {}
    for node in reversed(view.nodes):
        after = found.setdefault(node.outputs[0], np.ones(shapes.get(node.outputs[0], ())))
        for name in view.operands(node):
            gain = _before(view, node, after, shapes.get(name, ()))
            gain = gain + found.get(name, np.zeros(()))
            found[name] = gain / gain.mean() if gain.any() else np.ones_like(gain)
    return found


def _before(view: View, node: Node, after: Real, shape: tuple[int, ...]) -> Real:
    """Gains of the values that a node reads, from those that it writes."""
    matrix = kernel(node, view.constants)
    if matrix is not None and node.kind == "Conv":
        return _convolved(matrix**2, after, int(node.attributes.get("group", 1)), shape)
    if matrix is not None and after.shape[-1:] == matrix.shape[:1]:
        return np.asarray(after @ matrix**2).reshape(shape)
    if node.kind == "Transpose":
        order = node.attributes.get("perm") or list(reversed(range(after.ndim)))
        return after.transpose(np.argsort(order))
    if after.size == np.prod(shape, dtype=np.int64):
        return after.reshape(shape)
    return _spread(after, shape)


def _convolved(power: Real, after: Real, groups: int, shape: tuple[int, ...]) -> Real:
    """Back through a convolution, by channels: power float64 [outputs, inputs of a group, …]."""
    outputs = after.reshape(after.shape[1], -1).mean(axis=1)
    each = power.reshape(*power.shape[:2], -1).sum(axis=2) * outputs[:, None]
    channels = each.reshape(groups, -1, each.shape[1]).sum(axis=1).reshape(-1)
    return np.broadcast_to(channels.reshape(1, -1, *[1] * (len(shape) - 2)), shape)


def _spread(after: Real, shape: tuple[int, ...]) -> Real:
    """Back through pooling, a mean or a repetition: evenly over the axes whose size changes."""
    if after.ndim == 2 and len(shape) > 2:  # a mean over positions that keeps no axes of them
        after = after.reshape(*after.shape, *[1] * (len(shape) - 2))
    if after.ndim < len(shape):
        return np.ones(shape)
    after = after.mean(axis=tuple(range(after.ndim - len(shape))))
    changed = tuple(i for i, size in enumerate(shape) if after.shape[i] != size)
    return np.broadcast_to(after.mean(axis=changed, keepdims=True), shape)


def kernel(node: Node, constants: Mapping[str, NDArray]) -> Real | None:
    """Weights of a product with its outputs first; None where it has no constant ones."""
    name = node.inputs[1] if len(node.inputs) > 1 else ""
    if node.kind not in ("Conv", "Gemm", "MatMul") or name not in constants:
        return None
    values = constants[name].astype(np.float64)
    if node.kind == "Conv":
        return values
    if values.ndim != 2:
        return None
    return values if node.attributes.get("transB", 0) else values.T
