"""Runs an image of a Cortex-M4 in QEMU to its end and says what it executed."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from paritone.boards import tool
from paritone.cycles import counting
from paritone.cycles.counting import Segment
from paritone.cycles.profile import Cost, Profile, functions, sum_up
from paritone.errors import CheckFailedError, ToolMissingError

MACHINE = "mps2-an386"
TIMEOUT_S = 600.0


def run_counted(
    elf: Path,
    machine: str = MACHINE,
    cwd: Path | None = None,
    *,
    timeout_s: float = TIMEOUT_S,
) -> Profile:
    """Run an image that ends by semihosting with success; instructions and modelled cycles.

    Parameters
    ----------
    machine : QEMU's, with a Cortex-M4
    cwd : current directory, where the program finds its files
    """
    segments = run_marked(elf, (), machine, cwd, timeout_s=timeout_s)
    return sum_up(segments[0].counts, elf)


def run_marked(
    elf: Path,
    marks: tuple[str, ...],
    machine: str = MACHINE,
    cwd: Path | None = None,
    *,
    timeout_s: float = TIMEOUT_S,
) -> list[Segment]:
    """As `run_counted`, cut at every entry of one of the functions `marks`."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "counts"
        addresses = [start for name, start, _ in functions(elf) if name in marks]
        command = [tool("qemu-system-arm"), "-M", machine, "-nographic", "-monitor", "none"]
        command += ["-serial", "none", "-semihosting-config", "enable=on,target=native"]
        command += ["-kernel", str(elf.resolve()), *counting.arguments(out, addresses)]
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=timeout_s)
        if done.returncode != 0:
            text = done.stderr.strip()[-3000:]
            raise CheckFailedError(f"{elf.name} ended with status {done.returncode}\n{text}")
        return list(counting.Reader(out).segments(ended=True))


def annotate(elf: Path, profile: Profile, name: str) -> str:
    """Disassembly of a function; before each instruction, executions and cycles a time."""
    ranges = [(start, end) for found, start, end in functions(elf) if found == name]
    if not ranges:
        raise CheckFailedError(f"{elf.name} has no function {name}")
    lines = [f"{'executed':>12} {'cycles each':>12}  {name}"]
    for start, end in ranges:
        for line in _disassembly(elf, start, end):
            address = line.split(":")[0].strip()
            cost = profile.addresses.get(int(address, 16), Cost(0, 0))
            each = f"{cost.cycles / cost.instructions:.2f}" if cost.instructions else ""
            lines.append(f"{cost.instructions:>12,} {each:>12}  {line}")
    return "\n".join(lines)


def _disassembly(elf: Path, start: int, end: int) -> list[str]:
    command = [tool("arm-none-eabi-gcc").replace("gcc", "objdump"), "-d", "--no-show-raw-insn"]
    command += [f"--start-address={start}", f"--stop-address={end}", str(elf)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)
    if done.returncode != 0:
        raise ToolMissingError(f"{' '.join(command)} failed:\n{done.stderr.strip()}")
    return [line for line in done.stdout.splitlines() if line.startswith(" ") and ":" in line]
