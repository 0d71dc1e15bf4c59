"""The zoo's YAML, as users really write it, and one clear line for each way to get it wrong."""

# ruff: noqa: E501 - tables of messages, one a line
from __future__ import annotations

import copy
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from omegaconf import OmegaConf
from pydantic import ValidationError

from paritone import config as configuration
from paritone.config import Config
from paritone.errors import ConfigError

# After the zoo's own tutorial: comments after values, blanks before colons, empty optional keys,
# backslashes, None and tuples as text.
ZOO = r"""
general:
  project_name: aed_project   # a comment
  model_path: models\float.h5
  logs_dir: logs
  saved_models_dir: saved_models
  global_seed: 120
  gpu_memory_limit: 5
  display_figures: True

operation_mode: chain_eqeb

dataset:
  name: custom # ESC-50 format
  class_names: ['dog', 'chainsaw', "sea_waves"]
  file_extension: '.wav'
  training_audio_path: ${PARITONE_TEST_DATA}\audio # Mandatory
  training_csv_path:   .\data/meta\esc50.csv # Mandatory

  validation_audio_path: # Optional
  validation_csv_path: None
  validation_split: 1/5

  quantization_audio_path: # Optional
  quantization_csv_path: # Optional
  quantization_split: 0.1 # Optional
  test_audio_path: ${oc.env:PARITONE_TEST_DATA}/audio
  test_csv_path: ${dataset.training_csv_path}
  multi_label: False
  use_garbage_class: False
  n_samples_per_garbage_class: 2
  expand_last_dim: True
  seed: 120 # Optional, there is a default seed
  to_cache: True
  shuffle: True

preprocessing:
  min_length: 1
  max_length : 10
  target_rate: 16000 # Must be either 16000 or 48000 if deploying on a STM32 board
  top_db: 60
  frame_length: 3200
  hop_length: 160*20
  trim_last_second: False
  lengthen : 'after'

feature_extraction:
  patch_length: 96
  n_mels: 64
  overlap: 0.25
  n_fft: 2**9
  hop_length: 160
  window_length: 400
  window: hann
  center: False
  pad_mode: constant
  power: 1.0
  fmin: 125
  fmax: 7500
  norm: None
  htk : True
  to_db : False
  include_last_patch: False

data_augmentation:
  GaussianNoise:
    enable: True
    scale : 0.1
  VolumeAugment:
    enable: True
    min_scale: 0.8
    max_scale: 1.2
  SpecAug:
    enable : False
    freq_mask_param: 1
    time_mask_param: 1
    n_freq_mask: 3
    n_time_mask: 4
    mask_value : 0

training:
  model:
    name: custom
    input_shape: (64, 96, 1)
  frozen_layers: None
  dropout: 0
  batch_size: 8*2
  epochs: 50
  resume_training_from: # Optional
  optimizer:
    Adam:
      learning_rate: 1e-3
  callbacks:          # Optional section
    ReduceLROnPlateau:
      monitor: val_accuracy
      min_lr: 1.0e-05
    EarlyStopping:
      restore_best_weights: true

quantization:
  quantizer: TFlite_converter
  quantization_type: PTQ
  quantization_input_type: int8
  quantization_output_type: float
  export_dir: quantized_models

prediction:

tools:
  stedgeai:
    version: 10.0.0
    optimization: balanced
    on_cloud: True
    path_to_stedgeai: C:/Users/<XXXXX>/STM32Cube/Windows/stedgeai.exe
  path_to_cubeIDE: C:/ST/STM32CubeIDE_<*.*.*>/STM32CubeIDE/stm32cubeide.exe

benchmarking:
  board: stm32f405

deployment:
  c_project_path: ../../stm32ai_application_code/sensing_free_rtos/
  IDE: GCC
  verbosity: 1
  hardware_setup:
    serie: STM32U5
    board: B-U585I-IOT02A
    stlink_serial_number: None
  build_conf : "BW_AED"
  unknown_class_threshold: 0.5

mlflow:
  uri: ./experiments_outputs/mlruns

hydra:
  run:
    dir: ./experiments_outputs/${now:%Y_%m_%d_%H_%M_%S}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder with what the YAML names; the current directory of the test."""
    for name in ("models/float.h5", "models/int8.tflite", "data/meta/esc50.csv", "custom_model.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "data/audio").mkdir()
    (tmp_path / "user_config.yaml").write_text(ZOO)
    monkeypatch.setenv("PARITONE_TEST_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def load(folder: Path, *overrides: str) -> Config:
    return configuration.load(folder, "user_config.yaml", overrides)


def rewritten(folder: Path, old: str, new: str) -> Config:
    """Load the YAML with `old` replaced; `old` must be there once."""
    assert ZOO.count(old) == 1
    (folder / "user_config.yaml").write_text(ZOO.replace(old, new))
    return load(folder)


def complaint(folder: Path, *overrides: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(folder, *overrides)
    return str(caught.value)


def test_what_users_write_is_read(folder: Path) -> None:
    config = load(folder)
    assert config.operation_mode == "chain_eqeb"
    assert config.general.model_path == folder / "models/float.h5"
    assert config.dataset.class_names == ("dog", "chainsaw", "sea_waves")
    assert config.dataset.training_audio_path == folder / "data/audio"
    assert config.dataset.test_csv_path == folder / "data/meta/esc50.csv"
    assert config.dataset.validation_csv_path is None
    assert config.dataset.validation_split == pytest.approx(0.2)
    assert config.preprocessing.hop_length == 3200
    assert config.feature_extraction.n_fft == 512
    assert config.feature_extraction.norm is None
    assert config.prediction is None
    assert config.deployment is not None
    assert config.deployment.hardware_setup.stlink_serial_number is None
    assert config.board == "stm32f405"
    assert config.tools.stedgeai is not None
    assert config.tools.stedgeai.version == "10.0.0"


@pytest.mark.parametrize(
    ("written", "meant"),
    [("time", "time"), ("Balanced", "balanced"), ("ram", "ram"), ("None", "balanced")],
)
def test_the_point_of_optimization_is_read(folder: Path, written: str, meant: str) -> None:
    assert load(folder, f"tools.stedgeai.optimization={written}").optimization == meant


def test_another_point_of_optimization_is_refused(folder: Path) -> None:
    expected = "tools.stedgeai.optimization: expected time, balanced, ram or None, got 'fast'"
    with pytest.raises(ConfigError, match=re.escape(expected)):
        load(folder, "tools.stedgeai.optimization=fast")


@pytest.mark.parametrize(
    ("written", "meant"),
    [("65536", 65536), ("64 KiB", 65536), ("0.5MiB", 524288), ("48*1024", 49152), ("None", None)],
)
def test_budgets_are_bytes_or_have_a_unit(folder: Path, written: str, meant: int | None) -> None:
    deployment = load(folder, f"+deployment.ram_budget='{written}'").deployment
    assert deployment is not None
    assert (deployment.ram_budget, deployment.flash_budget) == (meant, None)


@pytest.mark.parametrize("written", ["64 parsec", "0", "-1", "KiB", "1.5"])
def test_other_budgets_are_refused(folder: Path, written: str) -> None:
    with pytest.raises(ConfigError, match=r"deployment\.flash_budget: expected "):
        load(folder, f"+deployment.flash_budget='{written}'")


def test_training_is_read(folder: Path) -> None:
    training = load(folder).training
    assert training is not None
    assert training.model is not None
    assert training.model.input_shape == (64, 96, 1)
    assert training.frozen_layers is None
    assert (training.batch_size, training.dropout) == (16, 0.0)
    assert training.optimizer.name == "Adam"
    assert training.optimizer.arguments == {"learning_rate": 0.001}
    assert [callback.name for callback in training.callbacks] == [
        "ReduceLROnPlateau",
        "EarlyStopping",
    ]
    assert training.callbacks[1].arguments == {"restore_best_weights": True}
    assert training.custom_model_path == folder / "custom_model.py"


def test_an_optimizer_may_be_a_name(folder: Path) -> None:
    config = rewritten(
        folder, "  optimizer:\n    Adam:\n      learning_rate: 1e-3\n", "  optimizer: SGD\n"
    )
    assert config.training is not None
    assert (config.training.optimizer.name, config.training.optimizer.arguments) == ("SGD", {})


def test_overrides_are_hydras(folder: Path) -> None:
    config = load(
        folder,
        "general.global_seed=None",
        "feature_extraction.overlap=0.5",
        "+quantization.granularity=per_tensor",
        "~mlflow",
        "hydra.run.dir=somewhere",
        "+data_augmentation.Mixup={enable: True, alpha: 0.3}",
    )
    assert config.general.global_seed is None
    assert config.feature_extraction.overlap_frames == 48
    assert config.quantization.granularity == "per_tensor"
    assert config.mlflow is None
    assert config.data_augmentation is not None
    assert config.data_augmentation.Mixup.alpha == 0.3


@pytest.mark.parametrize("name", ["user_config.yaml", "user_config"])
def test_the_extension_may_be_left_out(folder: Path, name: str) -> None:
    assert configuration.load(folder, name).general.project_name == "aed_project"
    assert configuration.load_file(folder / name).general.project_name == "aed_project"


def test_defaults_are_the_zoos(folder: Path) -> None:
    (folder / "minimal.yaml").write_text(
        "operation_mode: benchmarking\n"
        "general: {model_path: models/int8.tflite}\n"
        "benchmarking: {board: stm32f405}\n"
    )
    config = configuration.load(folder, "minimal")
    assert config.general.project_name == "<unnamed>"
    assert config.general.global_seed == config.dataset.seed == 120
    assert config.general.num_threads_tflite == 1
    assert config.dataset.validation_split == 0.2
    assert config.quantization.target_opset == 17
    assert str(config.quantization.export_dir) == "quantized_models"
    assert config.batch_size == 16
    assert config.training is None


def test_records_are_frozen(folder: Path) -> None:
    with pytest.raises(ValidationError):
        load(folder).feature_extraction.n_mels = 32  # type: ignore[misc]


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("operation_mode=chain_eqq", r"operation_mode: expected training, .* or chain_qd, got 'chain_eqq' \(did you mean 'chain_eqe'\?\)"),
        ("+datasets.name=custom", r"unknown section 'datasets' \(did you mean 'dataset'\?\); legal sections: operation_mode, general, .*, mlflow, execution"),
        ("+general.modelpath=x", r"section 'general': unknown key 'modelpath' \(did you mean 'model_path'\?\); legal keys: project_name, .*, batch_size"),
        ("+data_augmentation.SpecAug.zzz=1", r"section 'data_augmentation.SpecAug': unknown key 'zzz'; legal keys: enable, .*"),
        ("general.global_seed=abc", r"general.global_seed: expected an integer, got 'abc' \(str\)"),
        ("general.global_seed=1.5", r"general.global_seed: expected an integer, got 1.5 \(float\)"),
        ("general.display_figures=maybe", r"general.display_figures: expected True or False, got 'maybe' \(str\)"),
        ("feature_extraction.overlap=1", r"feature_extraction.overlap: expected a number less than 1, got 1 \(int\)"),
        ("feature_extraction.norm=slany", r"feature_extraction.norm: expected slaney or None, got 'slany' \(did you mean 'slaney'\?\)"),
        ("dataset=esc10", r"dataset: expected keys and values, got 'esc10' \(str\)"),
        ("dataset.class_names=[dog]", r"dataset.class_names: expected at least 2 classes, got 1"),
        ("dataset.class_names=[dog,dog]", r"dataset.class_names: expected a list of distinct names, got .*"),
        ("preprocessing.top_db=-60", r"preprocessing.top_db: expected a number greater than 0, got -60.0 \(float\)"),
        ("training.optimizer={Adam: 3}", r"training.optimizer: expected names with their arguments as keys and values, got .*"),
        ("~preprocessing.target_rate", r"preprocessing.target_rate: is required, and is not there"),
        ("~preprocessing", r"section 'preprocessing' is required by operation_mode chain_eqeb, and is not there"),
        ("~benchmarking", r"section 'benchmarking' is required by operation_mode chain_eqeb, and is not there"),
        ("general.project_name=${NOT_SET_ANYWHERE}", r"general.project_name: the environment variable NOT_SET_ANYWHERE is not set"),
        ("general.project_name=${general.nothing}", r"general.project_name: .*'general.nothing' not found"),
        ("nonsense=1", r".*nonsense.*"),
        ("=1", r"user_config.yaml: .*"),
    ],
)  # fmt: skip
def test_wrong_keys_and_types_are_one_line(folder: Path, override: str, expected: str) -> None:
    assert re.fullmatch(expected, complaint(folder, override))


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["feature_extraction.window_length=513"], "window_length: expected at most n_fft"),
        (["feature_extraction.fmax=8001"], "fmax: expected at most half of target_rate"),
        (["feature_extraction.fmax=100"], "fmax: expected more than fmin"),
        (["feature_extraction.power=1.5"], "power: expected 1.0 or 2.0, got 1.5"),
        (["preprocessing.max_length=0.5"], "max_length: expected at least min_length"),
        (["dataset.use_garbage_class=True"], "excludes dataset.use_garbage_class"),
        (["general.model_path=nowhere.h5"], "general.model_path: no such file: "),
        (["general.model_path=models/int8.tflite"], "expects a float model"),
        (["operation_mode=deployment"], "expects a quantized model"),
        (["general.model_path=None"], "general.model_path: is required"),
        (["dataset.test_csv_path=nowhere.csv"], "dataset.test_csv_path: no such file: "),
        (["dataset.test_audio_path=nowhere"], "dataset.test_audio_path: no such folder: "),
        (["dataset.test_audio_path=None"], "test_audio_path: is required beside test_csv_path"),
        (["operation_mode=chain_qd", "dataset.class_names=None"], "class_names: is required"),
        (["operation_mode=training"], "got training.model and general.model_path"),
        (["dataset.name=fsd50k"], "dataset_specific.fsd50k"),
    ],
)
def test_keys_that_do_not_fit_each_other(folder: Path, overrides: list[str], expected: str) -> None:
    assert expected in complaint(folder, *overrides)


