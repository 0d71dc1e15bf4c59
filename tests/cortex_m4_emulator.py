"""Builds C for a Cortex-M4 and runs it on QEMU, with files for input and output."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from paritone.native import build

HERE = Path(__file__).parent / "cortex_m4"
CPU = ["-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"]
CMSIS_DSP = "cmsisdsp==1.10.3"
RUN_TIMEOUT_S = 120


def tool(name: str, package: str) -> str:
    """Path of a tool; the test fails with the line that installs it."""
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"{name} not found: apt-get install {package}")
    return found


def compile_objects(sources: list[Path], flags: list[str], folder: Path) -> list[Path]:
    """Compile `sources` for the core into `folder`; returns the objects."""
    folder.mkdir(parents=True, exist_ok=True)
    compiler = tool("arm-none-eabi-gcc", "gcc-arm-none-eabi libnewlib-arm-none-eabi")
    sections = ["-ffunction-sections", "-fdata-sections"]
    objects = [folder / f"{source.stem}.o" for source in sources]
    with ThreadPoolExecutor(2) as pool:
        commands = [
            [compiler, "-O2", *CPU, *sections, *flags, "-c", str(source), "-o", str(out)]
            for source, out in zip(sources, objects, strict=True)
        ]
        list(pool.map(_call, commands))
    return objects


def link(objects: list[Path], elf: Path) -> Path:
    """Link objects with the start-up into an image for ``mps2-an386``."""
    compiler = tool("arm-none-eabi-gcc", "gcc-arm-none-eabi libnewlib-arm-none-eabi")
    startup = compile_objects([HERE / "startup.c"], [f"-I{HERE}"], elf.parent / "startup")
    layout = ["-nostartfiles", "-specs=nano.specs", "-Wl,--gc-sections", f"-T{HERE / 'link.ld'}"]
    _call([compiler, *CPU, *layout, *map(str, [*startup, *objects]), "-o", str(elf)])
    return elf


def run(elf: Path, folder: Path) -> None:
    """Run an image with `folder` as its current directory; it must end with success."""
    qemu = tool("qemu-system-arm", "qemu-system-arm")
    command = [qemu, "-M", "mps2-an386", "-nographic", "-monitor", "none", "-serial", "none"]
    command += ["-semihosting-config", "enable=on,target=native", "-kernel", str(elf)]
    _call(command, cwd=folder)


def cmsis_dsp() -> Path:
    """Folder of genuine CMSIS-DSP's sources: unpacked from its source distribution, cached."""
    folder = build._cached(f"sources-{CMSIS_DSP}", _download)
    return next(path for path in folder.iterdir() if path.is_dir())


def _download(folder: Path) -> None:
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder)]
    pip.append("--no-build-isolation")  # its metadata needs setuptools and numpy: we have them
    _call([*pip, "--no-binary", "cmsisdsp", CMSIS_DSP], timeout=300)
    archive = next(folder.glob("*.tar.gz"))
    with tarfile.open(archive) as tar:
        wanted = ("/Include/", "/PrivateInclude/", "/Source/")
        tar.extractall(folder, [m for m in tar if any(w in m.name for w in wanted)], filter="data")
    archive.unlink()


def _call(command: list[str], cwd: Path | None = None, timeout: int = RUN_TIMEOUT_S) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=timeout)
    if done.returncode != 0:
        pytest.fail(f"{' '.join(command)}\nstatus {done.returncode}\n{done.stderr[-3000:]}")
