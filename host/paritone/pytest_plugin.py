"""pytest plugin: a user's own model in the user's own tests, on a board and on its host twins.

``pytest --paritone-board BOARD`` gives the fixtures `board`, `engine` and `frontend`. pytest
imports this module in every project of an environment: nothing else is imported before a fixture
is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

if TYPE_CHECKING:
    from paritone.native.engine import Engine
    from paritone.native.frontend import Frontend
    from paritone.project import Project
    from paritone.under_test import BoardUnderTest

CONFIG_NAME = "user_config.yaml"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the fixtures."""
    group = parser.getgroup("paritone", "a model on a microcontroller (paritone)")
    for name, metavar, text in (
        ("board", "BOARD", "board of the fixture `board`; `paritone boards` lists them"),
        ("port", "PORT", "its serial device or pyserial URL; without it, emulated or by ST-Link"),
        ("config", "FILE", f"configuration of the model; default: ./{CONFIG_NAME}"),
        ("model", "FILE", "the model; default: the configuration's general.model_path"),
    ):
        group.addoption(f"--paritone-{name}", metavar=metavar, help=text)


@pytest.fixture(scope="session")
def board(
    request: pytest.FixtureRequest,
    _paritone_project: Project,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[BoardUnderTest]:
    """The board, with the model's firmware on it: `paritone.under_test.BoardUnderTest`."""
    if request.config.getoption("paritone_board") is None:
        _fail("the fixture 'board' needs --paritone-board BOARD; `paritone boards` lists them")
    from paritone.under_test import connected

    folder, port = tmp_path_factory.mktemp("board"), request.config.getoption("paritone_port")
    with _one_line(), connected(_paritone_project, folder, port) as found:
        yield found


@pytest.fixture(scope="session")
def engine(_paritone_project: Project) -> Engine:
    """The model in the board's C on this machine: `paritone.Engine`."""
    from paritone.native.engine import Engine

    with _one_line():
        return Engine(_paritone_project.model, _paritone_project.config.optimization)


@pytest.fixture(scope="session")
def frontend(_paritone_project: Project) -> Frontend:
    """The configuration's features in the board's C on this machine: `paritone.Frontend`."""
    from paritone.native.frontend import Frontend

    with _one_line():
        return Frontend(_paritone_project.tables())


@pytest.fixture(scope="session")
def _paritone_project(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Project:
    """The model, quantized if it is not, its configuration and the board that is asked for."""
    option = request.config.getoption
    file = Path(option("paritone_config") or CONFIG_NAME)
    if option("paritone_config") is None and not file.is_file():
        _fail(f"no {CONFIG_NAME} here: give --paritone-config FILE")
    from paritone import project, quiet

    quiet.set_tensorflow_up()
    with _one_line():
        model, folder = option("paritone_model"), tmp_path_factory.mktemp("paritone")
        return project.of_model([model] if model else [], file, option("paritone_board"), folder)


@contextmanager
def _one_line() -> Iterator[None]:
    """Turn an error that is told in a line into a failure without a traceback."""
    from paritone.errors import ParitoneError

    try:
        yield
    except ParitoneError as error:
        _fail(str(error))


def _fail(text: str) -> NoReturn:
    pytest.fail(f"paritone: {text}", pytrace=False)
