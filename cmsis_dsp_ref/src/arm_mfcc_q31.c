/*
 * Frame scaled to full scale, windowed, transformed; magnitudes summed by mel filters,
 * the scaling taken back there; natural logarithm; cosine transform.
 */
#include "cmsis_dsp_ref.h"
#include "mfcc.h"

typedef struct {
    q31_t fraction;
    int8_t shift;
} gain_q31_t;

/* (2^31 - 1) / peak, floored, as fraction * 2^shift with fraction in [1/2, 1). */
static gain_q31_t gain_to_full_scale(q31_t peak) {
    q63_t ratio = ((q63_t)INT32_MAX << 31) / peak;
    gain_q31_t gain = {0, 0};
    while (ratio > INT32_MAX) {
        ratio >>= 1;
        gain.shift++;
    }
    gain.fraction = (q31_t)ratio;
    return gain;
}

/* Mel sums in q29 over 2^MFCC_MEL_SHIFT and the FFT length. */
static void sum_filters(const arm_mfcc_instance_q31 *S, const q31_t *magnitude, q31_t *mel) {
    const q63_t micro = 140737488; /* 1e-6 in q47, the format of the sums */
    const q31_t *coefs = S->filterCoefs;
    for (uint32_t i = 0; i < S->nbMelFilters; i++) {
        q63_t sum;
        arm_dot_prod_q31(&magnitude[S->filterPos[i]], coefs, S->filterLengths[i], &sum);
        mel[i] = mfcc_saturate_q30((sum + micro) >> (MFCC_MEL_SHIFT + 18));
        coefs += S->filterLengths[i];
    }
}

/* q8.23; sums wrap */
static void cosine_transform(const arm_mfcc_instance_q31 *S, const q31_t *logs, q31_t *dst) {
    for (uint32_t row = 0; row < S->nbDctOutputs; row++) {
        const q31_t *coefs = &S->dctCoefs[row * S->nbMelFilters];
        uint64_t sum = 0;
        for (uint32_t i = 0; i < S->nbMelFilters; i++) {
            sum += (uint64_t)((q63_t)coefs[i] * logs[i]);
        }
        dst[row] = (q31_t)(uint32_t)(sum >> 31);
    }
}

arm_status arm_mfcc_q31(const arm_mfcc_instance_q31 *S, q31_t *pSrc, q31_t *pDst, q31_t *pTmp) {
    q31_t peak;
    uint32_t index;
    arm_absmax_q31(pSrc, S->fftLen, &peak, &index);
    const int scaled = peak != 0 && peak != INT32_MAX;
    if (scaled) {
        const gain_q31_t gain = gain_to_full_scale(peak);
        arm_scale_q31(pSrc, gain.fraction, gain.shift, pSrc, S->fftLen);
    }
    arm_mult_q31(pSrc, S->windowCoefs, pSrc, S->fftLen);
    arm_rfft_q31(&S->rfft, pSrc, pTmp);
    arm_cmplx_mag_q31(pTmp, pSrc, S->fftLen / 2u + 1u);
    sum_filters(S, pSrc, pTmp);
    if (scaled) {
        arm_scale_q31(pTmp, peak, 0, pTmp, S->nbMelFilters);
    }
    arm_vlog_q31(pTmp, pTmp, S->nbMelFilters);
    for (uint32_t i = 0; i < S->nbMelFilters; i++) {
        pTmp[i] = mfcc_undo_scaling_q26(pTmp[i], S->fftLen) >> 3;
    }
    cosine_transform(S, pTmp, pDst);
    return ARM_MATH_SUCCESS;
}
