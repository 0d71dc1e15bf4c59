/*
 * A real transform of n points through a complex one of n / 2: even samples are
 * the real parts, odd ones the imaginary parts.
 */
#include "cmsis_dsp_ref.h"
#include "q31.h"

/* Spectrum of the packed transform to that of the samples: bin k and its mirror image
 * from bins k and half - k. */
static void split(const q31_t *src, uint32_t half, const arm_rfft_instance_q31 *S, q31_t *dst) {
    const uint32_t step = 2u * S->twidCoefRModifier;
    for (uint32_t k = 1; k < half; k++) {
        const q31_t a_re = S->pTwiddleAReal[k * step], a_im = S->pTwiddleAReal[k * step + 1u];
        const q31_t b_re = S->pTwiddleBReal[k * step];
        const q31_t *p = &src[2u * k], *m = &src[2u * (half - k)];
        q31_t re = mul_round_q31(p[0], a_re);
        q31_t im = mul_round_q31(p[0], a_im);
        re = msub_round_q31(re, p[1], a_im);
        im = mac_round_q31(im, p[1], a_re);
        re = msub_round_q31(re, m[1], a_im);
        im = msub_round_q31(im, m[1], b_re);
        re = mac_round_q31(re, m[0], b_re);
        im = msub_round_q31(im, m[0], a_im);
        dst[2u * k] = re;
        dst[2u * k + 1u] = im;
        dst[2u * (2u * half - k)] = re;
        dst[2u * (2u * half - k) + 1u] = sub_q31(0, im);
    }
    dst[2u * half] = sub_q31(src[0], src[1]) >> 1;
    dst[2u * half + 1u] = 0;
    dst[0] = add_q31(src[0], src[1]) >> 1;
    dst[1] = 0;
}

/* The way back: bins 0 .. half of a spectrum to the packed one. */
static void join(const q31_t *src, uint32_t half, const arm_rfft_instance_q31 *S, q31_t *dst) {
    const uint32_t step = 2u * S->twidCoefRModifier;
    for (uint32_t k = 0; k < half; k++) {
        const q31_t a_re = S->pTwiddleAReal[k * step], a_im = S->pTwiddleAReal[k * step + 1u];
        const q31_t b_re = S->pTwiddleBReal[k * step];
        const q31_t *p = &src[2u * k], *m = &src[2u * (half - k)];
        q31_t re = mul_round_q31(p[0], a_re);
        q31_t im = mul_round_q31(p[0], sub_q31(0, a_im));
        re = mac_round_q31(re, p[1], a_im);
        im = mac_round_q31(im, p[1], a_re);
        re = mac_round_q31(re, m[1], a_im);
        im = msub_round_q31(im, m[1], b_re);
        re = mac_round_q31(re, m[0], b_re);
        im = mac_round_q31(im, m[0], a_im);
        dst[2u * k] = re;
        dst[2u * k + 1u] = im;
    }
}

void arm_rfft_q31(const arm_rfft_instance_q31 *S, q31_t *pSrc, q31_t *pDst) {
    const uint32_t half = S->fftLenReal / 2u;
    if (S->ifftFlagR == 1u) {
        join(pSrc, half, S, pDst);
        arm_cfft_q31(S->pCfft, pDst, S->ifftFlagR, S->bitReverseFlagR);
        arm_shift_q31(pDst, 1, pDst, S->fftLenReal);
    } else {
        arm_cfft_q31(S->pCfft, pSrc, S->ifftFlagR, S->bitReverseFlagR);
        split(pSrc, half, S, pDst);
    }
}
