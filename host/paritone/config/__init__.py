"""The zoo's YAML, read once into validated, frozen records; later stages trust them."""

from paritone.config.checks import STEPS, need, splits_used, target
from paritone.config.data import Dataset, FeatureExtraction, Preprocessing
from paritone.config.loading import compose, from_dictconfig, load, load_file, load_sections
from paritone.config.records import Config
from paritone.config.sets import SPLITS, Source, Split, behind, given
from paritone.config.warnings import device_warnings, unused

__all__ = [
    "SPLITS",
    "STEPS",
    "Config",
    "Dataset",
    "FeatureExtraction",
    "Preprocessing",
    "Source",
    "Split",
    "behind",
    "compose",
    "device_warnings",
    "from_dictconfig",
    "given",
    "load",
    "load_file",
    "load_sections",
    "need",
    "splits_used",
    "target",
    "unused",
]
