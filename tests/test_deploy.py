"""Deployment on silicon through `paritone run`: flashed, compared; or what to plug in, in a line.

No board of silicon is here. In the place of its probe's tool stands a program that keeps its
arguments, in the place of its serial port a pseudo-terminal that leads to an emulated board; that
the port is an ST-Link's is what pyserial is made to say.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo

from board_projects import Boards
from paritone import cli, device, validate
from paritone.boards.qemu import Emulator
from paritone.config import load_sections
from paritone.device import deploy, flash
from paritone.device.deploy import StLink
from paritone.errors import CheckFailedError, ConfigError, ToolMissingError
from paritone.link import discovery
from serial_line import leading_to

SILICON = "nucleo-f446re"
OPENOCD = """#!/bin/sh
echo "$@" >> '{folder}/said'
echo '0xe0042000: 10006413'
"""
Run = Callable[..., int]


@pytest.fixture
def run(tiny_config: Path, boards: Boards, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`paritone run` of the tiny project's quantized model; returns the exit status."""
    monkeypatch.chdir(tmp_path)
    model = boards("stm32f405").project.model

    def start(*arguments: str) -> int:
        words = ["run", "--config-path", str(tiny_config.parent), "hydra.run.dir=run"]
        with pytest.raises(SystemExit) as stopped:
            cli.main([*words, f"general.model_path={model}", *arguments])
        return int(stopped.value.code or 0)

    return start


@pytest.fixture
def port(boards: Boards) -> Iterator[str]:
    """The serial port of an emulated board that runs the tiny project's firmware."""
    built = boards("stm32f405")
    with Emulator(built.project.board) as emulator:
        flash.flash(built.firmware.elf, emulator.gdb, flash.EMULATOR_RESET)
        with leading_to(emulator.serial_url) as name:
            yield name


def plugged_in(monkeypatch: pytest.MonkeyPatch, *links: tuple[str, str]) -> None:
    """Have pyserial list these serial numbers and ports as those of ST-Links."""
    found = []
    for serial_number, name in links:
        info = ListPortInfo(name)
        info.vid, info.pid, info.serial_number = discovery.ST_VENDOR, 0x374B, serial_number
        found.append(info)
    monkeypatch.setattr(list_ports, "comports", lambda: found)


def stand_in(folder: Path) -> None:
    """A program called openocd, to be first on the path."""
    tool = folder / "openocd"
    tool.write_text(OPENOCD.format(folder=folder))
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)


def summary(tmp_path: Path) -> dict:
    return json.loads((tmp_path / "run/summary.json").read_text())


