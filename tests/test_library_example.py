"""examples/library: two models in a program of its own, on the desk and for several cores."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from board_projects import noise
from paritone import Engine, Frontend, quantization, sources
from paritone import boards as supported
from paritone.generate import frontend_tables, generate
from test_portable_c import require
from zoo_config import FEATURES, PREPROCESSING, make_config, tiny_model

RISCV = "riscv64-unknown-elf-gcc"
CORES = {
    "cortex-m0plus": ("arm-none-eabi-gcc", "arm", "-mcpu=cortex-m0plus -mthumb"),
    "cortex-m3": ("arm-none-eabi-gcc", "arm", "-mcpu=cortex-m3 -mthumb"),
    "cortex-m4": ("arm-none-eabi-gcc", "arm", "-mcpu=cortex-m4 -mthumb"),
    # Where there is such a compiler; nothing installs it.
    **({"rv32imc": (RISCV, "riscv", "-march=rv32imc -mabi=ilp32")} if shutil.which(RISCV) else {}),
}
ENDS = {"first": ("int8", "int8", True), "second": ("uint8", "uint8", False)}


@pytest.fixture(scope="module")
def config():
    return make_config("benchmarking", preprocessing=PREPROCESSING, feature_extraction=FEATURES)


@pytest.fixture(scope="module")
def models(config, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two quantized models, and the C of both in the folder `generated` beside them."""
    import keras

    folder = tmp_path_factory.mktemp("library")
    patches = np.random.default_rng(4).normal(-1, 2.3, (4, 20, 16)).astype(np.float32)
    found = {}
    for seed, (name, (source, output, per_channel)) in enumerate(ENDS.items()):
        model = keras.models.load_model(tiny_model(folder / f"{name}.h5", seed=seed), compile=False)
        content = quantization.convert(model, patches, source, output, per_channel=per_channel)
        found[name] = folder / f"{name}.tflite"
        found[name].write_bytes(content)
        generate(found[name], config, folder / "generated", name=name)
    return found


def built(models: dict[str, Path], folder: Path, *definitions: str) -> Path:
    command = ["cmake", "-S", str(sources.root() / "examples/library"), "-B", str(folder)]
    command += ["-G", "Ninja", f"-DGENERATED={models['first'].parent / 'generated'}"]
    # Another project's variables of these names are its own business.
    command += ["-DBOARD=somebody-elses", "-DSANITIZE=ON", *definitions]
    for step in (command, ["cmake", "--build", str(folder)]):
        done = subprocess.run(step, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_two_models_side_by_side(models, config, tmp_path: Path, compiler: str) -> None:
    require(compiler, compiler)
    folder = built(models, tmp_path, f"-DCMAKE_C_COMPILER={compiler}")
    pcm = noise(9000)
    done = subprocess.run(
        [folder / "listen"], input=pcm.tobytes(), capture_output=True, check=True, timeout=60
    )
    lines = [line.split(":") for line in done.stdout.decode().splitlines()]
    for number, path in enumerate(models.values()):
        engine = Engine(path)
        patches = Frontend(frontend_tables(engine.plan, config)).patches(pcm)
        expected = [engine.invoke(p.reshape(engine.input.shape)).reshape(-1) for p in patches]
        got = [[int(v) for v in scores.split()] for model, scores in lines if int(model) == number]
        assert len(patches) > 3
        assert got == [row.tolist() for row in expected]


@pytest.mark.parametrize("core", CORES)
def test_it_links_for_a_core_without_a_board(models, tmp_path: Path, core: str) -> None:
    compiler, processor, flags = CORES[core]
    if processor == "arm":
        supported.tool(compiler)
    folder = built(
        models,
        tmp_path,
        "-DCMAKE_SYSTEM_NAME=Generic",
        f"-DCMAKE_SYSTEM_PROCESSOR={processor}",
        f"-DCMAKE_C_COMPILER={compiler}",
        "-DCMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY",
        f"-DCMAKE_C_FLAGS={flags}",
        f"-DCMAKE_ASM_FLAGS={flags}",
    )
    assert not list(folder.rglob("*.elf")), "the library alone"
    symbols = subprocess.run(
        [compiler.replace("gcc", "nm"), str(folder / "image")],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    names = {line.split()[-1] for line in symbols.splitlines()}
    assert {"first_model", "second_model", "paritone_products"} <= names
    assert not names & {"malloc", "_malloc_r", "_sbrk", "printf", "paritone_kernels_all"}
    # The fused transform is assembly for the DSP extension.
    assert ("first_frontend_fused" in names) == (core == "cortex-m4")
