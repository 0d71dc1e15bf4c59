"""Builds ``firmware/src`` and ``cmsis_dsp_ref/src`` once per source and flag hash, and loads it.

The runtime is one cffi module that serves every model. Generated C is const data: it is compiled
into a small shared library of its own and handed to the runtime by pointer, as in the firmware.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import importlib.util
import io
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import platformdirs

from paritone import cores, sources
from paritone.errors import ToolMissingError
from paritone.native.cdef import CDEF

OPTIMISATION = ("-O3", "-ffp-contract=off")
OWN_CORE = (["-march=native", "-mprefer-vector-width=256"], ["-march=native"])
"""Every vector instruction of this machine's: the first that a compiler knows. Loops of a few
dozen values leave more behind that the widest vectors do not fill than these save."""
COMPILE_TIMEOUT_S = 300


def extra_flags() -> list[str]:
    """Flags of ``PARITONE_NATIVE_CFLAGS``: sanitizers, another optimisation level."""
    return os.environ.get("PARITONE_NATIVE_CFLAGS", "").split()


def compiler() -> str:
    """Path of the C compiler (``CC`` or ``cc``); raises ToolMissingError without one."""
    name = os.environ.get("CC", "cc")
    found = shutil.which(name)
    if found is None:
        raise ToolMissingError(
            f"C compiler {name!r} not found: install one (apt-get install gcc) or set CC"
        )
    return found


def cache_dir() -> Path:
    """Folder of built libraries; ``PARITONE_CACHE_DIR`` moves it."""
    default = platformdirs.user_cache_path("paritone")
    return Path(os.environ.get("PARITONE_CACHE_DIR", default)) / "native"


@cache
def _for_this_core(compiler_path: str) -> tuple[list[str], str]:
    """The first of ``OWN_CORE`` that the compiler takes, and the macros that it then defines."""
    for flags in OWN_CORE:
        command = [compiler_path, *flags, "-E", "-dM", "-x", "c", os.devnull]
        done = subprocess.run(command, capture_output=True, text=True, timeout=COMPILE_TIMEOUT_S)
        if done.returncode == 0:
            return flags, done.stdout
    return [], ""


def warning_flags() -> str:
    """The compilers' response file that holds the language standard and every warning."""
    return f"@{sources.root() / 'firmware/cflags.rsp'}"


@cache
def runtime() -> tuple[Any, Any]:
    """``(ffi, lib)`` of the portable C, built when no build of these sources and flags exists."""
    files = sources.portable_sources()
    headers = [h for d in sources.include_dirs() for h in sorted(d.glob("*.h"))]
    own, macros = _for_this_core(compiler())
    flags = [*OPTIMISATION, *own, *extra_flags()]
    listed = [*files, *headers, sources.root() / "firmware/cflags.rsp"]
    key = _digest(listed, [CDEF, *flags, macros])
    name = f"_paritone_{key}"
    module = _cached(name, lambda folder: _build_runtime(name, files, flags, folder))
    library = module / f"{name}.so"
    spec = importlib.util.spec_from_file_location(name, library)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded.ffi, loaded.lib


def load_data(folder: Path, symbol: str, c_type: str) -> Any:
    """Compile the generated C in `folder` and return a pointer to its const `symbol`.

    Parameters
    ----------
    folder
        holds generated ``*.c`` and ``*.h`` (const data only)
    symbol
        name of the const struct, such as ``paritone_model``
    c_type
        its type, such as ``paritone_model_t``

    Returns
    -------
    cffi pointer, ``const c_type *``; the library stays loaded for the life of the process
    """
    ffi, _ = runtime()
    data = sorted(folder.glob("*.c"))
    headers = [
        *sorted(folder.glob("*.h")),
        *sorted((sources.root() / "firmware/include").glob("*.h")),
    ]
    flags = ["-O0", *extra_flags()]
    key = _digest([*data, *headers], flags)
    built = _cached(f"data_{key}", lambda out: _build_data(data, flags, folder, out))
    _share_runtime()
    library = ctypes.CDLL(str(built / "data.so"))
    _LOADED.append(library)
    return ffi.cast(f"const {c_type} *", ctypes.addressof(ctypes.c_char.in_dll(library, symbol)))


_LOADED: list[ctypes.CDLL] = []


@cache
def _share_runtime() -> None:
    """Let data libraries find the functions that they point to in the runtime."""
    _, lib = runtime()
    ctypes.CDLL(sys.modules[lib.__name__.removesuffix(".lib")].__file__, ctypes.RTLD_GLOBAL)


def _digest(files: Sequence[Path], texts: Sequence[str]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    for text in (*texts, compiler(), sys.version, sys.platform):
        digest.update(text.encode() + b"\0")
    return digest.hexdigest()[:16]


def _cached(name: str, build: Callable[[Path], None]) -> Path:
    """Folder `name` of the cache, filled by `build` in a private folder and renamed into place."""
    final = cache_dir() / name
    if final.is_dir():
        return final
    final.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=final.parent) as scratch:
        work = Path(scratch) / "build"
        work.mkdir()
        build(work)
        try:
            work.rename(final)
        except OSError:
            if not final.is_dir():  # another process was first: its build is the same
                raise
    return final


def _build_runtime(name: str, files: Sequence[Path], flags: Sequence[str], folder: Path) -> None:
    import cffi

    builder = cffi.FFI()
    builder.cdef(CDEF)
    builder.set_source(name, '#include "paritone.h"\n')
    glue = folder / f"{name}.c"
    with contextlib.redirect_stdout(io.StringIO()):  # it announces the file
        builder.emit_c_code(str(glue))
    includes = [f"-I{d}" for d in sources.include_dirs()]
    python = [f"-I{sysconfig.get_paths()['include']}"]
    shared = [*_shared_flags(), *flags]
    objects = folder / "objects"
    objects.mkdir()
    with ThreadPoolExecutor(cores.count()) as pool:
        jobs = [
            pool.submit(
                _compile,
                [*shared, warning_flags(), *includes, "-c", str(f)],
                objects / f"{f.stem}.o",
            )
            for f in files
        ]
        jobs.append(
            pool.submit(
                _compile, [*shared, *includes, *python, "-c", str(glue)], objects / "glue.o"
            )
        )
        for job in jobs:
            job.result()
    linked = [str(o) for o in sorted(objects.glob("*.o"))]
    _compile(["-shared", *shared, *linked, "-lm"], folder / f"{name}.so")
    shutil.rmtree(objects)


def _build_data(data: Sequence[Path], flags: Sequence[str], own: Path, folder: Path) -> None:
    includes = [f"-I{own}", f"-I{sources.root() / 'firmware/include'}"]
    arguments = [*_shared_flags(), *flags, warning_flags(), *includes, *map(str, data)]
    _compile(["-shared", *arguments], folder / "data.so")


def _shared_flags() -> list[str]:
    return ["-fPIC", "-fvisibility=default"]


def _compile(arguments: Sequence[str], output: Path) -> None:
    command = [compiler(), *arguments, "-o", str(output)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=COMPILE_TIMEOUT_S)
    if done.returncode != 0:
        raise ToolMissingError(
            f"the C compiler failed on the portable C: {' '.join(command)}\n{done.stderr.strip()}"
        )
