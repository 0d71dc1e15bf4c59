/* Sums over pixels, channel by channel: MEAN over height and width. */
#ifndef PARITONE_CHANNEL_SUMS_H
#define PARITONE_CHANNEL_SUMS_H

#include <stdint.h>

#include "simd.h"

enum { CHANNEL_SUMS_LANES = 8, CHANNEL_SUMS_PIXELS = 256 };

/* sums[i] = input[i] + input[channels + i] + ..., over 1 .. CHANNEL_SUMS_PIXELS pixels, for
 * CHANNEL_SUMS_LANES neighbouring channels; |sum| <= 2^15. */
void paritone_channel_sums_c(const int8_t *input, int32_t pixels, int32_t channels,
                             int16_t sums[CHANNEL_SUMS_LANES]);

#if PARITONE_SIMD
/* The same; input and sums aligned to 4, channels a multiple of it. */
void paritone_channel_sums_simd(const int8_t *input, int32_t pixels, int32_t channels,
                                int16_t sums[CHANNEL_SUMS_LANES]);
#endif

/* The same for any number of pixels; |sum| <= 128 * pixels < 2^31. */
void paritone_channel_sums(const int8_t *input, int32_t pixels, int32_t channels,
                           int32_t sums[CHANNEL_SUMS_LANES]);

#endif
