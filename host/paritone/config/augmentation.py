"""Section `data_augmentation`: random changes to what is trained on, never to what is measured."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from paritone.config.coercion import Bool, Float, Int, OptionalPath
from paritone.config.fields import Record

Decibels = Annotated[Float, Field(ge=-120, le=120)]
Rate = Annotated[Float, Field(ge=0.25, le=4)]
Semitones = Annotated[Float, Field(ge=-24, le=24)]
OF_WAVEFORMS = ("TimeStretch", "PitchShift", "ClassMix", "Gain", "BackgroundNoise")
"""Sections that change a waveform, in the order in which they do."""
RANGES = {
    "VolumeAugment": "scale",
    "Gain": "gain",
    "TimeStretch": "rate",
    "PitchShift": "semitones",
    "BackgroundNoise": "snr",
    "ClassMix": "level",
}
"""What lies between a section's ``min_`` and ``max_`` key."""


class GaussianNoiseSettings(Record):
    """Section ``data_augmentation.GaussianNoise``."""

    enable: Bool = False
    scale: Annotated[Float, Field(ge=0)] = 0.1


class VolumeAugmentSettings(Record):
    """Section ``data_augmentation.VolumeAugment``: a gain on the magnitude."""

    enable: Bool = False
    min_scale: Annotated[Float, Field(gt=0)] = 0.8
    max_scale: Annotated[Float, Field(gt=0)] = 1.2


class SpecAugSettings(Record):
    """Section ``data_augmentation.SpecAug``; mask lengths in mel bands and frames."""

    enable: Bool = False
    freq_mask_param: Annotated[Int, Field(ge=0)] = 1
    time_mask_param: Annotated[Int, Field(ge=0)] = 1
    n_freq_mask: Annotated[Int, Field(ge=0)] = 1
    n_time_mask: Annotated[Int, Field(ge=0)] = 1
    mask_value: Float = 0.0


class MixupSettings(Record):
    """Section ``data_augmentation.Mixup`` (ours): convex combinations of two patches."""

    enable: Bool = False
    alpha: Annotated[Float, Field(gt=0)] = 0.2


class TimeShiftSettings(Record):
    """Section ``data_augmentation.TimeShift`` (ours): a random crop along time, in frames."""

    enable: Bool = False
    max_shift: Annotated[Int, Field(ge=0)] = 24


class GainSettings(Record):
    """Section ``data_augmentation.Gain`` (ours): on the waveform, in dB; full scale stays."""

    enable: Bool = False
    min_gain: Decibels = -6.0
    max_gain: Decibels = 6.0


class TimeStretchSettings(Record):
    """Section ``data_augmentation.TimeStretch`` (ours): pitch stays; a rate above 1 is faster."""

    enable: Bool = False
    min_rate: Rate = 0.85
    max_rate: Rate = 1.15


class PitchShiftSettings(Record):
    """Section ``data_augmentation.PitchShift`` (ours): duration stays; upwards in semitones."""

    enable: Bool = False
    min_semitones: Semitones = -2.0
    max_semitones: Semitones = 2.0


class BackgroundNoiseSettings(Record):
    """Section ``data_augmentation.BackgroundNoise`` (ours).

    A part of a recording in `audio_path`, or noise between white and brown, at a signal-to-noise
    ratio in dB over the whole clip.
    """

    enable: Bool = False
    min_snr: Decibels = 10.0
    max_snr: Decibels = 40.0
    audio_path: OptionalPath = None


class ClassMixSettings(Record):
    """Section ``data_augmentation.ClassMix`` (ours): adds another clip of the same labels.

    Its level is in dB relative to the clip's own.
    """

    enable: Bool = False
    min_level: Decibels = -20.0
    max_level: Decibels = 0.0


class DataAugmentation(Record):
    """Section ``data_augmentation``.

    What changes waveforms (Gain, TimeStretch, PitchShift, BackgroundNoise, ClassMix) does so once:
    ``n_versions`` (ours) of each clip are made, and each patch is cut from one of them or from the
    clip as it is. All else is drawn anew for every batch.
    """

    GaussianNoise: GaussianNoiseSettings = GaussianNoiseSettings()
    VolumeAugment: VolumeAugmentSettings = VolumeAugmentSettings()
    SpecAug: SpecAugSettings = SpecAugSettings()
    Mixup: MixupSettings = MixupSettings()
    TimeShift: TimeShiftSettings = TimeShiftSettings()
    Gain: GainSettings = GainSettings()
    TimeStretch: TimeStretchSettings = TimeStretchSettings()
    PitchShift: PitchShiftSettings = PitchShiftSettings()
    BackgroundNoise: BackgroundNoiseSettings = BackgroundNoiseSettings()
    ClassMix: ClassMixSettings = ClassMixSettings()
    n_versions: Annotated[Int, Field(ge=1, le=64)] = 4

    def any(self) -> bool:
        """Tell whether anything is enabled: the same patches never come twice."""
        names = type(self).model_fields
        return any(getattr(getattr(self, name), "enable", False) for name in names)

    def of_waveforms(self) -> dict[str, Record]:
        """Return the enabled sections that change waveforms, by name."""
        sections = {
            name: section for name in OF_WAVEFORMS if (section := getattr(self, name)).enable
        }
        return sections


def problems(settings: DataAugmentation | None) -> Iterator[str]:
    """Yield a line for each range that is upside down and each folder that is not there."""
    if settings is None:
        return
    for name, what in RANGES.items():
        section = getattr(settings, name)
        low, high = getattr(section, f"min_{what}"), getattr(section, f"max_{what}")
        if high < low:
            yield (
                f"data_augmentation.{name}.max_{what}: expected at least min_{what} ({low:g}), "
                f"got {high:g}"
            )
    noise = settings.BackgroundNoise
    if noise.enable and noise.audio_path is not None and not noise.audio_path.is_dir():
        yield f"data_augmentation.BackgroundNoise.audio_path: no such folder: {noise.audio_path}"
