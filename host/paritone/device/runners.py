"""Flashing a board of silicon by whatever tool its probe has here.

Every tool goes the same way: it reads the chip's identity, writes, and what it wrote is read back
and compared, by the tool or by us.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from paritone import boards
from paritone.boards import Board, Probe
from paritone.device import st_link
from paritone.errors import CheckFailedError, ConfigError, ToolMissingError

TIMEOUT_S = 180
UDEV_LINE = (
    """echo 'SUBSYSTEM=="usb", ATTRS{idVendor}=="0483", MODE="0666"' """
    "| sudo tee /etc/udev/rules.d/49-stlink.rules && sudo udevadm control --reload "
    "&& sudo udevadm trigger"
)


@dataclass(frozen=True)
class Target:
    """Where to: a board behind its probe.

    Attributes
    ----------
    serial_number : of the probe; None where there is but one
    """

    board: str
    probe: Probe
    serial_number: str | None


@dataclass(frozen=True)
class Job:
    """What is to be flashed.

    Attributes
    ----------
    elf, image : the firmware; its bytes as they lie in flash
    start : address of the first
    """

    target: Target
    elf: Path
    image: Path
    start: int


Command = list[str]


@dataclass(frozen=True)
class Runner:
    """A tool, and what it is told.

    Attributes
    ----------
    identify : prints the chip's identity, found by `identity`
    write : writes and, but with `read`, compares
    read : saves what the flash holds to a file
    """

    name: str
    program: str
    install: str
    identify: Callable[[Target], Command]
    identity: str
    write: Callable[[Job], Command]
    read: Callable[[Job, Path], Command] | None = None

    @property
    def found(self) -> bool:
        """Whether it is installed."""
        return shutil.which(self.program) is not None


def _given(target: Target, *option: str) -> Command:
    return [part.format(target.serial_number) for part in option] if target.serial_number else []


def _pyocd(target: Target, command: str, *rest: str) -> Command:
    chosen = _given(target, "-u", "{}")
    return ["pyocd", command, "-W", "-t", target.probe.pyocd, *chosen, *rest]


def _openocd(target: Target, *commands: str) -> Command:
    chosen = _given(target, "-c", "adapter serial {}")
    given = [part for command in commands for part in ("-c", command)]
    return ["openocd", "-f", "interface/stlink.cfg", "-f", target.probe.openocd, *chosen, *given]


def _cube(target: Target, *rest: str) -> Command:
    return ["STM32_Programmer_CLI", "-c", "port=SWD", *_given(target, "sn={}"), "mode=UR", *rest]


def _tools(program: str, target: Target, *rest: str) -> Command:
    return [program, *_given(target, "--serial", "{}"), *rest]


RUNNERS = (
    Runner(
        "pyocd",
        "pyocd",
        "pip install pyocd",
        identify=lambda target: _pyocd(
            target, "commander", "-c", f"read32 {target.probe.device_id_at:#x}"
        ),
        identity=r"(?im)^{at:08x}:\s+([0-9a-f]{{8}})",
        write=lambda job: _pyocd(job.target, "load", str(job.elf)),
        read=lambda job, path: _pyocd(
            job.target,
            "commander",
            "-c",
            f"savemem {job.start:#x} {job.image.stat().st_size} {path}",
        ),
    ),
    Runner(
        "openocd",
        "openocd",
        "apt-get install openocd",
        identify=lambda target: _openocd(
            target, "init", f"mdw {target.probe.device_id_at:#x}", "shutdown"
        ),
        identity=r"(?im)^0x{at:08x}:\s+([0-9a-f]{{8}})",
        write=lambda job: _openocd(job.target, f"program {{{job.elf}}} verify reset exit"),
    ),
    Runner(
        "st-flash",
        "st-flash",
        "apt-get install stlink-tools",
        identify=lambda target: _tools("st-info", target, "--chipid"),
        identity=r"(?im)^0x([0-9a-f]+)\s*$",
        write=lambda job: _tools(
            "st-flash", job.target, "--reset", "write", str(job.image), f"{job.start:#x}"
        ),
    ),
    Runner(
        "cubeprogrammer",
        "STM32_Programmer_CLI",
        "STM32CubeProgrammer, from st.com",
        identify=lambda target: _cube(target),
        identity=r"(?i)device id\s*:\s*0x([0-9a-f]+)",
        write=lambda job: _cube(job.target, "-w", str(job.elf), "-v", "-rst"),
    ),
)
"""In the order in which they are looked for."""

_PERMISSION = r"LIBUSB_ERROR_ACCESS|access denied|insufficient permissions|permission denied"
_NO_PROBE = (
    r"open failed|couldn't find any st-?link|no st-?link detected|no debug probe|"
    r"no connected debug probes|no available debug probes|no probes? (?:found|connected)"
)
_NO_CHIP = (
    r"init mode failed|no stm32 target found|failed to connect to target|no acknowledge|"
    r"unable to connect to the target|unable to get core id|transfererror|unknown chip id"
)
_LOCKED = r"protect|\brdp\b|failed to erase memory|flash ?erase ?failure|device is locked"


def names() -> list[str]:
    """Names of all runners."""
    return [runner.name for runner in RUNNERS]


def find(name: str | None = None) -> Runner:
    """Return the runner of that name, or the first that is installed.

    Raises
    ------
    ConfigError
        There is none of that name.
    ToolMissingError
        It is, or all are, not installed: with the line that installs it.
    """
    asked = [runner for runner in RUNNERS if name in (None, runner.name)]
    if not asked:
        raise ConfigError(f"runner {name!r} is not known: choose one of {', '.join(names())}")
    for runner in asked:
        if runner.found:
            return runner
    lines = "; ".join(f"{runner.name}: {runner.install}" for runner in asked)
    raise ToolMissingError(f"no tool for the board's debug probe is installed ({lines})")


def choose_probe(plugged_in: Sequence[str], asked: str | None) -> str | None:
    """Serial number to flash through; None where there is no choice.

    Raises
    ------
    ConfigError
        Several probes are plugged in and none was named.
    """
    if asked is None and len(plugged_in) > 1:
        raise ConfigError(
            f"{len(plugged_in)} probes are plugged in: choose one by --serial-number: "
            + ", ".join(plugged_in)
        )
    return asked


def target(board: Board, serial: str | None) -> Target:
    """Return a board as a probe reaches it.

    Raises
    ------
    ConfigError
        The board is emulated alone.
    """
    if board.probe is None:
        raise ConfigError(f"{board.name} is emulated: it is flashed without --runner")
    return Target(board.name, board.probe, serial)


def plan(target: Target, elf: Path, folder: Path) -> Job:
    """Write the firmware's image beside it and say what is to be done."""
    image = folder / "firmware.bin"
    start, data = _image(elf)
    image.write_bytes(data)
    return Job(target, elf, image, start)


