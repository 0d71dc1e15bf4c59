"""One frozen record for each section of the zoo's YAML; names are the zoo's keys.

Keys of our own are marked "ours": the zoo does not have them, and they are all optional.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from paritone.config.coercion import (
    Arguments,
    Bool,
    Extension,
    Float,
    Int,
    OptionalBool,
    OptionalFloat,
    OptionalIndices,
    OptionalInt,
    OptionalIntegers,
    OptionalNames,
    OptionalPath,
    OptionalText,
    RelativePath,
    Text,
    Window,
    is_none,
    optional,
    to_bytes,
    to_float,
    to_int,
    to_literal,
    to_text,
)

Mode = Literal[
    "training",
    "evaluation",
    "quantization",
    "prediction",
    "benchmarking",
    "deployment",
    "chain_tbqeb",
    "chain_tqe",
    "chain_eqe",
    "chain_qb",
    "chain_eqeb",
    "chain_qd",
]
"""Every operation mode of the zoo."""

_INT, _FLOAT = BeforeValidator(optional(to_int)), BeforeValidator(optional(to_float))
# The bounds lie inside the optional: they do not apply to None.
OptionalCount = Annotated[Annotated[int, Field(ge=1)] | None, _INT]
OptionalFraction = Annotated[
    Annotated[float, Field(gt=0, lt=1)] | None, BeforeValidator(optional(to_float))
]
OptionalShare = Annotated[
    Annotated[float, Field(gt=0, le=1)] | None, BeforeValidator(optional(to_float))
]
OptionalSeed = Annotated[Annotated[int, Field(ge=0)] | None, _INT]
OptionalPositive = Annotated[
    Annotated[float, Field(gt=0)] | None, BeforeValidator(optional(to_float))
]
OptionalRate = Annotated[
    Annotated[float, Field(ge=0, lt=1)] | None, BeforeValidator(optional(to_float))
]
OptionalThreshold = Annotated[
    Annotated[float, Field(ge=0, le=1)] | None, BeforeValidator(optional(to_float))
]
OptionalLevel = Annotated[
    Annotated[float, Field(ge=0, le=1e9)] | None, BeforeValidator(optional(to_float))
]

PadMode = Literal["constant", "edge", "linear_ramp", "reflect", "symmetric", "empty"]


def _none(value: Any) -> Any:
    return None if is_none(value) else value


def _one_named(value: Any) -> Any:
    """Read ``Adam`` or ``{Adam: {learning_rate: 0.001}}`` as a name with arguments."""
    named = _many_named(value)
    if len(named) != 1:
        raise ValueError("one name, or one name with its arguments")
    return named[0]


def _many_named(value: Any) -> tuple[Any, ...]:
    """Read a mapping of names to arguments, or a list of names, in the order written."""
    if is_none(value):
        return ()
    if isinstance(value, str):
        value = {value: None}
    if isinstance(value, (list, tuple)):
        return tuple(named for item in value for named in _many_named(item))
    if not isinstance(value, dict):
        raise ValueError("names with their arguments")
    for arguments in value.values():
        if not (is_none(arguments) or isinstance(arguments, dict)):
            raise ValueError("names with their arguments as keys and values")
    return tuple({"name": str(name), "arguments": items} for name, items in value.items())


def _file_name(default: str) -> Callable[[Any], str]:
    """Read the name of a ``.npy`` file, with its extension or without; no folder."""

    def read(value: Any) -> str:
        name = default if is_none(value) else to_text(value).removesuffix(".npy")
        if not name or set("/\\:") & set(name) or name.startswith("."):
            raise ValueError("the name of a file, without a folder")
        return name

    return read


def _class_weights(value: Any) -> Any:
    if is_none(value):
        return None
    if isinstance(value, str) and value.strip().lower() == "balanced":
        return "balanced"
    if not isinstance(value, dict):
        raise ValueError("balanced, or a number for each class")
    weights = {str(name): to_float(weight) for name, weight in value.items()}
    if any(weight < 0 for weight in weights.values()) or not any(weights.values()):
        raise ValueError("weights of at least 0, one of them more")
    return weights


class Record(BaseModel):
    """Base of every section: immutable, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class Named(Record):
    """An optimizer or a callback: its Keras name and its keyword arguments."""

    name: Text
    arguments: Arguments = {}


class General(Record):
    """Section ``general``."""

    project_name: Text = "<unnamed>"
    logs_dir: RelativePath = Path("logs")
    saved_models_dir: RelativePath = Path("saved_models")
    model_path: OptionalPath = None
    global_seed: OptionalInt = 120
    deterministic_ops: Bool = False
    display_figures: Bool = True
    gpu_memory_limit: OptionalFloat = None
    num_threads_tflite: Annotated[Int, Field(ge=1)] = 1
    batch_size: OptionalCount = None


