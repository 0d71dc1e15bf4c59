"""The frontend in NumPy integers: the reference that the C is compared with, bit for bit.

Every stage takes all frames at once, shape (frames, values), in int64 or uint64 wide enough for
what the C holds in fewer bits; the comments of firmware/src/frontend_*.c say the ranges.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from paritone.errors import AudioError
from paritone.features.fft_tables import FftTables
from paritone.features.padding import extend
from paritone.features.tables import LEVEL_BITS, FrontendTables

Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

BLOCK_FRAMES = 256
STAGES = ("window", "spectrum", "magnitude", "mel", "log", "input")


def patches(pcm: npt.NDArray[np.int16], tables: FrontendTables) -> npt.NDArray[np.generic]:
    """Return the patches of int16 PCM: (patches, n_mels, patch_length) of the model's dtype.

    AudioError when there is not one whole patch.
    """
    return patches_and_levels(pcm, tables)[0]


def patches_and_levels(
    pcm: npt.NDArray[np.int16], tables: FrontendTables
) -> tuple[npt.NDArray[np.generic], Words, npt.NDArray[np.bool_]]:
    """Return the patches, each one's level, and whether the gate takes it for silence.

    A patch's level is the sum of its columns' (`column_levels`); it is silent when that is below
    ``tables.silence``. AudioError when there is not one whole patch.
    """
    frames = frame_windows(pcm, tables)
    length, last = tables.patch_length, len(frames) - tables.patch_length
    if last < 0:
        raise AudioError(tables.too_short(len(pcm)))
    starts = list(range(0, last + 1, tables.patch_step))
    if tables.include_last_patch and starts[-1] != last:
        starts.append(last)
    columns, levels = _columns(frames, tables)
    cut = np.stack([columns[start : start + length].T for start in starts])
    sums = np.array([levels[start : start + length].sum() for start in starts], np.uint64)
    return cut, sums, sums < np.uint64(tables.silence)


def _columns(
    frames: npt.NDArray[np.int16], tables: FrontendTables
) -> tuple[npt.NDArray[np.generic], Words]:
    """Columns (frames, n_mels) of the model's dtype, and their levels (frames,)."""
    columns, levels = [], []
    for start in range(0, len(frames), BLOCK_FRAMES):
        block = frames[start : start + BLOCK_FRAMES]
        stages = _stages(block, tables)
        columns.append(stages["input"])
        levels.append(column_levels(stages["mel"], headroom(block), tables))
    return np.concatenate(columns), np.concatenate(levels)


def columns(frames: npt.NDArray[np.int16], tables: FrontendTables) -> npt.NDArray[np.generic]:
    """Return the columns of frames of window_length samples: (frames, n_mels), model's dtype."""
    return _columns(frames, tables)[0]


def stages_of(tables: FrontendTables) -> tuple[str, ...]:
    """Stages on a board's way to the input: codes are read without the logarithm."""
    return tuple(name for name in STAGES if name != "log" or tables.codes is None)


def trace(frame_pcm: npt.NDArray[np.int16], tables: FrontendTables) -> dict[str, npt.NDArray]:
    """Every stage of one frame of `window_length` samples, with the C's dtypes, by name."""
    stages = _stages(np.asarray(frame_pcm, np.int16)[None, :], tables)
    c_types = {
        "window": np.int32,
        "spectrum": np.int32,
        "magnitude": np.uint64 if tables.power == 2 else np.uint32,
        "mel": np.uint64,
        "log": np.int32,
        "input": tables.dtype,
    }
    return {name: stages[name][0].astype(c_types[name]) for name in STAGES}


def frame_windows(pcm: npt.NDArray[np.int16], tables: FrontendTables) -> npt.NDArray[np.int16]:
    """The samples under each frame's window: int16 (frames, window_length), a view."""
    padded = extend(pcm, tables.padding, tables.n_fft)
    if len(padded) < tables.n_fft:
        return np.zeros((0, tables.window_length), np.int16)
    frames = np.lib.stride_tricks.sliding_window_view(padded, tables.n_fft)[:: tables.hop_length]
    return frames[:, tables.window_start :][:, : tables.window_length]