def _image(elf: Path) -> tuple[int, bytes]:
    """First address and bytes of what an ELF puts into flash; what lies between is 0xFF."""
    from elftools.elf.elffile import ELFFile

    with elf.open("rb") as file:
        segments = ELFFile(file).iter_segments("PT_LOAD")
        parts = [(s["p_paddr"], s.data()) for s in segments if s["p_filesz"]]
    start = min(at for at, _ in parts)
    data = bytearray(b"\xff" * (max(at + len(part) for at, part in parts) - start))
    for at, part in parts:
        data[at - start : at - start + len(part)] = part
    return start, bytes(data)


def commands(runner: Runner, job: Job) -> list[str]:
    """What `flash` would run, a line each, as a shell takes it."""
    steps = [runner.identify(job.target), runner.write(job)]
    if runner.read is not None:
        steps.append(runner.read(job, Path("read-back.bin")))
    return [shlex.join(step) for step in steps]


def require_chip(runner: Runner, target: Target) -> None:
    """See which chip is behind the probe: before anything is made for it, and before it is written.

    Raises
    ------
    ToolMissingError
        No probe, no permission, or no chip behind the probe.
    CheckFailedError
        Another chip, or a locked one.
    """
    output = _run(runner.identify(target), target)
    found = re.search(runner.identity.format(at=target.probe.device_id_at), output)
    if found is None:
        raise ToolMissingError(f"{runner.name} does not say which chip it sees: {_last(output)}")
    identity = int(found[1], 16) & 0xFFF
    if identity != target.probe.device_id:
        known = [b.name for b in boards.all_boards() if b.probe and b.probe.device_id == identity]
        raise CheckFailedError(
            f"another chip is behind the probe: {target.board} has device "
            f"0x{target.probe.device_id:03X}, this is 0x{identity:03X}"
            f"{', as ' + ' and '.join(known) + ' has' if known else ''}; nothing was written"
        )


