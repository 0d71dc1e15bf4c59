/* The magnitude of one bin, by a table of square roots. */
#ifndef PARITONE_FRONTEND_ROOT_H
#define PARITONE_FRONTEND_ROOT_H

#include "frontend_fixed.h"

/* 2^14 sqrt(s) for 2^28 <= s <= 2^31, by a line through each 2^23: a table word holds its
 * slope in the low half and, as a whole, its offset: word + floor(s * slope / 2^16).
 * 0 for 0. The words are chosen at generation; s = 2^31 counts as -2^31 there too. */
static inline uint32_t root_q14(const uint32_t *table, uint32_t s) {
    const uint32_t word = table[s >> 23];
    const int16_t slope = (int16_t)(uint16_t)(word & 0xffffu);
    return word + (uint32_t)(int32_t)(((int64_t)(int32_t)s * slope) >> 16);
}

/* floor of sqrt(re^2 + im^2), nearly, for |re|, |im| <= 2^30: both parts are shifted up until
 * the larger one fills 32 bits, so that their squares' high words hold enough. */
static inline uint32_t magnitude_of(const uint32_t *table, int32_t re, int32_t im) {
    /* 0..31: bit 0 changes nothing but for (0, 0), where any shift does */
    const unsigned shift = clz32(sign_changes(re) | sign_changes(im) | 1u);
    const int32_t x = shift_up32(re, shift), y = shift_up32(im, shift);
    const uint32_t s = (uint32_t)mul_high32(x, x) + (uint32_t)mul_high32(y, y);
    return (root_q14(table, s) << 2) >> shift;
}

#endif