class Dataset(Record):
    """Section ``dataset``; the ``*_folds`` keys are ours: keep the CSV's rows of these folds."""

    name: Literal["esc10", "fsd50k", "custom"] = "custom"
    class_names: OptionalNames = None
    file_extension: Extension = ".wav"
    training_audio_path: OptionalPath = None
    training_csv_path: OptionalPath = None
    training_folds: OptionalIntegers = None
    validation_audio_path: OptionalPath = None
    validation_csv_path: OptionalPath = None
    validation_folds: OptionalIntegers = None
    validation_split: OptionalFraction = 0.2
    quantization_audio_path: OptionalPath = None
    quantization_csv_path: OptionalPath = None
    quantization_folds: OptionalIntegers = None
    quantization_split: OptionalShare = None
    test_audio_path: OptionalPath = None
    test_csv_path: OptionalPath = None
    test_folds: OptionalIntegers = None
    multi_label: Bool = False
    use_garbage_class: Bool = False
    n_samples_per_garbage_class: OptionalCount = None
    expand_last_dim: Bool = True
    seed: OptionalSeed = 120
    to_cache: Bool = True
    shuffle: Bool = True


class Fsd50k(Record):
    """Section ``dataset_specific.fsd50k``."""

    csv_folder: OptionalPath = None
    dev_audio_folder: OptionalPath = None
    eval_audio_folder: OptionalPath = None
    audioset_ontology_path: OptionalPath = None
    only_keep_monolabel: Bool = True


class DatasetSpecific(Record):
    """Section ``dataset_specific``."""

    fsd50k: Annotated[Fsd50k | None, BeforeValidator(_none)] = None


class Preprocessing(Record):
    """Section ``preprocessing``: what is done to a waveform. Lengths in s, frames in samples."""

    min_length: Annotated[Float, Field(ge=0)]
    max_length: Annotated[Float, Field(gt=0)]
    target_rate: Annotated[Int, Field(ge=1000, le=192000)]
    top_db: OptionalPositive
    frame_length: Annotated[Int, Field(ge=1)]
    hop_length: Annotated[Int, Field(ge=1)]
    trim_last_second: Bool = False
    lengthen: Literal["before", "after"] = "after"


class FeatureExtraction(Record):
    """Section ``feature_extraction``: log-mel patches. Lengths in samples or frames.

    ``db_reference`` is ours: the mel value that is 0 dB on the device, where ``to_db`` is true.
    """

    patch_length: Annotated[Int, Field(ge=1)]
    n_mels: Annotated[Int, Field(ge=1)]
    overlap: Annotated[Float, Field(ge=0, lt=1)]
    n_fft: Annotated[Int, Field(ge=2)]
    hop_length: Annotated[Int, Field(ge=1)]
    window_length: Annotated[Int, Field(ge=1)]
    window: Window = "hann"
    center: Bool
    pad_mode: PadMode = "constant"
    power: Annotated[Float, Field(gt=0)]
    fmin: Annotated[Float, Field(ge=0)]
    fmax: OptionalPositive
    norm: Annotated[Literal["slaney"] | None, BeforeValidator(_none)]
    htk: Bool
    to_db: Bool
    db_reference: OptionalPositive = None
    include_last_patch: Bool = False

    @property
    def overlap_frames(self) -> int:
        """Frames that two neighbouring patches share: floor(patch_length * overlap)."""
        return int(self.patch_length * self.overlap)

    @property
    def patch_step(self) -> int:
        """Frames from the start of one patch to the start of the next."""
        return self.patch_length - self.overlap_frames


TUTORIAL_PREPROCESSING = Preprocessing(
    min_length=1,
    max_length=10,
    target_rate=16000,
    top_db=60,
    frame_length=3200,
    hop_length=3200,
)
TUTORIAL_FEATURES = FeatureExtraction(
    patch_length=96,
    n_mels=64,
    overlap=0.25,
    n_fft=512,
    hop_length=160,
    window_length=400,
    center=False,
    power=1.0,
    fmin=125,
    fmax=7500,
    norm=None,
    htk=True,
    to_db=False,
)
"""YAMNet's keys, where a mode can do without the section (benchmarking, quantization)."""


class GaussianNoiseSettings(Record):
    """Section ``data_augmentation.GaussianNoise``."""

    enable: Bool = False
    scale: Annotated[Float, Field(ge=0)] = 0.1


class VolumeAugmentSettings(Record):
    """Section ``data_augmentation.VolumeAugment``: a gain on the magnitude."""

    enable: Bool = False
    min_scale: Annotated[Float, Field(gt=0)] = 0.8
    max_scale: Annotated[Float, Field(gt=0)] = 1.2


