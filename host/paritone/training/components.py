"""Optimizers and callbacks that the configuration names: Keras' own, looked up by name only."""

from __future__ import annotations

import importlib.util
import inspect
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paritone.config.records import Named
from paritone.errors import ConfigError
from paritone.training.schedules import NOT_YET, SCHEDULES, schedule

if TYPE_CHECKING:
    import keras

METRICS_NAME = "train_metrics.csv"
BUILT_IN = ("ModelCheckpoint", "TensorBoard", "CSVLogger")
# Bases, and callbacks whose arguments are Python functions or other processes.
NOT_OFFERED = (
    "Callback",
    "CallbackList",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "RemoteMonitor",
    "ProgbarLogger",
)


def optimizer(named: Named) -> keras.optimizers.Optimizer:
    """Return a Keras optimizer; ConfigError for an unknown name or unfit arguments."""
    import keras

    kinds = _classes(keras.optimizers, keras.optimizers.Optimizer, ("Optimizer",))
    return _make(named, kinds, "training.optimizer")


def callbacks(
    named: tuple[Named, ...], logs: Path, models: Path, validated: bool
) -> list[keras.callbacks.Callback]:
    """Return the user's callbacks, then the built-in ones, which see the values of the former.

    Raises
    ------
    ConfigError
        A name is unknown, built in or not there yet, or its arguments are unfit.
    """
    return [_callback(one) for one in named] + _built_in(logs, models, validated)


def _callback(named: Named) -> keras.callbacks.Callback:
    import keras

    name = _short(named)
    if name in BUILT_IN:
        raise ConfigError(f"training.callbacks: {name} is built in and cannot be redefined")
    if name in SCHEDULES or name in NOT_YET:
        return keras.callbacks.LearningRateScheduler(schedule(name, named.arguments))
    kinds = _classes(keras.callbacks, keras.callbacks.Callback, NOT_OFFERED)
    return _make(named, kinds, "training.callbacks")


def _built_in(logs: Path, models: Path, validated: bool) -> list[keras.callbacks.Callback]:
    import keras

    checkpoint = keras.callbacks.ModelCheckpoint
    made = [
        checkpoint(str(models / "last_augmented_model.h5"), save_best_only=False),
        keras.callbacks.CSVLogger(str(logs / METRICS_NAME)),
        _epoch_report(),
    ]
    if validated:
        best = models / "best_augmented_model.h5"
        made.append(checkpoint(str(best), monitor="val_accuracy", mode="max", save_best_only=True))
    if importlib.util.find_spec("tensorboard") is not None:
        made.append(keras.callbacks.TensorBoard(str(logs)))
    return made


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


def _epoch_report() -> keras.callbacks.Callback:
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

    return EpochReport()
