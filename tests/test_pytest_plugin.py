"""The pytest plugin in processes of its own: the example passes, a defect fails, bad use is a line.

The plugin is found as users have it, through the installed package's entry point.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from board_projects import Boards

DEADLINE_S = 600
PROBE = """
import sys
import pytest
status = pytest.main(["--co", "-q"])
ours = sorted(name for name in sys.modules if name.split(".")[0] == "paritone")
heavy = [name for name in ("tensorflow", "numpy", "rich", "pydantic") if name in sys.modules]
print(int(status), ours, heavy)
"""
USES = """
def test_of_the_board(board):
    pass

def test_of_the_engine(engine):
    pass

def test_of_neither():
    pass
"""
BUDGET = """
def test_too_small_a_budget(board):
    assert board.memory["flash_bytes"] <= 10_000

def test_clips_of_my_own(board):
    board.validate([("silence", __import__("numpy").zeros(5000, "int16"))]).require_equal()
"""


def pytest_in(folder: Path, *arguments: object) -> tuple[int, str]:
    """Exit status and output of pytest in a folder of its own."""
    words = ["-m", "pytest", "-p", "no:cacheprovider", *map(str, arguments)]
    return python_in(folder, *words)


def python_in(folder: Path, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=DEADLINE_S,
    )
    return done.returncode, done.stdout


def of_model(boards: Boards, config: Path) -> list[object]:
    model = boards("stm32f405").project.model
    return ["--paritone-config", config, "--paritone-model", model]


def test_the_example_passes_and_a_budget_fails(
    boards: Boards, tiny_config: Path, examples: Path, tmp_path: Path
) -> None:
    shutil.copy(examples / "ci_checks/test_my_model.py", tmp_path)
    (tmp_path / "test_budget.py").write_text(BUDGET)
    options = [*of_model(boards, tiny_config), "--paritone-board", "stm32f405"]
    status, output = pytest_in(tmp_path, *options)
    assert status == 1, output
    assert "1 failed, 6 passed" in output, output
    assert "FAILED test_budget.py::test_too_small_a_budget" in output


def test_what_is_missing_is_said_in_one_line(
    boards: Boards, tiny_config: Path, tmp_path: Path
) -> None:
    (tmp_path / "test_uses.py").write_text(USES)
    status, output = pytest_in(tmp_path, *of_model(boards, tiny_config))
    assert status == 1
    assert "2 passed, 1 error" in output, output
    assert "paritone: the fixture 'board' needs --paritone-board BOARD" in output
    status, output = pytest_in(tmp_path)
    assert status == 1
    assert "1 passed, 2 errors" in output, output
    assert "paritone: no user_config.yaml here: give --paritone-config FILE" in output
    options = ["--paritone-board", "pdp11", "--paritone-config", tiny_config]
    status, output = pytest_in(tmp_path, *options)
    assert "paritone: board 'pdp11' is not known: choose one of stm32f405" in output
    assert "Traceback" not in output
    assert "under_test.py" not in output, "no source of ours in a user's report"


def test_a_project_without_it_pays_nothing(tmp_path: Path) -> None:
    status, output = python_in(tmp_path, "-c", PROBE)
    assert status == 0
    assert output.splitlines()[-1] == "5 ['paritone', 'paritone.pytest_plugin'] []", output
