"""A training as a file: model, optimizer, epoch and callbacks, so that it can go on after a kill.

``last_augmented_model.h5`` is the whole of it: a Keras model with, in a group of its own, what
Keras does not keep. It is written beside its name and then renamed, so that a training killed at
any time leaves the epoch before.
"""

from __future__ import annotations

import inspect
import json
import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from paritone.errors import ConfigError

if TYPE_CHECKING:
    import keras

LAST_NAME = "last_augmented_model.h5"
BEST_NAME = "best_augmented_model.h5"
GROUP = "paritone_training"
_KEY = "training.resume_training_from"
_PLAIN = (bool, int, float, str, type(None))


@dataclass(frozen=True)
class State:
    """Where a training stands.

    Attributes
    ----------
    epochs : how many are done
    history : metric -> its value after each of them
    best : the best value of the monitored metric so far; None: none was seen
    callbacks : of each callback of the user's, its class and what it remembers
    arrays : "callback/attribute" -> arrays that it remembers
    seeds : states of the model's random generators
    optimizer : its class
    """

    epochs: int
    history: dict[str, list[float]]
    best: float | None
    callbacks: tuple[dict[str, Any], ...] = ()
    arrays: Mapping[str, Sequence[NDArray[Any]]] = field(default_factory=dict)
    seeds: tuple[list[int], ...] = ()
    optimizer: str = ""

    def record(self) -> dict[str, Any]:
        """Everything but the arrays, for JSON."""
        names = ("epochs", "history", "best", "callbacks", "seeds", "optimizer")
        return {name: getattr(self, name) for name in names}


def save(model: keras.Model, path: Path, state: State) -> None:
    """Write a model with its optimizer and state, whole or not at all; OSError if it cannot."""
    import h5py

    partial = path.with_name(f"partial_{path.name}")
    try:
        model.save(partial, include_optimizer=True)
        with h5py.File(partial, "r+") as file:
            group = file.create_group(GROUP)
            text = json.dumps(state.record()).encode()
            group.create_dataset("record", data=np.frombuffer(text, np.uint8))
            for name, arrays in state.arrays.items():
                for index, array in enumerate(arrays):
                    group.create_dataset(f"arrays/{name}/{index}", data=array)
        partial.replace(path)
    except RuntimeError as error:  # HDF5's word for a full disk
        raise OSError(f"{path}: cannot be written: {error}") from error
    finally:
        partial.unlink(missing_ok=True)


def load(path: Path) -> State:
    """Read where a training stands; ConfigError if the file does not say."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            if GROUP not in file:
                raise ConfigError(
                    f"{_KEY}: {path} holds no training state; to start from its weights, name it "
                    "as general.model_path"
                )
            group = file[GROUP]
            record = json.loads(group["record"][()].tobytes())
            stored = group.get("arrays", {})
            arrays = {
                f"{callback}/{name}": [
                    stored[callback][name][str(index)][()] for index in range(len(kept))
                ]
                for callback, names in stored.items()
                for name, kept in names.items()
            }
            return State(**{**record, "callbacks": tuple(record["callbacks"])}, arrays=arrays)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{_KEY}: {path} cannot be read: {error}") from error


def random_states(model: keras.Model) -> list[Any]:
    """Variables that the model's random layers draw from; they are no weights to Keras."""
    weights = {id(weight) for weight in model.weights}
    return [v for v in model.variables if id(v) not in weights and "seed" in v.path]


def restore(model: keras.Model, path: Path, state: State) -> None:
    """Give a compiled model the optimizer and the random states of a file.

    Raises
    ------
    ConfigError
        They are of another optimizer, or of other trained layers.
    """
    import h5py

    optimizer = model.optimizer
    if type(optimizer).__name__ != state.optimizer:
        raise ConfigError(
            f"training.optimizer: {path} was trained with {state.optimizer}, "
            f"got {type(optimizer).__name__}: a resumed training keeps its optimizer"
        )
    optimizer.build(model.trainable_variables)
    with h5py.File(path, "r") as file:
        group = file["optimizer_weights"]
        values = [group[name][()] for name in group.attrs["weight_names"]]
    variables = optimizer.variables
    if [v.shape for v in values] != [tuple(v.shape) for v in variables]:
        raise ConfigError(f"{_KEY}: {path}: its optimizer has other settings or other weights")
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
    for variable, value in zip(random_states(model), state.seeds, strict=False):
        variable.assign(np.asarray(value, np.uint32))


def carry_best(resumed: Path, models: Path) -> float | None:
    """Copy the best model beside a resumed one into a new run's folder; returns its value."""
    source, target = resumed.with_name(BEST_NAME), models / BEST_NAME
    if not source.is_file():
        return None
    best = load(source).best
    if source.resolve() != target.resolve():
        partial = target.with_name(f"partial_{target.name}")
        shutil.copyfile(source, partial)
        partial.replace(target)
    return best


def memory(callback: Any) -> dict[str, Any]:
    """What a Keras callback remembers between epochs: plain values, none of its arguments."""
    arguments = inspect.signature(type(callback).__init__).parameters
    return {
        name: value.item() if isinstance(value, np.generic) else value
        for name, value in vars(callback).items()
        if not name.startswith("_")
        and name not in arguments  # Keras flips some signs in place, once a training
        and isinstance(value, (*_PLAIN, np.generic))
    }


def arrays_of(callback: Any) -> dict[str, list[NDArray[Any]]]:
    """Lists of arrays that a callback remembers, such as `EarlyStopping`'s best weights."""
    return {
        name: value
        for name, value in vars(callback).items()
        if isinstance(value, list) and value and all(isinstance(a, np.ndarray) for a in value)
    }


def better(value: float, best: float | None, mode: str) -> bool:
    """Tell whether a metric's value is the best so far; never for no number."""
    if math.isnan(value):
        return False
    return best is None or (value > best if mode == "max" else value < best)