def flash(runner: Runner, job: Job) -> int:
    """Flash a board; returns the bytes that were written, read back and equal.

    Raises
    ------
    ToolMissingError
        No probe, no permission, or no chip behind the probe.
    CheckFailedError
        Another chip, a locked one, or what was read back differs.
    """
    require_chip(runner, job.target)
    _run(runner.write(job), job.target)
    if runner.read is not None:
        _compare(runner, job)
    return job.image.stat().st_size


def _compare(runner: Runner, job: Job) -> None:
    assert runner.read is not None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "read-back.bin"
        output = _run(runner.read(job, path), job.target)
        if not path.is_file():
            raise CheckFailedError(f"{runner.name} read nothing back: {_last(output)}")
        expected, got = job.image.read_bytes(), path.read_bytes()
    if expected == got:
        return
    first = next(
        (i for i, (a, b) in enumerate(zip(expected, got, strict=False)) if a != b), len(got)
    )
    raise CheckFailedError(
        f"flashing failed: what was read back differs from {job.start + first:#010x} on; "
        "try another cable or a lower speed of the probe"
    )


def _run(command: Command, target: Target) -> str:
    """Run a tool to its end; returns what it said, or raises what that means."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=TIMEOUT_S,
        )
    except FileNotFoundError as error:
        raise ToolMissingError(f"{command[0]} not found beside the runner's other tools") from error
    except subprocess.TimeoutExpired as error:
        raise ToolMissingError(
            f"{command[0]} did not end within {TIMEOUT_S} s: plug the probe in anew and try again"
        ) from error
    # st-info ends with 0 where there is no probe.
    if done.returncode != 0 or re.search(_NO_PROBE, done.stdout, re.IGNORECASE):
        raise _meaning(command, done.stdout, target)
    return done.stdout


def _meaning(command: Command, output: str, target: Target) -> Exception:
    """The error that a tool's words stand for."""
    board = target.board

    def says(pattern: str) -> bool:
        return re.search(pattern, output, re.IGNORECASE) is not None

    if says(_PERMISSION):
        return ToolMissingError(f"no permission to use the probe; type: {UDEV_LINE}")
    if says(_NO_PROBE):
        return ToolMissingError(_no_probe(target))
    if says(_LOCKED):
        return CheckFailedError(
            f"{board}'s flash is protected: unlocking erases the chip; with STM32CubeProgrammer: "
            "STM32_Programmer_CLI -c port=SWD mode=UR -ob RDP=0xAA"
        )
    if says(_NO_CHIP):
        return ToolMissingError(
            f"the probe does not reach {board}'s chip: is it powered, and are its SWD pins free? "
            "Hold its reset button while the command starts"
        )
    return CheckFailedError(f"{shlex.join(command)} failed: {_last(output)}")


def _no_probe(target: Target) -> str:
    plug = f"plug in {target.board}'s ST-Link with a cable that carries data"
    if target.serial_number is None:
        return f"no debug probe found: {plug}"
    here = ", ".join(str(device.serial_number) for device in st_link.on_usb())
    seen = f"ST-Links here: {here}" if here else f"no ST-Link is here: {plug}"
    return f"no debug probe with serial number {target.serial_number} found; {seen}"


def _last(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if re.search(r"(?i)\berror\b|\bfail", line)]
    return (errors or lines or ["it said nothing"])[-1]