def _stages(frames: npt.NDArray[np.int16], tables: FrontendTables) -> dict[str, npt.NDArray]:
    shift = headroom(frames)
    window = window_frames(frames, shift, tables)
    used = slice(2 * tables.first_bin, 2 * (tables.first_bin + tables.n_bins))
    spectrum = rfft_q31(window, tables.fft)[:, used].reshape(len(frames), tables.n_bins, 2)
    re, im = spectrum[:, :, 0], spectrum[:, :, 1]
    bins = power_of(re, im) if tables.power == 2 else magnitude_of(re, im, tables.root)
    mel = mel_bands(bins, tables)
    log = logarithm(mel, shift, tables)
    values = (window, spectrum, bins, mel, log, model_input(log, tables))
    return dict(zip(STAGES, values, strict=True))


def headroom(frames: npt.NDArray[np.int16]) -> Ints:
    """Largest shift, 0..15, that leaves each sample of a frame an int16: (frames,)."""
    wide = frames.astype(np.int64)
    reach = np.maximum(wide.max(axis=1), -1 - wide.min(axis=1))
    return 15 - bit_length(reach.astype(np.uint64))


def window_frames(frames: npt.NDArray[np.int16], shift: Ints, tables: FrontendTables) -> Ints:
    """Samples times the window, floored, shifted up, in n_fft zeros: (frames, n_fft) q31."""
    padded = np.zeros((len(frames), tables.n_fft), np.int64)
    place = slice(tables.window_start, tables.window_start + tables.window_length)
    products = (frames.astype(np.int64) * tables.window.astype(np.int64)) >> 16
    padded[:, place] = products << (shift[:, None] + 1)
    return padded


def magnitude_of(re: Ints, im: Ints, root: npt.NDArray[np.uint32]) -> Words:
    """sqrt(re^2 + im^2), halves up, by the table of square roots, for int32 re and im."""
    reach = np.maximum(np.where(re < 0, ~re, re), np.where(im < 0, ~im, im))
    shift = 31 - bit_length(reach.astype(np.uint64))
    squares = (((re << shift) ** 2) >> 32) + (((im << shift) ** 2) >> 32)
    words = root.astype(np.int64)[squares >> 23]
    slopes = words & 0xFFFF
    as_signed = np.where(squares == 2**31, -(2**31), squares)
    roots = words + ((as_signed * slopes) >> 16)
    half = (1 << shift) >> 1
    return np.where((re == 0) & (im == 0), 0, ((roots << 2) + half) >> shift).astype(np.uint64)


def power_of(re: Ints, im: Ints) -> Words:
    """re^2 + im^2, exactly: at most 2^63."""
    return (re * re).astype(np.uint64) + (im * im).astype(np.uint64)


def mel_bands(bins: Words, tables: FrontendTables) -> Words:
    """Weighted sums over each band, of the segment where it rises and of the one where it falls.

    Exact for magnitudes, of each product's high part for powers; then times the band's gain.
    """
    one = np.uint64(1 << tables.rise_bits)
    rising = _product(tables.rise.astype(np.uint64), bins, tables)
    whole = _product(one, bins, tables)
    ends = np.cumsum(tables.segment_length)
    bands = np.zeros((len(bins), tables.n_mels), np.uint64)
    for j in range(tables.n_mels):
        up = slice(int(ends[j]) - int(tables.segment_length[j]), int(ends[j]))
        down = slice(int(ends[j]), int(ends[j + 1]))
        bands[:, j] = rising[:, up].sum(axis=1, dtype=np.uint64)
        bands[:, j] += (whole - rising)[:, down].sum(axis=1, dtype=np.uint64)
    return bands if tables.gain is None else _high(tables.gain.astype(np.uint64), bands)


def _product(weight: Words | np.uint64, bins: Words, tables: FrontendTables) -> Words:
    return _high(weight, bins) if tables.power == 2 else weight * bins


def _high(weight: Words | np.uint64, values: Words) -> Words:
    """floor(weight * value / 2^32), weight below 2^32."""
    low, high = values & np.uint64(0xFFFFFFFF), values >> np.uint64(32)
    return weight * high + ((weight * low) >> np.uint64(32))


