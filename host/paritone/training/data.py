"""Clips of a data set -> spectrograms -> endless batches of augmented patches."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from paritone import cores, datasets
from paritone.config import Config, FeatureExtraction, given, need
from paritone.config.augmentation import DataAugmentation
from paritone.datasets import Dataset
from paritone.datasets.prepared_audio import PreparedAudio
from paritone.errors import ConfigError
from paritone.features import log_mel
from paritone.training.augmentation import augment

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Recordings:
    """The whole spectrograms of a data set, so that patches can be cut anywhere.

    Attributes
    ----------
    spectrograms : float32 [n_mels, frames] for each clip
    targets : float32 [clips, classes], 1 for each label, classes in the order of their sorted names
    versions : those of each clip's changed waveforms, of any lengths; empty: there are none
    """

    spectrograms: tuple[Array, ...]
    targets: Array
    versions: tuple[tuple[Array, ...], ...] = ()


def validation_set(config: Config) -> Dataset | None:
    """Return the validation clips; None if ``validation_split`` is None and none are given."""
    if config.dataset.validation_split is None and given(config.dataset, "validation") is None:
        return None
    return datasets.load(config, "validation")


def read(dataset: Dataset, config: Config, title: str) -> Recordings:
    """Read, preprocess and transform every clip of a data set.

    Raises
    ------
    AudioError
        Names the clip that cannot be read or is shorter than a patch.
    """
    from paritone.progress import track

    prepared = PreparedAudio(config)
    prepared.ready((clip.path for clip in dataset.clips), "spectrogram", title=title)
    with ThreadPoolExecutor(cores.count()) as pool:
        done = pool.map(prepared.spectrogram, (clip.path for clip in dataset.clips))
        try:
            spectrograms = tuple(track(done, f"Reading {title}", len(dataset.clips)))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    prepared.tidy()
    return Recordings(spectrograms, dataset.labels.astype(np.float32))


def patches(recordings: Recordings, config: Config) -> tuple[Array, Array]:
    """Cut every clip as evaluation does: patches in the model's shape, and their targets."""
    cuts = [log_mel.cut(s, config.feature_extraction) for s in recordings.spectrograms]
    targets = np.repeat(recordings.targets, [len(cut) for cut in cuts], axis=0)
    return _model_shape(np.concatenate(cuts), config), targets


@dataclass(frozen=True)
class Places:
    """Where the regular patches of all recordings begin.

    Attributes
    ----------
    clip, start : int [patches], the recording of each patch and its first frame
    """

    clip: npt.NDArray[np.intp]
    start: npt.NDArray[np.intp]


def places(recordings: Recordings, features: FeatureExtraction) -> Places:
    """List the patches that `log_mel.cut` makes of each recording."""
    clip: list[int] = []
    start: list[int] = []
    for index, spectrogram in enumerate(recordings.spectrograms):
        room = spectrogram.shape[1] - features.patch_length
        starts = list(range(0, room + 1, features.patch_step))
        if features.include_last_patch and starts[-1] != room:
            starts.append(room)
        clip += [index] * len(starts)
        start += starts
    return Places(np.asarray(clip, np.intp), np.asarray(start, np.intp))


def batches(
    recordings: Recordings,
    config: Config,
    first_epoch: int = 0,
    class_weights: Array | None = None,
    embeddings: Array | None = None,
) -> Iterator[tuple[Array, ...]]:
    """Yield (patches, targets) for ever; `batch_count` of them are an epoch, shuffled anew.

    ``general.global_seed`` and the number of an epoch decide all that is random in it, so that a
    resumed training goes on as it would have.

    Parameters
    ----------
    class_weights : float32 [classes]; where given, weights are yielded too: float32 [patches], or
        [patches, classes] where a clip has several labels
    embeddings : float32 [patches, …], yielded instead of the patches, which nothing may change
    """
    where = places(recordings, config.feature_extraction)
    count, seed = len(where.clip), config.general.global_seed
    for epoch in itertools.count(first_epoch):
        rng = np.random.default_rng(None if seed is None else [abs(seed), epoch])
        order = rng.permutation(count) if config.dataset.shuffle else np.arange(count)
        for first in range(0, count, config.batch_size):
            chosen = order[first : first + config.batch_size]
            if embeddings is None:
                batch, targets = _batch(recordings, where, chosen, config, rng)
            else:
                batch, targets = embeddings[chosen], recordings.targets[where.clip[chosen]]
            if class_weights is None:
                yield batch, targets
            elif config.dataset.multi_label:
                yield batch, targets, 1 + (class_weights - 1) * targets
            else:
                yield batch, targets, _sample_weights(targets, class_weights)


