"""One frozen record for each section of the zoo's YAML; names are the zoo's keys.

Keys of our own are marked "ours": the zoo does not have them, and they are all optional.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from paritone.config.augmentation import DataAugmentation
from paritone.config.coercion import (
    Bool,
    Float,
    Int,
    OptionalBool,
    OptionalFloat,
    OptionalInt,
    OptionalNames,
    OptionalPath,
    OptionalText,
    RelativePath,
    Text,
    is_none,
    optional,
    to_bytes,
    to_text,
)
from paritone.config.data import (
    TUTORIAL_FEATURES,
    TUTORIAL_PREPROCESSING,
    Dataset,
    DatasetSpecific,
    FeatureExtraction,
    Preprocessing,
)
from paritone.config.fields import (
    OptionalCount,
    OptionalLevel,
    OptionalThreshold,
    OptionalThresholds,
    Record,
    file_name,
    none,
)
from paritone.config.onnx_options import ExtraOptions
from paritone.config.training import Training

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


TensorType = Annotated[
    Literal["int8", "uint8", "float"],
    BeforeValidator(lambda value: "float" if value == "float32" else value),
]


OptionalOptimization = Annotated[
    Literal["time", "balanced", "ram"] | None,
    BeforeValidator(optional(lambda value: value.lower() if isinstance(value, str) else value)),
]
OptionalBytes = Annotated[Annotated[int, Field(ge=1)] | None, BeforeValidator(optional(to_bytes))]


# Before opset 13 no operator dequantizes weights channel by channel.
LEAST_OPSET, DEFAULT_OPSET = 13, 17
Opset = Annotated[
    Int,
    Field(ge=LEAST_OPSET),
    BeforeValidator(lambda value: DEFAULT_OPSET if is_none(value) else value),
]
Epochs = Annotated[Int, Field(ge=1)]
LearningRate = Annotated[Float, Field(gt=0, lt=1)]


class Quantization(Record):
    """Section ``quantization``.

    ``calibration_features`` is ours: the host's ``float`` log-mel, or the device's ``integer`` one.
    ``quantization_type`` QAT is ours: ``qat_epochs`` of fine-tuning on the quantization set, at
    ``qat_learning_rate``, in which the model computes as int8 will.
    """

    quantizer: Annotated[
        Literal["TFlite_converter", "onnx_quantizer"],
        BeforeValidator(lambda v: {"tflite_converter": "TFlite_converter"}.get(str(v).lower(), v)),
    ] = "TFlite_converter"
    quantization_type: Literal["PTQ", "QAT"] = "PTQ"
    quantization_input_type: TensorType = "int8"
    quantization_output_type: TensorType = "int8"
    granularity: Literal["per_channel", "per_tensor"] = "per_channel"
    optimize: Bool = False
    calibration_features: Literal["float", "integer"] = "float"
    qat_epochs: Epochs = 3
    qat_learning_rate: LearningRate = 1e-4
    target_opset: Opset = DEFAULT_OPSET
    op_types_to_quantize: OptionalNames = None
    extra_options: ExtraOptions = Field(default_factory=dict)
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
    npy_in_name: Annotated[str, BeforeValidator(file_name("npy_in"))] = "npy_in"
    npy_out_name: Annotated[str, BeforeValidator(file_name("npy_out"))] = "npy_out"
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

    stedgeai: Annotated[Stedgeai | None, BeforeValidator(none)] = None
    path_to_cubeIDE: OptionalText = None  # noqa: N815 - the zoo's spelling


class Benchmarking(Record):
    """Section ``benchmarking``; ``port``, of the board, is ours: without it, it is emulated."""

    board: OptionalText = None
    port: OptionalText = None


class HardwareSetup(Record):
    """Section ``deployment.hardware_setup``; ``port``, of the board, is ours.

    Without it the board is emulated, or of silicon and behind the ST-Link that is plugged in.
    """

    serie: OptionalText = None
    board: OptionalText = None
    stlink_serial_number: OptionalText = None
    port: OptionalText = None


class Deployment(Record):
    """Section ``deployment``.

    ``silence_threshold`` is ours: the device takes a patch for silence when its mel bands, before
    the logarithm and full scale being 1.0, sum to less; None and 0: never. So are
    ``class_thresholds``, of the scores of several labels a clip: a number for all classes or for
    each, or the JSON file of them that a run leaves; None: chosen on the validation set. And
    ``flash_budget`` and ``ram_budget``, the most that a firmware may take: bytes, or ``64 KiB``.
    """

    c_project_path: OptionalPath = None
    IDE: OptionalText = None
    verbosity: OptionalInt = None
    hardware_setup: Annotated[HardwareSetup, BeforeValidator(lambda v: v or {})] = HardwareSetup()
    build_conf: OptionalText = None
    unknown_class_threshold: OptionalThreshold = 0.0
    silence_threshold: OptionalLevel = None
    class_thresholds: OptionalThresholds = None
    flash_budget: OptionalBytes = None
    ram_budget: OptionalBytes = None


class Execution(Record):
    """Section ``execution``, ours: what prepares clips and computes their features.

    ``ray`` distributes that to the processes of this machine, or of the cluster at ``address``
    (``auto`` or ``HOST:PORT``; by default ``RAY_ADDRESS``); everything else runs here.
    """

    engine: Literal["local", "ray"] = "local"
    address: OptionalText = None


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
    execution: Execution = Execution()

    @property
    def board(self) -> str | None:
        """The board that the run is about, from ``benchmarking`` or ``deployment``."""
        if self.benchmarking is not None and self.benchmarking.board:
            return self.benchmarking.board
        return self.deployment.hardware_setup.board if self.deployment is not None else None

    @property
    def port(self) -> str | None:
        """The port of that board; None: it is emulated, or found by its ST-Link."""
        if self.benchmarking is not None and self.benchmarking.port:
            return self.benchmarking.port
        return self.deployment.hardware_setup.port if self.deployment is not None else None

    @property
    def stlink_serial_number(self) -> str | None:
        """``deployment.hardware_setup.stlink_serial_number``: the probe, of several."""
        if self.deployment is None:
            return None
        return self.deployment.hardware_setup.stlink_serial_number

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
    def class_thresholds(self) -> float | dict[str, float] | None:
        """``deployment.class_thresholds``: a number for all classes, or by name; None: not set."""
        found: float | dict[str, float] | None = None
        if self.deployment is not None:
            found = self.deployment.class_thresholds
        return found

    @property
    def batch_size(self) -> int:
        """Patches in a batch: ``training.batch_size``, else ``general.batch_size``, else 16."""
        of_training = self.training.batch_size if self.training is not None else None
        return of_training or self.general.batch_size or 16
