"""Configurations and signals that the frontend's tests share."""

from __future__ import annotations

from typing import Any

import numpy as np

from paritone.config import FeatureExtraction
from paritone.features.tables import FrontendTables, InputFormat, make_tables

RATE = 16000
YAMNET_INPUT = InputFormat("int8", 0.0564, 36)
TUTORIAL: dict[str, Any] = {
    "patch_length": 96,
    "n_mels": 64,
    "overlap": 0.25,
    "n_fft": 512,
    "hop_length": 160,
    "window_length": 400,
    "window": "hann",
    "center": False,
    "power": 1.0,
    "fmin": 125,
    "fmax": 7500,
    "norm": None,
    "htk": True,
    "to_db": False,
}

# What differs from the tutorial's configuration, and the model's input.
GRID: dict[str, tuple[dict[str, Any], InputFormat]] = {
    "tutorial": ({}, YAMNET_INPUT),
    "power": ({"power": 2.0}, InputFormat("int8", 0.11, -3)),
    "slaney": ({"norm": "slaney", "htk": False}, InputFormat("uint8", 0.03, 255)),
    "float": ({}, InputFormat("float32")),
    "256": ({"n_fft": 256, "window_length": 256}, InputFormat("uint8", 0.0564, 164)),
    "256, power": (
        {"n_fft": 256, "window_length": 201, "power": 2.0, "norm": "slaney", "hop_length": 77},
        InputFormat("float32"),
    ),
    "1024, gap between windows": (
        {"n_fft": 1024, "window_length": 333, "hop_length": 1500, "window": "hamming"},
        YAMNET_INPUT,
    ),
    "1024, power": (
        {"n_fft": 1024, "window_length": 1024, "window": "boxcar", "power": 2.0, "n_mels": 128},
        InputFormat("int8", 0.1, 12),
    ),
    "2048": (
        {"n_fft": 2048, "window_length": 1999, "window": "blackman", "n_mels": 128, "htk": False},
        InputFormat("uint8", 0.06, 170),
    ),
    "2048, power": (
        {"n_fft": 2048, "window_length": 2048, "power": 2.0, "norm": "slaney", "fmin": 0},
        InputFormat("int8", 0.12, 0),
    ),
    "boxcar": (
        {"window": "boxcar", "window_length": 512, "fmin": 0, "fmax": None},
        InputFormat("int8", 0.0564, 36),
    ),
    "one sample": ({"window_length": 1, "hop_length": 3}, InputFormat("int8", 0.05, 0)),
    "flat top, one band": (
        {"window": "flattop", "n_mels": 1, "hop_length": 3, "patch_length": 7, "overlap": 0.9},
        InputFormat("int8", 0.2, -128),
    ),
    "128": (
        {"n_fft": 128, "window_length": 128, "hop_length": 64, "n_mels": 20, "window": 8.6},
        YAMNET_INPUT,
    ),
    "128, power, 256 bands": (
        {"n_fft": 128, "window_length": 127, "power": 2.0, "n_mels": 256, "fmin": 0, "fmax": None},
        InputFormat("uint8", 0.1, 90),
    ),
    "4096, 256 bands": (
        {"n_fft": 4096, "window_length": 4000, "n_mels": 256, "window": ("kaiser", 14.0)},
        InputFormat("int8", 0.05, 30),
    ),
    "4096, power, one band": (
        {"n_fft": 4096, "window_length": 4096, "n_mels": 1, "power": 2.0, "norm": "slaney"},
        InputFormat("int8", 0.1, 12),
    ),
    "decibels": (
        {"to_db": True, "db_reference": 20.0},
        InputFormat("int8", 0.4, 100),
    ),
    "decibels, power, slaney": (
        {"to_db": True, "db_reference": 0.3, "power": 2.0, "norm": "slaney"},
        InputFormat("uint8", 0.31, 200),
    ),
    "decibels in float": (
        {"to_db": True, "db_reference": 1e-5, "power": 1.0},
        InputFormat("float32"),
    ),
    "coarse codes": ({}, InputFormat("int8", 30.0, 3)),
    "fine codes": ({}, InputFormat("int8", 0.001, -20)),
    "window above 1, and negative": (
        {"window": ("general_cosine", (0.5, -2.0, 0.3)), "window_length": 512},
        YAMNET_INPUT,
    ),
    "empty bands": ({"n_fft": 256, "window_length": 200, "n_mels": 120, "fmin": 0}, YAMNET_INPUT),
}


def features(**changes: Any) -> FeatureExtraction:
    """The tutorial's features with `changes`."""
    return FeatureExtraction(**{**TUTORIAL, **changes})


def tables(name: str, **changes: Any) -> FrontendTables:
    """Tables of one configuration of the grid with more `changes`."""
    own, input_format = GRID[name]
    return make_tables(features(**{**own, **changes}), RATE, input_format)


def signals(length: int) -> dict[str, np.ndarray]:
    """int16 signals of `length` samples, from silence to the extremes."""
    rng = np.random.default_rng(7)
    t = np.arange(length)
    found = {
        "zeros": 0 * t,
        "impulse": np.where(t == length // 2, 32767, 0),
        "negative impulse": np.where(t == length // 2, -32768, 0),
        "DC": np.full(length, 32767),
        "negative DC": np.full(length, -32768),
        "least DC": np.full(length, -1),
        "square": np.where(t // 20 % 2, 32767, -32768),
        "alternating": np.where(t % 2, 32767, -32768),
        "clicks": np.where(t % 701 == 0, -32768, 1),
        "ramp": np.linspace(-32768, 32767, length),
        "chirp": 32767 * np.sin(np.pi * 0.5 * t * t / length),
        "quiet sine": 3 * np.sin(0.3 * t),
    }
    for level in (32767, 8000, 500, 20, 1):
        found[f"noise {level}"] = rng.integers(-level, level + 1, length)
    return {name: np.asarray(values).astype(np.int16) for name, values in found.items()}


def mixed(length: int = 3000) -> np.ndarray:
    """Every signal in a row."""
    return np.concatenate(list(signals(length).values()))
