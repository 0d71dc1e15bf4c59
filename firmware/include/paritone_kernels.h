/*
 * The kernels and their parameters: the layout of a generated model.
 *
 * Included by generated files and by firmware/src; an application needs only
 * paritone.h. Tensors are NHWC, dense. Everything that depends on shapes and
 * quantization was computed by the generator, with the formulas of TensorFlow
 * Lite's reference kernels, and is trusted here.
 *
 * Common members:
 *   input_offset   minus the input's zero point, -127 .. 128 (int8)
 *   output_offset  the output's zero point
 *   multiplier, shift   the real factor multiplier * 2^(shift - 31);
 *                  multiplier 0 or 2^30 .. 2^31 - 1, shift -31 .. 30
 *   minimum, maximum   the output's range, fused activation included
 */
#ifndef PARITONE_KERNELS_H
#define PARITONE_KERNELS_H

#include "paritone.h"

/* Window of a convolution or pooling; batch is 1. */
typedef struct {
    uint16_t in_height, in_width, in_channels;
    uint16_t out_height, out_width, out_channels;
    uint16_t height, width; /* of the window */
    uint16_t stride_height, stride_width;
    uint16_t dilation_height, dilation_width;
    uint16_t pad_top, pad_left;
} paritone_window_t;

/* weights [out_channels][height][width][in_channels / groups] */
typedef struct {
    paritone_window_t window;
    int32_t groups;
    int32_t input_offset, output_offset;
    int32_t minimum, maximum;
    const int8_t *weights;
    const int32_t *bias;       /* [out_channels] */
    const int32_t *multiplier; /* [out_channels] */
    const int8_t *shift;       /* [out_channels] */
} paritone_conv_2d_t;

/* ADD and SUB of two tensors of one shape: sat8(weight[0] * a + weight[1] * b + start). A weight of
 * 2^24 and a start of 2^16 are one; products are floored to 2^-16, their sums stay in int32. */
typedef struct {
    int32_t weight[2];
    int32_t start;
} paritone_weighted_sum_t;

/*
 * CONV_2D without groups, by packed products (src/products.h). Channels come in groups of four,
 * filled up by channels without weights; sums are of raw inputs, offset and bias are in constants.
 *
 * A layer whose outputs all lie on one side of the zero point has `start` and `addend`:
 *   sat8(((sum + chunks * 2^20 + start) * factor >> 32)
 *        + base + addend - chunks * (factor >> 12) >> shift), shift 0 .. 6
 * any other has `correction` and `right` in their place, the zero point in `base`:
 *   twice = 2 * (sum + chunks * 2^20) + correction
 *   half = (2 * base + 1) * 2^(right - 1)
 *   sat8((twice * factor + 2^31 >> 32) + (twice >> 31) + half >> right)
 * and the generator has proven that this is what the reference gives for every input.
 */
typedef struct {
    paritone_window_t window;
    uint16_t depth; /* values of a window: height * width * in_channels */
    uint16_t block; /* triples of pixels that are packed at once */
    int8_t padding; /* value outside of the input: its zero point */
    uint8_t padded; /* whether a window leaves the input */
    int8_t minimum, maximum;
    int32_t base;
    uint8_t shift;
    uint8_t pairs; /* for PRODUCTS_PAIRS: depth is a multiple of four, wide [groups][2][depth] */
    const int32_t *weights; /* [groups][depth], four in a word, the first in the lowest byte */
    const int32_t *wide;    /* or [groups][depth][2], two in a word: first + second * 2^21 */
    const int32_t *coded;   /* or entropy-coded: src/products_decode.h */
    const uint8_t *chunks;  /* [groups] of each; null: 1 */
    const int32_t *factor;  /* [groups][4], this and what follows */
    const int16_t *start;
    const uint16_t *addend;
    const int32_t *correction;
    const uint8_t *right;
    const int32_t *sum; /* PRODUCTS_SUM: [3] weights and start of a paritone_weighted_sum_t of the
                           second operand, of the output's shape, and what is made above */
} paritone_products_t;

/* weights [height][width][out_channels], out_channels = in_channels * depth_multiplier */
typedef struct {
    paritone_window_t window;
    int32_t depth_multiplier;
    int32_t input_offset, output_offset;
    int32_t minimum, maximum;
    const int8_t *weights;
    const int32_t *bias;
    const int32_t *multiplier;
    const int8_t *shift;
} paritone_depthwise_conv_2d_t;

/* A window of 3 x 3, one of whose columns at most lies beside the input on either side, channels
 * in multiples of four. An output is
 *   sat8(((start + dot) * factor >> 32) + base + addend >> shift), shift 0 .. 6,
 * then clamped; dot is the sum of weights times raw inputs, of zero points outside. The generator
 * has proven that it is the reference's, and that nothing overflows where both sums are
 * 2^(6 - shift) times as large. */
typedef struct {
    paritone_window_t window;
    uint16_t rows; /* of output at a time: it sets the size of the scratch memory */
    int8_t input_zero_point;
    uint8_t shift;
    int32_t base;
    int8_t minimum, maximum;
    const int8_t *weights; /* [out_channels][3][3] */
    const int16_t *start;  /* [out_channels] */
    const int32_t *factor; /* [out_channels] */
    const uint16_t *addend; /* [out_channels] */
} paritone_depthwise_lines_t;

