/*
 * Frame scaled to full scale, windowed, transformed; magnitudes summed by mel filters,
 * the scaling taken back there; natural logarithm; cosine transform.
 */
#include "cmsis_dsp_ref.h"
#include "mfcc.h"

typedef struct {
    q15_t fraction;
    int8_t shift;
} gain_q15_t;

/* 32767 / peak, floored, as fraction * 2^shift with fraction in [1/2, 1). */
static gain_q15_t gain_to_full_scale(q15_t peak) {
    q31_t ratio = ((q31_t)INT16_MAX << 15) / peak;
    gain_q15_t gain = {0, 0};
    while (ratio > INT16_MAX) {
        ratio >>= 1;
        gain.shift++;
    }
    gain.fraction = (q15_t)ratio;
    return gain;
}

/* Mel sums in q29 over 2^MFCC_MEL_SHIFT and the FFT length. */
static void sum_filters(const arm_mfcc_instance_q15 *S, const q15_t *magnitude, q31_t *mel) {
    const q63_t micro = 537; /* 1e-6 in q29 */
    const q15_t *coefs = S->filterCoefs;
    for (uint32_t i = 0; i < S->nbMelFilters; i++) {
        q63_t sum;
        arm_dot_prod_q15(&magnitude[S->filterPos[i]], coefs, S->filterLengths[i], &sum);
        mel[i] = mfcc_saturate_q30((sum + micro) >> MFCC_MEL_SHIFT);
        coefs += S->filterLengths[i];
    }
}

/* q8.7 */
static void cosine_transform(const arm_mfcc_instance_q15 *S, const q15_t *logs, q15_t *dst) {
    for (uint32_t row = 0; row < S->nbDctOutputs; row++) {
        const q15_t *coefs = &S->dctCoefs[row * S->nbMelFilters];
        q63_t sum = 0;
        for (uint32_t i = 0; i < S->nbMelFilters; i++) {
            sum += (q31_t)coefs[i] * logs[i];
        }
        sum >>= 15;
        dst[row] = (q15_t)(sum > INT16_MAX ? INT16_MAX : sum < INT16_MIN ? INT16_MIN : sum);
    }
}

arm_status arm_mfcc_q15(const arm_mfcc_instance_q15 *S, q15_t *pSrc, q15_t *pDst, q31_t *pTmp) {
    q15_t peak, *spectrum = (q15_t *)pTmp; /* pTmp's first use; the mel sums come after it */
    uint32_t index;
    arm_absmax_q15(pSrc, S->fftLen, &peak, &index);
    const int scaled = peak != 0 && peak != INT16_MAX;
    if (scaled) {
        const gain_q15_t gain = gain_to_full_scale(peak);
        arm_scale_q15(pSrc, gain.fraction, gain.shift, pSrc, S->fftLen);
    }
    arm_mult_q15(pSrc, S->windowCoefs, pSrc, S->fftLen);
    arm_rfft_q15(&S->rfft, pSrc, spectrum);
    arm_cmplx_mag_q15(spectrum, pSrc, S->fftLen / 2u + 1u);
    sum_filters(S, pSrc, pTmp);
    if (scaled) {
        arm_scale_q31(pTmp, (q31_t)peak * 65536, 0, pTmp, S->nbMelFilters);
    }
    arm_vlog_q31(pTmp, pTmp, S->nbMelFilters);
    for (uint32_t i = 0; i < S->nbMelFilters; i++) {
        pSrc[i] = (q15_t)(mfcc_undo_scaling_q26(pTmp[i], S->fftLen) >> 19);
    }
    cosine_transform(S, pSrc, pDst);
    return ARM_MATH_SUCCESS;
}
