"""Damaged models: each is refused in one line, or a program that computes what TensorFlow does.

``PARITONE_MUTATIONS`` says how many of each round are made; the default keeps `make test` short.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from mutation_worker import SOUND
from paritone import quantization
from test_portable_c import SANITIZERS, library, require
from tflite_mutations import mutant

MUTATIONS = int(os.environ.get("PARITONE_MUTATIONS", "30"))
FIRST = int(os.environ.get("PARITONE_FIRST_MUTATION", "0"))
SHARES = {"branchy": 0.7, "shipped": 0.15, "yamnet": 0.15}
BATCH = 2000
MAX_PEAK_KIB = 900 * 1024
WORKER = Path(__file__).with_name("mutation_worker.py")


def branchy() -> bytes:
    """Two inputs, two outputs, and between them most operators once."""
    import tensorflow as tf

    rng = np.random.default_rng(8)

    def weights(*shape):
        return tf.constant(rng.normal(0, 0.4, shape), tf.float32)

    filters = {
        "first": weights(3, 3, 1, 8),
        "depthwise": weights(3, 3, 8, 2),
        "pointwise": weights(1, 1, 16, 8),
        "dense": weights(8, 5),
        "gate": weights(6, 8),
    }

    @tf.function(
        input_signature=[
            tf.TensorSpec((1, 10, 12, 1), tf.float32),
            tf.TensorSpec((1, 6), tf.float32),
        ]
    )
    def serve(patch, extra):
        x = tf.nn.relu6(tf.nn.conv2d(patch, filters["first"], 2, "SAME") + 0.1)
        y = tf.nn.depthwise_conv2d(x, filters["depthwise"], [1, 1, 1, 1], "SAME", dilations=[2, 2])
        y = tf.nn.leaky_relu(tf.nn.conv2d(y, filters["pointwise"], 1, "VALID"), 0.1)
        x = tf.nn.relu(x + y)
        a, b = tf.split(x, 2, axis=3)
        a = tf.nn.max_pool2d(tf.pad(a, [[0, 0], [1, 0], [0, 1], [0, 0]]), 2, 2, "VALID")
        b = tf.nn.avg_pool2d(b, 2, 2, "SAME")
        x = tf.concat([a, b[:, :, :3]], 2)
        x = tf.concat([x, tf.maximum(x, 0.2) - x], 3)
        gate = tf.sigmoid(tf.linalg.matmul(extra, filters["gate"]))
        x = tf.transpose(x * tf.reshape(gate, (1, 1, 1, 8)), (0, 2, 1, 3))
        dense = tf.linalg.matmul(tf.reduce_mean(x, [1, 2]), filters["dense"])
        return tf.nn.softmax(dense), tf.tanh(tf.reshape(x, (1, -1)))

    converter = tf.lite.TFLiteConverter.from_concrete_functions([serve.get_concrete_function()])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: (
        [rng.normal(size=(1, 10, 12, 1)).astype(np.float32), rng.normal(size=(1, 6)).astype("f")]
        for _ in range(8)
    )
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return bytes(converter.convert())


def converted(path: Path, ends: tuple[str, str]) -> bytes:
    from paritone.models.load import load_keras

    model = load_keras(path)
    shape = (4, *model.input_shape[1:])
    patches = np.random.default_rng(4).normal(-1, 2.3, shape).astype(np.float32)
    return quantization.convert(model, patches, *ends)


def yamnet(shared_data: Path | None) -> bytes:
    if shared_data is not None:
        return converted(shared_data / "models/yamnet_256_64x96_tl.h5", ("float", "uint8"))
    from paritone.models.yamnet import yamnet as architecture

    patches = np.random.default_rng(4).normal(-1, 2.3, (4, 64, 96, 1)).astype(np.float32)
    return quantization.convert(architecture(256, 10), patches, "float", "uint8")


@pytest.fixture(scope="module")
def models(examples: Path, shared_data: Path | None) -> dict[str, bytes]:
    return {
        "branchy": branchy(),
        "shipped": converted(examples / "esc10_dscnn.h5", ("int8", "int8")),
        "yamnet": yamnet(shared_data),
    }


def test_damaged_models(models: dict[str, bytes], tmp_path: Path) -> None:
    """Never a crash, a sanitizer's complaint, a hang, a wrong value or memory without bound."""
    found: Counter[str] = Counter()
    faults: list[str] = []
    listed = list(models)
    damage = {}
    for number in range(FIRST, FIRST + MUTATIONS):
        name = listed[int(np.searchsorted(np.cumsum(list(SHARES.values())), number * 0.618 % 1))]
        others = [content for other, content in models.items() if other != name]
        seed = (number, listed.index(name))
        damage[f"{name}-{number:05d}"] = (models[name], others, seed)
    for start in range(0, len(damage), BATCH):
        folder = tmp_path / f"batch-{start}"
        folder.mkdir()
        for name, content in models.items():
            (folder / f"{SOUND}{name}.tflite").write_bytes(content)
        for label in list(damage)[start : start + BATCH]:
            kind, content = mutant(*damage[label])
            (folder / f"{label}-{kind}.tflite").write_bytes(content)
        _run("engine", folder, _sanitized(tmp_path))
        _run("reference", folder, {})
        _judge(folder, found, faults)
    print(dict(found))
    assert not faults, "\n\n".join(faults)
    assert sum(found.values()) == MUTATIONS
    # The test would show nothing if every file were refused, or none.
    assert found["equal"] > MUTATIONS // 10
    assert found["refused"] > MUTATIONS // 10