class SpecAugSettings(Record):
    """Section ``data_augmentation.SpecAug``; mask lengths in mel bands and frames."""

    enable: Bool = False
    freq_mask_param: Annotated[Int, Field(ge=0)] = 1
    time_mask_param: Annotated[Int, Field(ge=0)] = 1
    n_freq_mask: Annotated[Int, Field(ge=0)] = 1
    n_time_mask: Annotated[Int, Field(ge=0)] = 1
    mask_value: Float = 0.0


class MixupSettings(Record):
    """Section ``data_augmentation.Mixup`` (ours): convex combinations of two patches."""

    enable: Bool = False
    alpha: Annotated[Float, Field(gt=0)] = 0.2


class TimeShiftSettings(Record):
    """Section ``data_augmentation.TimeShift`` (ours): a random crop along time, in frames."""

    enable: Bool = False
    max_shift: Annotated[Int, Field(ge=0)] = 24


class DataAugmentation(Record):
    """Section ``data_augmentation``."""

    GaussianNoise: GaussianNoiseSettings = GaussianNoiseSettings()
    VolumeAugment: VolumeAugmentSettings = VolumeAugmentSettings()
    SpecAug: SpecAugSettings = SpecAugSettings()
    Mixup: MixupSettings = MixupSettings()
    TimeShift: TimeShiftSettings = TimeShiftSettings()


class TrainingModel(Record):
    """Section ``training.model``; input_shape is (n_mels, patch_length, 1)."""

    name: Literal["yamnet", "miniresnet", "miniresnetv2", "custom"]
    input_shape: OptionalIntegers = None
    embedding_size: Annotated[Literal[256, 512, 1024], BeforeValidator(to_int)] = 256
    n_stacks: Annotated[Int, Field(ge=1, le=4)] = 1
    version: Literal["v1", "v2"] = "v1"
    pooling: Annotated[Literal["avg", "max"] | None, BeforeValidator(_none)] = None
    pretrained_weights: OptionalBool = None


class Training(Record):
    """Section ``training``.

    Three keys are ours: ``custom_model_path``, the Python file of a custom model;
    ``pretrained_weights_path``, the model file that ``model.pretrained_weights`` takes its from;
    and ``class_weights``, ``balanced`` or a number for each class (1 for those left out).
    """

    model: Annotated[TrainingModel | None, BeforeValidator(_none)] = None
    custom_model_path: OptionalPath = None
    pretrained_weights_path: OptionalPath = None
    fine_tune: Bool = False
    dropout: OptionalRate = None
    frozen_layers: OptionalIndices = None
    batch_size: OptionalCount = None
    epochs: Annotated[Int, Field(ge=1)]
    optimizer: Annotated[Named, BeforeValidator(_one_named)] = Named(name="Adam")
    callbacks: Annotated[tuple[Named, ...], BeforeValidator(_many_named)] = ()
    class_weights: Annotated[Any, BeforeValidator(_class_weights)] = None
    resume_training_from: OptionalPath = None
    trained_model_path: OptionalPath = None

    @property
    def pretrained_path(self) -> Path | None:
        """The file that a model of the zoo begins with; None: random weights."""
        if self.model is None or self.model.name == "custom":
            return None
        return None if self.model.pretrained_weights is False else self.pretrained_weights_path


TensorType = Annotated[
    Literal["int8", "uint8", "float"],
    BeforeValidator(lambda value: "float" if value == "float32" else value),
]


OptionalOptimization = Annotated[
    Literal["time", "balanced", "ram"] | None,
    BeforeValidator(optional(lambda value: value.lower() if isinstance(value, str) else value)),
]
OptionalBytes = Annotated[Annotated[int, Field(ge=1)] | None, BeforeValidator(optional(to_bytes))]


class Quantization(Record):
    """Section ``quantization``."""

    quantizer: Annotated[
        Literal["TFlite_converter", "onnx_quantizer"],
        BeforeValidator(lambda v: {"tflite_converter": "TFlite_converter"}.get(str(v).lower(), v)),
    ] = "TFlite_converter"
    quantization_type: Literal["PTQ"] = "PTQ"
    quantization_input_type: TensorType = "int8"
    quantization_output_type: TensorType = "int8"
    granularity: Literal["per_channel", "per_tensor"] = "per_channel"
    optimize: Bool = False
    target_opset: OptionalInt = 17
    op_types_to_quantize: OptionalNames = None
    extra_options: Annotated[Any, BeforeValidator(to_literal)] = None
    export_dir: RelativePath = Path("quantized_models")


