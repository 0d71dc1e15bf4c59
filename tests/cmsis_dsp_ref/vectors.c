#include "vectors.h"

#define Q31_MAX 0x7FFFFFFF
#define Q31_MIN (-Q31_MAX - 1)

uint32_t mix(uint32_t x) {
    x ^= x >> 16;
    x *= 0x85EBCA6Bu;
    x ^= x >> 13;
    x *= 0xC2B2AE35u;
    return x ^ x >> 16;
}

/* sin of 2 pi phase / 2^32 by Bhaskara's formula, within 0.2 %: 16 u / (5 pi^2 - 4 u) with
 * u = x (pi - x), here in units of half a turn / 2^16. */
static int32_t sine_q31(uint32_t phase) {
    const uint64_t x = (phase & 0x7FFFFFFFu) >> 15;
    const uint64_t u = x * (65536u - x);
    const uint64_t y = (u << 33) / (((uint64_t)5 << 30) - u);
    const int32_t magnitude = y > Q31_MAX ? Q31_MAX : (int32_t)y;
    return phase >> 31 != 0u ? -magnitude : magnitude;
}

typedef struct {
    uint32_t kind, seed, count, bits; /* bits after the sign: 15 or 31 */
} signal_t;

static int32_t full_scale(uint32_t positive) { return positive != 0u ? Q31_MAX : Q31_MIN; }

static int32_t noise_q31(const signal_t *s, uint32_t i, uint32_t level) {
    return (int32_t)mix(s->seed + i * GOLDEN) >> level * (s->bits - 2u) / 4u;
}

static int32_t sample_q31(const signal_t *s, uint32_t i) {
    const uint32_t place = s->seed % s->count, gaps = s->count > 1u ? s->count - 1u : 1u;
    const uint32_t phase = s->seed + i * (mix(s->seed) >> s->seed % 8u);
    switch (s->kind) {
    case 0:
        return 0;
    case 1:
        return i == place ? Q31_MAX : 0;
    case 2:
        return i == place ? Q31_MIN : 0;
    case 3:
        return Q31_MAX;
    case 4:
        return Q31_MIN;
    case 5:
        return full_scale(i / (1u + s->seed % 16u) & 1u);
    case 6:
        return full_scale(i & 1u);
    case 7:
        return (int32_t)(0x80000000u + i * (0xFFFFFFFFu / gaps));
    case 8:
        return (int32_t)((i - s->count / 2u) << (31u - s->bits));
    case 9:
        return sine_q31(phase);
    case 10:
        return sine_q31(phase) >> (1u + (s->seed >> 8) % (s->bits - 1u));
    default:
        return noise_q31(s, i, s->kind - 11u);
    }
}

static signal_t make_signal(uint32_t vector, uint32_t stream, uint32_t kind, uint32_t count,
                            uint32_t bits) {
    const signal_t signal = {kind, mix(vector * GOLDEN + stream), count, bits};
    return signal;
}

void fill_q31(uint32_t vector, uint32_t stream, uint32_t kind, uint32_t count, int32_t *out) {
    const signal_t signal = make_signal(vector, stream, kind, count, 31);
    for (uint32_t i = 0; i < count; i++) {
        out[i] = sample_q31(&signal, i);
    }
}

void fill_q15(uint32_t vector, uint32_t stream, uint32_t kind, uint32_t count, int16_t *out) {
    const signal_t signal = make_signal(vector, stream, kind, count, 15);
    for (uint32_t i = 0; i < count; i++) {
        out[i] = (int16_t)(sample_q31(&signal, i) >> 16);
    }
}

uint32_t block_size(uint32_t vector) { return 1u + mix(vector) % 64u; }

uint32_t fft_kind(uint32_t vector) { return vector % KINDS; }

uint32_t fft_inverse(uint32_t vector) { return vector / KINDS % 2u; }

uint32_t fft_length(uint32_t vector) {
    uint32_t length = 32;
    for (uint32_t run = vector / (2u * KINDS); (run & 1u) != 0u && length < 4096u; run >>= 1) {
        length *= 2u;
    }
    return length;
}
