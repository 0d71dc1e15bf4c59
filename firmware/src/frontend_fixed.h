/*
 * Fixed-point steps that the frontend's stages share.
 *
 * Right shifts of negative values floor: every compiler this builds on does so.
 */
#ifndef PARITONE_FRONTEND_FIXED_H
#define PARITONE_FRONTEND_FIXED_H

#include <stdint.h>

/* Zeros above the highest one of v; 32 for 0. */
static inline unsigned clz32(uint32_t v) {
#if defined(__GNUC__)
    return v == 0u ? 32u : (unsigned)__builtin_clz(v);
#else
    unsigned zeros = 32u;
    for (; v != 0u; v >>= 1) {
        zeros--;
    }
    return zeros;
#endif
}

static inline unsigned clz64(uint64_t v) {
    const uint32_t high = (uint32_t)(v >> 32);
    return high != 0u ? clz32(high) : 32u + clz32((uint32_t)v);
}

/* v * 2^shift in 32 bits; the caller knows that it fits. */
static inline int32_t shift_up32(int32_t v, unsigned shift) {
    return (int32_t)((uint32_t)v << shift);
}

/* v for v >= 0, -v - 1 else: as many bits as the magnitude needs. */
static inline uint32_t ones_magnitude(int32_t v) { return (uint32_t)(v ^ (v >> 31)); }

/* floor(a b / 2^32) */
static inline int32_t mul_high32(int32_t a, int32_t b) {
    return (int32_t)(((int64_t)a * b) >> 32);
}

/* Bit i + 1 set where bits i + 1 and i differ: as many zeros on top as v can be shifted up. */
static inline uint32_t sign_changes(int32_t v) { return (uint32_t)v ^ ((uint32_t)v << 1); }

/* floor(a b / 2^32), a b < 2^96 */
static inline uint64_t mul_high96(uint32_t a, uint64_t b) {
    return (uint64_t)a * (b >> 32) + (((uint64_t)a * (uint32_t)b) >> 32);
}

#endif
