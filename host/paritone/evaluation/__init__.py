"""Accuracy of a model on clips: with the host's float features, and as the device computes it."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from paritone import cores, quantization
from paritone import task as tasks
from paritone.cache import content_of, memo
from paritone.config import Config
from paritone.datasets import Dataset
from paritone.datasets.clips import ClipData, ClipStore
from paritone.engine import plan, tflite
from paritone.errors import ModelError, ParitoneError
from paritone.evaluation.accuracy import Accuracy, Scores, measure
from paritone.models import onnx_file
from paritone.progress import track
from paritone.quantization import check_shapes, device_model, ends
from paritone.references.onnx_runtime import OnnxReference
from paritone.references.tflite import Reference, dequantize, quantize_input

BATCH = 64
Item = TypeVar("Item")
Result = TypeVar("Result")


def evaluate(
    model: Path,
    dataset: Dataset,
    config: Config,
    features: str = "float",
    store: ClipStore | None = None,
) -> Accuracy:
    """Evaluate a ``.h5``, ``.keras``, ``.onnx`` or ``.tflite`` model.

    Parameters
    ----------
    features
        "float": the host's log-mel; ``.tflite`` runs on TensorFlow Lite's reference kernels,
        ``.onnx`` on ONNX Runtime.
        "integer": int16 PCM through the integer frontend and this project's engine, as the
        device does; ``.tflite`` only.
    store : where prepared clips are kept, to share them between evaluations

    Raises
    ------
    ConfigError, ModelError, AudioError
    """
    data = (store or ClipStore(config)).load(dataset, "test clips")
    scores = (float_scores if features == "float" else device_scores)(model, data, config)
    task = tasks.of(config, dataset.class_names)
    return measure(scores, [item.clip for item in data], task, features)


def float_scores(model: Path, data: Sequence[ClipData], config: Config) -> list[Scores]:
    """Scores of every patch of every clip, features computed in float.

    Returns
    -------
    float32 [patches, classes] a clip
    """
    compute = _tflite_scores if model.suffix == ".tflite" else _keras_scores
    if onnx_file.is_onnx(model):
        compute = _onnx_scores
    made_from = {"model": content_of(model), "suffix": model.suffix}
    patches = [clip.patches for clip in data]
    return memo.lists(config, "float scores", made_from, patches, lambda: compute(model, data))


def device_scores(model: Path, data: Sequence[ClipData], config: Config) -> list[Scores]:
    """Scores as the device computes them, its own C run natively.

    Returns
    -------
    float32 [patches, classes] a clip
    """
    if model.suffix != ".tflite":
        raise ModelError(f"{model}: the device runs quantized models (.tflite)")
    made_from = {"model": content_of(model), **memo.of_device(config)}
    pcm = [clip.pcm for clip in data]
    compute = partial(_device_scores, model, data, config)
    return memo.lists(config, "device scores", made_from, pcm, compute)


def _device_scores(model: Path, data: Sequence[ClipData], config: Config) -> list[Scores]:
    from paritone.generate import frontend_tables
    from paritone.native.engine import Engine
    from paritone.native.frontend import Frontend

    tables = frontend_tables(plan.of_file(model, config.optimization), config)

    def scorer() -> Callable[[ClipData], Scores]:
        engine, frontend = Engine(model, config.optimization), Frontend(tables)

        def score(clip: ClipData) -> Scores:
            patches = frontend.patches(clip.pcm)
            outputs = [engine.invoke(patch.reshape(engine.input.shape)) for patch in patches]
            scores = np.stack(outputs).reshape(len(patches), -1)
            return dequantize(scores, engine.output.scale, engine.output.zero_point)

        return score

    return in_threads(scorer, data, "Evaluating as the device does")


def _keras_scores(path: Path, data: Sequence[ClipData]) -> list[Scores]:
    from paritone.models.load import load_keras

    model = load_keras(path)
    shape = model.input_shape[1:]
    patches = np.concatenate([clip.patches for clip in data]).reshape(-1, *shape)
    batches = range(0, len(patches), BATCH)
    scores = [
        np.asarray(model(patches[i : i + BATCH], training=False))
        for i in track(batches, "Evaluating the float model", len(batches))
    ]
    ends = np.cumsum([len(clip.patches) for clip in data])[:-1]
    return np.split(np.concatenate(scores), ends)


def _tflite_scores(path: Path, data: Sequence[ClipData]) -> list[Scores]:
    def scorer() -> Callable[[ClipData], Scores]:
        reference = Reference(path)
        return lambda clip: reference_scores(reference, clip.patches)

    return in_threads(scorer, data, "Evaluating the quantized model")


def _onnx_scores(path: Path, data: Sequence[ClipData]) -> list[Scores]:
    def scorer() -> Callable[[ClipData], Scores]:
        reference = OnnxReference(path)
        return lambda clip: reference.scores(clip.patches)

    return in_threads(scorer, data, "Evaluating the ONNX model")


def in_threads(
    worker: Callable[[], Callable[[Item], Result]], items: Sequence[Item], title: str
) -> list[Result]:
    """Work on every core; `worker` makes one function that a single thread uses at a time."""
    count = min(cores.count(), len(items))
    idle: SimpleQueue[Callable[[Item], Result]] = SimpleQueue()
    for _ in range(count):
        idle.put(worker())

    def work(item: Item) -> Result:
        mine = idle.get()
        try:
            return mine(item)
        finally:
            idle.put(mine)

    with ThreadPoolExecutor(count) as pool:
        try:
            return list(track(pool.map(work, items), title, len(items)))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def reference_scores(reference: Reference, patches: NDArray[np.float32]) -> Scores:
    """Float patches -> real scores, through the reference kernels and their quantization."""
    dtype = reference.input["dtype"]
    scale, zero = reference.input["quantization"]
    inputs = quantize_input(patches, dtype, scale or 1.0, zero)
    outputs = np.concatenate([reference.invoke(patch) for patch in inputs])
    scale, zero = reference.output["quantization"]
    return dequantize(outputs, scale or 1.0, zero)


def check_fits(model: Path, config: Config, classes: int | None) -> None:
    """Compare a model file's ends with the features and the number of classes, None: unknown.

    Raises
    ------
    ModelError
        Gives both numbers, or says why the file cannot be read.
    """
    fe = config.feature_extraction
    inputs, outputs = memo.of_model("ends", model, lambda: _ends(model))
    check_shapes(inputs, outputs, fe.n_mels, fe.patch_length, classes)


def _ends(model: Path) -> tuple[list[int | None], list[int | None]]:
    """Shapes of a model's input and output, with their batch dimension."""
    if model.suffix == ".tflite":
        reference = Reference(model)
        return reference.input["shape"].tolist(), reference.output["shape"].tolist()
    if onnx_file.is_onnx(model):
        inputs, outputs = onnx_file.ends(onnx_file.read(model))
        return list(inputs), list(outputs)
    from paritone.models.load import load_keras

    inputs, outputs = ends(load_keras(model))
    return list(inputs), list(outputs)


