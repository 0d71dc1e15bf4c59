"""Builds C for a Cortex-M core and runs it on QEMU, with files for input and output."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from paritone.native import build

HERE = Path(__file__).parent / "cortex_m"
CMSIS_DSP = "cmsisdsp==1.10.3"
ICOUNT_SHIFT = 5
RUN_TIMEOUT_S = 600


@dataclass(frozen=True)
class Core:
    """A core: how C is compiled for it, QEMU's machine, where that has code and data.

    Attributes
    ----------
    fpu : of ``-mfpu``; None without one
    dsp : whether it has the DSP extension
    """

    name: str
    machine: str
    fpu: str | None
    dsp: bool = True
    code: int = 0x00000000
    ram: int = 0x20000000

    @property
    def flags(self) -> list[str]:
        """Of compiler and linker."""
        unit = [f"-mfpu={self.fpu}", "-mfloat-abi=hard"] if self.fpu else ["-mfloat-abi=soft"]
        return [f"-mcpu={self.name}", "-mthumb", *unit]


M4 = Core("cortex-m4", "mps2-an386", "fpv4-sp-d16")
M7 = Core("cortex-m7", "mps2-an500", "fpv5-sp-d16")
# It starts in the secure state, whose memory has bit 28 of the address set.
M33 = Core("cortex-m33", "mps2-an505", "fpv5-sp-d16", code=0x10000000, ram=0x38000000)
M3 = Core("cortex-m3", "mps2-an385", None, dsp=False)
CORES = (M4, M7, M33, M3)


def tool(name: str, package: str) -> str:
    """Path of a tool; the test fails with the line that installs it."""
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"{name} not found: apt-get install {package}")
    return found


def compile_objects(
    sources: list[Path], flags: list[str], folder: Path, core: Core = M4
) -> list[Path]:
    """Compile `sources` for a core into `folder`; returns the objects."""
    folder.mkdir(parents=True, exist_ok=True)
    compiler = tool("arm-none-eabi-gcc", "gcc-arm-none-eabi libnewlib-arm-none-eabi")
    sections = ["-ffunction-sections", "-fdata-sections"]
    objects = [folder / f"{source.name}.o" for source in sources]
    with ThreadPoolExecutor(2) as pool:
        commands = [
            [compiler, "-O2", *core.flags, *sections, *flags, "-c", str(source), "-o", str(out)]
            for source, out in zip(sources, objects, strict=True)
        ]
        list(pool.map(call, commands))
    return objects


def link(objects: list[Path], elf: Path, core: Core = M4) -> Path:
    """Link objects with the start-up into an image for the core's machine."""
    compiler = tool("arm-none-eabi-gcc", "gcc-arm-none-eabi libnewlib-arm-none-eabi")
    startup = compile_objects([HERE / "startup.c"], [f"-I{HERE}"], elf.parent / "startup", core)
    layout = ["-nostartfiles", "-specs=nano.specs", "-Wl,--gc-sections", f"-T{HERE / 'link.ld'}"]
    layout += [f"-Wl,--defsym=code_start={core.code}", f"-Wl,--defsym=ram_start={core.ram}"]
    call([compiler, *core.flags, *layout, *map(str, [*startup, *objects]), "-o", str(elf)])
    return elf


def run(
    elf: Path,
    folder: Path,
    core: Core = M4,
    timeout_s: int = RUN_TIMEOUT_S,
    *,
    counting: bool = False,
) -> None:
    """Run an image with `folder` as its current directory; it must end with success.

    counting : an instruction takes 2^ICOUNT_SHIFT ns of virtual time, which SysTick shows
    """
    qemu = tool("qemu-system-arm", "qemu-system-arm")
    command = [qemu, "-M", core.machine, "-nographic", "-monitor", "none", "-serial", "none"]
    command += ["-icount", f"shift={ICOUNT_SHIFT}"] if counting else []
    command += ["-semihosting-config", "enable=on,target=native", "-kernel", str(elf)]
    call(command, cwd=folder, timeout=timeout_s)


def cmsis_dsp() -> Path:
    """Folder of genuine CMSIS-DSP's sources: unpacked from its source distribution, cached."""
    folder = build._cached(f"sources-{CMSIS_DSP}", _download)
    return next(path for path in folder.iterdir() if path.is_dir())


def _download(folder: Path) -> None:
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder)]
    pip.append("--no-build-isolation")  # its metadata needs setuptools and numpy: we have them
    call([*pip, "--no-binary", "cmsisdsp", CMSIS_DSP], timeout=300)
    archive = next(folder.glob("*.tar.gz"))
    with tarfile.open(archive) as tar:
        wanted = ("/Include/", "/PrivateInclude/", "/Source/")
        tar.extractall(folder, [m for m in tar if any(w in m.name for w in wanted)], filter="data")
    archive.unlink()


def call(command: list[str], cwd: Path | None = None, timeout: int = RUN_TIMEOUT_S) -> None:
    """Run a command; the test fails with what it said when it fails."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=timeout)
    if done.returncode != 0:
        pytest.fail(f"{' '.join(command)}\nstatus {done.returncode}\n{done.stderr[-3000:]}")
