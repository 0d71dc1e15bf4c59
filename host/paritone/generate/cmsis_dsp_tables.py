"""Writes the tables of ``cmsis_dsp_ref/src/tables``: one file a length, from their formulas.

``python -m paritone.generate.cmsis_dsp_tables`` writes those whose text changed.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from paritone import sources
from paritone.features.fft_tables import fft_tables
from paritone.features.fft_tables_q15 import split_q15, twiddle_q15

LENGTHS = tuple(2**k for k in range(4, 13))
WIDTH = 100

BANNER = "/* Made by paritone.generate.cmsis_dsp_tables: not to be edited. */"


def all_files() -> dict[str, str]:
    """Return the text of every generated file by its name."""
    files: dict[str, str] = {}
    for n in LENGTHS:
        files[f"bit_reverse_{n}.c"] = _bit_reverse(n)
        files[f"arm_cfft_init_{n}_q15.c"] = _cfft(n, "q15", twiddle_q15(n))
        files[f"arm_cfft_init_{n}_q31.c"] = _cfft(n, "q31", fft_tables(2 * n).twiddle)
    for n in LENGTHS[1:]:
        tables = fft_tables(n)
        files[f"arm_rfft_init_{n}_q15.c"] = _rfft(n, "q15", *split_q15(n))
        files[f"arm_rfft_init_{n}_q31.c"] = _rfft(n, "q31", tables.split_a, tables.split_b)
    return files


def write(folder: Path) -> list[str]:
    """Write the files whose text changed into `folder`; returns their names."""
    changed = []
    for name, text in all_files().items():
        path = folder / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            changed.append(name)
    return changed


def _bit_reverse(n: int) -> str:
    pairs = fft_tables(2 * n).bit_reverse
    name = f"cmsis_dsp_ref_bit_reverse_{n}[{len(pairs)}]"
    return _file([_array(f"const uint16_t {name}", pairs)])


def _cfft(n: int, q: str, twiddle: npt.NDArray[np.integer]) -> str:
    array = _array(f"static const {q}_t twiddle[{len(twiddle)}]", twiddle)
    return _file([array, f"CFFT_OF_LENGTH({n}, {q}, twiddle, cmsis_dsp_ref_bit_reverse_{n})"])


def _rfft(n: int, q: str, a: npt.NDArray[np.integer], b: npt.NDArray[np.integer]) -> str:
    arrays = [
        _array(f"static const {q}_t {name}[{len(values)}]", values)
        for name, values in (("split_a", a), ("split_b", b))
    ]
    return _file([*arrays, f"RFFT_OF_LENGTH({n}, {n // 2}, {q}, split_a, split_b)"])


def _file(parts: Iterable[str]) -> str:
    return "\n\n".join([f'{BANNER}\n#include "tables.h"', *parts]) + "\n"


def _array(declaration: str, values: npt.NDArray[np.integer]) -> str:
    """C of one array, as many values a line as fit."""
    lines = [""]
    for value in values.tolist():
        cell = f"{value},"
        if len(lines[-1]) + len(cell) > WIDTH:
            lines.append("")
        lines[-1] += cell
    return f"{declaration} = {{\n" + "\n".join(lines)[:-1] + "\n};"


def main() -> None:
    """Write into the checkout's ``cmsis_dsp_ref``."""
    folder = sources.root() / "cmsis_dsp_ref/src/tables"
    print(f"{len(write(folder))} files changed in {folder}")


if __name__ == "__main__":
    main()
