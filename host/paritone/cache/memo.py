"""Results of long steps, kept on disk with what they were made from: a second run repeats none.

Beside its kind, a result belongs to the bytes of its model, the keys and arrays that went in, and
all code that could have a part in it: every module and C source here, and the libraries.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from paritone import sources
from paritone.cache import Arrays, Cache, content_of, key_of, versions
from paritone.cache import sources as modules
from paritone.config import Config

Found = TypeVar("Found")


def arrays(
    config: Config,
    kind: str,
    made_from: Mapping[str, Any],
    given: Iterable[NDArray[Any]],
    compute: Callable[[], Arrays],
) -> Arrays:
    """Return what `compute` does, from the disk when it was computed before.

    Parameters
    ----------
    config : its ``dataset.to_cache`` says whether anything is kept
    made_from : values that JSON knows, files among them by `paritone.cache.content_of`
    given : arrays that went in, in their order
    """
    if not config.dataset.to_cache:
        return compute()
    kept = Cache()
    key = key_of({"kind": kind, **made_from, "arrays": _digest(given), "code": _code()})
    found = kept.get(key)
    if found is None:
        found = compute()
        kept.put(key, found)
    return found


def lists(
    config: Config,
    kind: str,
    made_from: Mapping[str, Any],
    given: Sequence[NDArray[Any]],
    compute: Callable[[], list[NDArray[Any]]],
) -> list[NDArray[Any]]:
    """Return a list of arrays as `arrays` does: they may differ in their first dimension only."""

    def computed() -> Arrays:
        found = compute()
        return {"rows": np.concatenate(found), "counts": np.array([len(one) for one in found])}

    if not given:
        return compute()
    found = arrays(config, kind, made_from, given, computed)
    return np.split(found["rows"], np.cumsum(found["counts"])[:-1])


def of_model(kind: str, model: Path, compute: Callable[[], Found], **made_from: Any) -> Found:
    """Return what `compute` finds out about a model's file: a value that JSON knows."""
    if not model.is_file():
        return compute()
    kept = Cache()
    file = {"model": content_of(model), "suffix": model.suffix}
    key = key_of({"kind": kind, **file, **made_from, "code": _code()})
    entry = kept.get(key)
    if entry is None:
        text = json.dumps(compute()).encode()
        entry = {"json": np.frombuffer(text, np.uint8)}
        kept.put(key, entry)
    found: Found = json.loads(entry["json"].tobytes())
    return found


def of_values(kind: str, made_from: Mapping[str, Any], compute: Callable[[], bytes]) -> bytes:
    """Return the bytes that `compute` makes of values that JSON knows."""
    kept = Cache()
    key = key_of({"kind": kind, **made_from, "code": _code()})
    entry = kept.get(key)
    if entry is None:
        entry = {"bytes": np.frombuffer(compute(), np.uint8)}
        kept.put(key, entry)
    return entry["bytes"].tobytes()


def of_device(config: Config) -> dict[str, Any]:
    """The keys that decide what the device computes of PCM."""
    return {
        "features": config.feature_extraction.model_dump(mode="json"),
        "rate": config.preprocessing.target_rate,
        "silence": config.silence_threshold,
        "optimization": config.optimization,
    }


def _digest(given: Iterable[NDArray[Any]]) -> str:
    digest = hashlib.sha256()
    for array in given:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


@cache
def _code() -> dict[str, Any]:
    digest = hashlib.sha256()
    headers = [header for folder in sources.include_dirs() for header in folder.glob("*.h")]
    for file in sorted([*sources.portable_sources(), *headers]):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return {
        "machine": platform.machine(),
        "paritone": modules("**/*.py"),
        "c": digest.hexdigest(),
        **versions(
            *("keras", "librosa", "matplotlib", "numpy", "onnx", "onnxruntime"),
            *("scikit-learn", "scipy", "tensorflow", "tf2onnx", "tflite"),
        ),
    }
