/* CHANNEL_LOOKUP: the inner loop in its two forms. */
#ifndef PARITONE_CHANNEL_LOOKUP_H
#define PARITONE_CHANNEL_LOOKUP_H

#include "paritone_kernels.h"
#include "simd.h"

/* Neighbouring channels of `pixels` pixels, `channels` apart: output = table[channel][input].
 * input and output are the first channel's and may be the same. */
void paritone_channel_lookup_c(const uint8_t *input, uint8_t *output, const uint8_t *table,
                               int32_t pixels, int32_t channels, int32_t neighbours);

#if PARITONE_SIMD
/* The same for 16 and for 4 neighbours; input and output aligned to 4, channels a multiple of it,
 * pixels at least 1. */
void paritone_channel_lookup_16_simd(const uint8_t *input, uint8_t *output, const uint8_t *table,
                                     int32_t pixels, int32_t channels);
void paritone_channel_lookup_4_simd(const uint8_t *input, uint8_t *output, const uint8_t *table,
                                    int32_t pixels, int32_t channels);
#endif

#endif
