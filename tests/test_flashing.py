"""Flashing silicon: each tool is told the right thing, and each failure becomes one line.

No board of silicon is here. In the tools' place stand programs that keep their arguments and say
what the tools say; the words are those of pyOCD 0.46, OpenOCD 0.12, st-flash 1.7 and
STM32CubeProgrammer 2.
"""

from __future__ import annotations

import shlex
import stat
import sys
from pathlib import Path

import pytest

from board_projects import Boards
from paritone import boards as supported
from paritone import cli
from paritone.device import runners
from paritone.device.runners import Job
from paritone.errors import CheckFailedError, ConfigError, ToolMissingError

BOARD = "nucleo-f446re"
PROGRAMS = ["pyocd", "openocd", "st-flash", "st-info", "STM32_Programmer_CLI"]
IDENTITY = {
    "pyocd": "e0042000:  10006421    |...!|",
    "openocd": "Info : Target voltage: 3.24\n0xe0042000: 10006421 \n\nshutdown command invoked",
    "st-flash": "0x421",
    "cubeprogrammer": "Voltage     : 3.25V\nDevice ID   : 0x421\nRevision ID : Rev A",
}
STAND_IN = """#!{python}
import pathlib, sys
here = pathlib.Path({folder!r})
with (here / "said").open("a") as log:
    log.write("\\x1f".join([pathlib.Path(sys.argv[0]).name, *sys.argv[1:]]) + "\\n")
command = " ".join(sys.argv)
if "savemem" in command:
    pathlib.Path(command.split()[-1]).write_bytes((here / "flash").read_bytes())
print((here / "output").read_text())
sys.exit(int((here / "status").read_text()))
"""


