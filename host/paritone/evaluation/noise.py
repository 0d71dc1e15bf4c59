"""Power of a signal and of the noise that its quantization adds, summed patch after patch."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from paritone.engine.tflite import TensorInfo
from paritone.references.tflite import dequantize

TYPICAL = 0.999


def decibels(share: float) -> float | None:
    """Signal to noise in dB of noise that is such a share of the signal's power; None: no noise."""
    return -10 * math.log10(share) if share > 0 else None


@dataclass(frozen=True)
class Sources:
    """Where a layer's own noise comes from, each as a share of its signal's power.

    Attributes
    ----------
    rounding : of values to the output's step, step² / 12
    clipping : of values to the output's range
    weights : of weights to theirs
    """

    rounding: float
    clipping: float
    weights: float

    @property
    def largest(self) -> str:
        """The name of the largest."""
        shares = asdict(self)
        return max(shares, key=shares.__getitem__)


class Noise:
    """One tensor of a quantized model against the float one; channels are the last axis."""

    def __init__(self, tensor: TensorInfo) -> None:
        self.codes = (tensor.scale, tensor.zero_point) if tensor.scales else None
        self._dtype = np.dtype(tensor.dtype)
        channels = tensor.shape[-1] if tensor.shape else 1
        self._signal, self._error, self._clip = (np.zeros(channels) for _ in range(3))
        self._clipped = self._count = 0
        self.peak = 0.0
        self._typical: list[float] = []

    @property
    def limits(self) -> tuple[float, float] | None:
        """The least and the largest real value that the tensor can hold; None: any."""
        if self.codes is None:
            return None
        codes, (scale, zero) = np.iinfo(self._dtype), self.codes
        return ((codes.min - zero) * scale, (codes.max - zero) * scale)

    def add(self, real: NDArray[np.float32], stored: NDArray) -> None:
        """Add one patch: the float model's values and the quantized model's codes."""
        scale, zero = self.codes or (1.0, 0)
        wanted = real.astype(np.float64).reshape(-1, len(self._signal))
        got = dequantize(stored, scale, zero).astype(np.float64).reshape(wanted.shape)
        self._signal += (wanted**2).sum(axis=0)
        self._error += ((wanted - got) ** 2).sum(axis=0)
        if self.limits is not None:
            low, high = self.limits
            # Half a step outside still rounds to the last code.
            outside = (wanted < low - scale / 2) | (wanted > high + scale / 2)
            self._clip += (np.where(outside, wanted - wanted.clip(low, high), 0) ** 2).sum(axis=0)
            self._clipped += int(outside.sum())
        self._count += wanted.size
        sizes = np.abs(wanted)
        self.peak = max(self.peak, float(sizes.max()))
        self._typical.append(float(np.quantile(sizes, TYPICAL)))

    @property
    def _power(self) -> float:
        return max(float(self._signal.sum()), np.finfo(float).tiny)

    @property
    def share(self) -> float:
        """Noise as a share of the signal's power."""
        return float(self._error.sum()) / self._power

    @property
    def snr_db(self) -> float | None:
        """Signal to noise in dB."""
        return decibels(self.share)

    @property
    def worst_channel_db(self) -> float | None:
        """Signal to noise of the worst channel that has any signal."""
        alive = self._signal > 0
        if not alive.any():
            return None
        return decibels(float((self._error[alive] / self._signal[alive]).max()))

    def sources(self, gain: NDArray[np.float64], weights: NDArray[np.float64] | None) -> Sources:
        """Noise of the layer's own by where it comes from, as the channels' `gain` weighs it.

        Parameters
        ----------
        gain : float64 [channels]; see `paritone.evaluation.channel_gains`
        weights : float64 [channels], noise of the weights as a share of their power; None: none
        """
        power = max(float(self._signal @ gain), np.finfo(float).tiny)
        step = self.codes[0] if self.codes else 0.0
        rounding = step**2 / 12 * self._count / len(gain) * gain.sum()
        shares = 0.0 if weights is None else float((weights * self._signal) @ gain)
        return Sources(float(rounding) / power, float(self._clip @ gain) / power, shares / power)

    @property
    def clipped_share(self) -> float:
        """Share of the values that are outside of the range."""
        return self._clipped / max(self._count, 1)

    @property
    def typical(self) -> float:
        """Size that 99.9 % of the values stay under, the mean over the patches."""
        return float(np.mean(self._typical))
