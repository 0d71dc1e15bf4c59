"""What the frontend takes of a firmware: flash by the linker's map, RAM by the ELF's symbols."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

_START = "Linker script and memory map"
_SECTION = re.compile(
    r"^ (?P<name>\.(?:text|rodata|data)\S*)\s+0x(?P<address>[0-9a-f]+)\s+0x(?P<size>[0-9a-f]+)"
    r"[ ]+(?P<file>\S.*)$",
    re.MULTILINE,
)
_FRONTEND = re.compile(r"(frontend\w*|arm_\w+)\.(c|S)\.obj|paritone_frontend\.c\.obj")
_STATE = ("stream_memory", "stream")  # of firmware/app: memory of paritone_stream_init, the struct


@dataclass(frozen=True)
class Section:
    """An input section that the firmware holds.

    Attributes
    ----------
    name : such as ``.text.arm_rfft_q31``
    address, size : in bytes
    archive : file name of the library it comes from, "" for an object of the firmware's own
    object : file name of the object
    """

    name: str
    address: int
    size: int
    archive: str
    object: str


@dataclass(frozen=True)
class Footprint:
    """The frontend of one firmware, in bytes.

    Attributes
    ----------
    code_bytes : stream, transform, mel, logarithm, quantization; of CMSIS-DSP what is called
    tables_bytes : windows, twiddles, mel weights, curves
    ram_bytes : stream, PCM and scratch, the patch's own bytes left out; not the stack
    """

    code_bytes: int
    tables_bytes: int
    ram_bytes: int

    @property
    def flash_bytes(self) -> int:
        """Code and tables."""
        return self.code_bytes + self.tables_bytes

    def record(self) -> dict[str, int]:
        """As section "memory" of summary.json names them."""
        return {
            "frontend_flash_bytes": self.flash_bytes,
            "frontend_code_bytes": self.code_bytes,
            "frontend_tables_bytes": self.tables_bytes,
            "frontend_ram_bytes": self.ram_bytes,
        }


def of_frontend(elf: Path, manifest: Mapping[str, Any]) -> Footprint:
    """Measure the frontend in the firmware `elf`, whose map lies beside it."""
    code = tables = 0
    for section in sections(elf.with_suffix(".map")):
        if is_frontend(section):
            is_code = section.name.startswith(".text")
            code += section.size if is_code else 0
            tables += 0 if is_code else section.size
    held = symbol_sizes(elf)
    ram = sum(held[name] for name in _STATE)
    return Footprint(code, tables, ram - manifest["patch_bytes"])


def is_frontend(section: Section) -> bool:
    """Whether a section belongs to the frontend, by the object that it comes from."""
    return _FRONTEND.fullmatch(section.object) is not None


def sections(map_file: Path) -> Iterator[Section]:
    """Sections of code and constants that the linker kept, by its map."""
    kept = map_file.read_text().split(_START)[1]
    for found in _SECTION.finditer(kept):
        address, size = int(found["address"], 16), int(found["size"], 16)
        if address != 0 and size != 0:
            archive, _, member = found["file"].strip().removesuffix(")").rpartition("(")
            names = (PurePath(archive).name, PurePath(member).name)
            yield Section(found["name"], address, size, *names)


def symbol_sizes(elf: Path) -> dict[str, int]:
    """Bytes of every object and function by name."""
    from elftools.elf.elffile import ELFFile
    from elftools.elf.sections import SymbolTableSection

    with elf.open("rb") as file:
        symbols = ELFFile(file).get_section_by_name(".symtab")
        assert isinstance(symbols, SymbolTableSection)
        return {s.name: s["st_size"] for s in symbols.iter_symbols() if s["st_size"]}
