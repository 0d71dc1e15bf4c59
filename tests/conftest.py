"""What tests share: the shipped example, and the larger data beside a checkout when it is there."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from board_projects import Boards

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

REPOSITORY = Path(__file__).resolve().parents[1]


def pytest_configure() -> None:
    """Make SIGINT count: a shell's job in the background ignores it, and so do its children."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the checkout."""
    return REPOSITORY


@pytest.fixture(autouse=True, scope="session")
def arrays_of_this_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Arrays that a run of the tests caches are its own: none is left from an earlier one."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("arrays")
        patch.setattr("paritone.cache.folder", lambda: folder)
        yield


@pytest.fixture(scope="session")
def examples() -> Path:
    """The shipped example: configuration, excerpt of ESC-10, float model."""
    return REPOSITORY / "examples"


@pytest.fixture(scope="session")
def shared_data() -> Path | None:
    """ESC-10 and pretrained models beside the checkout, or None: tests run without them too."""
    folder = REPOSITORY.parent / "shared/data"
    return folder if folder.is_dir() else None


@pytest.fixture(scope="session")
def tiny_config(tmp_path_factory: pytest.TempPathFactory, examples: Path) -> Path:
    """A configuration file with a tiny model and a few real clips beside it; do not write there."""
    from zoo_config import tiny_project

    return tiny_project(tmp_path_factory.mktemp("tiny"), examples)


@pytest.fixture(scope="session")
def boards(tiny_config: Path, tmp_path_factory: pytest.TempPathFactory) -> Boards:
    """Firmware of the tiny model: `boards(name, overrides)`, built on first use."""
    from board_projects import Boards

    return Boards(tiny_config, tmp_path_factory.mktemp("boards"))


@pytest.fixture(scope="session")
def tflite_schema():
    """Imported before any strategy draws: the import uses the global random state."""
    from tensorflow.lite.python import schema_py_generated  # noqa: F401
