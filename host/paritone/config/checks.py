"""What one key alone cannot tell: what a mode needs, and keys that exclude each other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from paritone.config import augmentation
from paritone.config.coercion import OTHERS
from paritone.config.records import Config
from paritone.config.sets import SPLITS, Split, behind, given
from paritone.config.training import Training, TrainingModel
from paritone.errors import ConfigError

SectionType = TypeVar("SectionType")

STEPS = {
    "training": "t",
    "evaluation": "e",
    "quantization": "q",
    "prediction": "p",
    "benchmarking": "b",
    "deployment": "d",
    "chain_tbqeb": "tbqeb",
    "chain_tqe": "tqe",
    "chain_eqe": "eqe",
    "chain_qb": "qb",
    "chain_eqeb": "eqeb",
    "chain_qd": "qd",
}
"""The steps of each mode: t train, e evaluate, q quantize, p predict, b benchmark, d deploy."""

KERAS_MODELS = (".h5", ".hdf5", ".keras")
FLOAT_MODELS = (".h5", ".keras", ".onnx")
QUANTIZED_MODELS = (".tflite", ".onnx")
_OWN_CALLBACKS = ("ModelCheckpoint", "TensorBoard", "CSVLogger")
_SECTIONS = {
    "t": ("preprocessing", "feature_extraction", "training"),
    "e": ("preprocessing", "feature_extraction"),
    "q": (),
    "p": ("preprocessing", "feature_extraction", "prediction"),
    "b": ("benchmarking",),
    "d": ("preprocessing", "feature_extraction", "deployment"),
}


def need(section: SectionType | None, name: str) -> SectionType:
    """Return a section that the caller cannot do without; ConfigError if it is absent."""
    if section is None:
        raise ConfigError(f"section '{name}' is required here, and is not there")
    return section


def check(config: Config) -> None:
    """Raise ConfigError with every cross-field problem of a configuration, a line each."""
    problems = [
        *_sections(config),
        *_exclusions(config),
        *_model(config),
        *_data(config),
        *_audio(config),
        *_quantization(config),
        *_training(config),
    ]
    if problems:
        raise ConfigError("\n".join(dict.fromkeys(problems)))


def check_features(config: Config) -> None:
    """Raise ConfigError unless the sections that features are made of are there and fit."""
    absent = [
        f"section '{name}' is required, and is not there"
        for name in ("preprocessing", "feature_extraction")
        if name not in config.model_fields_set
    ]
    problems = [*absent, *_audio(config)]
    if problems:
        raise ConfigError("\n".join(problems))


def target(config: Config) -> str:
    """Return what a prediction or an evaluation runs on: ``host``, ``native`` or a board.

    ST's ``stedgeai_host`` is its C on this machine: ours is ``native``.
    """
    steps, name = STEPS[config.operation_mode], "host"
    if steps == "p" and config.prediction is not None:
        name = config.prediction.target
    elif "e" in steps:
        name = config.evaluation.target
    return {"stedgeai_host": "native"}.get(name, name)


def _sections(config: Config) -> Iterator[str]:
    mode = config.operation_mode
    wanted = {name for step in STEPS[mode] for name in _SECTIONS[step]}
    if any(behind(config.dataset, split) is not None for split in splits_used(config)):
        wanted |= {"preprocessing", "feature_extraction"}
    for name in sorted(wanted):
        if name not in config.model_fields_set:
            yield f"section '{name}' is required by operation_mode {mode}, and is not there"
    if mode in ("prediction", "deployment", "chain_qd") and config.dataset.class_names is None:
        yield f"dataset.class_names: is required by operation_mode {mode}, and is not there"


def _exclusions(config: Config) -> Iterator[str]:
    dataset, deployment = config.dataset, config.deployment
    if dataset.use_garbage_class and deployment is not None and deployment.unknown_class_threshold:
        yield (
            "deployment.unknown_class_threshold: excludes dataset.use_garbage_class; "
            "set it to 0, or use_garbage_class to False"
        )
    if config.execution.engine == "ray" and not dataset.to_cache:
        yield "execution.engine: ray needs dataset.to_cache True: what it computes is kept there"
    if dataset.use_garbage_class and dataset.class_names is None:
        yield "dataset.class_names: is required by dataset.use_garbage_class, and is not there"
    if dataset.multi_label:
        yield from _of_one_label(config)
    evaluation = config.evaluation
    written = evaluation.gen_npy_input and evaluation.gen_npy_output
    if written and evaluation.npy_in_name == evaluation.npy_out_name:
        yield "evaluation.npy_out_name: expected another name than npy_in_name"
    if dataset.class_names is not None and len(dataset.class_names) < 2:
        yield f"dataset.class_names: expected at least 2 classes, got {len(dataset.class_names)}"


def _of_one_label(config: Config) -> Iterator[str]:
    """Keys that make no sense where a clip has any number of labels, none among them."""
    if config.dataset.use_garbage_class:
        yield (
            "dataset.use_garbage_class: excludes dataset.multi_label, where a clip of no class has "
            "no score over its threshold; set it to False"
        )
    if config.unknown_class_threshold:
        yield (
            "deployment.unknown_class_threshold: excludes dataset.multi_label, where "
            "deployment.class_thresholds does it class by class; set it to 0"
        )


def _model(config: Config) -> Iterator[str]:
    mode, path = config.operation_mode, config.general.model_path
    if mode.startswith("chain_t") or mode == "training":
        return
    if path is None:
        yield f"general.model_path: is required by operation_mode {mode}, and is not there"
        return
    legal: tuple[str, ...] = (*FLOAT_MODELS, ".tflite")
    if mode == "deployment":
        legal = QUANTIZED_MODELS
    elif mode.startswith("chain_") or mode == "quantization":
        legal = FLOAT_MODELS
    if path.suffix.lower() not in legal:
        kind = {FLOAT_MODELS: "a float model", QUANTIZED_MODELS: "a quantized model"}
        yield (
            f"general.model_path: operation_mode {mode} expects {kind.get(legal, 'a model')} "
            f"({', '.join(legal)}), got {path.name}"
        )
    elif not path.is_file():
        yield f"general.model_path: no such file: {path}"
    quantizer = config.quantization.quantizer
    if "q" in STEPS[mode] and path.suffix.lower() == ".onnx" and quantizer != "onnx_quantizer":
        yield (
            f"quantization.quantizer: {quantizer} takes Keras models; for {path.name} write "
            "onnx_quantizer, whose model reaches the board too"
        )


def _data(config: Config) -> Iterator[str]:
    if config.dataset.name == "fsd50k" and set("teq") & set(STEPS[config.operation_mode]):
        problems = list(_fsd50k(config))
        if problems:
            yield from problems
            return
    for split in SPLITS:
        csv, audio = (getattr(config.dataset, f"{split}_{kind}_path") for kind in ("csv", "audio"))
        if (csv is None) != (audio is None):
            there, lacking = ("csv", "audio") if audio is None else ("audio", "csv")
            yield (
                f"dataset.{split}_{lacking}_path: is required beside {split}_{there}_path, "
                "and is not there"
            )
    steps, mode = STEPS[config.operation_mode], config.operation_mode
    if "t" in steps and given(config.dataset, "training") is None:
        yield f"dataset.training_csv_path and training_audio_path: are required by {mode}"
    elif "e" in steps and behind(config.dataset, "test") is None:
        yield (
            f"dataset: operation_mode {mode} needs a test or validation set, "
            "or a training set and a validation_split"
        )
    training = given(config.dataset, "training")
    if training is not None and config.dataset.training_folds == OTHERS and not training.without:
        yield (
            "dataset.training_folds: others needs validation_folds or test_folds of the same CSV, "
            "which are left out"
        )
    yield from _missing_files(config)


def _quantization(config: Config) -> Iterator[str]:
    if "q" not in STEPS[config.operation_mode] or config.quantization.quantization_type != "QAT":
        return
    if config.quantization.quantizer == "onnx_quantizer":
        yield "quantization.quantization_type: QAT needs quantizer TFlite_converter"
    if behind(config.dataset, "quantization") is None:
        yield (
            "quantization.quantization_type: QAT needs clips to fine-tune on: "
            "dataset.quantization_csv_path and quantization_audio_path, or the training set's"
        )


def _missing_files(config: Config) -> Iterator[str]:
    for split in splits_used(config):
        source = behind(config.dataset, split)
        if source is None:
            continue
        if not source.csv.is_file():
            yield f"dataset.{source.split}_csv_path: no such file: {source.csv}"
        if not source.audio.is_dir():
            yield f"dataset.{source.split}_audio_path: no such folder: {source.audio}"
    prediction = config.prediction
    if config.operation_mode == "prediction" and prediction is not None:
        if prediction.test_files_path is None:
            yield "prediction.test_files_path: is required by operation_mode prediction"
        elif not prediction.test_files_path.is_dir():
            yield f"prediction.test_files_path: no such folder: {prediction.test_files_path}"


def splits_used(config: Config) -> tuple[Split, ...]:
    """Return the data sets that a mode reads, before fall-backs."""
    # A device step compares real clips when there are any; training tests on a test set of its own.
    readers = {"training": "t", "validation": "t", "quantization": "q", "test": "ebd"}
    if given(config.dataset, "test") is not None:
        readers["test"] += "t"
    if config.dataset.multi_label and config.class_thresholds is None:
        readers["validation"] += "ebd"  # it chooses the thresholds
    steps = set(STEPS[config.operation_mode])
    return tuple(split for split in SPLITS if steps & set(readers[split]))


def _fsd50k(config: Config) -> Iterator[str]:
    section = config.dataset_specific.fsd50k if config.dataset_specific is not None else None
    if section is None:
        yield "section 'dataset_specific.fsd50k' is required by dataset.name fsd50k"
        return
    for key in ("csv_folder", "dev_audio_folder", "eval_audio_folder", "audioset_ontology_path"):
        path: Path | None = getattr(section, key)
        if path is None:
            yield f"dataset_specific.fsd50k.{key}: is required, and is not there"
        elif not (path.is_file() if key.endswith("_path") else path.is_dir()):
            kind = "file" if key.endswith("_path") else "folder"
            yield f"dataset_specific.fsd50k.{key}: no such {kind}: {path}"
    for name in ("dev.csv", "eval.csv"):
        folder = section.csv_folder
        if folder is not None and folder.is_dir() and not (folder / name).is_file():
            yield f"dataset_specific.fsd50k.csv_folder: no {name} in {folder}"
    if not section.only_keep_monolabel and not config.dataset.multi_label:
        yield (
            "dataset_specific.fsd50k.only_keep_monolabel: False needs dataset.multi_label True, "
            "for clips of several labels"
        )


def _audio(config: Config) -> Iterator[str]:
    audio, features = config.preprocessing, config.feature_extraction
    if audio.max_length < audio.min_length:
        yield (
            f"preprocessing.max_length: expected at least min_length ({audio.min_length:g} s), "
            f"got {audio.max_length:g}"
        )
    if features.window_length > features.n_fft:
        yield (
            f"feature_extraction.window_length: expected at most n_fft ({features.n_fft}), "
            f"got {features.window_length}"
        )
    if features.power not in (1.0, 2.0):
        yield f"feature_extraction.power: expected 1.0 or 2.0, got {features.power:g}"
    if features.fmax is not None and features.fmax <= features.fmin:
        yield (
            f"feature_extraction.fmax: expected more than fmin ({features.fmin:g}), "
            f"got {features.fmax:g}"
        )
    if max(features.fmin, features.fmax or 0) > audio.target_rate / 2:
        yield (
            f"feature_extraction.fmax: expected at most half of target_rate "
            f"({audio.target_rate / 2:g} Hz), got {features.fmax or features.fmin:g}"
        )


def _training(config: Config) -> Iterator[str]:
    training = config.training
    if training is None or "t" not in STEPS[config.operation_mode]:
        return
    ways = {
        "training.model": training.model,
        "general.model_path": config.general.model_path,
        "training.resume_training_from": training.resume_training_from,
    }
    chosen = [name for name, value in ways.items() if value is not None]
    if len(chosen) != 1:
        yield f"expected one of {', '.join(ways)}, got {' and '.join(chosen) or 'none'}"
    for key, path in ways.items():
        if isinstance(path, Path) and path.suffix.lower() not in KERAS_MODELS:
            yield f"{key}: expected a Keras model ({', '.join(KERAS_MODELS)}), got {path.name}"
        elif isinstance(path, Path) and not path.is_file():
            yield f"{key}: no such file: {path}"
    yield from augmentation.problems(config.data_augmentation)
    for callback in training.callbacks:
        if callback.name.split(".")[-1] in _OWN_CALLBACKS:
            yield f"training.callbacks: {callback.name} is built in and cannot be redefined"
    custom = training.custom_model_path
    if training.model is not None and training.model.name == "custom":
        if custom is None:
            yield "training.custom_model_path: is required by a custom model, and is not there"
        elif not custom.is_file():
            yield f"training.custom_model_path: no such file: {custom}"
    if training.model is not None:
        yield from _training_model(config, training, training.model)


def _training_model(config: Config, training: Training, model: TrainingModel) -> Iterator[str]:
    features, shape, path = config.feature_extraction, model.input_shape, training.pretrained_path
    if model.name != "custom" and not config.dataset.expand_last_dim:
        yield f"dataset.expand_last_dim: training.model.name {model.name} needs True, got False"
    if model.name != "custom" and model.pretrained_weights and path is None:
        yield (
            "training.pretrained_weights_path: is required by training.model.pretrained_weights "
            f"True: no weights of {model.name} ship with Paritone; name the file of a trained "
            "model (for YAMNet-256 the zoo's yamnet_256_f32.h5), or set pretrained_weights to False"
        )
    if path is not None and not path.is_file():
        yield f"training.pretrained_weights_path: no such file: {path}"
    if shape is not None:
        wanted = (features.n_mels, features.patch_length)
        if shape[:2] != wanted or len(shape) > 3:
            yield (
                f"training.model.input_shape: expected {(*wanted, 1)} (n_mels, patch_length, 1), "
                f"got {shape}"
            )
