/*
 * What the init functions fill in, to the last word of every table: too small an error of a twiddle
 * factor to show in 10,000 transforms shows here. Lengths that are no power of two are refused.
 */
#include "comparison.h"

static uint32_t refused(uint32_t vector) { return vector % 64u == 63u; }

/* 16 .. 4096, or a length that does not exist. */
static uint32_t cfft_length(uint32_t vector) {
    return (fft_length(vector) >> vector % 2u) + (refused(vector) != 0u ? 7u : 0u);
}

static uint32_t rfft_length(uint32_t vector) {
    return fft_length(vector) + (refused(vector) != 0u ? 7u : 0u);
}

static uint32_t fill_nothing(uint32_t vector, void *input) {
    (void)vector;
    (void)input;
    return 0;
}

/* Every field and table of an instance, 32 bits each. */
#define CFFT(q)                                                                               \
    static uint32_t list_cfft_##q(const arm_cfft_instance_##q *s, int32_t *out) {             \
        uint32_t n = 0;                                                                       \
        out[n++] = s->fftLen;                                                                 \
        out[n++] = s->bitRevLength;                                                           \
        for (uint32_t i = 0; i < 3u * s->fftLen / 2u; i++) {                                  \
            out[n++] = s->pTwiddle[i];                                                        \
        }                                                                                     \
        for (uint32_t i = 0; i < s->bitRevLength; i++) {                                      \
            out[n++] = s->pBitRevTable[i];                                                    \
        }                                                                                     \
        return n;                                                                             \
    }                                                                                         \
    static uint32_t run_cfft_##q(uint32_t v, void *input, void *output) {                     \
        int32_t *const out = output;                                                          \
        arm_cfft_instance_##q s;                                                              \
        (void)input;                                                                          \
        out[0] = arm_cfft_init_##q(&s, (uint16_t)cfft_length(v));                             \
        return 1u + (out[0] == ARM_MATH_SUCCESS ? list_cfft_##q(&s, out + 1) : 0u);           \
    }

#define RFFT(q)                                                                               \
    static uint32_t list_split_##q(const arm_rfft_instance_##q *s, int32_t *out) {            \
        uint32_t n = 0;                                                                       \
        for (uint32_t k = 0; k < s->fftLenReal / 2u; k++) {                                   \
            const uint32_t i = 2u * k * s->twidCoefRModifier;                                 \
            out[n++] = s->pTwiddleAReal[i];                                                   \
            out[n++] = s->pTwiddleAReal[i + 1u];                                              \
            out[n++] = s->pTwiddleBReal[i];                                                   \
            out[n++] = s->pTwiddleBReal[i + 1u];                                              \
        }                                                                                     \
        return n;                                                                             \
    }                                                                                         \
    static uint32_t run_rfft_##q(uint32_t v, void *input, void *output) {                     \
        int32_t *const out = output;                                                          \
        arm_rfft_instance_##q s;                                                              \
        (void)input;                                                                          \
        out[0] = arm_rfft_init_##q(&s, rfft_length(v), v / 2u % 2u, v / 4u % 2u);             \
        if (out[0] != ARM_MATH_SUCCESS) {                                                     \
            return 1;                                                                         \
        }                                                                                     \
        out[1] = (int32_t)s.fftLenReal;                                                       \
        out[2] = s.ifftFlagR;                                                                 \
        out[3] = s.bitReverseFlagR;                                                           \
        out[4] = s.pCfft->fftLen;                                                             \
        return 5u + list_split_##q(&s, out + 5);                                              \
    }

CFFT(q15)
CFFT(q31)
RFFT(q15)
RFFT(q31)

const kernel_t KERNELS[] = {
    {"arm_cfft_init_q15", 4, fill_nothing, run_cfft_q15},
    {"arm_cfft_init_q31", 4, fill_nothing, run_cfft_q31},
    {"arm_rfft_init_q15", 4, fill_nothing, run_rfft_q15},
    {"arm_rfft_init_q31", 4, fill_nothing, run_rfft_q31},
    {0, 0, 0, 0},
};
