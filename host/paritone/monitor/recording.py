"""All that a listening board heard and said, in a folder: docs/recording.md has the format.

Files grow in ``NAME.partial``, which becomes ``NAME`` when all of them are whole.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from paritone import __version__
from paritone import config as configuration
from paritone.config import Config
from paritone.errors import ConfigError
from paritone.monitor.backlog import Gap, Pcm
from paritone.monitor.ears import Ear, Heard
from paritone.project import Project

SCHEMA = 1
INDEX, PCM, PATCHES, MODEL, CONFIG = (
    "recording.json",
    "pcm.wav",
    "patches.npz",
    "model.tflite",
    "user_config.yaml",
)


class Recorder:
    """Writes a recording as it comes.

    Parameters
    ----------
    folder : must not be there, or be an empty folder

    Raises
    ------
    ConfigError
        It is there already, or cannot be made.
    """

    def __init__(self, folder: Path, project: Project, ear: Ear, source: str) -> None:
        import soundfile

        self.folder = folder
        self._partial = require_new(folder)
        shutil.rmtree(self._partial, ignore_errors=True)
        self._partial.mkdir()
        shutil.copyfile(project.model, self._partial / MODEL)
        (self._partial / CONFIG).write_text(_text_of(project.config), encoding="utf-8")
        self._about = _about(project, ear, source)
        rate = project.config.preprocessing.target_rate
        self._pcm = soundfile.SoundFile(self._partial / PCM, "w", rate, 1, "PCM_16", format="WAV")
        self._features = (self._partial / "features.raw").open("wb")
        self._heard: list[Heard] = []
        self._like: NDArray[Any] = np.zeros(0)
        self._samples = 0

    def add(self, pcm: Pcm, heard: Sequence[Heard]) -> None:
        """Keep samples that were heard, and the patches that they completed."""
        self._pcm.write(pcm)
        self._samples += len(pcm)
        for patch in heard:
            self._features.write(np.ascontiguousarray(patch.features).tobytes())
            self._like = patch.features  # its dtype and shape, as all have them
            self._heard.append(replace(patch, features=patch.features[:0]))

    def close(
        self, ended: str, gaps: Sequence[Gap], resets: Sequence[int], *, finished: bool
    ) -> Path:
        """Complete the recording.

        Parameters
        ----------
        ended : why it did
        resets : samples that were heard before each time that the board began anew
        finished : the stream was ended too, so that its last patches are there
        """
        self._pcm.close()
        self._features.close()
        raw = self._partial / "features.raw"
        arrays: dict[str, Any] = dict(self._patches(raw))
        np.savez(self._partial / PATCHES, **arrays)
        raw.unlink()
        record = {
            **self._about,
            "ended": ended,
            "finished": finished,
            "samples": self._samples,
            "patches": len(self._heard),
            "gaps": [[gap.at, gap.samples] for gap in gaps],
            "resets": [at for at in resets if at <= self._samples],
        }
        (self._partial / INDEX).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        if self.folder.is_dir():
            self.folder.rmdir()
        self._partial.rename(self.folder)
        return self.folder

    def _patches(self, raw: Path) -> dict[str, NDArray[Any]]:
        if not self._heard:
            return {}
        count = len(self._heard)
        one = self._like
        features = np.memmap(raw, one.dtype, "r", shape=(count, *one.shape))
        known = next((h.scores for h in self._heard if h.scores is not None), np.zeros(0, np.int8))
        scores = np.zeros((count, len(known)), known.dtype)
        for row, heard in zip(scores, self._heard, strict=True):
            if heard.scores is not None:
                row[:] = heard.scores
        return {
            "features": features,
            "scores": scores,
            "silent": np.array([heard.scores is None for heard in self._heard]),
            "ends": np.array([heard.end for heard in self._heard], np.int64),
        }


@dataclass(frozen=True)
class Recording:
    """A recording that was read.

    Attributes
    ----------
    about : recording.json
    pcm : int16 [samples] that were heard, gaps left out
    resets : places in them, in order, from which on the board heard anew
    heard : its patches
    """

    folder: Path
    about: dict[str, Any]
    config: Config
    pcm: Pcm
    resets: tuple[int, ...]
    heard: tuple[Heard, ...]

    @property
    def model(self) -> Path:
        """The model that was listened with."""
        return self.folder / MODEL


def read(folder: Path) -> Recording:
    """Read a recording.

    Raises
    ------
    ConfigError
        It is none, or a part of it is not what was written.
    """
    import soundfile

    if not (folder / INDEX).is_file():
        raise ConfigError(f"{folder}: no recording of `paritone monitor --record`: no {INDEX}")
    try:
        about = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        if about.get("schema") != SCHEMA:
            raise ConfigError(
                f"{folder}: a recording of format {about.get('schema')}, expected {SCHEMA}"
            )
        pcm, _ = soundfile.read(folder / PCM, dtype="int16")
        with np.load(folder / PATCHES, allow_pickle=False) as arrays:
            heard = _heard(dict(arrays))
        resets = _resets(about.get("resets", []), len(pcm))
        whole = (len(pcm), len(heard)) == (about["samples"], about["patches"])
        same = sha256(folder / MODEL) == about["sha256"]["model"]
    except (OSError, ValueError, KeyError, AttributeError, soundfile.SoundFileError) as error:
        raise ConfigError(f"{folder}: the recording cannot be read: {error}") from error
    if not whole or not same:
        what = f"{PCM} or {PATCHES}" if same else MODEL
        raise ConfigError(f"{folder}: {what} is not what was recorded")
    config = configuration.load_sections(folder / CONFIG)
    return Recording(folder, about, config, pcm, resets, heard)


def _resets(places: Any, samples: int) -> tuple[int, ...]:
    """Places in order; ValueError for anything else."""
    found = tuple(int(place) for place in places)
    if list(found) != sorted(found) or not all(0 <= place <= samples for place in found):
        raise ValueError(f"resets after {list(found)} of {samples} samples")
    return found


def _heard(arrays: dict[str, NDArray[Any]]) -> tuple[Heard, ...]:
    if not arrays:
        return ()
    columns = zip(*(arrays[n] for n in ("ends", "features", "scores", "silent")), strict=True)
    return tuple(
        Heard(int(end), features, None if silent else scores)
        for end, features, scores, silent in columns
    )


def require_new(folder: Path) -> Path:
    """Where a recording grows; ConfigError when `folder` holds something, or has no parent."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"--record {folder}: it is there already; name a new folder")
    if not folder.absolute().parent.is_dir():
        raise ConfigError(f"--record {folder}: there is no folder {folder.absolute().parent}")
    return folder.with_name(f"{folder.name}.partial")


