"""A step's parameters: the structs of ``paritone_kernels.h``, field by field, under their names.

Arrays of weights are NumPy arrays; the generator writes them as tables beside the struct.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

Four = tuple[int, int, int, int]
Pair = tuple[int, int]
Int8s = NDArray[np.int8]
UInt8s = NDArray[np.uint8]
Int16s = NDArray[np.int16]
UInt16s = NDArray[np.uint16]
Int32s = NDArray[np.int32]

TRIPLE = 3
GROUP = 4
LANE_BITS = 21
"""Of packed products: firmware/src/products.h."""


class Params:
    """Base of all; `c_type` is the struct's name in C."""

    c_type: ClassVar[str]

    @property
    def scratch_bytes(self) -> int:
        """Memory that one call of the kernel works in, beside its tensors."""
        return 0


@dataclass(frozen=True)
class Window(Params):
    """Window of a convolution or pooling."""

    c_type: ClassVar[str] = "paritone_window_t"
    in_height: int
    in_width: int
    in_channels: int
    out_height: int
    out_width: int
    out_channels: int
    height: int
    width: int
    stride_height: int
    stride_width: int
    dilation_height: int
    dilation_width: int
    pad_top: int
    pad_left: int

    @property
    def leaves_input(self) -> bool:
        """Whether some of its places reach beyond the input's edges."""
        bottom = (self.out_height - 1) * self.stride_height + (
            self.height - 1
        ) * self.dilation_height
        right = (self.out_width - 1) * self.stride_width + (self.width - 1) * self.dilation_width
        return (
            max(self.pad_top, self.pad_left) > 0
            or bottom - self.pad_top >= self.in_height
            or right - self.pad_left >= self.in_width
        )


@dataclass(frozen=True, eq=False)
class Conv2D(Params):
    """CONV_2D; weights [out_channels, height, width, in_channels / groups]."""

    c_type: ClassVar[str] = "paritone_conv_2d_t"
    window: Window
    groups: int
    input_offset: int
    output_offset: int
    minimum: int
    maximum: int
    weights: Int8s
    bias: Int32s
    multiplier: Int32s
    shift: Int8s


@dataclass(frozen=True)
class WeightedSum(Params):
    """WEIGHTED_SUM: ADD or SUB of two tensors of one shape."""

    c_type: ClassVar[str] = "paritone_weighted_sum_t"
    weight: Pair
    start: int


