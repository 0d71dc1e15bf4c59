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

import cortex_m_emulator as emulator
from cortex_m_emulator import Core
from paritone import sources
from paritone.native import build

HERE = Path(__file__).parent / "cmsis_dsp_ref"
VECTORS = int(os.environ.get("PARITONE_DSP_VECTORS", "10000"))
OURS, MIXED = range(2)
PROGRAM = ("main.c", "comparison.c", "vectors.c")
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


def on_board(
    families: str | Sequence[str],
    folder: Path,
    *,
    mixed: bool = False,
    core: Core = emulator.M4,
    vectors: int = VECTORS,
) -> list[Record]:
    """Compare the kernels of ``cases_<family>.c`` on an emulated core, MIXED too if asked."""
    test = _test_flags(families, folder, mixed)

    def compiled(files: list[Path], flags: list[str], out: Path) -> list[Path]:
        return emulator.compile_objects(files, flags, out, core)

    objects = compiled([HERE / name for name in PROGRAM], test, folder / "test")
    objects += _case_objects(families, folder, mixed, test, compiled)
    objects += [*own_objects(core), *genuine_objects(core)]
    elf = emulator.link(objects, folder / "comparison.elf", core)
    timeout_s = emulator.RUN_TIMEOUT_S + vectors // 100
    return _run(folder, vectors, lambda: emulator.run(elf, folder, core, timeout_s))


def on_host(families: str | Sequence[str], folder: Path, *, vectors: int = VECTORS) -> list[Record]:
    """Compare ours, sanitized, with genuine plain C on this machine."""
    test = [*_test_flags(families, folder, mixed=False), *SANITIZERS]
    files = [HERE / name for name in (*PROGRAM, "host_files.c")]
    objects = _compile_host(files, test, folder / "test")
    objects += _case_objects(families, folder, False, test, _compile_host)
    objects += [*own_objects(None), *genuine_objects(None)]
    program = folder / "comparison"
    arguments = ["-Wl,--gc-sections", *map(str, objects), "-o", str(program)]
    subprocess.run([build.compiler(), *SANITIZERS, *arguments], check=True, timeout=60)
    timeout_s = emulator.RUN_TIMEOUT_S + vectors // 100
    return _run(
        folder,
        vectors,
        lambda: subprocess.run([program], cwd=folder, check=True, timeout=timeout_s),
    )


def plain_c_says(record: Record) -> str:
    """What README.md holds of a host record: how upstream's plain C differs from ours."""
    if record.wrong_outputs == 0:
        return "identical"
    share = 100 * record.wrong_outputs / record.outputs
    return f"{share:.1f} % of outputs differ, by up to {record.largest}"


def check_readme(records: list[Record]) -> None:
    """Compare the rows of the README's table with what was found on this machine.

    Its shares are those of 10,000 vectors; with another number only "identical" counts.
    """
    readme = sources.root() / "cmsis_dsp_ref/README.md"
    rows = [
        [cell.strip() for cell in line.strip("| ").split("|")]
        for line in readme.read_text().splitlines()
        if line.startswith("| `arm_")
    ]
    said = {name.strip("` "): row[-1] for row in rows for name in row[0].split(",")}
    for record in records:
        found, row = plain_c_says(record), said.get(record.name, "no row")
        if VECTORS != 10_000:
            row, found = (text if text == "identical" else "different" for text in (row, found))
        assert row == found, f"README.md, {record.name}: {found}"


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


def genuine_objects(core: Core | None = emulator.M4) -> list[Path]:
    """Objects of upstream's files for a core, or for the host (None), cached.

    The host and cores without the DSP extension get plain C, built as in upstream's host package.
    """
    top, shim = emulator.cmsis_dsp(), emulator.HERE / "cmsis"
    flags = ["-w", *(f"-I{top / folder}" for folder in ("Include", "PrivateInclude"))]
    plain = core is None or not core.dsp
    flags += ["-D__GNUC_PYTHON__"] if plain else ["-DARM_MATH_DSP", f"-I{shim}"]
    return _objects(genuine_sources(), flags, [shim / "cmsis_compiler.h"], core)


def own_objects(core: Core | None = emulator.M4) -> list[Path]:
    """Objects of ours for a core, or sanitized for the host; arm_... becomes ref_...; cached."""
    headers = sorted((sources.root() / "cmsis_dsp_ref").rglob("*.h"))
    defines = [f"-D{name}=ref_{name[4:]}" for name in public_names()]
    sanitizers = SANITIZERS if core is None else []
    return _objects(own_sources(), [*_own_flags(), *sanitizers, *defines], headers, core)


def _objects(
    files: list[Path], flags: list[str], headers: list[Path], core: Core | None
) -> list[Path]:
    """Compile `files` once for each text of theirs and of the headers."""
    digest = hashlib.sha256(repr((flags, core, build.compiler())).encode())
    for file in (*files, *headers):
        digest.update(file.name.encode() + file.read_bytes())

    def fill(folder: Path) -> None:
        if core is None:
            _compile_host(files, flags, folder)
        else:
            emulator.compile_objects(files, flags, folder, core)

    return sorted(build._cached(f"dsp-{digest.hexdigest()[:16]}", fill).glob("*.o"))


def _case_objects(
    families: str | Sequence[str],
    folder: Path,
    mixed: bool,
    test: list[str],
    compiled: Callable[[list[Path], list[str], Path], list[Path]],
) -> list[Path]:
    """Compile each family's cases once a library."""
    everything, inits = _rename_h(folder, r"arm_\w+"), _rename_h(folder, r"arm_\w+_init_\w+")
    sides = {"genuine": [], "ours": ["-include", str(everything)]}
    if mixed:
        sides["mixed"] = ["-include", str(inits)]
    objects = []
    for side, flags in sides.items():
        for family in _listed(families):
            kernels = f"-DKERNELS={side}_{family}"
            case = [HERE / f"cases_{family}.c"]
            objects += compiled(case, [*test, kernels, *flags], folder / side)
    return objects


def _rename_h(folder: Path, pattern: str) -> Path:
    """Header that renames our functions of `pattern` from arm_... to ref_..."""
    names = [name for name in public_names() if re.fullmatch(pattern, name)]
    path = folder / f"rename_{len(names)}.h"
    path.write_text("".join(f"#define {name} ref_{name[4:]}\n" for name in names))
    return path


def _own_flags() -> list[str]:
    return [f"-I{sources.root() / 'cmsis_dsp_ref/include'}"]


def _test_flags(families: str | Sequence[str], folder: Path, mixed: bool) -> list[str]:
    rows = " ".join(f"X({family})" for family in _listed(families))
    (folder / "families.h").write_text(f"#define FAMILIES(X) {rows}\n")
    own = [*_own_flags(), *(f"-I{path}" for path in (HERE, emulator.HERE, folder))]
    return [*own, "-Wall", "-Wextra", "-Werror", *(["-DWITH_MIXED"] if mixed else [])]


def _listed(families: str | Sequence[str]) -> Sequence[str]:
    return [families] if isinstance(families, str) else families


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


def _run(folder: Path, vectors: int, program: Callable[[], object]) -> list[Record]:
    np.array([vectors], "<u4").tofile(folder / "request.bin")
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
