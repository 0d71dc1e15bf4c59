"""The callback that keeps a training's files: last and best model after every epoch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paritone.progress import notice
from paritone.training import checkpoint
from paritone.training.checkpoint import BEST_NAME, LAST_NAME, State

if TYPE_CHECKING:
    import keras


def keeper(
    model: keras.Model,
    models: Path,
    others: Sequence[keras.callbacks.Callback],
    *,
    monitor: str | None,
    mode: str = "max",
    resumed: State | None = None,
) -> keras.callbacks.Callback:
    """Make the callback that saves the last and the best model.

    Parameters
    ----------
    model : what is saved; only a part of it may be fitted
    others : the user's callbacks, whose memory is part of a training; they must run before
    monitor : the metric that tells the best model, None: nothing is validated
    resumed : where an earlier training stood
    """
    import keras

    class Keeper(keras.callbacks.Callback):
        """Keeps a training's state on disk, epoch by epoch."""

        def __init__(self) -> None:
            super().__init__()
            self.history = {k: list(v) for k, v in (resumed.history if resumed else {}).items()}
            self.best = resumed.best if resumed else None
            self.fresh: list[dict[str, Any]] = []

        def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
            self.fresh = [checkpoint.memory(other) for other in others]
            if resumed is not None:
                _remind(others, resumed)

        def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
            logs = logs or {}
            for name, value in logs.items():
                self.history.setdefault(name, []).append(float(value))
            improved = monitor is not None and checkpoint.better(
                float(logs.get(monitor, float("nan"))), self.best, mode
            )
            if improved and monitor is not None:
                self.best = float(logs[monitor])
            state = self._state(epoch + 1)
            # The best first: a kill between the two repeats an epoch, and loses nothing.
            if improved:
                checkpoint.save(model, models / BEST_NAME, state)
            checkpoint.save(model, models / LAST_NAME, state)

        def _state(self, epochs: int) -> State:
            kept = [
                {"kind": type(other).__name__, "memory": _changed(checkpoint.memory(other), fresh)}
                for other, fresh in zip(others, self.fresh, strict=True)
            ]
            arrays = {
                f"{index}/{name}": values
                for index, other in enumerate(others)
                for name, values in checkpoint.arrays_of(other).items()
            }
            seeds = tuple(
                [int(part) for part in variable.numpy()]
                for variable in checkpoint.random_states(model)
            )
            kind = type(model.optimizer).__name__
            return State(epochs, self.history, self.best, tuple(kept), arrays, seeds, kind)

    return Keeper()


def _changed(now: dict[str, Any], fresh: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is as it was: a resumed training may be given other settings."""
    return {k: v for k, v in now.items() if k not in fresh or fresh[k] != v}


def _remind(others: Sequence[keras.callbacks.Callback], resumed: State) -> None:
    """Give callbacks what they remembered, now that Keras has reset them."""
    kinds = [type(other).__name__ for other in others]
    if kinds != [kept["kind"] for kept in resumed.callbacks]:
        notice("training.callbacks: not those of the resumed training; they begin anew")
        return
    for index, (other, kept) in enumerate(zip(others, resumed.callbacks, strict=True)):
        for name, value in kept["memory"].items():
            setattr(other, name, value)
        for name, arrays in resumed.arrays.items():
            callback, attribute = name.split("/", 1)
            if int(callback) == index:
                setattr(other, attribute, list(arrays))
