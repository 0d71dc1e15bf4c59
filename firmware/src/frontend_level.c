#include "frontend_stages.h"

/* floor(sum / 2^shift), at most 2^32 - 1, for sum = high * 2^32 + low, shift 0..95 */
static uint32_t shift_down(uint64_t high, uint32_t low, unsigned shift) {
    const uint64_t beyond = shift < 32u ? high >> shift : high >> (shift - 32u) >> 32;
    if (beyond != 0u) {
        return UINT32_MAX;
    }
    if (shift >= 32u) {
        return (uint32_t)(high >> (shift - 32u));
    }
    return (uint32_t)(high << (32u - shift)) | low >> shift;
}

uint32_t paritone_level(const paritone_frontend_t *f, const uint64_t *mel, unsigned headroom) {
    const unsigned shift = (unsigned)f->mel_exponent + headroom * f->power - 10u;
    uint64_t high = 0, low = 0; /* 256 bands below 2^62 need more than 64 bits */
    uint32_t j = 0;
    for (; j + 1u < f->n_mels; j += 2u) {
        high += (uint32_t)(mel[j] >> 32) + (uint32_t)(mel[j + 1u] >> 32); /* 2^30 each */
        low += (mel[j] & UINT32_MAX) + (mel[j + 1u] & UINT32_MAX);
    }
    if (j < f->n_mels) {
        high += mel[j] >> 32;
        low += mel[j] & UINT32_MAX;
    }
    return shift_down(high + (low >> 32), (uint32_t)low, shift);
}
