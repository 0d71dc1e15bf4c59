"""Which serial port leads to a board, and a board that is reached by it."""

from __future__ import annotations

import numpy as np
import pytest
from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo

from board_projects import Boards
from paritone import boards as supported
from paritone import cli, device
from paritone.boards.qemu import Emulator
from paritone.device import flash
from paritone.errors import ConfigError, ToolMissingError
from paritone.link import discovery
from serial_line import leading_to

NAME = "stm32f405"
SILICON = "nucleo-f446re"
FTDI = (0x0403, 0x6001)
ST_LINK = (0x0483, 0x374B)


def listed(
    monkeypatch: pytest.MonkeyPatch, *ports: tuple[str, tuple[int, int] | None]
) -> list[discovery.UsbPort]:
    """Have the kernel's list of ports, as pyserial reads it, hold these."""
    found = []
    for device_name, usb_id in ports:
        info = ListPortInfo(device_name)
        if usb_id is not None:
            info.vid, info.pid = usb_id
            info.serial_number, info.product = "066A", "STM32 STLink"
        found.append(info)
    monkeypatch.setattr(list_ports, "comports", lambda: found)
    return discovery.usb_ports()


def test_an_st_link_first_then_the_only_port(monkeypatch: pytest.MonkeyPatch) -> None:
    both = listed(monkeypatch, ("/dev/ttyUSB0", FTDI), ("/dev/ttyACM0", ST_LINK))
    assert discovery.choose(both, SILICON).device == "/dev/ttyACM0"
    other = listed(monkeypatch, ("/dev/ttyUSB0", FTDI), ("/dev/ttyS0", None))
    assert discovery.choose(other, SILICON).device == "/dev/ttyUSB0"


def test_none_and_several_are_one_line_each(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ToolMissingError, match=f"no USB serial port is here: plug {SILICON} in"):
        discovery.choose(listed(monkeypatch, ("/dev/ttyS0", None)), SILICON)
    several = listed(monkeypatch, ("/dev/ttyACM0", ST_LINK), ("/dev/ttyACM1", ST_LINK))
    expected = "2 serial ports .* by --port: /dev/ttyACM0 .STM32 STLink, serial number 066A., /dev"
    with pytest.raises(ConfigError, match=expected):
        discovery.choose(several, SILICON)
    # A command says so before it builds anything.
    for ports, status in (((), 3), ((("/dev/a", ST_LINK), ("/dev/b", ST_LINK)), 2)):
        listed(monkeypatch, *ports)
        with pytest.raises(SystemExit) as caught:
            cli.main(["latency", "--board", SILICON])
        assert caught.value.code == status
        error = capsys.readouterr().err
        assert "Traceback" not in error
        assert len(error.strip().splitlines()) == 1


def test_a_board_is_found_and_reached(boards: Boards, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal in place of the ST-Link's port, the emulated board behind it."""
    built = boards(NAME)
    board = supported.get(NAME).model_copy(update={"emulator": None})
    pcm = built.clips[0][1][:6000]
    with Emulator(built.project.board) as emulator:
        flash.flash(built.firmware.elf, emulator.gdb, flash.EMULATOR_RESET)
        with leading_to(emulator.serial_url) as terminal:
            listed(monkeypatch, (terminal, ST_LINK))
            with device.open(board, built.firmware) as opened:
                found = [patch.scores for patch in opened.stream(pcm, features=False)]
    with device.open(NAME, built.firmware) as opened:
        expected = [patch.scores for patch in opened.stream(pcm, features=False)]
    assert len(expected) >= 2
    assert np.array_equal(np.stack(found), np.stack(expected))