def is_quantized(model: Path) -> bool:
    """Tell whether a model file computes in integers, whatever its input and output are."""
    if onnx_file.is_onnx(model):
        return memo.of_model(
            "quantized", model, lambda: onnx_file.is_quantized(onnx_file.read(model))
        )
    if model.suffix != ".tflite":
        return False
    return memo.of_model("quantized", model, lambda: Reference(model).quantized)


def is_float(model: Path) -> bool:
    """Tell whether a model file is one that can be quantized: Keras, or ONNX in float."""
    return model.suffix != ".tflite" and not is_quantized(model)


def describe(model: Path) -> dict[str, Any]:
    """The section of summary.json that tells which model this is."""
    return memo.of_model("description", model, lambda: _describe(model))


def _describe(model: Path) -> dict[str, Any]:
    found: dict[str, Any] = {"sha256": hashlib.sha256(model.read_bytes()).hexdigest()}
    if onnx_file.is_onnx(model):
        (_, *sizes), _ = onnx_file.ends(onnx_file.read(model))
        return {**found, "input": {"dtype": "float32", "shape": [1, *sizes]}}
    if model.suffix != ".tflite":
        from paritone.models.load import load_keras

        shape = [1, *load_keras(model).input_shape[1:]]
        return {**found, "input": {"dtype": "float32", "shape": shape}}
    graph = tflite.read(model)
    with suppress(ModelError):  # a model that the engine cannot run still has an input
        planned = plan.of_file(model)
        found |= {"macs": planned.macs, "weights_bytes": planned.weights_bytes}
    shape = list(graph.input.shape)
    return {**found, "input": {"dtype": graph.input.dtype, "shape": shape}}


def float_cost(model: Path, config: Config) -> dict[str, Any]:
    """Parameters, bytes of float32 weights and multiply-accumulates of a float model's graph.

    The operations are counted on its conversion to int8, which has the same; they are left out
    where it cannot be converted or planned.
    """
    loaded = quantization.load_float(model)
    if onnx_file.is_onnx(model):
        count = onnx_file.parameters(onnx_file.read(model))
    else:
        count = int(loaded.count_params())
    found = {"parameters": count, "weights_bytes": 4 * count}
    with suppress(ModelError), tempfile.TemporaryDirectory(prefix="paritone-") as folder:
        trial = quantization.write_trial(loaded, config, Path(folder) / "model")
        found["macs"] = _planned(trial, config).macs
    return found


def device_problem(model: Path, config: Config) -> str | None:
    """Why the device cannot do what this model and configuration ask for; None if it can."""
    compute = partial(_device_problem, model, config)
    made_from = memo.of_device(config)
    if onnx_file.is_onnx(model):
        section = config.quantization
        made_from["ends"] = section.quantization_input_type, section.quantization_output_type
    return memo.of_model("device problem", model, compute, **made_from)


def _planned(model: Path, config: Config) -> plan.Plan:
    """Plan of what the device runs of a quantized model."""
    if not onnx_file.is_onnx(model):
        return plan.of_file(model, config.optimization)
    content = device_model.content(model, config)
    return plan.plan(tflite.parse(content, str(model)), config.optimization)


def _device_problem(model: Path, config: Config) -> str | None:
    from paritone.generate import frontend_tables

    try:
        frontend_tables(_planned(model, config), config)
    except ParitoneError as error:
        return str(error).replace(str(model), model.name)  # kept by its content, wherever it lies
    return None
