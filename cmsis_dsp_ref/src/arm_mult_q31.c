#include "cmsis_dsp_ref.h"
#include "q31.h"

/* An upper word doubled, where only -1.0 * -1.0 = 2^30 does not fit. */
static q31_t twice_saturated(q31_t high) {
    const q31_t largest = INT32_MAX >> 1;
    return (high > largest ? largest : high) * 2;
}

void arm_mult_q31(const q31_t *pSrcA, const q31_t *pSrcB, q31_t *pDst, uint32_t blockSize) {
    for (uint32_t i = 0; i < blockSize; i++) {
        pDst[i] = twice_saturated(mul_high_q31(pSrcA[i], pSrcB[i]));
    }
}
