"""How much each channel of a tensor counts for what comes after it.

A channel that is small, and that the next layer makes large again, carries its noise along: noise
is therefore weighed by the power with which it reaches the output, were every layer linear.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from paritone.engine.tflite import Graph, Op, TensorInfo

CHANNEL_AXES = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 0}
"""The axis of output channels in the weights of each kind that has any."""

Gain = NDArray[np.float64]


def gains(graph: Graph) -> dict[int, Gain]:
    """Gain in power from each tensor's channels to the output, by the tensor's index.

    Returns
    -------
    float64 [channels], the last axis of the tensor; its mean is 1
    """
    found = {index: np.ones(_channels(graph.tensors[index])) for index in graph.outputs}
    for op in reversed(graph.ops):
        after = found.get(op.outputs[0])
        if after is None:
            continue
        for index in (i for i in op.inputs if i >= 0 and graph.tensors[i].data is None):
            count = _channels(graph.tensors[index])
            gain = _before(graph, op, after, count) + found.get(index, np.zeros(count))
            found[index] = gain / gain.mean() if gain.any() else np.ones(count)
    return found


def _channels(tensor: TensorInfo) -> int:
    return tensor.shape[-1] if tensor.shape else 1


def _before(graph: Graph, op: Op, after: Gain, count: int) -> Gain:
    """Gains of the channels that an operator reads, from those that it writes."""
    weights = graph.tensors[op.inputs[1]] if len(op.inputs) > 1 else None
    if op.kind in CHANNEL_AXES and weights is not None and weights.data is not None:
        power = real(weights, CHANNEL_AXES[op.kind]) ** 2
        if op.kind == "DEPTHWISE_CONV_2D":
            # Output channel i * multiplier + j reads input channel i.
            gain = (power.sum(axis=1) * after).reshape(count, -1).sum(axis=1)
        else:
            gain = (after @ power).reshape(-1, count).sum(axis=0)
        return np.asarray(gain)
    if len(after) == count:
        return after
    if len(after) % count == 0:  # a tensor that is made flat keeps its channels innermost
        return np.asarray(after.reshape(-1, count).mean(axis=0))
    return np.ones(count)


def real(tensor: TensorInfo, axis: int) -> NDArray[np.float64]:
    """Real values of a constant: float64 [channels, weights of one]."""
    assert tensor.data is not None
    values = np.moveaxis(tensor.data.astype(np.float64), axis, 0).reshape(tensor.shape[axis], -1)
    if not tensor.scales:
        return values
    scales, zeros = np.asarray(tensor.scales), np.asarray(tensor.zero_points)
    return (values - zeros[:, None]) * scales[:, None]
