/*
 * The fixed-point steps of the kernels, one function each.
 *
 * Right shifts of negative values floor: every compiler this builds on does so.
 * Sums wrap, as the core's instructions do.
 */
#ifndef CMSIS_DSP_REF_Q31_H
#define CMSIS_DSP_REF_Q31_H

#include "cmsis_dsp_ref.h"

static inline q31_t add_q31(q31_t a, q31_t b) { return (q31_t)((uint32_t)a + (uint32_t)b); }

static inline q31_t sub_q31(q31_t a, q31_t b) { return (q31_t)((uint32_t)a - (uint32_t)b); }

/* 2a, wrapped */
static inline q31_t twice_q31(q31_t a) { return (q31_t)((uint32_t)a << 1); }

/* floor(ab / 2^32): SMMUL */
static inline q31_t mul_high_q31(q31_t a, q31_t b) { return (q31_t)(((q63_t)a * b) >> 32); }

/* 2^32 sum + ab rounded to a multiple of 2^32, over 2^32: SMMLAR, SMMLSR and, from 0, SMMULR.
 * The sum is formed modulo 2^64, its upper word taken. */
static inline q31_t round_high_q31(uint64_t sum) { return (q31_t)((sum + 0x80000000u) >> 32); }

static inline q31_t mac_round_q31(q31_t sum, q31_t a, q31_t b) {
    return round_high_q31(((uint64_t)(uint32_t)sum << 32) + (uint64_t)((q63_t)a * b));
}

static inline q31_t msub_round_q31(q31_t sum, q31_t a, q31_t b) {
    return round_high_q31(((uint64_t)(uint32_t)sum << 32) - (uint64_t)((q63_t)a * b));
}

static inline q31_t mul_round_q31(q31_t a, q31_t b) { return mac_round_q31(0, a, b); }

static inline q31_t saturate_q31(q63_t v) {
    return v > INT32_MAX ? INT32_MAX : v < INT32_MIN ? INT32_MIN : (q31_t)v;
}

/* |v|, 0x7FFFFFFF of -1.0 */
static inline q31_t absolute_q31(q31_t v) { return v < 0 ? saturate_q31(-(q63_t)v) : v; }

/* Leading zeros of a word, 32 of 0: CLZ. */
static inline uint32_t leading_zeros(uint32_t v) {
    uint32_t zeros = v == 0u ? 32u : 0u;
    for (uint32_t step = 16; step != 0u && v != 0u; step /= 2u) {
        if (v >> (32u - step) == 0u) {
            v <<= step;
            zeros += step;
        }
    }
    return zeros;
}

#endif
