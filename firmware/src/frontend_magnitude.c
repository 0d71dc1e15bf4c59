#include "frontend_fixed.h"
#include "frontend_stages.h"

/* 2^14 sqrt(s) for 2^28 <= s <= 2^31, by a line through each 2^23: a table word holds its
 * slope in the low half and, as a whole, its offset: word + floor(s * slope / 2^16).
 * The words are chosen at generation; s = 2^31 counts as -2^31 there too. */
static uint32_t root(const uint32_t *table, uint32_t s) {
    const uint32_t word = table[s >> 23];
    const int16_t slope = (int16_t)(uint16_t)(word & 0xffffu);
    return word + (uint32_t)(int32_t)(((int64_t)(int32_t)s * slope) >> 16);
}

/* floor of sqrt(re^2 + im^2), nearly: both parts are shifted up until the larger one fills
 * 32 bits, so that their squares' high words hold enough. */
static uint32_t magnitude_of(const uint32_t *table, int32_t re, int32_t im) {
    const unsigned shift = clz32(sign_changes(re) | sign_changes(im)); /* 0..31; 32 for 0 */
    if (shift == 32u) {
        return 0u;
    }
    const int32_t x = shift_up32(re, shift), y = shift_up32(im, shift);
    const uint32_t s = (uint32_t)mul_high32(x, x) + (uint32_t)mul_high32(y, y);
    return (root(table, s) << 2) >> shift;
}

void frontend_magnitude(const uint32_t *table, const int32_t *spectrum, size_t n,
                        uint32_t *magnitude) {
    for (size_t k = 0; k < n; k++) {
        magnitude[k] = magnitude_of(table, spectrum[2u * k], spectrum[2u * k + 1u]);
    }
}

void frontend_power(const int32_t *spectrum, size_t n, uint64_t *power) {
    for (size_t k = 0; k < n; k++) {
        const int64_t re = spectrum[2u * k], im = spectrum[2u * k + 1u];
        power[k] = (uint64_t)(re * re) + (uint64_t)(im * im);
    }
}