@dataclass(frozen=True, eq=False)
class Products(Params):
    """PRODUCTS, and with `sum` PRODUCTS_SUM: products.h. One form of weights."""

    c_type: ClassVar[str] = "paritone_products_t"
    window: Window
    depth: int
    block: int
    padding: int
    padded: int
    minimum: int
    maximum: int
    weights: Int32s | None
    wide: Int32s | None
    coded: Int32s | None
    chunks: UInt8s | None
    start: Int16s | None
    factor: Int32s
    addend: UInt16s | None
    correction: Int32s | None
    right: UInt8s | None
    base: int
    shift: int
    pairs: int = 0
    sum: Int32s | None = None

    @property
    def triple_bytes(self) -> int:
        """Scratch memory of each triple of a block."""
        partial = self.window.out_channels % GROUP != 0
        values = TRIPLE * GROUP
        return (
            self.depth * 8
            + (4 * values if self.chunks is not None else 0)
            + (values if partial else 0)
        )

    @property
    def scratch_bytes(self) -> int:
        """What ``scratch_layout`` of products_blocks.c lays out, a multiple of 8."""
        w = self.window
        run = (w.width if w.dilation_width == 1 else 1) * w.in_channels
        fixed = (self.depth * 8 if self.wide is None else 0) + (run * 4 if self.padded else 0)
        return -(-(fixed + self.block * self.triple_bytes) // 8) * 8


@dataclass(frozen=True, eq=False)
class DepthwiseConv2D(Params):
    """DEPTHWISE_CONV_2D; weights [height, width, out_channels]."""

    c_type: ClassVar[str] = "paritone_depthwise_conv_2d_t"
    window: Window
    depth_multiplier: int
    input_offset: int
    output_offset: int
    minimum: int
    maximum: int
    weights: Int8s
    bias: Int32s
    multiplier: Int32s
    shift: Int8s


@dataclass(frozen=True, eq=False)
class DepthwiseLines(Params):
    """DEPTHWISE_LINES; weights [out_channels, 3, 3]."""

    c_type: ClassVar[str] = "paritone_depthwise_lines_t"
    window: Window
    rows: int
    input_zero_point: int
    base: int
    shift: int
    minimum: int
    maximum: int
    weights: Int8s
    start: Int16s
    factor: Int32s
    addend: UInt16s

    @property
    def scratch_bytes(self) -> int:
        """Of four channels: the lines that `rows` rows of output read, and these."""
        window = self.window
        tiles = -(-window.stride_width * window.out_width // 8)
        lines = window.stride_height * (self.rows - 1) + 3
        outputs = self.rows * -(-window.out_width // 4) * 4
        return 4 * (tiles * lines * 24 + outputs)


@dataclass(frozen=True, eq=False)
class FullyConnected(Params):
    """FULLY_CONNECTED; weights [outputs, depth]."""

    c_type: ClassVar[str] = "paritone_fully_connected_t"
    rows: int
    depth: int
    outputs: int
    input_offset: int
    output_offset: int
    minimum: int
    maximum: int
    weights: Int8s
    bias: Int32s
    multiplier: Int32s
    shift: Int8s


@dataclass(frozen=True)
class Pool2D(Params):
    """AVERAGE_POOL_2D."""

    c_type: ClassVar[str] = "paritone_pool_2d_t"
    window: Window
    minimum: int
    maximum: int


@dataclass(frozen=True)
class MaxPool2D(Params):
    """MAX_POOL_2D; `padding` takes part where a window leaves the input."""

    c_type: ClassVar[str] = "paritone_max_pool_2d_t"
    window: Window
    minimum: int
    maximum: int
    padding: int

    @property
    def scratch_bytes(self) -> int:
        """A row of the input and a pixel."""
        return (self.window.in_width + 1) * self.window.in_channels


@dataclass(frozen=True)
class Reduce(Params):
    """MEAN and REDUCE_MAX; extents and strides of the kept and the reduced axes."""

    c_type: ClassVar[str] = "paritone_reduce_t"
    kept: Four
    kept_stride: Four
    reduced: Four
    reduced_stride: Four
    input_sum_offset: int
    output_offset: int
    multiplier: int
    shift: int


@dataclass(frozen=True, eq=False)
class Binary(Params):
    """ADD, SUB, MUL, MAXIMUM, MINIMUM, PRELU; a constant replaces an operand in the arena."""

    c_type: ClassVar[str] = "paritone_binary_t"
    shape: Four
    stride: tuple[Four, Four]
    constant: tuple[Int8s | None, Int8s | None]
    input_offset: Pair
    input_multiplier: Pair
    input_shift: Pair
    left_shift: int
    output_offset: int
    multiplier: int
    shift: int
    minimum: int
    maximum: int


@dataclass(frozen=True)
class Softmax(Params):
    """SOFTMAX over the last axis."""

    c_type: ClassVar[str] = "paritone_softmax_t"
    rows: int
    depth: int
    multiplier: int
    left_shift: int
    diff_min: int


@dataclass(frozen=True, eq=False)
class Lookup(Params):
    """LOOKUP; `table` is indexed by the stored byte."""

    c_type: ClassVar[str] = "paritone_lookup_t"
    table: UInt8s


@dataclass(frozen=True, eq=False)
class ChannelLookup(Params):
    """CHANNEL_LOOKUP; `table` [channels, 256] is indexed by the stored byte."""

    c_type: ClassVar[str] = "paritone_channel_lookup_t"
    channels: int
    table: UInt8s


@dataclass(frozen=True)
class Requantize(Params):
    """REQUANTIZE."""

    c_type: ClassVar[str] = "paritone_requantize_t"
    input_dtype: str
    output_dtype: str
    input_offset: int
    output_offset: int
    multiplier: int
    shift: int
    minimum: int
    maximum: int


@dataclass(frozen=True)
class Affine(Params):
    """QUANTIZE and DEQUANTIZE; `dtype` is the integer side."""

    c_type: ClassVar[str] = "paritone_affine_t"
    dtype: str
    scale: float
    zero_point: int


@dataclass(frozen=True)
class StridedCopy(Params):
    """TRANSPOSE, STRIDED_SLICE, SPLIT and CONCATENATION: where each value comes from and goes."""

    c_type: ClassVar[str] = "paritone_strided_copy_t"
    element_bytes: int
    shape: Four
    in_start: int
    in_stride: Four
    out_start: int
    out_stride: Four


@dataclass(frozen=True)
class Pad(Params):
    """PAD and PADV2; `value` is one element's bytes, filled up to four."""

    c_type: ClassVar[str] = "paritone_pad_t"
    element_bytes: int
    in_shape: Four
    before: Four
    after: Four
    value: Four

    @property
    def one_image(self) -> bool:
        """Whether the first axis is 1 and stays so."""
        return (self.in_shape[0], self.before[0], self.after[0]) == (1, 0, 0)

    @property
    def rows_read(self) -> Window:
        """Which rows of the input a row of the output needs: one, or none."""
        _, height, width, channels = self.in_shape
        out_height = self.before[1] + height + self.after[1]
        return Window(
            height, width, channels, out_height, width, channels, 1, 1, 1, 1, 1, 1,
            self.before[1], 0,
        )  # fmt: skip


def enum_name(dtype: str) -> str:
    """Name of NumPy's `dtype` in ``paritone_dtype_t``."""
    return f"PARITONE_{dtype.upper()}"


def arrays(params: Params) -> list[tuple[str, NDArray[Any]]]:
    """Tables that `params` refers to, by field name, in the order of its fields."""
    found: list[tuple[str, NDArray[Any]]] = []
    for name, value in vars(params).items():
        if isinstance(value, np.ndarray):
            found.append((name, value))
        elif isinstance(value, tuple):
            entries = [(f"{name}_{i}", v) for i, v in enumerate(value)]
            found += [(n, v) for n, v in entries if isinstance(v, np.ndarray)]
    return found
