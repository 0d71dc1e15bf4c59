"""The silence gate's threshold, found from labelled clips that are no test clips.

Digital silence and faint hiss are no class, yet a model must name one. A threshold on a patch's
level keeps such patches from the vote. Where to put it is told by two things: how many clips are
right at each threshold, and the level at which a patch is as often wrong as right, which many
more patches than clips speak for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from paritone.errors import ConfigError
from paritone.evaluation.accuracy import labels_of
from paritone.evaluation.streaming import Heard
from paritone.features.tables import LEVEL_BITS
from paritone.task import Task

UNITS = 1 << LEVEL_BITS
"""Levels are in such parts of a mel unit."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """Clips that are right against the threshold, on steps between the levels that occur.

    Attributes
    ----------
    upper : [n] ascending, in mel units: step i is for thresholds over upper[i - 1] up to upper[i],
        and step 0 keeps every patch
    clips, silent : [n] clips that are right, patches that are silent
    """

    upper: Floats
    clips: NDArray[np.int64]
    silent: NDArray[np.int64]

    def at(self, threshold: float) -> int:
        """Step that a threshold lies on."""
        return min(int(np.searchsorted(self.upper, threshold)), len(self.upper) - 1)

    def lower(self, step: int) -> float:
        """Where a step begins; half a unit of levels for 0. Step 0, no gate, begins at its end."""
        return max(float(self.upper[max(step - 1, 0)]), 0.5 / UNITS)


@dataclass(frozen=True)
class Choice:
    """A threshold, and why this one.

    Attributes
    ----------
    threshold : in mel units, three digits; 0: no gate
    good : least and greatest threshold as good as the best, within one standard error
    even : level at which a patch is as often wrong as right; None where there is no such level
    """

    threshold: float
    good: tuple[float, float]
    even: float | None


def curve(heard: Sequence[Heard], task: Task) -> Curve:
    """Drop patches in the order of their levels, and count the clips that are right each time."""
    actual = labels_of([item.clip for item in heard], task)
    sums = np.stack([item.scores.sum(axis=0, dtype=np.float64) for item in heard])
    left = np.array([len(item.levels) for item in heard])
    right = (task.decide(sums / left[:, None]) == actual).all(axis=1)
    uppers, clips, silent = [], [int(right.sum())], [0]
    for level, dropped in _by_level(heard):
        uppers.append(level / UNITS)
        for clip, patch in dropped:
            sums[clip] -= heard[clip].scores[patch]
            left[clip] -= 1
            mean = sums[clip] / max(left[clip], 1)
            right[clip] = left[clip] > 0 and (task.decide(mean) == actual[clip]).all()
        clips.append(int(right.sum()))
        silent.append(silent[-1] + len(dropped))
    # The last step, every patch silent, is no gate anyone wants.
    return Curve(np.array(uppers), np.array(clips[:-1]), np.array(silent[:-1]))


def _by_level(heard: Sequence[Heard]) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """Levels that occur, ascending, each with its patches: numbers of clip and patch."""
    patches = sorted(
        (int(level), clip, patch)
        for clip, item in enumerate(heard)
        for patch, level in enumerate(item.levels)
    )
    for level, group in groupby(patches, key=lambda item: item[0]):
        yield level, [(clip, patch) for _, clip, patch in group]


def choose(heard: Sequence[Heard], task: Task) -> Choice:
    """Choose a threshold.

    Of the thresholds as good as the best within one standard error, the level at which a patch
    is as often wrong as right; where that is not among them, the geometric middle of their
    widest stretch. 0, no gate, where every gate makes more clips wrong than that.

    Raises
    ------
    ConfigError
        There is nothing to tell silence by: every patch has the same level.
    """
    found = curve(heard, task)
    if len(found.upper) < 2:
        raise ConfigError("calibration: every patch has the same level: no threshold divides them")
    even, stretches = break_even(heard, task), _good(found, len(heard))
    if even is not None:
        for low, high in stretches:
            if low < even <= high:
                return Choice(_rounded(even), (low, high), even)
    low, high = max(stretches, key=lambda ends: np.log(ends[1] / ends[0]), default=(0.0, 0.0))
    return Choice(_rounded(float(np.sqrt(low * high))), (low, high), even)


def _good(found: Curve, clips: int) -> list[tuple[float, float]]:
    """Stretches of thresholds whose clip accuracy is within one standard error of the best.

    The error is that of Agresti and Coull's estimate, which is not zero where all clips are right.
    """
    best = int(found.clips.max())
    share = (best + 2) / (clips + 4)
    good = found.clips >= best - clips * np.sqrt(share * (1 - share) / (clips + 4))
    stretches = []
    for is_good, group in groupby(range(len(good)), key=lambda step: bool(good[step])):
        steps = list(group)
        if is_good:
            stretches.append((found.lower(steps[0]), float(found.upper[steps[-1]])))
    return [(low, high) for low, high in stretches if low < high]


def break_even(heard: Sequence[Heard], task: Task) -> float | None:
    """Level at which a patch is as often wrong as right, by logistic regression on its logarithm.

    None where patches are not the more often right the louder they are, or where they are so,
    or are not, at every level that occurs.
    """
    from sklearn.linear_model import LogisticRegression

    levels = np.concatenate([item.levels for item in heard]) / UNITS
    actual = labels_of([item.clip for item in heard], task)
    right = np.concatenate(
        [
            (task.decide(item.scores) == row).all(axis=1)
            for item, row in zip(heard, actual, strict=True)
        ]
    )
    if right.all() or not right.any():
        return None
    loudness = np.log2(np.maximum(levels, 1 / UNITS))
    fitted = LogisticRegression().fit(loudness[:, None], right)
    slope, at_zero = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    if slope <= 0:
        return None
    even = -at_zero / slope
    return float(2.0**even) if loudness.min() < even < loudness.max() else None


def _rounded(threshold: float) -> float:
    """Three digits: more would claim to know more than some hundred clips tell."""
    return float(f"{threshold:.3g}")