def _sanitized(folder: Path) -> dict[str, str]:
    gcc = require("gcc", "gcc")
    return {
        "CC": gcc,
        "LD_PRELOAD": " ".join(library(gcc, n) for n in ("libasan.so", "libstdc++.so.6")),
        "ASAN_OPTIONS": "detect_leaks=0",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "PARITONE_NATIVE_CFLAGS": f"{SANITIZERS} -DPARITONE_PLAIN_C",
        "PARITONE_CACHE_DIR": str(folder / "cache"),
    }


def _run(kind: str, folder: Path, environment: dict[str, str]) -> None:
    command = [sys.executable, str(WORKER), kind, str(folder)]
    done = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, timeout=7200
    )
    assert done.returncode == 0, done.stderr


def _judge(folder: Path, found: Counter[str], faults: list[str]) -> None:
    """Count how each model of `folder` ended; what must not be goes to `faults`."""
    ours = json.loads((folder / "engine.json").read_text())
    reference = json.loads((folder / "reference.json").read_text())
    for name, end in ours.items():
        path = folder / f"{name}.tflite"
        verdict = _verdict(path, end, reference.get(name))
        if name.startswith(SOUND):
            assert verdict == "equal", verdict
            continue
        found[verdict.partition(":")[0]] += 1
        if verdict.startswith("fault"):
            faults.append(f"{name}: {verdict}\n{_tail(path)}")
            keep = os.environ.get("PARITONE_KEEP_FAULTS")
            if keep:
                (Path(keep) / path.name).write_bytes(path.read_bytes())


def _tail(path: Path) -> str:
    log = path.with_suffix(".log")
    return log.read_text(errors="replace")[-1500:] if log.is_file() else ""


def _verdict(path: Path, ours: dict[str, float], theirs: dict[str, float] | None) -> str:
    if ours["status"] != 0:
        return f"fault: the engine's process ended with {ours['status']} after {ours['cpu_s']} s"
    if ours["peak_kib"] > MAX_PEAK_KIB:
        return f"fault: {ours['peak_kib']} KiB of memory"
    refused = path.with_suffix(".engine.refused")
    if refused.is_file():
        text = refused.read_text()
        long = "\n" in text or len(text) > 1000
        return f"fault: the error is {text!r}" if long else "refused"
    assert theirs is not None
    if theirs["status"] != 0:
        return "the reference crashed"
    if path.with_suffix(".reference.refused").is_file():
        return "refused by the reference alone"
    return _compared(path)


def _compared(path: Path) -> str:
    got = np.load(path.with_suffix(".engine.npz"))
    expected = np.load(path.with_suffix(".reference.npz"))
    for name in expected.files:
        a, b = expected[name], got[name]
        if a.dtype != b.dtype or a.size != b.size:
            return f"fault: {name} is {b.dtype} of {b.shape}, expected {a.dtype} of {a.shape}"
        if a.tobytes() != b.tobytes() and not np.array_equal(a, b.reshape(a.shape), equal_nan=True):
            differ = int(np.sum(a.reshape(-1) != b.reshape(-1)))
            return f"fault: {differ} of {a.size} values of {name} differ"
    return "equal"
