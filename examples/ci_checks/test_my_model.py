"""Checks of one model for every commit: parity, latency and memory. Copy it and set the budgets.

pytest --paritone-board stm32f405 --paritone-config user_config.yaml
"""

import numpy as np

PATCHES = 20
MOST_INSTRUCTIONS = {"frame": 25_000, "inference": 20_000_000}
MOST_BYTES = {"flash_bytes": 256 * 1024, "ram_bytes": 112 * 1024, "stack_bytes": 2048}


def tone(seconds=3.0, rate=16000):
    """A sweep over the whole band under noise, int16."""
    t = np.arange(int(seconds * rate)) / rate
    sweep = np.sin(2 * np.pi * (100 + 1200 * t) * t)
    noise = np.random.default_rng(0).normal(0, 0.1, len(t))
    return np.clip(8000 * (sweep + noise), -32768, 32767).astype(np.int16)


def test_features_of_board_and_desk_are_equal(board, frontend):
    pcm = tone()
    np.testing.assert_array_equal(board.patches(pcm), frontend.patches(pcm))


def test_scores_of_board_and_desk_are_equal(board, engine):
    shape, dtype = engine.input.shape, engine.input.dtype
    draw = np.random.default_rng(1)
    for _ in range(PATCHES):
        patch = draw.integers(-128, 128, shape).astype(dtype)
        np.testing.assert_array_equal(board.invoke(patch), engine.invoke(patch))


def test_clips_through_board_and_references(board):
    """The first stage and value that differ are named; TensorFlow Lite's kernels are the oracle."""
    board.validate(clips=2).require_equal()


def test_an_inference_is_quick_enough(board):
    found = board.latency()
    assert found.unit == "instructions"  # cycles on silicon, where the budgets are others
    assert found.frontend.maximum <= MOST_INSTRUCTIONS["frame"]
    assert found.inference.maximum <= MOST_INSTRUCTIONS["inference"]


def test_it_fits(board):
    memory = board.memory
    assert {name: memory[name] for name in MOST_BYTES if memory[name] > MOST_BYTES[name]} == {}
