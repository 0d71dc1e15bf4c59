"""Optimizers and callbacks that the configuration names: Keras' own, looked up by name only."""

from __future__ import annotations

import inspect
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paritone.config.fields import Named
from paritone.errors import ConfigError
from paritone.training.schedules import SCHEDULES, USER_DEFINED, Rate, learning_rates, schedule

if TYPE_CHECKING:
    import keras

OnEpoch = Callable[[int, Mapping[str, float]], None]
"""Told the number of an epoch (1 is the first) and its metrics."""
METRICS_NAME = "train_metrics.csv"
BUILT_IN = ("ModelCheckpoint", "TensorBoard", "CSVLogger")
# Bases, and callbacks whose arguments are Python functions or other processes.
NOT_OFFERED = (
    "Callback",
    "CallbackList",
    "History",
    "LambdaCallback",
    "RemoteMonitor",
    "ProgbarLogger",
)


def optimizer(named: Named) -> keras.optimizers.Optimizer:
    """Return a Keras optimizer; ConfigError for an unknown name or unfit arguments."""
    import keras

    kinds = _classes(keras.optimizers, keras.optimizers.Optimizer, ("Optimizer",))
    return _make(named, kinds, "training.optimizer")


def user_callbacks(named: tuple[Named, ...]) -> list[keras.callbacks.Callback]:
    """Return the callbacks that the configuration names, in its order.

    Raises
    ------
    ConfigError
        A name is unknown or built in, or its arguments are unfit.
    """
    return [_callback(one) for one in named]


def _callback(named: Named) -> keras.callbacks.Callback:
    import keras

    name = _short(named)
    if name in BUILT_IN:
        raise ConfigError(f"training.callbacks: {name} is built in and cannot be redefined")
    if name in SCHEDULES or name == USER_DEFINED:
        return keras.callbacks.LearningRateScheduler(
            schedule(name, named.arguments), verbose=_verbosity(named)
        )
    kinds = _classes(keras.callbacks, keras.callbacks.Callback, NOT_OFFERED)
    return _make(named, kinds, "training.callbacks")


def _verbosity(named: Named) -> int:
    value = named.arguments.get("verbose", 0)
    if value not in (0, 1):
        raise ConfigError(
            f"training.callbacks: {named.name}: verbose: expected 0 or 1, got {value}"
        )
    return int(value)


def rates(named: tuple[Named, ...], initial: float, epochs: int) -> list[float]:
    """Learning rate of every epoch, as far as it is known beforehand; ConfigError if unfit."""
    made: list[tuple[str, Rate]] = [
        (_short(one), schedule(_short(one), one.arguments))
        for one in named
        if _short(one) in SCHEDULES or _short(one) == USER_DEFINED
    ]
    return learning_rates(made, initial, epochs)


def built_in(logs: Path, on_epoch: OnEpoch | None = None) -> list[keras.callbacks.Callback]:
    """Return what records every training: CSV, TensorBoard, a line an epoch, and `on_epoch`.

    They run after the user's callbacks and see the values that these add.
    """
    import keras

    recording = [
        keras.callbacks.CSVLogger(str(logs / METRICS_NAME), append=True),
        keras.callbacks.TensorBoard(str(logs), write_graph=False),
        _epoch_report(on_epoch),
    ]
    return recording


def _short(named: Named) -> str:
    """Drop the module that the zoo's users may write: `tf.keras.optimizers.Adam`."""
    return named.name.rsplit(".", 1)[-1]


def _classes(module: Any, base: type, without: tuple[str, ...]) -> dict[str, type]:
    return {
        name: kind
        for name, kind in vars(module).items()
        if inspect.isclass(kind) and issubclass(kind, base) and name not in without
    }


def _make(named: Named, kinds: dict[str, type], key: str) -> Any:
    matches = {name.lower(): kind for name, kind in kinds.items()}
    kind = kinds.get(_short(named)) or matches.get(_short(named).lower())
    if kind is None:
        raise ConfigError(f"{key}: {named.name} is none of {', '.join(sorted(kinds))}")
    try:
        return kind(**named.arguments)
    except Exception as error:
        text = str(error).strip().splitlines() or [type(error).__name__]
        raise ConfigError(f"{key}: {named.name}: {text[0]}") from error


def _epoch_report(on_epoch: OnEpoch | None) -> keras.callbacks.Callback:
    import keras

    class EpochReport(keras.callbacks.Callback):
        """One line an epoch on standard error."""

        def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
            self.begun = time.monotonic()

        def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
            values = ", ".join(f"{name} {value:.4g}" for name, value in (logs or {}).items())
            took = time.monotonic() - self.begun
            total = self.params.get("epochs")
            print(f"epoch {epoch + 1}/{total}: {values} ({took:.1f} s)", file=sys.stderr)
            if on_epoch is not None:
                on_epoch(epoch + 1, {name: float(value) for name, value in (logs or {}).items()})

    return EpochReport()