class Bench:
    """Stand-ins of the tools, first on the path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.says("", 0)
        for name in PROGRAMS:
            path = folder / name
            path.write_text(STAND_IN.format(python=sys.executable, folder=str(folder)))
            path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def says(self, output: str, status: int = 0) -> None:
        (self.folder / "output").write_text(output)
        (self.folder / "status").write_text(str(status))

    @property
    def commands(self) -> list[list[str]]:
        said = self.folder / "said"
        return (
            [line.split("\x1f") for line in said.read_text().splitlines()] if said.exists() else []
        )


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return Bench(tmp_path)


@pytest.fixture
def job(boards: Boards, tmp_path: Path) -> Job:
    elf = boards(BOARD).firmware.elf
    return runners.plan(runners.target(supported.get(BOARD), "066EFF"), elf, tmp_path)


def runner(name: str) -> runners.Runner:
    return next(r for r in runners.RUNNERS if r.name == name)


def test_the_image_is_what_objcopy_makes(job: Job, tmp_path: Path) -> None:
    import subprocess

    path = tmp_path / "objcopy.bin"
    command = ["arm-none-eabi-objcopy", "-O", "binary", "--gap-fill", "0xff"]
    subprocess.run([*command, str(job.elf), str(path)], check=True, timeout=60)
    assert job.image.read_bytes() == path.read_bytes()
    assert job.start == 0x08000000


@pytest.mark.parametrize("name", IDENTITY)
def test_each_tool_identifies_writes_and_compares(bench: Bench, job: Job, name: str) -> None:
    bench.says(IDENTITY[name])
    (bench.folder / "flash").write_bytes(job.image.read_bytes())
    assert runners.flash(runner(name), job) == job.image.stat().st_size
    first, second, *more = bench.commands
    assert all(any("066EFF" in part for part in command) for command in (first, second))
    assert "0xe0042000" in " ".join(first) or name in ("st-flash", "cubeprogrammer")
    written = job.image if name == "st-flash" else job.elf
    assert any(str(written) in part for part in second)
    expected = {
        "pyocd": ["load", "stm32f446retx"],
        "openocd": ["target/stm32f4x.cfg", f"program {{{job.elf}}} verify reset exit"],
        "st-flash": ["--reset", "write", "0x8000000"],
        "cubeprogrammer": ["port=SWD", "-w", "-v", "-rst"],
    }
    assert [part for part in expected[name] if part not in second] == []
    assert len(more) == (1 if name == "pyocd" else 0), "only pyOCD is read back by us"


def test_what_is_read_back_differently_is_an_error(bench: Bench, job: Job) -> None:
    bench.says(IDENTITY["pyocd"])
    data = bytearray(job.image.read_bytes())
    data[0x123] ^= 4
    (bench.folder / "flash").write_bytes(data)
    with pytest.raises(CheckFailedError, match="0x08000123"):
        runners.flash(runner("pyocd"), job)


@pytest.mark.parametrize("name", IDENTITY)
def test_another_chip_is_not_written(bench: Bench, job: Job, name: str) -> None:
    bench.says(IDENTITY[name].replace("6421", "6450").replace("0x421", "0x450"))
    with pytest.raises(CheckFailedError, match="0x421, this is 0x450, as nucleo-h743zi2 has"):
        runners.flash(runner(name), job)
    assert len(bench.commands) == 1


FAILURES = {
    "openocd, no probe": ("openocd", "Error: open failed\n** OpenOCD init failed **", 1, "plug in"),
    "st-flash, no probe": ("st-flash", "WARN usb.c: Couldn't find any ST-Link devices", 0,
                           "plug in"),
    "pyocd, no probe": ("pyocd", "C No available debug probes are connected", 1, "plug in"),
    "cube, no probe": ("cubeprogrammer", "Error: No ST-LINK detected!", 1, "plug in"),
    "openocd, permission": (
        "openocd",
        "Error: libusb_open() failed with LIBUSB_ERROR_ACCESS\nError: open failed",
        1,
        "49-stlink.rules",
    ),
    "pyocd, permission": ("pyocd", "[Errno 13] Access denied (insufficient permissions)", 1,
                          "udev"),
    "openocd, no chip": ("openocd", "Error: init mode failed (unable to connect to the target)", 1,
                         "reset button"),
    "cube, no chip": ("cubeprogrammer", "Error: No STM32 target found!", 1, "reset button"),
    "cube, locked": ("cubeprogrammer", "Error: failed to erase memory", 1, "RDP=0xAA"),
    "openocd, locked": ("openocd", "Error: stm32x device protected", 1, "RDP=0xAA"),
    "anything else": ("openocd", "Warn : x\nError: the moon is full\nshutdown", 1, "moon is full$"),
}  # fmt: skip


@pytest.mark.parametrize("case", FAILURES)
def test_a_failure_is_one_line_that_helps(bench: Bench, job: Job, case: str) -> None:
    name, output, status, expected = FAILURES[case]
    bench.says(output, status)
    with pytest.raises((ToolMissingError, CheckFailedError), match=expected) as caught:
        runners.flash(runner(name), job)
    assert "\n" not in str(caught.value)


def test_a_probe_that_is_not_the_one_asked_for(bench: Bench, job: Job) -> None:
    bench.says("Error: open failed", 1)
    with pytest.raises(ToolMissingError, match=r"serial number 066EFF found; .*ST-Link"):
        runners.flash(runner("openocd"), job)


def test_a_tool_that_hangs_is_ended(
    bench: Bench, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bench.folder / "openocd").write_text("#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setattr(runners, "TIMEOUT_S", 0.5)
    with pytest.raises(ToolMissingError, match="did not end within"):
        runners.flash(runner("openocd"), job)


def test_several_probes_ask_for_a_serial_number() -> None:
    assert runners.choose_probe([], None) is None
    assert runners.choose_probe(["066E", "066F"], "066F") == "066F"
    with pytest.raises(ConfigError, match=r"2 probes.*--serial-number: 066E, 066F"):
        runners.choose_probe(["066E", "066F"], None)


def test_no_tool_says_what_installs_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissingError, match="apt-get install openocd"):
        runners.find()
    with pytest.raises(ToolMissingError, match=r"\(pyocd: pip install pyocd\)"):
        runners.find("pyocd")


def test_a_dry_run_prints_what_it_would_do(
    bench: Bench, boards: Boards, tiny_config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = str(boards(BOARD).project.model)
    out = str(boards(BOARD).project.folder)
    arguments = ["flash", model, "--config", str(tiny_config), "--board", BOARD, "--out", out]
    with pytest.raises(SystemExit) as caught:
        cli.main([*arguments, "--runner", "st-flash", "--dry-run"])
    assert not caught.value.code
    lines = capsys.readouterr().out.strip().splitlines()[-2:]
    assert shlex.split(lines[0]) == ["st-info", "--chipid"]
    image = str(boards(BOARD).project.folder / "firmware.bin")
    assert shlex.split(lines[1]) == ["st-flash", "--reset", "write", image, "0x8000000"]
    assert bench.commands == []


def test_a_missing_probe_is_told_before_anything_is_built(
    bench: Bench, boards: Boards, tiny_config: Path, tmp_path: Path
) -> None:
    bench.says("Found 0 stlink programmers\nerror: couldn't find any ST-Link/V2 devices", 1)
    model, out = str(boards(BOARD).project.model), tmp_path / "out"
    arguments = ["flash", model, "--config", str(tiny_config), "--board", BOARD]
    with pytest.raises(SystemExit) as caught:
        cli.main([*arguments, "--out", str(out), "--runner", "st-flash"])
    assert caught.value.code == 3
    assert bench.commands == [["st-info", "--chipid"]]
    assert not out.exists()