def column_levels(mel: Words, shift: Ints, tables: FrontendTables) -> Words:
    """The sum of each frame's bands in units of 2^-10, floored, at most 2^32 - 1: (frames,)."""
    word = np.uint64(32)
    low = (mel & np.uint64(2**32 - 1)).sum(axis=1, dtype=np.uint64)
    high = (mel >> word).sum(axis=1, dtype=np.uint64) + (low >> word)
    bits = tables.mel_exponent + tables.power * shift - LEVEL_BITS
    sums = (int(h) << 32 | int(part) & (2**32 - 1) for h, part in zip(high, low, strict=True))
    levels = [min(total >> int(b), 2**32 - 1) for total, b in zip(sums, bits, strict=True)]
    return np.array(levels, np.uint64)


def logarithm(mel: Words, shift: Ints, tables: FrontendTables) -> Ints:
    """ln(mel + 1e-4) in q24 or decibels in q20, the frame's shift and every scale undone."""
    frame_bits = (tables.power * shift).astype(np.uint64)[:, None]
    offset, floor = np.uint64(tables.offset) << frame_bits, np.uint64(tables.floor) << frame_bits
    total = np.maximum(mel + offset, floor)
    top = bit_length(total) - 1
    mantissa = (total << (63 - top).astype(np.uint64)) >> np.uint64(32)
    index = ((mantissa >> np.uint64(23)) & np.uint64(0xFF)).astype(np.int64)
    part = ((mantissa >> np.uint64(8)) & np.uint64(0x7FFF)).astype(np.int64)
    line = tables.log_lines.astype(np.int64)
    octaves = top - tables.mel_exponent - frame_bits.astype(np.int64)
    rise = ((line[index + 1] - line[index]) * part) >> 15
    return line[index] + rise + octaves * (line[256] - line[0])


def model_input(log: Ints, tables: FrontendTables) -> npt.NDArray[np.generic]:
    """The logarithm in the model's dtype: rounded and clipped, or float32."""
    if tables.dtype == "float32":
        return log.astype(np.float32) * np.float32(2.0**-tables.log_bits)
    half = 1 << (tables.input_shift - 1)
    scaled = (log * tables.input_multiplier + half) >> tables.input_shift
    limits = np.iinfo(tables.dtype)
    return np.clip(scaled + tables.input_zero_point, limits.min, limits.max).astype(tables.dtype)


def bit_length(values: Words) -> Ints:
    """Bits that each uint64 needs: 0 for 0, 64 at most."""
    bits = np.zeros(values.shape, np.int64)
    rest = values.copy()
    for step in (32, 16, 8, 4, 2, 1):
        more = rest >= np.uint64(1 << step)
        bits[more] += step
        rest[more] >>= np.uint64(step)
    return bits + (rest > 0)


def rfft_q31(samples: Ints, tables: FftTables) -> Ints:
    """``arm_rfft_q31``: (frames, n) q31 to (frames, n + 2), re and im in turn, divided by n."""
    re, im = _cfft(samples[:, 0::2], samples[:, 1::2], tables)
    return _split(re, im, tables)


def _cfft(re: Ints, im: Ints, tables: FftTables) -> tuple[Ints, Ints]:
    """``arm_cfft_q31``: natural order in and out, divided by the length."""
    n = re.shape[1]
    cos, sin = tables.twiddle[0::2].astype(np.int64), tables.twiddle[1::2].astype(np.int64)
    if n.bit_length() % 2:  # a power of four
        re, im = _radix4(re, im, cos, sin)
    else:
        re, im = _radix4_by_2(re, im, cos, sin)
    order = _bit_reversed(n)
    return re[:, order], im[:, order]


def _radix4_by_2(re: Ints, im: Ints, cos: Ints, sin: Ints) -> tuple[Ints, Ints]:
    half = re.shape[1] // 2
    (a_re, b_re), (a_im, b_im) = _halves(re >> 2), _halves(im >> 2)
    x, y = a_re - b_re, a_im - b_im
    c, s = cos[:half], sin[:half]
    turned_re = _wrap(2 * _mac(_mac(0, x, c), y, s))
    turned_im = _wrap(2 * _mac(_mac(0, y, c), -x, s))
    even = _radix4(_wrap(a_re + b_re), _wrap(a_im + b_im), cos[::2], sin[::2])
    odd = _radix4(turned_re, turned_im, cos[::2], sin[::2])
    both = [np.concatenate(pair, axis=1) for pair in zip(even, odd, strict=True)]
    return _wrap(2 * both[0]), _wrap(2 * both[1])


