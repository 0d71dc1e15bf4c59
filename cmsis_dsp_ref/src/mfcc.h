/* What the two MFCC functions share. */
#ifndef CMSIS_DSP_REF_MFCC_H
#define CMSIS_DSP_REF_MFCC_H

#include "cmsis_dsp_ref.h"

/* Mel sums are kept over 2^10: headroom for wide filters. */
enum { MFCC_MEL_SHIFT = 10 };

/* v saturated to 31 bits: -2^30 .. 2^30 - 1. */
static inline q31_t mfcc_saturate_q30(q63_t v) {
    const q31_t limit = (q31_t)1 << 30;
    return v >= limit ? limit - 1 : v < -limit ? -limit : (q31_t)v;
}

/* The logarithm of a mel sum, q26, plus that of the powers of two taken out of it: the FFT's
 * length (a power of two), MFCC_MEL_SHIFT and two guard bits. log: at least 32 ln 1/2, at most
 * ln 2; the result is within -11 .. 18. */
static inline q31_t mfcc_undo_scaling_q26(q31_t log, uint32_t fft_length) {
    const q31_t ln2_q26 = 46516320; /* 2^26 ln 2 */
    q31_t powers = 2 + MFCC_MEL_SHIFT;
    while (fft_length > 1u) {
        fft_length >>= 1;
        powers++;
    }
    return log + powers * ln2_q26;
}

#endif
