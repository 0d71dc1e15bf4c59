"""Configurations and sounds in the size of a test."""

import csv
import shutil

import numpy as np
import soundfile
import yaml

from paritone.config.records import Config

RATE = 16000
PREPROCESSING = {
    "min_length": 1,
    "max_length": 5,
    "target_rate": RATE,
    "top_db": 60,
    "frame_length": 3200,
    "hop_length": 3200,
}
FEATURES = {
    "patch_length": 16,
    "n_mels": 20,
    "overlap": 0.25,
    "n_fft": 512,
    "hop_length": 160,
    "window_length": 400,
    "window": "hann",
    "center": False,
    "power": 1.0,
    "fmin": 125,
    "fmax": 7500,
    "norm": "None",
    "htk": True,
    "to_db": False,
}


def make_config(mode, **sections):
    """A validated record; the cross-field checks are `paritone.config.load`'s."""
    return Config.model_validate({"operation_mode": mode, **sections})


def write_wav(path, wave, rate=RATE):
    soundfile.write(path, np.asarray(wave, np.float32), rate, subtype="PCM_16")


def excerpt(examples, csv_name, classes, count):
    """The first clips of each class of the shipped excerpt: (path, class)."""
    with (examples / "esc10/meta" / csv_name).open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [
        (examples / "esc10/audio" / row["filename"], name)
        for name in classes
        for row in [row for row in rows if row["category"] == name][:count]
    ]


def tiny_model(path, classes=3, seed=1, shape=(FEATURES["n_mels"], FEATURES["patch_length"])):
    """A float model of a few hundred parameters, on patches of FEATURES unless told otherwise."""
    import keras

    keras.utils.set_random_seed(seed)
    inputs = keras.Input((*shape, 1))
    x = keras.layers.Conv2D(6, 3, strides=2, activation="relu")(inputs)
    x = keras.layers.DepthwiseConv2D(3, activation="relu")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    outputs = keras.layers.Dense(classes, activation="softmax")(x)
    keras.Model(inputs, outputs).save(path)
    return path


def tiny_project(folder, examples):
    """A configuration, a model and a few real clips; returns the configuration's file.

    Two clips of three classes for each of the test and quantization sets.
    """
    classes = ("crying_baby", "dog", "rooster")
    audio = folder / "audio"
    audio.mkdir()
    for name in ("test", "calibration"):
        clips = excerpt(examples, f"{name}.csv", classes, 2)
        rows = [f"{path.name},{category}" for path, category in clips]
        (folder / f"{name}.csv").write_text("\n".join(["filename,category", *rows]) + "\n")
        for path, _ in clips:
            shutil.copy(path, audio)
    config = {
        "general": {"model_path": str(tiny_model(folder / "tiny.h5")), "display_figures": False},
        "operation_mode": "chain_eqe",
        "dataset": {
            "class_names": list(classes),
            "file_extension": ".ogg",
            "quantization_audio_path": str(audio),
            "quantization_csv_path": str(folder / "calibration.csv"),
            "test_audio_path": str(audio),
            "test_csv_path": str(folder / "test.csv"),
        },
        "preprocessing": {**PREPROCESSING, "max_length": 1},
        "feature_extraction": FEATURES,
        "quantization": {"quantization_input_type": "int8", "quantization_output_type": "int8"},
        "benchmarking": {"board": "stm32f405"},
        "deployment": {"hardware_setup": {"board": "stm32f405"}},
        "hydra": {"run": {"dir": str(folder / "run")}},
    }
    path = folder / "user_config.yaml"
    path.write_text(yaml.safe_dump(config))
    return path