def test_a_board_that_is_not_plugged_in_is_built_for_and_asked_for(
    run: Run,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plugged_in(monkeypatch)
    assert run("operation_mode=benchmarking", f"benchmarking.board={SILICON}") == 3
    error = capfd.readouterr().err
    assert "Traceback" not in error
    line = error.splitlines()[-1]
    for part in (
        "paritone: the firmware is built",
        "no serial port of an ST-Link is here",
        f"plug {SILICON} in",
        "firmware.elf",
    ):
        assert part in line
    assert (tmp_path / "run/firmware/firmware.elf").is_file()
    found = summary(tmp_path)
    assert found["memory"]["flash_bytes"] > 10_000
    assert "ST-Link" in found["left_out"][SILICON]
    assert not {"parity", "latency"} & set(found)


def test_deployed_through_the_st_link_that_has_the_port(
    boards: Boards, port: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Flashed through that ST-Link of the two, then compared over the port."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    stand_in(tmp_path)
    plugged_in(monkeypatch, ("066A", "/dev/ttyOther"), ("066B", port))
    built = boards("stm32f405")
    project = built.project
    with deploy.deployed(project.board, built.firmware, tmp_path, port) as board:
        found = validate.validate(board, built.clips[:1], project.tables(), project.model)
    found.require_equal()
    assert found.frontend.patches > 0
    said = (tmp_path / "said").read_text().splitlines()
    assert len(said) == 2, "identified, then written"
    assert all("adapter serial 066B" in line for line in said)
    assert f"program {{{built.firmware.elf}}} verify reset exit" in said[1]


def test_flash_asks_the_board_behind_its_st_link_who_it_is(
    boards: Boards,
    tiny_config: Path,
    port: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without --port: that of the ST-Link that was flashed through."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    stand_in(tmp_path)
    plugged_in(monkeypatch, ("066B", port))
    project = boards("stm32f405").project
    words = ["flash", str(project.model), "--config", str(tiny_config), "--board", "stm32f405"]
    with pytest.raises(SystemExit) as stopped:
        cli.main([*words, "--out", str(project.folder), "--runner", "openocd"])
    assert not stopped.value.code
    output = capsys.readouterr().out
    assert "by openocd, read back and equal" in output
    assert "stm32f405: answers; 168 MHz" in output


def test_a_board_without_an_emulator_is_found_by_its_st_link(
    boards: Boards, port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugged_in(monkeypatch, ("066B", port))
    with (
        pytest.raises(CheckFailedError, match="expected nucleo-f446re, it says stm32f405"),
        device.open(SILICON, boards("stm32f405").firmware),
    ):
        pass


def test_a_port_of_no_st_link_is_greeted_and_not_flashed(
    boards: Boards, port: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugged_in(monkeypatch, ("066A", "/dev/ttyOther"))
    firmware = boards("stm32f405").firmware
    other = replace(firmware, manifest={**firmware.manifest, "frontend_sha256": "0" * 64})
    with (
        pytest.raises(CheckFailedError, match="firmware for another frontend"),
        deploy.deployed(firmware.board, other, tmp_path, port),
    ):
        pass


def test_the_port_of_a_run_is_that_of_its_board(tiny_config: Path) -> None:
    def of(*overrides: str) -> tuple[str | None, str | None]:
        config = load_sections(tiny_config, list(overrides))
        return config.port, config.stlink_serial_number

    assert of() == (None, None)
    section = "deployment.hardware_setup"
    assert of(f"+{section}.port=/dev/a", f"+{section}.stlink_serial_number='066A'") == (
        "/dev/a",
        "066A",
    )
    assert of(f"+{section}.port=/dev/a", "++benchmarking.port=/dev/b")[0] == "/dev/b"


def test_the_port_of_what_was_flashed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The probe's own; of a probe without one, the only one there is."""
    one, two = StLink("066A", "/dev/ttyACM0"), StLink("066B", "/dev/ttyACM1")
    assert deploy.port_flashed([one], None) == "/dev/ttyACM0"
    assert deploy.port_flashed([one, two], "066B") == "/dev/ttyACM1"
    adapter = ListPortInfo("/dev/ttyUSB0")
    adapter.vid, adapter.pid = 0x0403, 0x6001
    monkeypatch.setattr(list_ports, "comports", lambda: [adapter])
    assert deploy.port_flashed([], "066C") == "/dev/ttyUSB0"
    assert deploy.port_flashed([one], "066C") is None, "that is another board's"
    plugged_in(monkeypatch)
    assert deploy.port_flashed([], None) is None


def test_a_flashed_board_whose_port_is_not_known(
    boards: Boards,
    tiny_config: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is flashed, and how to ask it is said."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    stand_in(tmp_path)
    plugged_in(monkeypatch)
    project = boards("stm32f405").project
    words = ["flash", str(project.model), "--config", str(tiny_config), "--board", "stm32f405"]
    with pytest.raises(SystemExit) as stopped:
        cli.main([*words, "--out", str(project.folder), "--runner", "openocd"])
    assert not stopped.value.code
    output = capsys.readouterr().out
    assert "by openocd, read back and equal" in output
    assert "`paritone validate --board stm32f405 --port PORT` asks by one" in output


def test_which_st_link() -> None:
    one, two = StLink("066A", "/dev/ttyACM0"), StLink("066B", "/dev/ttyACM1")
    assert deploy.choose([one], None, None, SILICON) == one
    assert deploy.choose([one, two], None, "066B", SILICON) == two
    assert deploy.choose([one, two], "/dev/ttyACM1", None, SILICON) == two
    assert deploy.choose([one, two], "socket://elsewhere:5000", None, SILICON) is None
    with pytest.raises(ConfigError, match=r"stlink_serial_number.*066A \(/dev/ttyACM0\), 066B"):
        deploy.choose([one, two], None, None, SILICON)
    with pytest.raises(ToolMissingError, match=r"number 066C is here, only 066A .*plug nucleo"):
        deploy.choose([one], None, "066C", SILICON)
