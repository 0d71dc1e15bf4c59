"""The native frontend beside librosa: microseconds a frame, one core, the same int16 PCM.

``python -m paritone.frontend_speed [CONFIG [KEY=VALUE ...]]`` prints both and their ratio.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from paritone.config import Config

Pcm = npt.NDArray[np.int16]

CLIPS = 20
ROUNDS = 30
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass(frozen=True)
class Speed:
    """Least time over the rounds, over all clips; a frame is one column of the spectrogram."""

    frames: int
    librosa_us: float
    native_us: float

    @property
    def ratio(self) -> float:
        """How many times as fast the native frontend is."""
        return self.librosa_us / self.native_us

    def __str__(self) -> str:
        return (
            f"features on one core, {self.frames} frames: librosa {self.librosa_us:.2f} us a "
            f"frame, native {self.native_us:.2f}, {self.ratio:.1f} times as fast"
        )


def measure(config: Config, clips: Sequence[Pcm]) -> Speed:
    """Time the spectrograms of int16 clips at the configuration's rate, turn by turn.

    librosa's from PCM / 2^15 to float32 log-mel, the native one's from PCM to the input of the
    configuration's model. Both run on one core, whatever else the machine does.
    """
    from paritone.features import log_mel
    from paritone.native.frontend import Frontend, config_tables

    features, rate = config.feature_extraction, config.preprocessing.target_rate
    frontend = Frontend(config_tables(config, config.general.model_path))

    def reference(pcm: Pcm) -> npt.NDArray[Any]:
        return log_mel.spectrogram(pcm.astype(np.float32) / np.float32(32768), features, rate)

    with _one_core():
        frames = sum(frontend.spectrogram(pcm).shape[1] for pcm in clips)
        times = [
            (_time(reference, clips), _time(frontend.spectrogram, clips)) for _ in range(ROUNDS)
        ]
    librosa_s, native_s = (min(column) for column in zip(*times, strict=True))
    return Speed(frames, 1e6 * librosa_s / frames, 1e6 * native_s / frames)


def _time(spectrogram: Callable[[Pcm], npt.NDArray[Any]], clips: Sequence[Pcm]) -> float:
    start = time.perf_counter()
    for pcm in clips:
        spectrogram(pcm)
    return time.perf_counter() - start


@contextmanager
def _one_core() -> Iterator[None]:
    """Keep this process on its first core, where the system knows how."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def main(arguments: list[str]) -> None:
    """Measure the clips of a configuration: 20 of its validation set, or the example's."""
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    from paritone import config as configuration
    from paritone import validate

    file = arguments[0] if arguments else "examples/user_config.yaml"
    config = configuration.load_sections(file, arguments[1:])
    clips = [pcm for _, pcm in validate.clips_of(config, CLIPS)]
    print(measure(config, clips))


if __name__ == "__main__":
    main(sys.argv[1:])
