"""Float model -> int8 model: TensorFlow Lite's post-training quantization, or ONNX Runtime's."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paritone import datasets
from paritone.cache import Arrays, content_of, memo
from paritone.config import Config, need
from paritone.config.records import Quantization
from paritone.datasets.clips import ClipData, ClipStore
from paritone.errors import ConfigError, ModelError
from paritone.progress import notice
from paritone.quantization import aware, equalization
from paritone.quantization.converter import convert, convert_float

RANDOM_PATCHES = 100
# Where log-mel values lie on real audio with the tutorial's features (mean, deviation).
LOG_MEL_MEAN, LOG_MEL_DEVIATION = -1.07, 2.34


@dataclass(frozen=True)
class Made:
    """A quantized model.

    Attributes
    ----------
    content : the ``.tflite`` or ``.onnx`` file
    twin : the float model behind it, in the same format, where that is not the one configured
    """

    content: bytes
    twin: bytes | None = None


def quantize(config: Config, out_path: Path, store: ClipStore | None = None) -> Path:
    """Quantize ``general.model_path`` as the configuration says, into a file.

    Raises
    ------
    ConfigError, ModelError, AudioError
        Bad settings, a model that does not fit or convert, a clip that cannot be used.
    """
    write(out_path, make(config, store).content)
    return out_path


def make(config: Config, store: ClipStore | None = None) -> Made:
    """Quantize ``general.model_path`` as the configuration says; errors are those of `quantize`."""
    path = need(config.general.model_path, "general.model_path")
    quantizer = _onnx if config.quantization.quantizer == "onnx_quantizer" else _tflite
    dataset = datasets.load(config, "quantization")
    if dataset is None:
        return quantizer(path, config, None)
    data = (store or ClipStore(config)).load(dataset, "quantization clips")
    patches = np.concatenate(_features(data, config))

    def compute() -> Arrays:
        made = asdict(quantizer(path, config, patches))
        return {k: np.frombuffer(v, np.uint8) for k, v in made.items() if v is not None}

    settings = config.quantization.model_dump(mode="json", exclude={"export_dir"})
    made_from: dict[str, Any] = {"model": content_of(path), "suffix": path.suffix}
    made_from["settings"] = settings
    if config.quantization.quantization_type == "QAT":
        made_from |= {"seed": config.general.global_seed, "batch_size": config.batch_size}
    found = memo.arrays(config, "quantized", made_from, [patches], compute)
    return Made(**{name: array.tobytes() for name, array in found.items()})


def _features(data: Sequence[ClipData], config: Config) -> list[NDArray[np.float32]]:
    """Patches of each clip as the host computes them, or as the device's integer frontend does."""
    if config.quantization.calibration_features == "float":
        return [clip.patches for clip in data]
    from paritone.native.frontend import Frontend, config_tables

    frontend = Frontend(config_tables(config, None))
    return [frontend.patches(clip.pcm) for clip in data]


def file_name(config: Config) -> str:
    """Name of what `quantize` writes, as the zoo has it."""
    suffix = ".onnx" if config.quantization.quantizer == "onnx_quantizer" else ".tflite"
    return f"quantized_model{suffix}"


def _tflite(path: Path, config: Config, patches: NDArray[np.float32] | None) -> Made:
    """Quantize a Keras model; `patches` None: random ones."""
    from paritone.models.load import load_keras

    section, model = config.quantization, load_keras(path)
    _check_input(*ends(model), config)
    patches = _given_or_random(patches, model.input_shape, config)
    model, twin = _reshaped(model, config, patches)
    content = convert(
        model,
        patches,
        section.quantization_input_type,
        section.quantization_output_type,
        per_channel=section.granularity == "per_channel",
    )
    return Made(content, convert_float(twin) if twin is not None else None)


def _reshaped(model: Any, config: Config, patches: NDArray[np.float32]) -> tuple[Any, Any | None]:
    """What is to be converted, and the float model behind it where that is another one."""
    section, twin = config.quantization, None
    if section.optimize:
        model, twin = _evened(model, section, patches)
    if section.quantization_type == "QAT":
        schedule = aware.Schedule(
            section.qat_epochs,
            section.qat_learning_rate,
            config.batch_size,
            config.general.global_seed,
        )
        per_channel = section.granularity == "per_channel"
        tuned = aware.fine_tune(model, patches, schedule, per_channel=per_channel)
        model, twin = tuned.model, tuned.twin
    return model, twin


def _evened(model: Any, section: Quantization, patches: NDArray[np.float32]) -> tuple[Any, Any]:
    """The model that ``quantization.optimize`` makes, and the same before biases were corrected."""
    per_channel = section.granularity == "per_channel"
    optimized = equalization.optimize(model, patches, per_channel=per_channel)
    for text in optimized.skipped:
        notice(f"quantization.optimize: not equalized: {text}")
    return optimized.model, optimized.twin


def _onnx(path: Path, config: Config, patches: NDArray[np.float32] | None) -> Made:
    """Quantize a Keras or ONNX model; `patches` None: random ones."""
    from paritone.models import onnx_file
    from paritone.quantization import onnx_quantizer

    section = config.quantization
    content = onnx_quantizer.float_onnx(path, section.target_opset)
    shapes = onnx_file.ends(onnx_file.parse(content, str(path)))
    _check_input(*shapes, config)
    patches = _given_or_random(patches, shapes[0], config)
    twin = None
    if section.optimize:
        content, twin = _evened_onnx(path, section, patches)
    return Made(onnx_quantizer.quantize_onnx(content, patches, section), twin)


