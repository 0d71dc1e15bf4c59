#include "frontend_fixed.h"
#include "frontend_stages.h"

/* 2^14 sqrt(s) for 2^28 <= s <= 2^31, by a line through each 2^23: a table word holds its
 * slope in the low half and, as a whole, its offset: word + floor(s * slope / 2^16).
 * 0 for 0. The words are chosen at generation; s = 2^31 counts as -2^31 there too. */
static uint32_t root(const uint32_t *table, uint32_t s) {
    const uint32_t word = table[s >> 23];
    const int16_t slope = (int16_t)(uint16_t)(word & 0xffffu);
    return word + (uint32_t)(int32_t)(((int64_t)(int32_t)s * slope) >> 16);
}

/* 2 sqrt(re^2 + im^2), rounded, for |re|, |im| <= 2^30: both parts are shifted up until
 * the larger one fills 32 bits, so that their squares' high words hold enough. */
static uint32_t twice_magnitude(const uint32_t *table, int32_t re, int32_t im) {
    const unsigned shift = clz32(ones_magnitude(re) | ones_magnitude(im)) - 1u; /* 1..31 */
    const int32_t x = shift_up32(re, shift), y = shift_up32(im, shift);
    const uint32_t s = (uint32_t)mul_high32(x, x) + (uint32_t)mul_high32(y, y);
    return shift_round32(root(table, s) << 2, shift - 1u);
}

void frontend_magnitude(const paritone_frontend_t *f, const int32_t *spectrum,
                        uint32_t *magnitude) {
    const int32_t *x = &spectrum[2u * f->first_bin];
    for (uint32_t k = 0; k < f->n_bins; k++) {
        magnitude[k] = twice_magnitude(f->root, x[2u * k], x[2u * k + 1u]);
    }
}

void frontend_power(const paritone_frontend_t *f, const int32_t *spectrum, uint64_t *power) {
    const int32_t *x = &spectrum[2u * f->first_bin];
    for (uint32_t k = 0; k < f->n_bins; k++) {
        const int64_t re = x[2u * k], im = x[2u * k + 1u];
        power[k] = (uint64_t)(re * re) + (uint64_t)(im * im);
    }
}
