"""Generated C -> the firmware of a board, through CMake, Ninja and arm-none-eabi-gcc."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paritone import boards, sources
from paritone.build import budgets, footprint, stack
from paritone.boards import Board
from paritone.errors import CheckFailedError, ConfigError, ModelError, ToolMissingError
from paritone.build.footprint import Footprint
from paritone.build.stack import StackBound

if TYPE_CHECKING:
    from paritone.config import Config

BUILD_TIMEOUT_S = 600
APPLICATION_RAM_BYTES = 7 * 1024
"""What the firmware needs beside stack, stream and arena, rounded up: frames, ring, state."""


@dataclass(frozen=True)
class Firmware:
    """A firmware that was built, and what it was built from.

    Attributes
    ----------
    manifest : of the generated C, see `paritone.generate.manifest`
    flash_bytes, ram_bytes : code, constants and initial values; data and stack
    frontend : what of these the frontend takes
    stack : the most stack that any path of calls takes
    """

    board: Board
    elf: Path
    manifest: Mapping[str, Any]
    flash_bytes: int
    ram_bytes: int
    frontend: Footprint
    stack: StackBound

    @property
    def memory(self) -> dict[str, int]:
        """Sizes as summary.json has them; the stack's high-water mark is measured later."""
        return {
            "flash_bytes": self.flash_bytes,
            "ram_bytes": self.ram_bytes,
            "arena_bytes": self.manifest["arena_bytes"],
            "stack_bound_bytes": self.stack.bytes,
            **self.frontend.record(),
        }


def prepare(
    model: Path, config: Config, board: Board, folder: Path, cmsis_dsp: Path | None = None
) -> Firmware:
    """Generate the C of a quantized model and build its firmware.

    Parameters
    ----------
    folder : gets ``generated/`` and ``firmware/``
    cmsis_dsp : as `build_firmware`'s

    Raises
    ------
    ModelError
        The model does not fit the configuration or the board.
    ToolMissingError
    """
    from paritone.engine import plan
    from paritone.generate import frontend_tables, generate
    from paritone.generate.frontend_fused import simd_stream_bytes

    planned = plan.of_file(model, config.optimization)
    tables = frontend_tables(planned, config)
    _require_fit(planned.arena_bytes, simd_stream_bytes(tables), planned.weights_bytes, board)
    generated = folder / "generated"
    generate(model, config, generated)
    firmware = build_firmware(generated, board, folder / "firmware", cmsis_dsp)
    budgets.require(firmware, model, config)
    return firmware


def build_firmware(
    generated: Path, board: Board | str, build_dir: Path, cmsis_dsp: Path | None = None
) -> Firmware:
    """Build the firmware of the C in `generated`; what does not fit is refused before.

    Parameters
    ----------
    cmsis_dsp : folder of genuine CMSIS-DSP (``Include``, ``Source``) that the frontend is to run
        on; None: on our own code. The features are the same to the bit.

    Raises
    ------
    ConfigError
        `cmsis_dsp` is no such folder.
    ModelError
        The board has not the memory: names what is needed and what there is.
    ToolMissingError
        CMake, Ninja or the Arm compiler is not there, or failed.
    """
    from paritone.generate import manifest as manifests

    board = boards.get(board) if isinstance(board, str) else board
    manifest = manifests.read(generated)
    require_fit(manifest, board)
    require_cmsis_dsp(cmsis_dsp)
    for name in boards.BUILD_TOOLS:
        boards.tool(name)
    small_code = manifest["optimization"] == "ram"
    _configure(generated, board, build_dir, cmsis_dsp, small_code=small_code)
    _compile(board, build_dir)
    elf = build_dir / "firmware.elf"
    flash_bytes, ram_bytes = sizes(elf)
    frontend = footprint.of_frontend(elf, manifest)
    bound = _stack_bound(elf, build_dir, board)
    return Firmware(board, elf, manifest, flash_bytes, ram_bytes, frontend, bound)


def _stack_bound(elf: Path, build_dir: Path, board: Board) -> StackBound:
    bound = stack.of_firmware(elf, build_dir, _objdump())
    if bound.bytes > board.memory.stack_bytes:
        raise CheckFailedError(
            f"the firmware may need {bound.bytes:,} B of stack, {board.name} gives it "
            f"{board.memory.stack_bytes:,} B (STACK_BYTES of its link.ld): {bound}"
        )
    return bound


def _objdump() -> str:
    """The disassembler that belongs to the compiler."""
    output, status = _run([boards.tool("arm-none-eabi-gcc"), "-print-prog-name=objdump"])
    if status != 0:
        raise ToolMissingError(f"arm-none-eabi-gcc cannot say where objdump is: {output}")
    return output