TRAINING = ("operation_mode=training", "general.model_path=None")


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["training.model.input_shape=[96,64,1]"], r"input_shape: expected \(64, 96, 1\)"),
        (["+training.callbacks.CSVLogger={}"], "CSVLogger is built in and cannot be redefined"),
        (["+training.custom_model_path=other.py"], "custom_model_path: no such file: .*other.py"),
        (["dataset.training_csv_path=None", "dataset.training_audio_path=None",
          "dataset.test_csv_path=None"], "training_csv_path and training_audio_path: are required"),
    ],
)  # fmt: skip
def test_training_that_cannot_start(folder: Path, overrides: list[str], expected: str) -> None:
    assert load(folder, *TRAINING).operation_mode == "training"
    assert re.search(expected, complaint(folder, *TRAINING, *overrides))


def test_several_problems_are_told_at_once(folder: Path) -> None:
    lines = complaint(folder, "general.global_seed=a", "dataset.seed=b").splitlines()
    assert [line.split(":")[0] for line in lines] == ["general.global_seed", "dataset.seed"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "  lengthen : 'after'",
            "  lengthen 'after'",
            r"user_config.yaml: line \d+: not legal YAML",
        ),
        (r"models\float.h5", r'"models\float.h5\q"', "without quotes or in single quotes"),
        ("  to_cache: True", "  shuffle: True", "duplicate key"),
        ("  hop_length: 160\n", "  hop_length: __import__('os')\n", "expected an integer"),
        ("  hop_length: 160\n", "  hop_length: 9**9**9\n", "expected an integer"),
    ],
)
def test_broken_files(folder: Path, old: str, new: str, expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        rewritten(folder, old, new)


def test_a_missing_configuration(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"nothing\.yaml: no such configuration file"):
        configuration.load(folder, "nothing")


def test_what_the_device_cannot_do_is_warned_of(folder: Path) -> None:
    def keys(*overrides: str) -> list[str]:
        warnings = configuration.device_warnings(load(folder, *overrides))
        return [line.split()[0].split(".")[1] for line in warnings]

    assert keys("preprocessing.top_db=None") == []
    assert keys() == ["top_db"]
    assert keys("feature_extraction.to_db=True", "feature_extraction.center=True") == [
        "top_db",
        "to_db",
        "center",
    ]
    assert "unused" in configuration.unused(load(folder))[0]
    assert "optimization" not in configuration.unused(load(folder))[0]


def test_a_blank_key_is_its_default_and_none_is_none(folder: Path) -> None:
    config = rewritten(folder, "  seed: 120 # Optional, there is a default seed", "  seed:")
    assert config.dataset.seed == 120
    config = rewritten(folder, "  validation_split: 1/5", "  validation_split: # 0.2")
    assert config.dataset.validation_split == 0.2
    config = rewritten(folder, "  validation_split: 1/5", "  validation_split: None")
    assert config.dataset.validation_split is None
    config = rewritten(folder, "      restore_best_weights: true\n", "")
    assert config.training is not None
    assert config.training.callbacks[1].arguments == {}
    with pytest.raises(ConfigError, match=r"feature_extraction.center: is required"):
        rewritten(folder, "  center: False", "  center:")


ODD_VALUES = [[], -1, {"a": {1: None}}, "(1,", "9" * 999]


def keys_of(section: dict[str, Any], place: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in section.items():
        yield (*place, key)
        if isinstance(value, dict):
            yield from keys_of(value, (*place, key))


def test_no_value_of_any_key_is_more_than_a_configuration_error(folder: Path) -> None:
    """Every key takes one odd value or another: it is read, or refused."""
    whole = yaml.safe_load(ZOO)
    refused = 0
    for place, value in zip(keys_of(whole), itertools.cycle(ODD_VALUES), strict=False):
        changed = copy.deepcopy(whole)
        section = changed
        for key in place[:-1]:
            section = section[key]
        section[place[-1]] = value
        try:
            configuration.from_dictconfig(OmegaConf.create(changed), folder)
        except ConfigError:
            refused += 1
    assert refused > 80


def test_sections_alone_need_features_that_fit(folder: Path) -> None:
    path = folder / "user_config.yaml"
    config = configuration.load_sections(path, ["general.model_path=nowhere.h5"])
    assert config.feature_extraction.n_mels == 64
    with pytest.raises(ConfigError, match="section 'feature_extraction' is required"):
        configuration.load_sections(path, ["~feature_extraction"])
    with pytest.raises(ConfigError, match="window_length: expected at most n_fft"):
        configuration.load_sections(path, ["feature_extraction.window_length=513"])
