"""Random changes to a clip's waveform; each takes and returns float32 [samples], full scale 1.0."""

from __future__ import annotations

import numpy as np

from paritone.audio import Wave
from paritone.config.augmentation import (
    BackgroundNoiseSettings,
    ClassMixSettings,
    DataAugmentation,
    GainSettings,
)

BROWN = 2.0
"""Exponent of frequency by which brown noise's power falls; 0 is white noise's."""


def change(
    wave: Wave,
    rate: int,
    settings: DataAugmentation,
    rng: np.random.Generator,
    partner: Wave | None = None,
    background: Wave | None = None,
) -> Wave:
    """Apply what the section enables, in the order of ``config.augmentation.OF_WAVEFORMS``.

    Parameters
    ----------
    rate : Hz
    partner : another clip of the same labels; None where there is no other
    background : a recording to take noise from; None: noise is made

    Returns
    -------
    float32 [samples], within full scale as a recording is
    """
    speed, semitones = 1.0, 0.0
    if settings.TimeStretch.enable:
        speed = rng.uniform(settings.TimeStretch.min_rate, settings.TimeStretch.max_rate)
    if settings.PitchShift.enable:
        semitones = rng.uniform(
            settings.PitchShift.min_semitones, settings.PitchShift.max_semitones
        )
    wave = stretch(wave, rate, speed, semitones)
    if settings.ClassMix.enable and partner is not None:
        wave = class_mix(wave, partner, settings.ClassMix, rng)
    if settings.Gain.enable:
        wave = gain(wave, settings.Gain, rng)
    if settings.BackgroundNoise.enable:
        wave = background_noise(wave, background, settings.BackgroundNoise, rng)
    return np.clip(wave, -1.0, 1.0).astype(np.float32)


def stretch(wave: Wave, rate: int, speed: float, semitones: float) -> Wave:
    """Make a waveform `speed` times as fast and `semitones` higher, each without the other.

    One phase vocoder stretches for both; resampling then takes back what belongs to the pitch.
    """
    import librosa

    higher = 2.0 ** (semitones / 12.0)
    if speed != higher:
        wave = librosa.effects.time_stretch(wave, rate=speed / higher)
    if higher != 1.0:
        wave = librosa.resample(wave, orig_sr=rate * higher, target_sr=rate)
    return wave.astype(np.float32)


def gain(wave: Wave, settings: GainSettings, rng: np.random.Generator) -> Wave:
    """Amplify by a number of dB in [min_gain, max_gain]."""
    return wave * np.float32(_ratio(rng.uniform(settings.min_gain, settings.max_gain)))


def class_mix(
    wave: Wave, partner: Wave, settings: ClassMixSettings, rng: np.random.Generator
) -> Wave:
    """Add another clip, repeated from a random place, at a level relative to this one's."""
    level = rng.uniform(settings.min_level, settings.max_level)
    return _added(wave, _span(partner, len(wave), rng), level)


def background_noise(
    wave: Wave,
    background: Wave | None,
    settings: BackgroundNoiseSettings,
    rng: np.random.Generator,
) -> Wave:
    """Add noise at a signal-to-noise ratio in [min_snr, max_snr] dB over the whole clip."""
    snr = rng.uniform(settings.min_snr, settings.max_snr)
    if background is None:
        noise = coloured_noise(len(wave), rng.uniform(0.0, BROWN), rng)
    else:
        noise = _span(background, len(wave), rng)
    return _added(wave, noise, -snr)


def coloured_noise(samples: int, exponent: float, rng: np.random.Generator) -> Wave:
    """Return normal noise whose power falls with frequency to the power of `exponent`."""
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    frequency = np.maximum(np.arange(len(spectrum)), 1.0)
    return np.fft.irfft(spectrum * frequency ** (-exponent / 2.0), samples).astype(np.float32)


def _added(wave: Wave, other: Wave, level: float) -> Wave:
    """Add a waveform of the same length at `level` dB relative to the first, by their powers."""
    own, others = _power(wave), _power(other)
    if own == 0.0 or others == 0.0:
        return wave  # silence has no level
    return wave + np.float32(np.sqrt(own / others) * _ratio(level)) * other


def _span(wave: Wave, samples: int, rng: np.random.Generator) -> Wave:
    """Take `samples` from a random place on, beginning again where the waveform ends."""
    return np.resize(np.roll(wave, -int(rng.integers(len(wave)))), samples)


def _power(wave: Wave) -> float:
    return float(np.mean(np.square(wave, dtype=np.float64)))


def _ratio(decibels: float) -> float:
    return float(10.0 ** (decibels / 20.0))
