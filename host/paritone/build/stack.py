"""The most stack that a firmware can take: over every path of calls, by the compiler's figures.

The compiler leaves each function's frame and calls beside its object (``-fcallgraph-info=su``).
Functions of assembly and of the C library have no such file: what they push and whom they call is
read from the firmware itself. A call through a pointer goes to one of the functions of a table
that is named here; anywhere else it is an error, as recursion is and a frame of unknown size.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from paritone.errors import CheckFailedError, ToolMissingError

POINTERS: Mapping[str, tuple[str, ...]] = {
    "firmware/src/model.c": ("paritone_kernels",),
    "firmware/src/frontend.c": ("paritone_frontend", "paritone_frontend_fused"),
    "firmware/app/requests.c": ("requests",),
    "firmware/app/protocol.c": ("board_send",),
}
"""File -> the const tables, or the functions, that its calls through pointers go to."""

ENTRIES = ("start", "fault_report")
"""Where a stack begins empty: reset_handler and fault_handler set it and jump there."""

VECTORS = "vectors"
NEW_STACK = ("reset_handler", "fault_handler")
EXCEPTION_FRAME_BYTES = 108
"""What the core stacks for an interrupt: 26 words with the floating-point ones, and alignment.

All interrupts have one priority: none interrupts another.
"""

INDIRECT = "__indirect_call"
OBJDUMP_TIMEOUT_S = 60


@dataclass(frozen=True)
class Function:
    """One function's own frame and the functions it may call, by unique names."""

    name: str
    frame_bytes: int
    calls: frozenset[str]


@dataclass(frozen=True)
class StackBound:
    """The bound, and the path that reaches it: (function, bytes of its frame), outermost first."""

    bytes: int
    path: tuple[tuple[str, int], ...]

    def __str__(self) -> str:
        return " > ".join(f"{name.rpartition(':')[2]} {size}" for name, size in self.path)


def of_firmware(elf: Path, build_dir: Path, objdump: str) -> StackBound:
    """Bound of a firmware that was built in `build_dir`.

    Raises
    ------
    CheckFailedError
        Recursion, a frame of unknown size, a call through a pointer of no known table.
    ToolMissingError
        There are no figures of the compiler, or `objdump` failed.
    """
    figures = sorted(build_dir.rglob("*.ci"))
    if not figures:
        raise ToolMissingError(
            f"{build_dir}: the compiler left no call graph: GCC 10 or later does"
        )
    image = _Image(elf)
    compiled: dict[str, Function] = {}
    for file in figures:
        compiled |= _merged(compiled, _from_figures(file.read_text(), image))
    others = _from_assembly(_disassembly(elf, objdump), image)
    return deepest(others | compiled, _interrupts(image))


def deepest(functions: Mapping[str, Function], interrupts: Iterable[str] = ()) -> StackBound:
    """Bound over the paths from ``ENTRIES``, with one of `interrupts` on top."""
    known: dict[str, StackBound] = {}
    handlers = [_below(functions, _named(name, functions), known, ()) for name in interrupts]
    handler = max(handlers, key=lambda b: b.bytes, default=StackBound(0, ()))
    if handler.path:
        stacked = ("interrupt", EXCEPTION_FRAME_BYTES)
        handler = StackBound(handler.bytes + EXCEPTION_FRAME_BYTES, (stacked, *handler.path))
    start, fault = (_below(functions, _named(name, functions), known, ()) for name in ENTRIES)
    whole = StackBound(start.bytes + handler.bytes, (*start.path, *handler.path))
    return max(whole, fault, key=lambda b: b.bytes)


def _named(name: str, functions: Mapping[str, Function]) -> str:
    """The function's unique name; a static one's begins with its file."""
    found = [f for f in functions if f == name or f.endswith(f":{name}")]
    if not found:
        raise CheckFailedError(f"stack: nothing is known about {name}")
    return max(found, key=lambda f: functions[f].frame_bytes)


