/* The magnitude of one bin, by a table of square roots. */
#ifndef PARITONE_FRONTEND_ROOT_H
#define PARITONE_FRONTEND_ROOT_H

#include "frontend_fixed.h"

/* What the root is taken of: a sum of squares of parts shifted up. */
typedef struct {
    uint32_t square;
    unsigned shift;
} root_t;

/* (re^2 + im^2) 2^(2 shift - 32), nearly: 0 or 2^28 .. 2^31, as both parts are shifted
 * up until the larger one fills 32 bits, so that their squares' high words hold enough.
 *   |re|, |im| <= 2^30
 *   shift  0..31: bit 0 of the sign changes has no say but for (0, 0), where any shift does */
static inline root_t root_of(int32_t re, int32_t im) {
    const unsigned shift = clz32(sign_changes(re) | sign_changes(im) | 1u);
    const int32_t x = shift_up32(re, shift), y = shift_up32(im, shift);
    const root_t root = {(uint32_t)mul_high32(x, x) + (uint32_t)mul_high32(y, y), shift};
    return root;
}

/* 2^14 sqrt(s) for 2^28 <= s <= 2^31, by a line through each 2^23: table word s >> 23 holds
 * its slope in the low half and, as a whole, its offset: word + floor(s * slope / 2^16).
 * Word 0 for 0, below 2^28, that its magnitude be 0; words 1..31 are not read. The words are
 * chosen at generation; s = 2^31 counts as -2^31 there too. */
static inline uint32_t root_q14(uint32_t word, uint32_t s) {
    return word + (uint32_t)mul_high32((int32_t)s, shift_up32((int32_t)word, 16u));
}

/* sqrt(re^2 + im^2), nearly, halves rounded up; the sum stays below 2^32. */
static inline uint32_t magnitude_of(const uint32_t *table, int32_t re, int32_t im) {
    const root_t root = root_of(re, im);
    const uint32_t half = ((uint32_t)1 << root.shift) >> 1;
    return ((root_q14(table[root.square >> 23], root.square) << 2) + half) >> root.shift;
}

#endif
