"""Runs kernels of genuine CMSIS-DSP and of cmsis_dsp_ref on the same vectors, in one program.

On the emulated Cortex-M4 genuine code is the variant with the DSP extension; on the host it is
plain C, as in upstream's host package. Vectors are made where they are used (vectors.h); outputs
are compared there too, and a digest of ours tells whether board and host agree.

``PARITONE_DSP_VECTORS`` sets the number of vectors a kernel.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import cortex_m4_emulator as emulator
from paritone import sources
from paritone.native import build

HERE = Path(__file__).parent / "cmsis_dsp_ref"
VECTORS = int(os.environ.get("PARITONE_DSP_VECTORS", "10000"))
OURS, MIXED = range(2)
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
WIDTHS = {  # names of genuine files hold q15 and q31
    "BasicMathFunctions": ("mult", "scale", "shift", "dot_prod", "add", "sub", "offset", "abs"),
    "ComplexMathFunctions": ("cmplx_mag", "cmplx_mag_squared"),
    "StatisticsFunctions": ("absmax", "absmax_no_idx"),
    "FastMathFunctions": ("sqrt", "vlog", "divide"),
    "MatrixFunctions": ("mat_vec_mult",),
    "TransformFunctions": (
        "cfft",
        "cfft_init",
        "cfft_radix4",
        "rfft",
        "rfft_init",
        "mfcc",
        "mfcc_init",
    ),
}
OTHERS = (
    "TransformFunctions/arm_bitreversal.c",
    "TransformFunctions/arm_bitreversal2.c",
    "CommonTables/arm_common_tables.c",
    "CommonTables/arm_const_structs.c",
)
RECORD = np.dtype(
    [
        ("name", "S32"),
        ("side", "<u4"),
        ("vectors", "<u4"),
        ("outputs", "<u4"),
        ("wrong_vectors", "<u4"),
        ("wrong_outputs", "<u4"),
        ("largest", "<u4"),
        ("first_vector", "<u4"),
        ("first_index", "<u4"),
        ("expected", "<i8"),
        ("found", "<i8"),
        ("digest_expected", "<u4"),
        ("digest_found", "<u4"),
    ]
)


@dataclass(frozen=True)
class Record:
    """One kernel of ours (side OURS), or of upstream's on our tables (MIXED), against upstream."""

    name: str
    side: int
    vectors: int
    outputs: int
    wrong_vectors: int
    wrong_outputs: int
    largest: int
    first_vector: int
    first_index: int
    expected: int
    found: int
    digest_expected: int
    digest_found: int

    def __str__(self) -> str:
        text = f"{self.name}: {self.wrong_vectors} of {self.vectors} vectors differ"
        if self.wrong_outputs == 0:
            return text
        return (
            f"{text} ({self.wrong_outputs} of {self.outputs} outputs, by up to {self.largest}); "
            f"first in vector {self.first_vector} at {self.first_index}: "
            f"expected {self.expected}, found {self.found}"
        )


def on_board(family: str, folder: Path, *, mixed: bool = False) -> list[Record]:
    """Compare the kernels of ``cases_<family>.c`` on the emulated Cortex-M4."""
    files = [HERE / name for name in ("main.c", "comparison.c", "vectors.c")]
    objects = emulator.compile_objects(files, _test_flags(mixed), folder / "test")
    for side, flags in _sides(folder, mixed).items():
        case = HERE / f"cases_{family}.c"
        objects += emulator.compile_objects([case], [*_test_flags(mixed), *flags], folder / side)
    emulator.link([*objects, *own_objects(), *genuine_objects()], folder / "comparison.elf")
    return _run(folder, lambda: emulator.run(folder / "comparison.elf", folder))


def on_host(family: str, folder: Path) -> list[Record]:
    """Compare ours, sanitized, with genuine plain C on this machine."""
    test = [*_test_flags(mixed=False), *SANITIZERS]
    names = ("main.c", "comparison.c", "vectors.c", "host_files.c")
    objects = _compile_host([HERE / name for name in names], test, folder / "test")
    for side, flags in _sides(folder, mixed=False).items():
        objects += _compile_host([HERE / f"cases_{family}.c"], [*test, *flags], folder / side)
    program = folder / "comparison"
    objects += [*own_objects(host=True), *genuine_objects(host=True)]
    arguments = [*map(str, objects), "-o", str(program)]
    command = [build.compiler(), *SANITIZERS, "-Wl,--gc-sections", *arguments]
    subprocess.run(command, check=True, timeout=60)
    return _run(folder, lambda: subprocess.run([program], cwd=folder, check=True, timeout=300))


def plain_c_says(record: Record) -> str:
    """What README.md holds of a host record: how upstream's plain C differs from ours."""
    if record.wrong_outputs == 0:
        return "identical"
    share = 100 * record.wrong_outputs / record.outputs
    return f"{share:.1f} % of outputs differ, by up to {record.largest}"


def check_readme(records: list[Record]) -> None:
    """Compare the rows of the README's table with what was found on this machine."""
    readme = sources.root() / "cmsis_dsp_ref/README.md"
    rows = [
        [cell.strip() for cell in line.strip("| ").split("|")]
        for line in readme.read_text().splitlines()
        if line.startswith("| `arm_")
    ]
    said = {name.strip("` "): row[-1] for row in rows for name in row[0].split(",")}
    for record in records:
        found = plain_c_says(record)
        assert said.get(record.name) == found, f"README.md, {record.name}: {found}"


