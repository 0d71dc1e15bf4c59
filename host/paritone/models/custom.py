"""The user's own model: `get_custom_model` of a Python file that the user wrote."""

from __future__ import annotations

import inspect
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paritone.errors import ConfigError

if TYPE_CHECKING:
    import keras

FUNCTION = "get_custom_model"


def custom(path: Path, **arguments: Any) -> keras.Model:
    """Build the user's model.

    Parameters
    ----------
    path : Path
        A Python file that defines `get_custom_model`. It is executed.
    **arguments
        num_classes : int, input_shape : (n_mels, patch_length, 1), dropout : float,
        pretrained_weights : bool. An optional one that the function does not take is left out.

    Raises
    ------
    ConfigError
        The file or the function is missing or fails, or what it returns is no Keras model.
    """
    import keras

    function = _function(path)
    try:
        model = function(**_accepted(function, arguments))
    except Exception as error:
        raise ConfigError(f"{path}: {FUNCTION} failed: {_one_line(error)}") from error
    if not isinstance(model, keras.Model):
        raise ConfigError(
            f"{path}: {FUNCTION} must return a keras.Model, got {type(model).__name__}"
        )
    return model


def _function(path: Path) -> Callable[..., Any]:
    if not path.is_file():
        raise ConfigError(
            f"{path}: no such file; a custom model needs a Python file that defines "
            f"{FUNCTION}(num_classes, input_shape, dropout, pretrained_weights)"
        )
    try:
        names = runpy.run_path(str(path))
    except SyntaxError as error:
        raise ConfigError(f"{path}:{error.lineno}: not valid Python: {error.msg}") from error
    except (Exception, SystemExit) as error:
        raise ConfigError(f"{path}: cannot be loaded: {_one_line(error)}") from error
    function = names.get(FUNCTION)
    if not callable(function):
        raise ConfigError(f"{path}: does not define {FUNCTION}(num_classes, input_shape, …)")
    return function


def _accepted(function: Callable[..., Any], arguments: dict[str, Any]) -> dict[str, Any]:
    """Keep what the function takes: the zoo's signatures differ between its versions."""
    parameters = inspect.signature(function).parameters
    if any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values()):
        return arguments
    return {name: value for name, value in arguments.items() if name in parameters}


def _one_line(error: BaseException) -> str:
    text = str(error).strip() or type(error).__name__
    return f"{type(error).__name__}: {text.splitlines()[0]}"
