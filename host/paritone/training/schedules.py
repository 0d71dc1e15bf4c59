"""The zoo's learning-rate callbacks, as functions of the epoch; lengths are in epochs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from paritone.errors import ConfigError

Schedule = Callable[[int], float]
NOT_YET = (
    "LRCosineDecayRestarts",
    "LRPolynomialDecay",
    "LRPolynomialDecayRestarts",
    "LRPiecewiseConstantDecay",
)


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


SCHEDULES: dict[str, Callable[..., Schedule]] = {
    "LRLinearDecay": linear,
    "LRExponentialDecay": exponential,
    "LRStepDecay": step,
    "LRCosineDecay": cosine,
    "LRWarmupCosineDecay": warmup_cosine,
}


def schedule(name: str, arguments: dict[str, Any]) -> Schedule:
    """Return a schedule of the zoo; ConfigError if it is not there or its arguments are unfit."""
    if name in NOT_YET:
        raise ConfigError(
            f"training.callbacks: {name} is not there yet; there are {', '.join(SCHEDULES)}"
        )
    numbers = {key: value for key, value in arguments.items() if key != "verbose"}
    try:
        made = SCHEDULES[name](**numbers)
        made(0)
    except (TypeError, ValueError, ArithmeticError) as error:
        raise ConfigError(f"training.callbacks: {name}: {error}") from error
    return made
