#include "cmsis_dsp_ref.h"

void arm_cmplx_mag_squared_q15(const q15_t *pSrc, q15_t *pDst, uint32_t numSamples) {
    for (uint32_t i = 0; i < numSamples; i++) {
        const q15_t re = pSrc[2u * i], im = pSrc[2u * i + 1u];
        /* SMUAD: 2^31 (re = im = -1.0) is taken as -2^31. */
        const q31_t sum = (q31_t)((uint32_t)(re * re) + (uint32_t)(im * im));
        pDst[i] = (q15_t)(sum >> 17);
    }
}