def require_fit(manifest: Mapping[str, Any], board: Board) -> None:
    """ModelError when tensors or weights cannot fit the board, before anything is built."""
    arena, stream = manifest["arena_bytes"], manifest["stream_bytes"]
    _require_fit(arena, stream, manifest["weights_bytes"], board)


def require_cmsis_dsp(folder: Path | None) -> None:
    """ConfigError when there is a folder and it does not hold CMSIS-DSP."""
    if folder is not None and not (folder / "Source/TransformFunctions/arm_rfft_q31.c").is_file():
        raise ConfigError(
            f"--cmsis-dsp {folder} is not CMSIS-DSP: name the folder that holds its Include and "
            "Source"
        )


def _require_fit(arena: int, stream: int, flash: int, board: Board) -> None:
    memory = board.memory
    ram = arena + stream + memory.stack_bytes + APPLICATION_RAM_BYTES
    roomier = _roomier(board, ram)
    if ram > memory.ram_bytes:
        raise ModelError(
            f"the model does not fit {board.name}: its tensors need {arena:,} B of RAM, "
            f"{ram:,} B with frontend, stack and firmware; the board has {memory.ram_bytes:,} B"
            f"{roomier}"
        )
    if flash > memory.flash_bytes:
        raise ModelError(
            f"the model does not fit {board.name}: its weights need {flash:,} B of flash, "
            f"the board has {memory.flash_bytes:,} B{roomier}"
        )


def _roomier(board: Board, ram: int) -> str:
    found = [b.name for b in boards.all_boards() if b != board and b.memory.ram_bytes >= ram]
    return f"; it fits {', '.join(found)}" if found else ""


def _configure(
    generated: Path, board: Board, build_dir: Path, cmsis_dsp: Path | None, *, small_code: bool
) -> None:
    top = sources.root()
    command = [
        *["cmake", "-S", str(top), "-B", str(build_dir), "-G", "Ninja"],
        *[f"-DBOARD={board.name}", f"-DGENERATED={generated.resolve()}"],
        f"-DCMSIS_DSP={'' if cmsis_dsp is None else cmsis_dsp.absolute()}",
        f"-DSMALL_CODE={'ON' if small_code else 'OFF'}",
        f"-DCMAKE_TOOLCHAIN_FILE={top / 'firmware/board/arm-none-eabi.cmake'}",
    ]
    output, status = _run(command)
    if status != 0:
        # A cache of another checkout or compiler is of no use to the next attempt either.
        shutil.rmtree(build_dir, ignore_errors=True)
        output, status = _run(command)
    if status != 0:
        shutil.rmtree(build_dir, ignore_errors=True)
        raise ToolMissingError(f"CMake failed: {' '.join(command)}\n{output}")


def _compile(board: Board, build_dir: Path) -> None:
    elf = build_dir / "firmware.elf"
    command = ["cmake", "--build", str(build_dir), "--target", "firmware"]
    output, status = _run(command)
    if status == 0:
        return
    elf.unlink(missing_ok=True)
    overflow = re.search(r"region [`'](\w+)' overflowed by (\d+) bytes", output)
    if overflow:
        memory = board.memory
        has = memory.flash_bytes if overflow[1] == "FLASH" else memory.ram_bytes
        raise ModelError(
            f"the model does not fit {board.name}: the firmware needs "
            f"{has + int(overflow[2]):,} B of {overflow[1]}, the board has {has:,} B"
        )
    raise ToolMissingError(f"the firmware's build failed: {' '.join(command)}\n{output}")


def _run(command: list[str]) -> tuple[str, int]:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=BUILD_TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        raise ToolMissingError(
            f"{command[0]} did not finish within {BUILD_TIMEOUT_S} s: {' '.join(command)}"
        ) from error
    return (done.stdout + done.stderr).strip(), done.returncode


def sizes(elf: Path) -> tuple[int, int]:
    """Bytes of flash and of RAM, stack included, that a firmware takes."""
    from elftools.elf.constants import SH_FLAGS
    from elftools.elf.elffile import ELFFile

    flash = ram = 0
    with elf.open("rb") as file:
        for section in ELFFile(file).iter_sections():
            flags = section["sh_flags"]
            if not flags & SH_FLAGS.SHF_ALLOC:
                continue
            stored = section["sh_type"] != "SHT_NOBITS"
            writable = section.name in (".stack", ".data", ".bss")
            flash += section["sh_size"] if stored else 0
            ram += section["sh_size"] if writable else 0
    return flash, ram