def _about(project: Project, ear: Ear, source: str) -> dict[str, Any]:
    from paritone import datasets

    return {
        "schema": SCHEMA,
        "paritone": __version__,
        "source": source,
        "board": ear.name,
        "rate_hz": project.config.preprocessing.target_rate,
        "class_names": list(datasets.class_names(project.config)),
        "sha256": {
            "firmware": sha256(ear.firmware) if ear.firmware is not None else None,
            "model": sha256(project.model),
            "frontend": project.tables().sha256,
        },
    }


def sha256(path: Path) -> str:
    """Hash of a file, hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


_HEARD_WITH = {"operation_mode", "preprocessing", "feature_extraction", "deployment", "tools"}


def _text_of(config: Config) -> str:
    """All of a configuration that what is heard depends on; no path of this machine."""
    from paritone import datasets

    given = config.model_dump(mode="json", exclude_unset=True, include=_HEARD_WITH)
    given.get("deployment", {}).pop("c_project_path", None)
    names, several = list(datasets.class_names(config)), config.dataset.multi_label
    given["dataset"] = {"class_names": names, "multi_label": several}
    return yaml.safe_dump(_spelled(given), sort_keys=False)


def _spelled(node: Any) -> Any:
    """None as the zoo writes it: a key left blank means its default."""
    if isinstance(node, dict):
        return {key: _spelled(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_spelled(item) for item in node]
    return "None" if node is None else node
