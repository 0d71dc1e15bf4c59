"""What `paritone doctor` sees of boards of silicon: tools, ST-Links, ports, permission.

No board is here: the kernel's view of the USB is a folder of the same files, and a user without
permission is this process in a child that has given its own up.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo

from paritone import cli, doctor
from paritone.device import runners, st_link
from paritone.errors import ToolMissingError
from paritone.link import discovery
from paritone.link.port import GROUP_LINE, Port

NOBODY = 65534


def usb_device(sysfs: Path, nodes: Path, place: str, product: str, **more: str) -> Path:
    """A device as the kernel lists it, and its node; returns the node."""
    device = sysfs / place
    device.mkdir(parents=True)
    bus, number = place.split("-")
    files = {"idVendor": "0483", "idProduct": product, "busnum": bus, "devnum": number, **more}
    for name, text in files.items():
        (device / name).write_text(f"{text}\n")
    node = nodes / f"{int(bus):03d}" / f"{int(number):03d}"
    node.parent.mkdir(parents=True, exist_ok=True)
    node.touch()
    return node


def without_permission(see: Callable[[], Any]) -> Any:
    """What `see` returns to a user who owns nothing here."""
    if os.geteuid() != 0:
        return see()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setuid(NOBODY)
            os.write(writer, json.dumps(see()).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as file:
        text = file.read()
    assert os.waitpid(child, 0)[1] == 0
    return json.loads(text)


@pytest.fixture
def bus() -> Iterator[tuple[Path, Path]]:
    """Two ST-Links, a keyboard of ST's, a hub's interface without numbers; anyone may look."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield _bus(Path(folder))


def _bus(folder: Path) -> tuple[Path, Path]:
    sysfs, nodes = folder / "devices", folder / "bus"
    usb_device(sysfs, nodes, "1-7", "374b", serial="066EFF")
    usb_device(sysfs, nodes, "2-12", "3754", serial="003A00")
    usb_device(sysfs, nodes, "1-8", "5710", serial="keyboard")
    (sysfs / "1-0:1.0").mkdir()
    return sysfs, nodes


def test_probes_are_found_by_their_usb_ids(bus: tuple[Path, Path]) -> None:
    found = list(st_link.on_usb(*bus))
    assert [probe.serial_number for probe in found] == ["066EFF", "003A00"]
    assert [probe.node.relative_to(bus[1]).as_posix() for probe in found] == ["001/007", "002/012"]
    assert all(probe.permitted for probe in found)
    assert list(st_link.on_usb(bus[0] / "none", bus[1])) == []


def test_a_probe_without_permission_has_the_line_to_type(bus: tuple[Path, Path]) -> None:
    def see() -> list[list[Any]]:
        return [[line.text, line.permitted] for line in doctor.probes(*bus) if "066E" in line.text]

    next(st_link.on_usb(*bus)).node.chmod(0)
    [[text, permitted]] = without_permission(see)
    assert not permitted
    assert 'serial number 066EFF; NO PERMISSION, type: echo \'SUBSYSTEM=="usb"' in text
    assert runners.UDEV_LINE in text


def test_a_port_without_permission_has_the_line_to_type() -> None:
    """As doctor tells it of a port on USB, a command does that is told to use it."""
    ours, theirs = os.openpty()
    name = os.ttyname(theirs)
    Path(name).chmod(0)

    def see() -> str:
        try:
            Port(name)
        except ToolMissingError as error:
            return str(error)
        return "opened"

    said = without_permission(see)
    os.close(ours)
    os.close(theirs)
    assert said == f"port {name} cannot be opened: no permission; type: {GROUP_LINE}"
    assert "usermod -aG dialout" in said


def test_ports_tools_and_probes_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    port = ListPortInfo("/dev/null")
    port.vid, port.pid, port.description = discovery.ST_VENDOR, 0x374B, "STM32 STLink - ST-Link VCP"
    monkeypatch.setattr(list_ports, "comports", lambda: [port])
    tool = tmp_path / "st-flash"
    tool.write_text("#!/bin/sh\necho v1.7.0\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    report = tmp_path / "found.json"
    with pytest.raises(SystemExit) as stopped:
        cli.main(["doctor", "--json", str(report)])
    assert not stopped.value.code
    output = capsys.readouterr().out
    assert "st-flash           flashing probes  v1.7.0" in output
    assert "/dev/null" in output
    assert "ST-Link VCP, USB 0483:374b, of an ST-Link: --port /dev/null" in output
    found = json.loads(report.read_text())
    assert [line["name"] for line in found["attached"] if line["use"] == "serial port"] == [
        "/dev/null"
    ]
    assert found["ports"][0][0] == "/dev/null"


def test_no_tool_for_a_probe_names_what_installs_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that emulated boards need: no error."""
    monkeypatch.setenv("PATH", str(tmp_path))
    [line] = [line for line in doctor.attached(tmp_path, tmp_path) if "tools" in line.name]
    assert line.permitted
    assert (
        "pip install pyocd (or apt-get install openocd; apt-get install stlink-tools" in line.text
    )