def _below(
    functions: Mapping[str, Function],
    name: str,
    known: dict[str, StackBound],
    above: tuple[str, ...],
) -> StackBound:
    """Deepest path from `name` on, itself included."""
    if name in above:
        circle = " > ".join(f.rpartition(":")[2] for f in (*above[above.index(name) :], name))
        raise CheckFailedError(f"stack: recursion has no bound: {circle}")
    if name not in known:
        function = functions.get(name)
        if function is None:
            raise CheckFailedError(f"stack: nothing is known about {name}, called by {above[-1]}")
        below = [_below(functions, f, known, (*above, name)) for f in function.calls]
        most = max(below, key=lambda b: b.bytes, default=StackBound(0, ()))
        path = ((name, function.frame_bytes), *most.path)
        known[name] = StackBound(function.frame_bytes + most.bytes, path)
    return known[name]


def _merged(known: Mapping[str, Function], found: Mapping[str, Function]) -> dict[str, Function]:
    """`found`, with what an object of an earlier build knew of the same function."""
    merged = dict(found)
    for name in found.keys() & known.keys():
        a, b = known[name], found[name]
        merged[name] = Function(name, max(a.frame_bytes, b.frame_bytes), a.calls | b.calls)
    return merged


# ------------------------------------------------------------------ The compiler's figures

_NODE = re.compile(r'node: \{ title: "([^"]+)" label: "([^"]*)"( shape : ellipse)? \}')
_EDGE = re.compile(r'edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)" label: "([^"]*)" \}')
_FRAME = re.compile(r"(\d+) bytes \(([^)]*)\)")


def _from_figures(text: str, image: _Image) -> dict[str, Function]:
    """Functions of one object; those that it only calls are ellipses and not among them."""
    frames = {}
    for title, label, ellipse in _NODE.findall(text):
        frame = _FRAME.search(label)
        if ellipse or frame is None:
            continue
        if frame[2] != "static":
            raise CheckFailedError(f"stack: the frame of {title} is {frame[2]}")
        frames[title] = int(frame[1])
    calls: dict[str, set[str]] = {title: set() for title in frames}
    for caller, target, place in _EDGE.findall(text):
        calls[caller] |= _pointed(place, image) if target == INDIRECT else {target}
    return {title: Function(title, frames[title], frozenset(calls[title])) for title in frames}


def _pointed(place: str, image: _Image) -> set[str]:
    """What a call through a pointer at `place`, a file with line and column, may reach."""
    file = place.rsplit(":", 2)[0]
    tables = next((t for f, t in POINTERS.items() if file.endswith(f)), None)
    if tables is None:
        raise CheckFailedError(f"stack: {place} calls through a pointer of no known table")
    found: set[str] = set()
    for table in tables:
        found |= {table} if image.is_function(table) else image.functions_in(table, file)
    return found


# ------------------------------------------------------------------ The firmware itself


class _Image:
    """Symbols and constants of a firmware."""

    def __init__(self, elf: Path) -> None:
        from elftools.elf.elffile import ELFFile
        from elftools.elf.sections import SymbolTableSection

        with elf.open("rb") as file:
            opened = ELFFile(file)
            table = opened.get_section_by_name(".symtab")
            symbols = list(table.iter_symbols()) if isinstance(table, SymbolTableSection) else []
            self._sections = [
                (s["sh_addr"], s.data()) for s in opened.iter_sections() if s["sh_flags"] & 2
                and s["sh_type"] != "SHT_NOBITS"
            ]  # fmt: skip
        self._objects = {s.name: s for s in symbols if s["st_info"]["type"] == "STT_OBJECT"}
        # A static function's unique name in the compiler's figures begins with its file.
        self._functions: dict[int, list[tuple[str, bool]]] = {}
        for s in symbols:
            if s["st_info"]["type"] == "STT_FUNC":
                local = s["st_info"]["bind"] == "STB_LOCAL"
                self._functions.setdefault(s["st_value"] & ~1, []).append((s.name, local))

    def is_function(self, name: str) -> bool:
        """Whether a function of that name is linked."""
        return any(name == n for names in self._functions.values() for n, _ in names)

    def functions_in(self, table: str, file: str) -> set[str]:
        """Functions that the const object `table` points to; its static ones are of `file`."""
        symbol = self._objects.get(table)
        if symbol is None:
            return set()
        data = self._bytes(symbol["st_value"], symbol["st_size"])
        words = [int.from_bytes(data[i : i + 4], "little") for i in range(0, len(data), 4)]
        found = [self._functions.get(w & ~1, [])[:1] for w in words if w & 1]
        return {f"{file}:{name}" if local else name for names in found for name, local in names}

    def aliases(self) -> list[list[str]]:
        """Names of each function that has several."""
        return [[n for n, _ in names] for names in self._functions.values() if len(names) > 1]

    def _bytes(self, address: int, size: int) -> bytes:
        for start, data in self._sections:
            if start <= address < start + len(data):
                return bytes(data[address - start : address - start + size])
        return b""


