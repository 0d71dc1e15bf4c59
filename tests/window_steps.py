"""Steps with a window, run by tests/cortex_m/windows_main.c on an emulated core or on the host."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import cortex_m_emulator as emulator
from cortex_m_emulator import Core
from paritone import sources
from paritone.engine import params
from paritone.engine.lowering import Step

KERNELS = ("DEPTHWISE_LINES", "AVERAGE_POOL_2D")
FILES = ("depthwise_lines*.[cS]", "pool*.[cS]", "operands*.[cS]")
HOST_FILES = Path(__file__).parent / "cmsis_dsp_ref/host_files.c"
SYSTICK_HZ = 25e6  # of mps2-an386


@dataclass(frozen=True, eq=False)
class Run:
    """A step on an input, in calls of `rows` rows.

    Attributes
    ----------
    ring : rows of the input that are there at a time, as many as it has or fewer
    """

    step: Step
    input: NDArray[np.int8]
    rows: int
    ring: int
    in_place: bool = False

    @property
    def window(self) -> params.Window:
        assert isinstance(self.step.params, params.DepthwiseLines | params.Pool2D)
        return self.step.params.window

    def words(self) -> bytes:
        """Its header, tables and input as the program reads them."""
        p = self.step.params
        assert isinstance(p, params.DepthwiseLines | params.Pool2D)
        of_lines, tables = (0, 0, 0, 0), []
        if isinstance(p, params.DepthwiseLines):
            of_lines = (p.rows, p.input_zero_point, p.base, p.shift)
            tables = [p.weights, p.start, p.factor, p.addend]
        header = [
            *of_lines,
            p.minimum,
            p.maximum,
            self.ring,
            self.rows,
            int(self.in_place),
            p.scratch_bytes,
        ]
        parts = [
            np.array([KERNELS.index(self.step.kernel)], np.int32),
            np.array(astuple(p.window), np.uint16), np.array(header, np.int32),
            *tables, self.input,
        ]  # fmt: skip
        return b"".join(_whole_words(part.tobytes()) for part in parts)


def _whole_words(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def program(core: Core, folder: Path, *extra: str) -> Path:
    """The program for a core."""
    source = sources.root() / "firmware/src"
    files = sorted({file for pattern in FILES for file in source.glob(pattern)})
    flags = [*(f"-I{d}" for d in sources.include_dirs()), f"-I{emulator.HERE}", *extra]
    files.append(emulator.HERE / "windows_main.c")
    objects = emulator.compile_objects(files, flags, folder / "objects", core)
    return emulator.link(objects, folder / "windows.elf", core)


def write(runs: list[Run], folder: Path) -> None:
    (folder / "steps.bin").write_bytes(b"".join(run.words() for run in runs))


def outputs(runs: list[Run], folder: Path) -> list[NDArray[np.int8]]:
    """What the program wrote, one array a run."""
    values = np.fromfile(folder / "outputs.bin", np.int8)
    shapes = [(r.window.out_height, r.window.out_width, r.window.out_channels) for r in runs]
    ends = np.cumsum([np.prod(shape) for shape in shapes])
    assert len(values) == ends[-1]
    parts = np.split(values, ends[:-1])
    return [part.reshape(1, *shape) for part, shape in zip(parts, shapes, strict=True)]


def run_on(
    core: Core, elf: Path, runs: list[Run], folder: Path, *, counting: bool = False
) -> list[NDArray[np.int8]]:
    """Outputs of `runs` on the emulated core."""
    write(runs, folder)
    emulator.run(elf, folder, core, counting=counting)
    return outputs(runs, folder)


def host_program(folder: Path) -> Path:
    """The program for this machine: the portable C under sanitizers."""
    source = sources.root() / "firmware/src"
    files = sorted({file for pattern in FILES for file in source.glob(pattern)})
    files = [file for file in files if file.suffix == ".c"]
    files += [emulator.HERE / "windows_main.c", HOST_FILES]
    includes = [*(f"-I{d}" for d in sources.include_dirs()), f"-I{emulator.HERE}"]
    flags = ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    program = folder / "windows"
    command = [emulator.tool("gcc", "gcc"), *flags, *includes, *map(str, files), "-o", str(program)]
    emulator.call(command)
    return program


def run_on_host(program: Path, runs: list[Run], folder: Path) -> list[NDArray[np.int8]]:
    """Outputs of `runs` on this machine."""
    write(runs, folder)
    emulator.call([str(program)], cwd=folder)
    return outputs(runs, folder)


def instructions(folder: Path) -> list[int]:
    """Of each run, when it was counting."""
    ticks = np.fromfile(folder / "counts.bin", np.uint32)
    found: list[int] = (ticks / SYSTICK_HZ / (2**emulator.ICOUNT_SHIFT * 1e-9)).astype(int).tolist()
    return found
