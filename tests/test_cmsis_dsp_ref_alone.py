"""cmsis_dsp_ref as a library of its own: configured, built and linked by someone else's project."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

import cmsis_dsp_comparison as comparison
import cortex_m_emulator as emulator
from paritone import sources
from paritone.native import build

OWN = sources.root() / "cmsis_dsp_ref"
PROJECT = """\
cmake_minimum_required(VERSION 3.22)
project(user C)
add_subdirectory({own} dsp)
add_executable(user {main})
target_link_libraries(user PRIVATE cmsis_dsp_ref)
target_link_options(user PRIVATE -Wl,--gc-sections {link})
"""


@dataclass(frozen=True)
class Target:
    """Where the library is built: compiler, prefix of its tools, arguments of CMake."""

    compiler: str
    package: str
    tools: str = ""
    flags: str = ""
    link: str = ""


TARGETS = {
    "gcc": Target("gcc", "gcc"),
    "clang": Target("clang", "clang"),
    "Cortex-M4": Target(
        "arm-none-eabi-gcc",
        "gcc-arm-none-eabi libnewlib-arm-none-eabi",
        tools="arm-none-eabi-",
        flags="-mcpu=cortex-m4 -mthumb",
        link="-mcpu=cortex-m4 -mthumb -nostartfiles -specs=nano.specs -Wl,-emain",
    ),
}


@pytest.mark.parametrize("name", TARGETS)
def test_builds_and_links_alone(name: str, tmp_path: Path) -> None:
    """Without a warning, every function of the header inside, one length's tables in a program."""
    target = TARGETS[name]
    binary = build_project(target, tmp_path)
    library = symbols(target, tmp_path / "build/dsp/libcmsis_dsp_ref.a")
    assert set(comparison.public_names()) <= library
    linked = symbols(target, binary)
    instances = {symbol for symbol in linked if symbol.startswith("arm_cfft_sR_")}
    assert instances == {"arm_cfft_sR_q31_len256"}
    kernels = {symbol for symbol in linked if re.fullmatch(r"arm_(?!cfft_sR)\w+", symbol)}
    assert kernels == {"arm_rfft_init_512_q31", "arm_rfft_q31", "arm_cfft_q31", "arm_shift_q31"}
    if not target.tools:
        assert subprocess.run([binary], timeout=60).returncode == 0
    else:
        assert flash_bytes(target, binary) < 12 * 1024  # 7,000 of them the tables


def build_project(target: Target, folder: Path) -> Path:
    """The user's program, linked."""
    main = comparison.HERE / "one_length.c"
    project = PROJECT.format(own=OWN, main=main, link=target.link)
    (folder / "CMakeLists.txt").write_text(project)
    compiler = emulator.tool(target.compiler, target.package)
    flags = f"{target.flags} {build.warning_flags()}"
    configure = ["-G", "Ninja", f"-DCMAKE_C_COMPILER={compiler}", f"-DCMAKE_C_FLAGS={flags}"]
    if target.tools:
        toolchain = sources.root() / "firmware/board/arm-none-eabi.cmake"
        configure.append(f"-DCMAKE_TOOLCHAIN_FILE={toolchain}")
    cmake, out = emulator.tool("cmake", "cmake ninja-build"), folder / "build"
    call([cmake, "-S", str(folder), "-B", str(out), *configure])
    call([cmake, "--build", str(out)])
    return out / "user"


def symbols(target: Target, file: Path) -> set[str]:
    """Names that a library or program defines."""
    lines = call([f"{target.tools}nm", "--defined-only", str(file)]).splitlines()
    return {line.split()[-1] for line in lines if line.strip() and not line.endswith(":")}


def flash_bytes(target: Target, file: Path) -> int:
    """Code and constants of a program."""
    return int(call([f"{target.tools}size", str(file)]).splitlines()[1].split()[0])


def call(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout
