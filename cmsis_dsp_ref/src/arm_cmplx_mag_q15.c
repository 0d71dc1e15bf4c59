#include "cmsis_dsp_ref.h"

void arm_cmplx_mag_q15(const q15_t *pSrc, q15_t *pDst, uint32_t numSamples) {
    for (uint32_t i = 0; i < numSamples; i++) {
        const q15_t re = pSrc[2u * i], im = pSrc[2u * i + 1u];
        const uint32_t sum = (uint32_t)(re * re) + (uint32_t)(im * im); /* <= 2^31 */
        q31_t root;
        (void)arm_sqrt_q31((q31_t)(sum >> 1), &root);
        pDst[i] = (q15_t)(root >> 16);
    }
}
