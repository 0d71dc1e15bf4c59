"""Float Keras models from files: Keras 2 `.h5`, Keras 3 `.h5` and `.keras`; no code is run."""

from __future__ import annotations

import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paritone import quiet
from paritone.errors import ModelError

if TYPE_CHECKING:
    import keras

SUFFIXES = (".h5", ".hdf5", ".keras")
# A configuration names the modules that its classes are imported from: only these are Keras' own.
TRUSTED_MODULES = ("keras", "builtins")
_CONVOLUTION_KEYS = ("groups", "kernel_initializer", "kernel_regularizer", "kernel_constraint")
# Keys that Keras 2 wrote although the layer has no use for them, and that Keras 3 refuses.
OBSOLETE_KEYS = {
    "DepthwiseConv1D": _CONVOLUTION_KEYS,
    "DepthwiseConv2D": _CONVOLUTION_KEYS,
    "SeparableConv1D": _CONVOLUTION_KEYS,
    "SeparableConv2D": _CONVOLUTION_KEYS,
    "Conv2DTranspose": ("groups",),
    "BatchNormalization": ("virtual_batch_size", "fused", "adjustment"),
}


def load_keras(path: Path) -> keras.Model:
    """Load a float model, uncompiled.

    Parameters
    ----------
    path : Path
        `.h5` or `.hdf5` of Keras 2 or 3, or `.keras`.

    Raises
    ------
    ModelError
        The file is missing, unreadable or no Keras model, or it holds code or foreign classes.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise ModelError(f"{path}: expected a Keras model ({', '.join(SUFFIXES)})")
    if not path.is_file():
        raise ModelError(f"{path}: no such model file")
    if path.suffix.lower() == ".keras":
        _refuse_code(_keras_config(path), path)
        return _load(path, path)
    return _load_h5(path)


def _keras_config(path: Path) -> Any:
    try:
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read("config.json"))
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise ModelError(f"{path}: not a Keras model: {error}") from error


def _h5_config(path: Path) -> tuple[dict[str, Any], str]:
    """The model's configuration, and the version of Keras that wrote it."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            text = file.attrs.get("model_config")
            version = file.attrs.get("keras_version", "2")
    except OSError as error:
        raise ModelError(f"{path}: not an HDF5 file, or damaged: {error}") from error
    if text is None:
        raise ModelError(f"{path}: holds no model configuration; save the model, not its weights")
    try:
        config = json.loads(text)
    except ValueError as error:
        raise ModelError(f"{path}: its model configuration is not JSON: {error}") from error
    if not isinstance(config, dict):
        raise ModelError(f"{path}: its model configuration is not that of a Keras model")
    return config, version.decode() if isinstance(version, bytes) else str(version)


def _load_h5(path: Path) -> keras.Model:
    config, version = _h5_config(path)
    _refuse_code(config, path)
    if not version.startswith(("1", "2")):
        return _load(path, path)
    with tempfile.TemporaryDirectory(prefix="paritone-") as folder:
        copy = Path(folder) / "model.h5"
        shutil.copyfile(path, copy)
        _replace_config(copy, _modernise(config))
        return _load(copy, path)


def _replace_config(path: Path, config: dict[str, Any]) -> None:
    import h5py

    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = json.dumps(config)


def _load(path: Path, shown: Path) -> keras.Model:
    """Load `path`; errors speak of `shown`, the file that the user named."""
    quiet.import_tensorflow()
    import keras

    try:
        model = keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise ModelError(f"{shown}: Keras cannot load it: {lines[0]}") from error
    if not isinstance(model, keras.Model):
        raise ModelError(f"{shown}: expected a Keras model, got {type(model).__name__}")
    return model


def _records(node: Any) -> Iterator[dict[str, Any]]:
    """Every dictionary of a nested configuration, outermost first."""
    if isinstance(node, dict):
        yield node
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for child in children:
        yield from _records(child)


def _refuse_code(config: Any, path: Path) -> None:
    for record in _records(config):
        kind = record.get("class_name")
        if kind in ("Lambda", "__lambda__"):
            inner = record.get("config")
            name = inner.get("name", kind) if isinstance(inner, dict) else kind
            raise ModelError(
                f"{path}: layer {name} is a Lambda, which carries Python code; "
                "code in a model file is not run: rebuild the model from Keras layers"
            )
        module = record.get("module") if kind else None
        if module and str(module).split(".")[0] not in TRUSTED_MODULES:
            raise ModelError(
                f"{path}: {kind} is of the module {module}; only layers of Keras are supported"
            )


def _modernise(config: dict[str, Any]) -> dict[str, Any]:
    """Rewrite a Keras 2 configuration into one that Keras 3 accepts."""
    modern: dict[str, Any] = _rename(config, _new_names(config))
    for record in _records(modern):
        inner = record.get("config")
        if isinstance(inner, dict):
            _modernise_layer(str(record.get("class_name")), inner)
    return modern


def _modernise_layer(kind: str, config: dict[str, Any]) -> None:
    for key in OBSOLETE_KEYS.get(kind, ()):
        config.pop(key, None)
    axis = config.get("axis")
    if kind == "BatchNormalization" and isinstance(axis, list) and len(axis) == 1:
        config["axis"] = axis[0]
    for ends in ("input_layers", "output_layers"):
        # A list of one means one tensor to Keras 2, and a list of tensors to Keras 3.
        if isinstance(config.get(ends), list) and len(config[ends]) == 1:
            config[ends] = config[ends][0]


def _new_names(config: dict[str, Any]) -> dict[str, str]:
    """Names for layers whose own holds a `/`, which Keras 3 refuses."""
    names = {
        record["config"]["name"]
        for record in _records(config)
        if isinstance(record.get("config"), dict) and isinstance(record["config"].get("name"), str)
    }
    renamed: dict[str, str] = {}
    for name in sorted(name for name in names if "/" in name):
        new = name.replace("/", "_")
        while new in names:
            new += "_"
        names.add(new)
        renamed[name] = new
    return renamed


def _rename(node: Any, names: dict[str, str]) -> Any:
    if isinstance(node, dict):
        return {key: _rename(value, names) for key, value in node.items()}
    if isinstance(node, list):
        return [_rename(value, names) for value in node]
    return names.get(node, node) if isinstance(node, str) else node
