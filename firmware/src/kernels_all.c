/* The table of every kernel: for builds that serve any model. */
#include "paritone_kernels.h"

const paritone_kernels_t paritone_kernels_all = {{
    [PARITONE_KERNEL_CONV_2D] = paritone_conv_2d,
    [PARITONE_KERNEL_PRODUCTS] = paritone_products,
    [PARITONE_KERNEL_DEPTHWISE_CONV_2D] = paritone_depthwise_conv_2d,
    [PARITONE_KERNEL_DEPTHWISE_LINES] = paritone_depthwise_lines,
    [PARITONE_KERNEL_FULLY_CONNECTED] = paritone_fully_connected,
    [PARITONE_KERNEL_AVERAGE_POOL_2D] = paritone_average_pool_2d,
    [PARITONE_KERNEL_MAX_POOL_2D] = paritone_max_pool_2d,
    [PARITONE_KERNEL_MEAN] = paritone_mean,
    [PARITONE_KERNEL_REDUCE_MAX] = paritone_reduce_max,
    [PARITONE_KERNEL_ADD] = paritone_add,
    [PARITONE_KERNEL_MUL] = paritone_mul,
    [PARITONE_KERNEL_LOOKUP] = paritone_lookup,
    [PARITONE_KERNEL_SOFTMAX] = paritone_softmax,
    [PARITONE_KERNEL_QUANTIZE] = paritone_quantize,
    [PARITONE_KERNEL_REQUANTIZE] = paritone_requantize,
    [PARITONE_KERNEL_DEQUANTIZE] = paritone_dequantize,
    [PARITONE_KERNEL_STRIDED_COPY] = paritone_strided_copy,
    [PARITONE_KERNEL_PAD] = paritone_pad,
    [PARITONE_KERNEL_SUB] = paritone_sub,
    [PARITONE_KERNEL_MAXIMUM] = paritone_maximum,
    [PARITONE_KERNEL_MINIMUM] = paritone_minimum,
    [PARITONE_KERNEL_PRELU] = paritone_prelu,
    [PARITONE_KERNEL_WEIGHTED_SUM] = paritone_weighted_sum,
    [PARITONE_KERNEL_CHANNEL_LOOKUP] = paritone_channel_lookup,
}};
