"""Libraries that write to the terminal by themselves, kept from it."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def silenced() -> Iterator[None]:
    """Drop what Python and C++ write to both output streams, and Python's warnings.

    Not for code that shows progress: that is dropped too.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    saved = os.dup(1), os.dup(2)
    try:
        with tempfile.TemporaryFile() as sink, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            os.dup2(sink.fileno(), 1)
            os.dup2(sink.fileno(), 2)
            yield
            sys.stdout.flush()
            sys.stderr.flush()
    finally:
        for descriptor, old in zip((1, 2), saved, strict=True):
            os.dup2(old, descriptor)
            os.close(old)


@contextmanager
def into(path: Path) -> Iterator[None]:
    """Append to a file what Python and C++ write to both output streams."""
    sys.stdout.flush()
    sys.stderr.flush()
    saved = os.dup(1), os.dup(2)
    try:
        with path.open("ab") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        yield
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        for descriptor, old in zip((1, 2), saved, strict=True):
            os.dup2(old, descriptor)
            os.close(old)


def set_tensorflow_up() -> None:
    """Keep TensorFlow's banner and device chatter from the terminal; before it is imported."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")


def import_tensorflow() -> None:
    """Import TensorFlow and Keras, without the banner that TensorFlow's C++ prints."""
    if "tensorflow" not in sys.modules:
        with silenced():
            import keras  # noqa: F401
            import tensorflow  # noqa: F401
    logging.getLogger("tensorflow").setLevel(logging.WARNING)


def keep_streams() -> None:
    """Call before Hydra sets up logging, which closes every handler there is.

    TensorFlow's (absl's) closes its stream with it unless that is the process's own: under a
    notebook or a test it would be the one that `sys.stderr` was when TensorFlow was imported.
    """
    absl = sys.modules.get("absl.logging")
    if absl is not None:
        absl.get_absl_handler().python_handler.stream = sys.__stderr__
