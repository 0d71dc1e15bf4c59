"""The portable C: warnings of three compilers, and the parity suite under ASan and UBSan."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from paritone import sources

CORTEX_M4 = ["-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"]
SANITIZERS = "-fsanitize=address,undefined -fno-sanitize-recover=all -g"
COMPILERS = {
    "gcc": ("gcc", []),
    "clang": ("clang", []),
    "arm-none-eabi-gcc": ("gcc-arm-none-eabi libnewlib-arm-none-eabi", CORTEX_M4),
}


def require(command: str, package: str) -> str:
    found = shutil.which(command)
    if found is None:
        pytest.fail(f"{command} is missing: apt-get install {package}")
    return found


def library(gcc: str, name: str) -> str:
    command = [gcc, f"-print-file-name={name}"]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=30, check=True
    ).stdout.strip()


@pytest.mark.parametrize("name", COMPILERS)
def test_compiles_without_a_warning(name: str, tmp_path: Path) -> None:
    package, target = COMPILERS[name]
    command = [require(name, package), f"@{sources.root() / 'firmware/cflags.rsp'}", "-O2", *target]
    command += [f"-I{folder}" for folder in sources.include_dirs()]
    files = sources.portable_sources()
    assert len(files) > 5
    done = subprocess.run(
        [*command, "-c", *map(str, files)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_parity_suite_is_clean_under_sanitizers(repository: Path, tmp_path: Path) -> None:
    gcc = require("gcc", "gcc")
    # libstdc++ too: exceptions of other extensions pass through ASan's interceptor.
    preloaded = [library(gcc, name) for name in ("libasan.so", "libstdc++.so.6")]
    environment = os.environ | {
        "CC": gcc,
        "LD_PRELOAD": " ".join(preloaded),
        # Python and TensorFlow leak by design; the portable C allocates nothing.
        "ASAN_OPTIONS": "detect_leaks=0",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        # What a host without AVX-512 runs; elsewhere the tests run the vectors.
        "PARITONE_NATIVE_CFLAGS": f"{SANITIZERS} -DPARITONE_PLAIN_C",
        "PARITONE_CACHE_DIR": str(tmp_path / "cache"),
        # Sanitized models take ten times as long; the plain run has more of them.
        "PARITONE_MODELS": "30",
        "PARITONE_NETWORKS": "3",
        "PARITONE_EXAMPLES": "10",
        "PARITONE_ENGINE_PATCHES": "2",
    }
    environment.pop("PYTEST_XDIST_WORKER", None)
    command = [sys.executable, "-m", "pytest", "-v", "-x", "-m", "parity", "-p", "no:cacheprovider"]
    done = subprocess.run(
        command, cwd=repository, env=environment, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    for file in ("test_engine.py", "test_engine_ops.py", "test_frontend.py"):
        assert f"{file}::" in done.stdout
    built = next((tmp_path / "cache/native").glob("_paritone_*/_paritone_*.so"))
    assert b"__asan_init" in built.read_bytes()