def _evened_onnx(
    path: Path, section: Quantization, patches: NDArray[np.float32]
) -> tuple[bytes, bytes]:
    from paritone.models import onnx_export, onnx_file
    from paritone.models.load import load_keras

    if onnx_file.is_onnx(path):
        raise ConfigError(
            f"quantization.optimize: {path} is ONNX; it works on the weights of a Keras model "
            "(.h5 or .keras)"
        )
    model, twin = _evened(load_keras(path), section, patches)
    opset = section.target_opset
    return onnx_export.export(model, opset), onnx_export.export(twin, opset)


def load_float(path: Path) -> Any:
    """Return what `write_trial` takes of a float model's file: Keras loaded, ONNX by its path."""
    from paritone.models import onnx_file
    from paritone.models.load import load_keras

    return path if onnx_file.is_onnx(path) else load_keras(path)


def write_trial(model: Any, config: Config, path: Path) -> Path:
    """Quantize on two random patches: what the device cannot do is told before long work.

    Parameters
    ----------
    model : a Keras model, or the path of a float ONNX model, which stays ONNX
    path : to write, without its suffix

    Returns
    -------
    The path written.
    """
    onnx = isinstance(model, Path) or config.quantization.quantizer == "onnx_quantizer"
    path = path.with_suffix(".onnx" if onnx else ".tflite")
    write(path, _onnx_trial(model, config) if onnx else _tflite_trial(model, config))
    return path


def _tflite_trial(model: Any, config: Config) -> bytes:
    section = config.quantization
    return convert(
        model,
        random_patches(model.input_shape[1:], 0)[:2],
        section.quantization_input_type,
        section.quantization_output_type,
        per_channel=section.granularity == "per_channel",
    )


def _onnx_trial(model: Any, config: Config) -> bytes:
    from paritone.models import onnx_export, onnx_file
    from paritone.quantization import onnx_quantizer

    section = config.quantization
    if isinstance(model, Path):
        content = onnx_quantizer.float_onnx(model, section.target_opset)
    else:
        content = onnx_export.export(model, section.target_opset)
    shape, _ = onnx_file.ends(onnx_file.parse(content, "the model"))
    patches = random_patches([size or 1 for size in shape[1:]], 0)[:2]
    return onnx_quantizer.quantize_onnx(content, patches, section)


def _check_input(
    input_shape: Sequence[int | None], output_shape: Sequence[int | None], config: Config
) -> None:
    fe = config.feature_extraction
    if "feature_extraction" in config.model_fields_set:
        check_shapes(input_shape, output_shape, fe.n_mels, fe.patch_length, None)


def _given_or_random(
    patches: NDArray[np.float32] | None, input_shape: Sequence[int | None], config: Config
) -> NDArray[np.float32]:
    if patches is not None:
        return patches
    notice(
        "no quantization or training set: quantizing with random data; the accuracy of the "
        "quantized model will suffer"
    )
    sizes = [size or 1 for size in input_shape[1:]]
    return random_patches(sizes, config.general.global_seed)


def random_patches(shape: Sequence[int], seed: int | None) -> NDArray[np.float32]:
    """Normal noise as wide as log-mel of real audio: float32 [RANDOM_PATCHES, *shape]."""
    rng = np.random.default_rng(seed)
    patches = rng.normal(LOG_MEL_MEAN, LOG_MEL_DEVIATION, (RANDOM_PATCHES, *shape))
    return patches.astype(np.float32)


def ends(model: Any) -> tuple[tuple[int | None, ...], tuple[int | None, ...]]:
    """Input and output shape of a Keras model, with the batch dimension.

    Raises
    ------
    ModelError
        It has not one input and one output, or was never built.
    """
    inputs, outputs = (getattr(model, name, None) or [] for name in ("inputs", "outputs"))
    if (len(inputs), len(outputs)) != (1, 1):
        raise ModelError(
            f"the model has {len(inputs)} inputs and {len(outputs)} outputs, expected one of each"
        )
    return tuple(inputs[0].shape), tuple(outputs[0].shape)


def check_shapes(
    input_shape: Sequence[int | None],
    output_shape: Sequence[int | None],
    n_mels: int,
    patch_length: int,
    classes: int | None,
) -> None:
    """Compare a model's ends with the features and, unless None, the number of classes.

    Parameters
    ----------
    input_shape, output_shape : with their batch dimension

    Raises
    ------
    ModelError
        Gives both numbers.
    """
    if tuple(input_shape[1:]) not in ((n_mels, patch_length), (n_mels, patch_length, 1)):
        got = " x ".join(str(size) for size in input_shape[1:])
        raise ModelError(
            f"the model's input is {got}, the configuration makes patches of {n_mels} x "
            f"{patch_length} (feature_extraction.n_mels x patch_length)"
        )
    if classes is not None and output_shape[-1] != classes:
        raise ModelError(
            f"the model has {output_shape[-1]} outputs, the data set has {classes} classes "
            f"(dataset.class_names)"
        )


def write(path: Path, content: bytes) -> None:
    """Write a model, whole or not at all; ModelError where it cannot be written."""
    temporary = path.with_name(path.name + ".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        raise ModelError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):  # where there is no such folder
            temporary.unlink(missing_ok=True)
