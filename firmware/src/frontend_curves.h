/* Logarithm and code of one mel sum, by tables; what comes before and after the tables. */
#ifndef PARITONE_FRONTEND_CURVES_H
#define PARITONE_FRONTEND_CURVES_H

#include "frontend_fixed.h"
#include "paritone.h"

/* v = mantissa * 2^(octave - 31), cut to 32 bits, the leading one at the top; v > 0. */
typedef struct {
    uint32_t mantissa;
    int32_t octave;
} binary_t;

static inline binary_t binary_of(uint64_t v) {
    const unsigned zeros = clz64(v);
    const binary_t binary = {(uint32_t)((v << zeros) >> 32), 63 - (int32_t)zeros};
    return binary;
}

/* A mel sum with the offset, not below the floor: both of this frame's headroom, < 2^63. */
static inline uint64_t raised(uint64_t mel, uint64_t offset, uint64_t floor) {
    const uint64_t v = mel + offset;
    return v < floor ? floor : v;
}

/* Where the line of 1.f begins and ends in the table of logarithms: here and one further. */
static inline uint32_t log_place(binary_t v) { return (v.mantissa >> 23) & 0xffu; }

/* Logarithm of v = 1.f * 2^(octave - exponent), f cut to 23 bits: a line through each 1/256 of
 * f, from `low` to `high`, 2^17 apart at most. Rises with v, across octaves too: the table's
 * last entry is its first plus that of 2, `one` octave. */
static inline int32_t log_between(int32_t low, int32_t high, int32_t one, binary_t v,
                                  int32_t exponent) {
    const uint32_t rise = (uint32_t)(high - low), part = (v.mantissa >> 8) & 0x7fffu;
    return low + (int32_t)((rise * part) >> 15) + (v.octave - exponent) * one;
}

/* v as one rising word, its fraction cut to 23 bits: what codes are read by. */
static inline uint32_t code_word(binary_t v, int32_t first_octave) {
    return ((uint32_t)(v.octave - first_octave - 1) << 23) + (v.mantissa >> 8);
}

/* Its cell in the table of codes: by its octave and its fraction's first bits. */
static inline uint32_t code_place(uint32_t word, unsigned bits) { return word >> (23u - bits); }

/* Its code: that of the cell's start, or the next one; a cell holds one step at most. */
static inline uint8_t code_at(uint8_t code, uint32_t end, uint32_t word) {
    return (uint8_t)(code + (word >= end ? 1u : 0u));
}

/* floor(log * multiplier / 2^shift + 1/2) + zero point, clipped; |log|, multiplier < 2^31 */
static inline int32_t quantized(const paritone_frontend_t *f, int32_t log) {
    const int64_t half = (int64_t)1 << (f->input_shift - 1);
    const int64_t v = (((int64_t)log * f->input_multiplier + half) >> f->input_shift) +
                      f->input_zero_point;
    const int32_t low = f->dtype == PARITONE_INT8 ? INT8_MIN : 0;
    const int32_t high = f->dtype == PARITONE_INT8 ? INT8_MAX : UINT8_MAX;
    return v < low ? low : v > high ? high : (int32_t)v;
}

/* The logarithm's value; 2^-log_bits is a power of two, so the product is exact. */
static inline float log_value(const paritone_frontend_t *f, int32_t log) {
    return (float)log * (1.0f / (float)((uint32_t)1 << f->log_bits));
}

#endif
