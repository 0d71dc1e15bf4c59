"""Sections about clips and features: `dataset`, `preprocessing`, `feature_extraction`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from paritone.config.coercion import (
    Bool,
    Extension,
    Float,
    Int,
    OptionalFolds,
    OptionalIntegers,
    OptionalNames,
    OptionalPath,
    Window,
)
from paritone.config.fields import (
    OptionalCount,
    OptionalFraction,
    OptionalPositive,
    OptionalSeed,
    OptionalShare,
    PadMode,
    Record,
    none,
)


class Dataset(Record):
    """Section ``dataset``; the ``*_folds`` keys are ours: keep the CSV's rows of these folds.

    ``training_folds: others`` keeps every fold that the validation and test sets leave of it.
    """

    name: Literal["esc10", "fsd50k", "custom"] = "custom"
    class_names: OptionalNames = None
    file_extension: Extension = ".wav"
    training_audio_path: OptionalPath = None
    training_csv_path: OptionalPath = None
    training_folds: OptionalFolds = None
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

    fsd50k: Annotated[Fsd50k | None, BeforeValidator(none)] = None


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
    norm: Annotated[Literal["slaney"] | None, BeforeValidator(none)]
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