Target = Annotated[str, BeforeValidator(lambda value: optional(to_text)(value) or "host")]


class Prediction(Record):
    """Section ``prediction``.

    ``target`` and ``port`` are ours: what predicts, ``host`` (float features), ``native`` (the
    device's C on this machine) or a board, and that board's port.
    """

    test_files_path: OptionalPath = None
    target: Target = "host"
    port: OptionalText = None


class Evaluation(Record):
    """Section ``evaluation``; ``port`` is ours: that of a board which is ``target``."""

    gen_npy_input: Bool = False
    gen_npy_output: Bool = False
    npy_in_name: Annotated[str, BeforeValidator(_file_name("npy_in"))] = "npy_in"
    npy_out_name: Annotated[str, BeforeValidator(_file_name("npy_out"))] = "npy_out"
    target: Target = "host"
    port: OptionalText = None


class Stedgeai(Record):
    """Section ``tools.stedgeai``: ST's own tool, unused but for ``optimization``."""

    version: OptionalText = None
    optimization: OptionalOptimization = None
    on_cloud: OptionalBool = None
    path_to_stedgeai: OptionalText = None


class Tools(Record):
    """Section ``tools``: ST's own tools, accepted and unused but for ``optimization``."""

    stedgeai: Annotated[Stedgeai | None, BeforeValidator(_none)] = None
    path_to_cubeIDE: OptionalText = None  # noqa: N815 - the zoo's spelling


class Benchmarking(Record):
    """Section ``benchmarking``."""

    board: OptionalText = None


class HardwareSetup(Record):
    """Section ``deployment.hardware_setup``."""

    serie: OptionalText = None
    board: OptionalText = None
    stlink_serial_number: OptionalText = None


class Deployment(Record):
    """Section ``deployment``.

    ``silence_threshold`` is ours: the device takes a patch for silence when its mel bands, before
    the logarithm and full scale being 1.0, sum to less; None and 0: never. So are
    ``flash_budget`` and ``ram_budget``, the most that a firmware may take: bytes, or ``64 KiB``.
    """

    c_project_path: OptionalPath = None
    IDE: OptionalText = None
    verbosity: OptionalInt = None
    hardware_setup: Annotated[HardwareSetup, BeforeValidator(lambda v: v or {})] = HardwareSetup()
    build_conf: OptionalText = None
    unknown_class_threshold: OptionalThreshold = 0.0
    silence_threshold: OptionalLevel = None
    flash_budget: OptionalBytes = None
    ram_budget: OptionalBytes = None


class Mlflow(Record):
    """Section ``mlflow``."""

    uri: OptionalText = None


class Config(Record):
    """A whole configuration. A section that is None was absent or empty.

    ``preprocessing`` and ``feature_extraction`` default to YAMNet's only where no clip is read;
    `checks` requires them otherwise.
    """

    operation_mode: Mode
    general: General = General()
    dataset: Dataset = Dataset()
    dataset_specific: DatasetSpecific | None = None
    preprocessing: Preprocessing = TUTORIAL_PREPROCESSING
    feature_extraction: FeatureExtraction = TUTORIAL_FEATURES
    data_augmentation: DataAugmentation | None = None
    training: Training | None = None
    quantization: Quantization = Quantization()
    prediction: Prediction | None = None
    evaluation: Evaluation = Evaluation()
    tools: Tools = Tools()
    benchmarking: Benchmarking | None = None
    deployment: Deployment | None = None
    mlflow: Mlflow | None = None

    @property
    def board(self) -> str | None:
        """The board that the run is about, from ``benchmarking`` or ``deployment``."""
        if self.benchmarking is not None and self.benchmarking.board:
            return self.benchmarking.board
        return self.deployment.hardware_setup.board if self.deployment is not None else None

    @property
    def optimization(self) -> str:
        """``tools.stedgeai.optimization``: which plan the engine makes, balanced by default."""
        stedgeai = self.tools.stedgeai
        return (stedgeai.optimization if stedgeai is not None else None) or "balanced"

    @property
    def silence_threshold(self) -> float:
        """``deployment.silence_threshold``, in mel units; 0: there is no silence gate."""
        return (self.deployment.silence_threshold or 0.0) if self.deployment is not None else 0.0

    @property
    def unknown_class_threshold(self) -> float:
        """``deployment.unknown_class_threshold``: a lower score is of no class; 0: every class."""
        return (self.deployment.unknown_class_threshold or 0.0) if self.deployment else 0.0

    @property
    def batch_size(self) -> int:
        """Patches in a batch: ``training.batch_size``, else ``general.batch_size``, else 16."""
        of_training = self.training.batch_size if self.training is not None else None
        return of_training or self.general.batch_size or 16
