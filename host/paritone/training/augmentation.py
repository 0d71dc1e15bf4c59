"""Random changes to log-mel patches while training; each works on a copy of one batch.

A batch is float32 [patches, n_mels, patch_length]; targets are float32 [patches, classes].
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from paritone.config import FeatureExtraction
from paritone.config.augmentation import (
    DataAugmentation,
    GaussianNoiseSettings,
    MixupSettings,
    SpecAugSettings,
    VolumeAugmentSettings,
)

Array = npt.NDArray[np.float32]
DECIBELS_PER_NEPER = 20.0 / np.log(10.0)


def augment(
    patches: Array,
    targets: Array,
    settings: DataAugmentation,
    features: FeatureExtraction,
    rng: np.random.Generator,
) -> tuple[Array, Array]:
    """Apply what the section enables: volume, noise, mixup and, last, masks."""
    if settings.VolumeAugment.enable:
        patches = volume(patches, settings.VolumeAugment, features, rng)
    if settings.GaussianNoise.enable:
        patches = gaussian_noise(patches, settings.GaussianNoise, rng)
    if settings.Mixup.enable:
        patches, targets = mixup(patches, targets, settings.Mixup, rng)
    if settings.SpecAug.enable:
        patches = spec_augment(patches, settings.SpecAug, rng)
    return patches, targets


def volume(
    patches: Array,
    settings: VolumeAugmentSettings,
    features: FeatureExtraction,
    rng: np.random.Generator,
) -> Array:
    """Amplify each patch by a gain in [min_scale, max_scale]: an offset to a logarithm.

    The floor of the logarithm moves along with the rest.
    """
    gains = rng.uniform(settings.min_scale, settings.max_scale, (len(patches), 1, 1))
    unit = DECIBELS_PER_NEPER if features.to_db else features.power
    return (patches + unit * np.log(gains)).astype(np.float32)


def gaussian_noise(
    patches: Array, settings: GaussianNoiseSettings, rng: np.random.Generator
) -> Array:
    """Add normal noise of standard deviation `scale`, in the features' unit."""
    return patches + settings.scale * rng.standard_normal(patches.shape, np.float32)


def mixup(
    patches: Array, targets: Array, settings: MixupSettings, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Mix each patch with another of the batch, weight drawn from Beta(alpha, alpha).

    The larger weight stays with the patch itself. H. Zhang et al., arXiv:1710.09412.
    """
    drawn = rng.beta(settings.alpha, settings.alpha, len(patches))
    weight = np.maximum(drawn, 1.0 - drawn).astype(np.float32)
    other = rng.permutation(len(patches))
    mixed = _blend(patches, patches[other], weight[:, None, None])
    return mixed, _blend(targets, targets[other], weight[:, None])


def _blend(first: Array, second: Array, weight: Array) -> Array:
    return weight * first + (np.float32(1.0) - weight) * second


def spec_augment(patches: Array, settings: SpecAugSettings, rng: np.random.Generator) -> Array:
    """Overwrite random bands of mels and of frames with `mask_value`.

    A mask's width is uniform in [0, mask_param]. D. Park et al., arXiv:1904.08779.
    """
    masked = patches.copy()
    _, mels, frames = patches.shape
    for patch in masked:
        for _ in range(settings.n_freq_mask):
            patch[_band(mels, settings.freq_mask_param, rng), :] = settings.mask_value
        for _ in range(settings.n_time_mask):
            patch[:, _band(frames, settings.time_mask_param, rng)] = settings.mask_value
    return masked


def _band(size: int, widest: int, rng: np.random.Generator) -> slice:
    width = int(rng.integers(0, min(widest, size) + 1))
    start = int(rng.integers(0, size - width + 1))
    return slice(start, start + width)