def unchanged(recordings: Recordings, config: Config) -> Iterator[Array]:
    """Yield one epoch's patches in the order of their places, where nothing changes them."""
    where, rng = places(recordings, config.feature_extraction), np.random.default_rng(0)
    for first in range(0, len(where.clip), config.batch_size):
        chosen = np.arange(first, min(first + config.batch_size, len(where.clip)))
        yield _batch(recordings, where, chosen, config, rng)[0]


def _sample_weights(targets: Array, class_weights: Array) -> Array:
    """Weight of each patch: the mean of its classes' weights, as large as their shares in it."""
    shares = targets.sum(axis=1)
    weights = np.where(shares > 0, targets @ class_weights / np.maximum(shares, 1e-9), 1.0)
    return weights.astype(np.float32)


def class_weights(recordings: Recordings, config: Config, names: tuple[str, ...]) -> Array | None:
    """Weight of each class from ``training.class_weights``; None: they all weigh the same.

    ``balanced``: patches / (classes * patches of the class), 1 for a class without patches. With
    several labels a clip, a weight is of a label that is there against one that is not, and
    ``balanced`` is patches without the class / patches of it.

    Raises
    ------
    ConfigError
        The mapping names a class that is not there.
    """
    asked = need(config.training, "training").class_weights
    if asked is None:
        return None
    if isinstance(asked, dict):
        unknown = sorted(set(asked) - set(names))
        if unknown:
            raise ConfigError(
                f"training.class_weights: {unknown[0]} is none of the classes {', '.join(names)}"
            )
        return np.asarray([asked.get(name, 1.0) for name in names], np.float32)
    where = places(recordings, config.feature_extraction)
    counts = recordings.targets[where.clip].sum(axis=0)
    if config.dataset.multi_label:
        balanced = (len(where.clip) - counts) / np.maximum(counts, 1)
    else:
        balanced = counts.sum() / (len(names) * np.maximum(counts, 1))
    return np.where(counts > 0, balanced, 1.0).astype(np.float32)


def batch_count(recordings: Recordings, config: Config) -> int:
    """Return the number of batches in an epoch, the last of which may be smaller."""
    return -(-len(places(recordings, config.feature_extraction).clip) // config.batch_size)


def _batch(
    recordings: Recordings,
    where: Places,
    chosen: npt.NDArray[np.intp],
    config: Config,
    rng: np.random.Generator,
) -> tuple[Array, Array]:
    settings = config.data_augmentation or DataAugmentation()
    shift = settings.TimeShift.max_shift if settings.TimeShift.enable else 0
    length = config.feature_extraction.patch_length
    cut = []
    for clip, start in zip(where.clip[chosen], where.start[chosen], strict=True):
        whole = recordings.spectrograms[clip]
        spectrogram = _version(recordings, clip, rng)
        # The same place in a version of another length.
        place = int(start) * spectrogram.shape[1] // whole.shape[1]
        moved = place + int(rng.integers(-shift, shift + 1))
        begin = min(max(moved, 0), spectrogram.shape[1] - length)
        cut.append(spectrogram[:, begin : begin + length])
    targets = recordings.targets[where.clip[chosen]]
    batch, targets = augment(np.stack(cut), targets, settings, config.feature_extraction, rng)
    return _model_shape(batch, config), targets


def _version(recordings: Recordings, clip: int, rng: np.random.Generator) -> Array:
    """Choose a clip as it is or one of its versions, each as likely."""
    if not recordings.versions:
        return recordings.spectrograms[clip]
    versions = recordings.versions[clip]
    chosen = int(rng.integers(len(versions) + 1))
    return recordings.spectrograms[clip] if chosen == len(versions) else versions[chosen]


def _model_shape(batch: Array, config: Config) -> Array:
    return batch[..., None] if config.dataset.expand_last_dim else batch