/* rows of `depth` values times weights [outputs][depth] */
typedef struct {
    int32_t rows, depth, outputs;
    int32_t input_offset, output_offset;
    int32_t minimum, maximum;
    const int8_t *weights;
    const int32_t *bias;       /* [outputs] */
    const int32_t *multiplier; /* [outputs] */
    const int8_t *shift;       /* [outputs] */
} paritone_fully_connected_t;

typedef struct {
    paritone_window_t window;
    int32_t minimum, maximum;
} paritone_pool_2d_t;

/* MAX_POOL_2D; scratch [in_width * in_channels + in_channels] */
typedef struct {
    paritone_window_t window;
    int32_t minimum, maximum;
    int32_t padding; /* what lies around the input: a value, or the least one */
} paritone_max_pool_2d_t;

/* Kept dimensions outside, reduced ones inside; strides in elements, outermost first. */
typedef struct {
    int32_t kept[PARITONE_MAX_RANK], kept_stride[PARITONE_MAX_RANK];
    int32_t reduced[PARITONE_MAX_RANK], reduced_stride[PARITONE_MAX_RANK];
    int32_t input_sum_offset; /* minus zero point times the number of values reduced */
    int32_t output_offset;
    int32_t multiplier, shift;
} paritone_reduce_t;

/* Element-wise with broadcasting: a stride of 0 repeats. */
typedef struct {
    int32_t shape[PARITONE_MAX_RANK];
    int32_t stride[2][PARITONE_MAX_RANK];
    const int8_t *constant[2]; /* in place of an operand in the arena; else null */
    int32_t input_offset[2];
    int32_t input_multiplier[2], input_shift[2]; /* ADD, SUB; PRELU above zero */
    int32_t left_shift;                          /* ADD and SUB */
    int32_t output_offset, multiplier, shift;
    int32_t minimum, maximum;
} paritone_binary_t;

/* rows of `depth` scores */
typedef struct {
    int32_t rows, depth;
    int32_t multiplier, left_shift; /* input step in Q5.26 */
    int32_t diff_min;               /* below the maximum by more: exp is 0 */
} paritone_softmax_t;

/* One stored byte for each: an int8 value indexes as its two's complement. */
typedef struct {
    const uint8_t *table; /* [256] */
} paritone_lookup_t;

/* The same with a table for each channel of the last axis. */
typedef struct {
    int32_t channels;
    const uint8_t *table; /* [channels][256] */
} paritone_channel_lookup_t;

/* REQUANTIZE */
typedef struct {
    paritone_dtype_t input_dtype, output_dtype;
    int32_t input_offset, output_offset;
    int32_t multiplier, shift;
    int32_t minimum, maximum;
} paritone_requantize_t;

/* QUANTIZE and DEQUANTIZE: `dtype` is the integer side */
typedef struct {
    paritone_dtype_t dtype;
    float scale;
    int32_t zero_point;
} paritone_affine_t;

/* A block of `shape` from one tensor to another; starts and strides in elements. */
typedef struct {
    int32_t element_bytes;
    int32_t shape[PARITONE_MAX_RANK];
    int32_t in_start, in_stride[PARITONE_MAX_RANK];
    int32_t out_start, out_stride[PARITONE_MAX_RANK];
} paritone_strided_copy_t;

typedef struct {
    int32_t element_bytes;
    int32_t in_shape[PARITONE_MAX_RANK];
    int32_t before[PARITONE_MAX_RANK], after[PARITONE_MAX_RANK];
    uint8_t value[4]; /* one element */
} paritone_pad_t;

paritone_kernel_t paritone_conv_2d;
paritone_kernel_t paritone_products;
paritone_kernel_t paritone_products_coded;
paritone_kernel_t paritone_products_sum;
paritone_kernel_t paritone_products_coded_sum;
paritone_kernel_t paritone_products_pairs;
paritone_kernel_t paritone_products_pairs_sum;
paritone_kernel_t paritone_depthwise_conv_2d;
paritone_kernel_t paritone_depthwise_lines;
paritone_kernel_t paritone_fully_connected;
paritone_kernel_t paritone_average_pool_2d;
paritone_kernel_t paritone_max_pool_2d;
paritone_kernel_t paritone_mean;
paritone_kernel_t paritone_reduce_max;
paritone_kernel_t paritone_add;
paritone_kernel_t paritone_sub;
paritone_kernel_t paritone_mul;
paritone_kernel_t paritone_maximum;
paritone_kernel_t paritone_minimum;
paritone_kernel_t paritone_prelu;
paritone_kernel_t paritone_lookup;
paritone_kernel_t paritone_weighted_sum;
paritone_kernel_t paritone_channel_lookup;
paritone_kernel_t paritone_softmax;
paritone_kernel_t paritone_quantize;
paritone_kernel_t paritone_requantize;
paritone_kernel_t paritone_dequantize;
paritone_kernel_t paritone_strided_copy;
paritone_kernel_t paritone_pad;

#endif
