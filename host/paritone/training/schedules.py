"""The zoo's learning-rate callbacks, as functions of the epoch; lengths are in epochs."""

from __future__ import annotations

import itertools
import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any

from paritone.errors import ConfigError
from paritone.training.expressions import compile_lambda

Schedule = Callable[[int], float]
Rate = Callable[[int, float], float]
"""Learning rate of an epoch, from its number (0 is the first) and the rate before it."""
USER_DEFINED = "LearningRateScheduler"


def _progress(epoch: int, hold_steps: float, decay_steps: float) -> float:
    """Return how much of the decay is done at the end of an epoch, in [0, 1]."""
    return min(max(epoch - hold_steps + 1, 0) / decay_steps, 1.0)


def linear(initial_lr: float, hold_steps: float, decay_steps: float, end_lr: float) -> Schedule:
    """Hold, then fall in a straight line to `end_lr`."""
    return lambda epoch: (
        initial_lr + (end_lr - initial_lr) * _progress(epoch, hold_steps, decay_steps)
    )


def exponential(
    initial_lr: float, hold_steps: float, decay_rate: float, min_lr: float = 0.0
) -> Schedule:
    """Hold, then fall by exp(-decay_rate) an epoch, not below `min_lr`."""
    return lambda epoch: max(
        initial_lr * math.exp(-decay_rate * max(epoch - hold_steps + 1, 0)), min_lr
    )


def step(initial_lr: float, step_size: float, decay_rate: float, min_lr: float = 0.0) -> Schedule:
    """Multiply by `decay_rate` every `step_size` epochs, not below `min_lr`."""
    return lambda epoch: max(initial_lr * decay_rate ** ((epoch + 1) // step_size), min_lr)


def cosine(initial_lr: float, hold_steps: float, decay_steps: float, end_lr: float) -> Schedule:
    """Hold, then fall along half a cosine to `end_lr`."""

    def rate(epoch: int) -> float:
        fallen = 0.5 * (1.0 - math.cos(math.pi * _progress(epoch, hold_steps, decay_steps)))
        return initial_lr + (end_lr - initial_lr) * fallen

    return rate


def warmup_cosine(
    initial_lr: float,
    warmup_steps: float,
    max_lr: float,
    hold_steps: float,
    decay_steps: float,
    end_lr: float,
) -> Schedule:
    """Rise in a straight line to `max_lr`, hold it, then fall along half a cosine."""
    falling = cosine(max_lr, hold_steps, decay_steps, end_lr)

    def rate(epoch: int) -> float:
        if epoch < warmup_steps:
            return initial_lr + (max_lr - initial_lr) * epoch / warmup_steps
        return falling(int(epoch - warmup_steps))

    return rate


def cosine_restarts(
    initial_lr: float,
    first_decay_steps: float,
    end_lr: float,
    t_mul: float = 2,
    m_mul: float = 1.0,
) -> Schedule:
    """Fall along half a cosine to `end_lr`, then again from `m_mul` of the height.

    The first period has `first_decay_steps` epochs, each other one `t_mul` times as many.
    I. Loshchilov, F. Hutter, arXiv:1608.03983.
    """
    if first_decay_steps < 1 or t_mul < 1:
        raise ValueError("expected first_decay_steps and t_mul of at least 1")

    def rate(epoch: int) -> float:
        start, period, height = 0.0, float(first_decay_steps), 1.0
        while epoch >= start + period:
            start, period, height = start + period, period * t_mul, height * m_mul
        fallen = 0.5 * height * (1.0 + math.cos(math.pi * (epoch - start) / period))
        return end_lr + (initial_lr - end_lr) * fallen

    return rate


def polynomial(
    initial_lr: float, hold_steps: float, decay_steps: float, end_lr: float, power: float = 0.5
) -> Schedule:
    """Hold, then fall to `end_lr` as a power of what is left of the decay."""

    def rate(epoch: int) -> float:
        left = 1.0 - _progress(epoch, hold_steps, decay_steps)
        return end_lr + (initial_lr - end_lr) * math.pow(left, power)

    return rate


def polynomial_restarts(
    initial_lr: float, hold_steps: float, decay_steps: float, end_lr: float, power: float = 0.7
) -> Schedule:
    """Hold, then fall to `end_lr` every `decay_steps` epochs, each time from a lower rate.

    After n falls the decay is as if it took n + 1 times as long: what Keras' `PolynomialDecay`
    does with `cycle`.
    """
    if decay_steps < 1:
        raise ValueError("expected decay_steps of at least 1")

    def rate(epoch: int) -> float:
        done = max(epoch - hold_steps + 1, 0)
        left = 1.0 - done / (decay_steps * max(math.ceil(done / decay_steps), 1))
        return end_lr + (initial_lr - end_lr) * math.pow(left, power)

    return rate


def piecewise_constant(boundaries: Sequence[float], values: Sequence[float]) -> Schedule:
    """`values[i]` from epoch `boundaries[i - 1]` on, `values[0]` before the first boundary."""
    if len(values) != len(boundaries) + 1:
        raise ValueError(
            f"expected one value more than boundaries, got {len(values)} and {len(boundaries)}"
        )
    if any(after <= before for before, after in itertools.pairwise(boundaries)):
        raise ValueError(f"expected boundaries that increase, got {list(boundaries)}")
    return lambda epoch: values[bisect_right(boundaries, epoch)]


SCHEDULES: dict[str, Callable[..., Schedule]] = {
    "LRLinearDecay": linear,
    "LRExponentialDecay": exponential,
    "LRStepDecay": step,
    "LRCosineDecay": cosine,
    "LRWarmupCosineDecay": warmup_cosine,
    "LRCosineDecayRestarts": cosine_restarts,
    "LRPolynomialDecay": polynomial,
    "LRPolynomialDecayRestarts": polynomial_restarts,
    "LRPiecewiseConstantDecay": piecewise_constant,
}


def schedule(name: str, arguments: dict[str, Any]) -> Rate:
    """Return a schedule of the zoo, or Keras' `LearningRateScheduler` with its lambda.

    Raises
    ------
    ConfigError
        Its arguments are unfit.
    """
    given = {key: value for key, value in arguments.items() if key != "verbose"}
    try:
        if name == USER_DEFINED:
            return _user_defined(**given)
        made = SCHEDULES[name](**given)
        made(0)
    except (TypeError, ValueError, ArithmeticError) as error:
        raise ConfigError(f"training.callbacks: {name}: {error}") from error
    return lambda epoch, lr: made(epoch)


def _user_defined(schedule: str) -> Rate:
    if not isinstance(schedule, str):
        raise ValueError(f"schedule: expected a lambda, got {schedule!r}")
    return compile_lambda(schedule)


def learning_rates(named: Sequence[tuple[str, Rate]], initial: float, epochs: int) -> list[float]:
    """Learning rate of every epoch, the schedules applied one after the other.

    Parameters
    ----------
    initial : the optimizer's own, which holds where there is no schedule

    Raises
    ------
    ConfigError
        A rate that is no finite number of at least 0: names the schedule and the epoch.
    """
    rates, current = [], initial
    for epoch in range(epochs):
        for name, rate in named:
            try:
                current = float(rate(epoch, current))
            except (TypeError, ValueError, ArithmeticError) as error:
                raise ConfigError(f"training.callbacks: {name}: epoch {epoch}: {error}") from error
            if not (math.isfinite(current) and current >= 0):
                raise ConfigError(
                    f"training.callbacks: {name}: epoch {epoch}: expected a learning rate of at "
                    f"least 0, got {current:g}"
                )
        rates.append(current)
    return rates