def own_sources() -> list[Path]:
    """Every C file of cmsis_dsp_ref."""
    return sorted((sources.root() / "cmsis_dsp_ref/src").rglob("*.c"))


def public_names() -> list[str]:
    """Functions and constants that the header declares."""
    text = (sources.root() / "cmsis_dsp_ref/include/cmsis_dsp_ref.h").read_text()
    code = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    names = re.findall(r"\barm_\w+(?=\()|\barm_cfft_sR_\w+", code)
    return sorted(set(names))


def genuine_sources() -> list[Path]:
    """Upstream's files that any family needs."""
    top = emulator.cmsis_dsp() / "Source"
    found = [
        top / folder / f"arm_{name}_q{bits}.c"
        for folder, names in WIDTHS.items()
        for name in names
        for bits in (15, 31)
    ]
    return [*found, *(top / name for name in OTHERS)]


def genuine_objects(*, host: bool = False) -> list[Path]:
    """Objects of upstream's files for the board (DSP extension) or the host (plain C), cached."""
    top = emulator.cmsis_dsp()
    flags = ["-w", *(f"-I{top / folder}" for folder in ("Include", "PrivateInclude"))]
    if host:
        flags.append("-D__GNUC_PYTHON__")  # their host package's build
    else:
        flags += ["-DARM_MATH_DSP", f"-I{emulator.HERE / 'cmsis'}"]
    return _objects(genuine_sources(), flags, [emulator.HERE / "cmsis/cmsis_compiler.h"], host)


def own_objects(*, host: bool = False) -> list[Path]:
    """Objects of ours, renamed from arm_... to ref_..., cached."""
    headers = sorted((sources.root() / "cmsis_dsp_ref").rglob("*.h"))
    defines = [f"-D{name}=ref_{name[4:]}" for name in public_names()]
    sanitizers = SANITIZERS if host else []
    return _objects(own_sources(), [*_own_flags(), *sanitizers, *defines], headers, host)


def _objects(files: list[Path], flags: list[str], headers: list[Path], host: bool) -> list[Path]:
    """Compile `files` once for each text of theirs and of the headers."""
    digest = hashlib.sha256(repr((flags, host, build.compiler())).encode())
    for file in (*files, *headers):
        digest.update(file.name.encode() + file.read_bytes())
    compile_all = _compile_host if host else emulator.compile_objects

    def fill(folder: Path) -> None:
        compile_all(files, flags, folder)

    return sorted(build._cached(f"dsp-{digest.hexdigest()[:16]}", fill).glob("*.o"))


def _sides(folder: Path, mixed: bool) -> dict[str, list[str]]:
    """Flags that bind one file of cases to each library."""
    everything, inits = _rename_h(folder, r"arm_\w+"), _rename_h(folder, r"arm_\w+_init_\w+")
    sides = {
        "genuine": ["-DKERNELS=genuine_kernels"],
        "ours": ["-DKERNELS=ours_kernels", "-include", str(everything)],
    }
    if mixed:
        sides["mixed"] = ["-DKERNELS=mixed_kernels", "-include", str(inits)]
    return sides


def _rename_h(folder: Path, pattern: str) -> Path:
    """Header that renames our functions of `pattern` from arm_... to ref_..."""
    names = [name for name in public_names() if re.fullmatch(pattern, name)]
    path = folder / f"rename_{len(names)}.h"
    path.write_text("".join(f"#define {name} ref_{name[4:]}\n" for name in names))
    return path


def _own_flags() -> list[str]:
    return [f"-I{sources.root() / 'cmsis_dsp_ref/include'}"]


def _test_flags(mixed: bool) -> list[str]:
    own = [*_own_flags(), f"-I{HERE}", f"-I{emulator.HERE}", "-Wall", "-Wextra", "-Werror"]
    return [*own, "-DWITH_MIXED"] if mixed else own


def _compile_host(files: Sequence[Path], flags: list[str], folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    objects = [folder / f"{file.stem}.o" for file in files]

    def compile_one(file: Path, out: Path) -> None:
        sections = ["-ffunction-sections", "-fdata-sections"]
        command = [build.compiler(), "-O2", *sections, *flags, "-c", str(file), "-o", str(out)]
        subprocess.run(command, check=True, timeout=120)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(compile_one, files, objects))
    return objects


def _run(folder: Path, program: Callable[[], object]) -> list[Record]:
    np.array([VECTORS], "<u4").tofile(folder / "request.bin")
    program()
    rows = np.fromfile(folder / "records.bin", RECORD)
    return [Record(row["name"].decode(), *(int(row[n]) for n in RECORD.names[1:])) for row in rows]


def main() -> None:
    """Print what upstream's plain C returns, kernel by kernel."""
    for case in sorted(HERE.glob("cases_*.c")):
        with tempfile.TemporaryDirectory() as folder:
            for record in on_host(case.stem.removeprefix("cases_"), Path(folder)):
                print(f"{record.name:28}{plain_c_says(record)}")


if __name__ == "__main__":
    main()