def _halves(x: Ints) -> tuple[Ints, Ints]:
    return x[:, : x.shape[1] // 2], x[:, x.shape[1] // 2 :]


def _radix4(re: Ints, im: Ints, cos: Ints, sin: Ints) -> tuple[Ints, Ints]:
    """Stages of four; the first on values / 16, the middle ones halve twice, the last is bare."""
    frames, n = re.shape
    re, im = re >> 4, im >> 4
    size = n
    while size > 4:
        shape = (frames, n // size, 4, size // 4)
        k = np.arange(size // 4) * (n // size)
        outs = _four(re.reshape(shape), im.reshape(shape))
        done = [
            _scale_sum(*outs[0], size == n),
            *(
                _turn(*outs[i], cos[m * k], sin[m * k], size == n)
                for i, m in ((1, 2), (2, 1), (3, 3))
            ),
        ]
        re, im = (np.stack(part, axis=2).reshape(frames, n) for part in zip(*done, strict=True))
        size //= 4
    shape = (frames, n // 4, 4, 1)
    outs = _four(re.reshape(shape), im.reshape(shape))
    re, im = (np.stack(part, axis=2).reshape(frames, n) for part in zip(*outs, strict=True))
    return re, im


def _four(re: Ints, im: Ints) -> list[tuple[Ints, Ints]]:
    """a+b+c+d, a-b+c-d, a-jb-c+jd, a+jb-c-jd of the four along axis 2, wrapped to 32 bits."""
    a, b, c, d = (re[:, :, i] for i in range(4))
    p, q, r, s = (im[:, :, i] for i in range(4))
    outs = [
        (a + b + c + d, p + q + r + s),
        (a - b + c - d, p - q + r - s),
        (a + q - c - s, p - b - r + d),
        (a - q - c + s, p + b - r - d),
    ]
    return [(_wrap(x), _wrap(y)) for x, y in outs]


def _scale_sum(re: Ints, im: Ints, first: bool) -> tuple[Ints, Ints]:
    return (re, im) if first else (re >> 2, im >> 2)


def _turn(re: Ints, im: Ints, cos: Ints, sin: Ints, first: bool) -> tuple[Ints, Ints]:
    """(re + j im)(cos - j sin), each product floored to its high word."""
    x = _wrap((re * cos >> 32) + (im * sin >> 32))
    y = _wrap((im * cos >> 32) - (re * sin >> 32))
    return (_wrap(2 * x), _wrap(2 * y)) if first else (x >> 1, y >> 1)


def _split(re: Ints, im: Ints, tables: FftTables) -> Ints:
    """Spectrum of the packed FFT to that of the real samples, bins 0 to n / 2."""
    frames, half = re.shape
    a_re, a_im = (tables.split_a[i::2].astype(np.int64)[1:] for i in (0, 1))
    b_re = tables.split_b[0::2].astype(np.int64)[1:]
    x, y = re[:, 1:], im[:, 1:]
    mirror_x, mirror_y = x[:, ::-1], y[:, ::-1]
    out = np.zeros((frames, 2 * half + 2), np.int64)
    out[:, 2 : 2 * half : 2] = _macs((x, a_re), (y, -a_im), (mirror_y, -a_im), (mirror_x, b_re))
    out[:, 3 : 2 * half : 2] = _macs((x, a_im), (y, a_re), (mirror_y, -b_re), (mirror_x, -a_im))
    out[:, 0] = _wrap(re[:, 0] + im[:, 0]) >> 1
    out[:, 2 * half] = _wrap(re[:, 0] - im[:, 0]) >> 1
    return out


def _macs(*products: tuple[Ints, Ints]) -> Ints:
    total: Ints | int = 0
    for value, factor in products:
        total = _mac(total, value, factor)
    return np.asarray(total)


def _mac(total: Ints | int, value: Ints, factor: Ints) -> Ints:
    """Rounded multiply-accumulate of high words: total + (value * factor + 2^31) / 2^32."""
    return _wrap(total + ((value * factor + 2**31) >> 32))


def _bit_reversed(n: int) -> Ints:
    order = np.zeros(1, np.int64)
    while len(order) < n:
        order = np.concatenate([2 * order, 2 * order + 1])
    return order


def _wrap(values: Ints) -> Ints:
    """Modulo 2^32, into the range of int32."""
    return values.astype(np.int32).astype(np.int64)
