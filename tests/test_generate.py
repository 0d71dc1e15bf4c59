"""Generated C: deterministic, compiled without a warning, refused when it does not fit."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from paritone import sources
from paritone.engine.plan import plan
from paritone.engine.tflite import parse
from paritone.errors import ConfigError, ModelError
from paritone.generate import generate
from paritone.generate.model import comment_text, float_literal, model_c
from tflite_models import Tensor, build, options
from zoo_config import FEATURES, PREPROCESSING, make_config

FILES = {
    "paritone_generated.h",
    "paritone_model.c",
    "paritone_kernels.c",
    "paritone_frontend.c",
    "manifest.json",
}
COMPILERS = {
    "gcc": ["gcc"],
    "clang": ["clang"],
    "arm": ["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb"],
}


def dense_model(n_mels=FEATURES["n_mels"], patch_length=FEATURES["patch_length"]) -> bytes:
    """A dense layer over a whole patch."""
    rng = np.random.default_rng(2)
    depth = n_mels * patch_length
    source = Tensor((1, n_mels, patch_length, 1), "int8", (0.05,), (10,))
    weights = Tensor((3, depth), "int8", (0.01,), data=rng.integers(-127, 128, (3, depth)))
    bias = Tensor((3,), "int32", (0.0005,), data=np.array([-(2**31), 0, 2**31 - 1]))
    output = Tensor((1, 3), "int8", (0.5,), (0,))
    return build(
        "FULLY_CONNECTED", [source, weights, bias], output, options("FullyConnectedOptions")
    )


@pytest.fixture(scope="module")
def config():
    return make_config("benchmarking", preprocessing=PREPROCESSING, feature_extraction=FEATURES)


@pytest.fixture
def model(tmp_path) -> Path:
    path = tmp_path / "model.tflite"
    path.write_bytes(dense_model())
    return path


def test_the_same_text_twice_and_untouched_files(model, config, tmp_path):
    first, second = tmp_path / "here", tmp_path / "a/deeper/place"
    generate(model, config, first)
    generate(model, config, second)
    assert {p.name for p in first.iterdir()} == FILES
    texts = {p.name: p.read_bytes() for p in first.iterdir()}
    assert texts == {p.name: p.read_bytes() for p in second.iterdir()}
    for name, text in texts.items():
        assert str(tmp_path).encode() not in text, name
        assert not re.search(rb"20\d\d-\d\d-\d\d|\d\d:\d\d:\d\d", text), name
    before = {p.name: p.stat().st_mtime_ns for p in first.iterdir()}
    generate(model, config, first)
    assert before == {p.name: p.stat().st_mtime_ns for p in first.iterdir()}


def test_manifest_and_header_agree(model, config, tmp_path):
    record = generate(model, config, tmp_path / "out")
    header = (tmp_path / "out/paritone_generated.h").read_text()
    sizes = {k: int(v) for k, v in re.findall(r"#define PARITONE_(\w+) (\d+)", header)}
    loaded = json.loads((tmp_path / "out/manifest.json").read_text())
    assert sizes["ARENA_BYTES"] == record.arena_bytes == loaded["arena_bytes"]
    assert sizes["PATCH_BYTES"] == sizes["INPUT_BYTES"] == 20 * 16
    assert sizes["OUTPUT_BYTES"] == loaded["output_bytes"] == 3
    assert loaded["macs"] == 3 * 20 * 16
    assert loaded["layers"][0]["kernel"] == "FULLY_CONNECTED"


@pytest.mark.parametrize("name", COMPILERS)
def test_compiles_without_a_warning(model, config, tmp_path, name):
    tool = COMPILERS[name]
    assert shutil.which(tool[0]), f"{tool[0]} is missing: `make test` installs it"
    generate(model, config, tmp_path / "out")
    flags = f"@{sources.root() / 'firmware/cflags.rsp'}"
    include = f"-I{sources.root() / 'firmware/include'}"
    for path in sorted((tmp_path / "out").glob("*.c")):
        command = [*tool, flags, include, "-O1", "-c", str(path), "-o", str(tmp_path / "x.o")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr


def test_another_format_stops_the_build(model, config, tmp_path):
    generate(model, config, tmp_path / "out")
    header = (sources.root() / "firmware/include/paritone.h").read_text()
    changed = re.sub(r"#define PARITONE_FORMAT \d+", "#define PARITONE_FORMAT 999", header)
    (tmp_path / "paritone.h").write_text(changed)
    kernels = sources.root() / "firmware/include/paritone_kernels.h"
    shutil.copy(kernels, tmp_path)
    for path in sorted((tmp_path / "out").glob("*.c")):
        command = ["gcc", f"-I{tmp_path}", "-c", str(path), "-o", str(tmp_path / "x.o")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.returncode != 0
        assert "paritone generate again" in done.stderr


def test_a_patch_of_another_shape_is_refused(tmp_path, config):
    path = tmp_path / "other.tflite"
    path.write_bytes(dense_model(16, 20))
    with pytest.raises(ModelError, match=r"\(1, 16, 20, 1\).*\(1, 20, 16, 1\)"):
        generate(path, config, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_frontend_that_no_device_has_is_refused(model, tmp_path):
    config = make_config(
        "benchmarking",
        preprocessing=PREPROCESSING,
        feature_extraction={**FEATURES, "center": True, "pad_mode": "empty"},
    )
    with pytest.raises(ConfigError, match="pad_mode is empty"):
        generate(model, config, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_name_cannot_leave_its_comment():
    for name in ("*/ #error /*", "a*/b", "??/\n*/", "ü\x00"):
        text = comment_text(name)
        assert "*/" not in text
        assert "/*" not in text
        assert text.isascii()
        assert text.isprintable()


@pytest.mark.parametrize("value", [0.1, 1.0, 1e-7, 3.4e38, 1.17549435e-38, 0.0442, 1 / 256])
def test_float_literals_are_exact(value):
    literal = float_literal(value)
    assert literal.endswith("F")
    assert re.search(r"[.e]", literal)
    assert np.float32(literal[:-1]) == np.float32(value)


def test_the_model_refers_to_no_function():
    text = model_c(plan(parse(dense_model())), "")
    assert "paritone_fully_connected_t" in text
    assert not re.search(r"paritone_fully_connected\b", text)
    assert "INT32_MIN" in text


def several_ends() -> bytes:
    """One input, two outputs."""
    source = Tensor((1, 6), "int8", (0.05,), (-3,))
    axis = Tensor((1,), "int32", data=np.array([1]))
    halves = [Tensor((1, 3), "int8", (0.05,), (-3,)) for _ in range(2)]
    return build("SPLIT", [axis, source], halves, options("SplitOptions", numSplits=2))


def test_a_model_alone_under_its_own_name(config, tmp_path):
    """Any ends, no frontend, and two of them in one folder and one program."""
    path = tmp_path / "split.tflite"
    path.write_bytes(several_ends())
    out = tmp_path / "out"
    generate(path, None, out, name="split")
    generate(path, config, out, name="other", frontend=False)
    assert {p.name for p in out.iterdir()} == {
        f"{name}_{rest}"
        for name in ("split", "other")
        for rest in ("generated.h", "model.c", "kernels.c", "manifest.json")
    }
    header = (out / "split_generated.h").read_text()
    defined = dict(re.findall(r"#define SPLIT_(\w+) (\S+)", header))
    assert (defined["N_INPUTS"], defined["N_OUTPUTS"]) == ("1", "2")
    assert defined["OUTPUT_1_ZERO_POINT"] == "(-3)"
    assert defined["OUTPUT_1_DTYPE"] == "PARITONE_INT8"
    assert np.float32(defined["INPUT_0_SCALE"].removesuffix("F")) == np.float32(0.05)
    assert "FRONTEND" not in header
    record = json.loads((out / "other_manifest.json").read_text())
    assert record["frontend_sha256"] is None
    assert [t["shape"] for t in record["outputs"]] == [[1, 3], [1, 3]]
    program = '#include "split_generated.h"\n#include "other_generated.h"\n'
    program += "int main(void) { return split_model.n_outputs == other_model.n_outputs ? 0 : 1; }"
    (out / "main.c").write_text(program)
    root = sources.root() / "firmware"
    command = ["gcc", f"@{root / 'cflags.rsp'}", f"-I{root / 'include'}", "-c"]
    for file in sorted(out.glob("*.c")):
        done = subprocess.run(
            [*command, str(file), "-o", str(tmp_path / f"{file.stem}.o")],
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
    # No name of one is a name of the other's.
    objects = [str(tmp_path / f"{n}.o") for n in ("main", "split_model", "other_model")]
    subprocess.run(["gcc", *objects, "-o", str(tmp_path / "main")], check=True, timeout=60)
    subprocess.run([str(tmp_path / "main")], check=True, timeout=10)


def test_what_a_frontend_cannot_serve_is_refused(config, tmp_path):
    path = tmp_path / "split.tflite"
    path.write_bytes(several_ends())
    with pytest.raises(ModelError, match=r"1 inputs and 2 outputs.*--no-frontend"):
        generate(path, config, tmp_path / "out")
    for name in ("", "2nd", "a-b", "a b", "Ü", "x" * 40, "../up"):
        with pytest.raises(ConfigError, match="cannot begin C's names"):
            generate(path, None, tmp_path / "out", name=name)
    assert not (tmp_path / "out").exists()
