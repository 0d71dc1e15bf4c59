/*
 * A real transform of n points through a complex one of n / 2: even samples are
 * the real parts, odd ones the imaginary parts.
 */
#include "cmsis_dsp_ref.h"
#include "q15_complex.h"

/* Spectrum of the packed transform to that of the samples: bin k and its mirror image
 * from bins k and half - k. */
static void split(const q15_t *src, uint32_t half, const arm_rfft_instance_q15 *S, q15_t *dst) {
    const uint32_t step = 2u * S->twidCoefRModifier;
    for (uint32_t k = 1; k < half; k++) {
        const q15_t *a = &S->pTwiddleAReal[k * step], *b = &S->pTwiddleBReal[k * step];
        const q15_t *p = &src[2u * k], *m = &src[2u * (half - k)];
        const q15_t re = high_half_q15(mul_sub_q15(p[0], a[0], p[1], a[1]) +
                                       mul_add_q15(m[0], b[0], m[1], b[1]));
        const q15_t im = high_half_q15(mul_add_q15(p[1], a[0], p[0], a[1]) +
                                       mul_sub_q15(m[0], b[1], m[1], b[0]));
        dst[2u * k] = re;
        dst[2u * k + 1u] = im;
        dst[2u * (2u * half - k)] = re;
        dst[2u * (2u * half - k) + 1u] = (q15_t)-im; /* -32768 stays */
    }
    dst[2u * half] = half_sub_q15(src[0], src[1]);
    dst[2u * half + 1u] = 0;
    dst[0] = half_add_q15(src[0], src[1]);
    dst[1] = 0;
}

/* The way back: bins 0 .. half of a spectrum to the packed one. */
static void join(const q15_t *src, uint32_t half, const arm_rfft_instance_q15 *S, q15_t *dst) {
    const uint32_t step = 2u * S->twidCoefRModifier;
    for (uint32_t k = 0; k < half; k++) {
        const q15_t *a = &S->pTwiddleAReal[k * step], *b = &S->pTwiddleBReal[k * step];
        const q15_t *p = &src[2u * k], *m = &src[2u * (half - k)];
        dst[2u * k] = high_half_q15(mul_add_q15(p[0], a[0], p[1], a[1]) +
                                    mul_sub_q15(m[0], b[0], m[1], b[1]));
        dst[2u * k + 1u] = high_half_q15(mul_sub_q15(p[1], a[0], p[0], a[1]) -
                                         mul_add_q15(m[0], b[1], m[1], b[0]));
    }
}

void arm_rfft_q15(const arm_rfft_instance_q15 *S, q15_t *pSrc, q15_t *pDst) {
    const uint32_t half = S->fftLenReal / 2u;
    if (S->ifftFlagR == 1u) {
        join(pSrc, half, S, pDst);
        arm_cfft_q15(S->pCfft, pDst, S->ifftFlagR, S->bitReverseFlagR);
        arm_shift_q15(pDst, 1, pDst, S->fftLenReal);
    } else {
        arm_cfft_q15(S->pCfft, pSrc, S->ifftFlagR, S->bitReverseFlagR);
        split(pSrc, half, S, pDst);
    }
}