def _interrupts(image: _Image) -> set[str]:
    """Handlers in the vector table that run on the stack as they find it."""
    return image.functions_in(VECTORS, "") - set(NEW_STACK)


def _disassembly(elf: Path, objdump: str) -> str:
    command = [objdump, "-d", "--no-show-raw-insn", str(elf)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=OBJDUMP_TIMEOUT_S)
    if done.returncode != 0:
        raise ToolMissingError(f"{' '.join(command)} failed: {done.stderr.strip()}")
    return done.stdout


_TITLE = re.compile(r"^[0-9a-f]+ <([^>]+)>:$", re.MULTILINE)
_BRANCH = re.compile(r"^bl?x?(?:eq|ne|cs|cc|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)?(?:\.[nw])?$")
_TARGET = re.compile(r"<([^+>]+)(?:\+0x[0-9a-f]+)?>")


def _from_assembly(text: str, image: _Image) -> dict[str, Function]:
    """Every function of the firmware, as far as its instructions tell.

    All that it pushes is added up; a jump to a register other than lr, or a frame that is
    computed, makes it unknown: only the compiler's figures tell about it then.
    """
    pieces = _TITLE.split(text)[1:]
    functions = {}
    for name, body in zip(pieces[::2], pieces[1::2], strict=True):
        if (function := _read(name, body)) is not None:
            functions[name] = function
    for names in image.aliases():
        same = next((functions[n] for n in names if n in functions), None)
        if same is not None:
            functions |= {n: Function(n, same.frame_bytes, same.calls) for n in names}
    return functions


def _read(name: str, body: str) -> Function | None:
    frame, calls = 0, set()
    for line in body.splitlines():
        _, _, instruction = line.partition("\t")
        mnemonic, _, operands = instruction.partition("\t")
        pushed = _pushed(mnemonic.strip(), operands)
        if pushed is None:
            return None
        frame += pushed
        if _BRANCH.match(mnemonic.strip()):
            target = _TARGET.search(operands)
            if target is None and operands.strip() != "lr":
                return None
            if target is not None and target[1] != name:
                calls.add(target[1])
    return Function(name, frame, frozenset(calls))


def _pushed(mnemonic: str, operands: str) -> int | None:
    """Bytes that an instruction takes of the stack; None when they are computed."""
    plain = mnemonic.split(".")[0]
    text = operands.split("@")[0].split(";")[0].strip()
    if plain in ("push", "vpush") or (plain in ("stmdb", "vstmdb") and text.startswith("sp!")):
        return _registers(text)
    if moved := re.search(r"\[sp, #-(\d+)\]!", text):
        return int(moved[1])
    if plain in ("sub", "subw") and text.startswith("sp,"):
        by = re.search(r"#(\d+)$", text)
        return int(by[1]) if by else None
    return 0


def _registers(text: str) -> int:
    """Bytes of the registers listed in braces."""
    total = 0
    for part in text[text.index("{") + 1 : text.index("}")].split(","):
        first, _, last = part.strip().partition("-")
        size = 8 if first.startswith("d") else 4
        ends = [int(r[1:]) if r[1:].isdigit() else None for r in (first, last or first)]
        count = 1 if ends[0] is None or ends[1] is None else ends[1] - ends[0] + 1
        total += size * count
    return total
