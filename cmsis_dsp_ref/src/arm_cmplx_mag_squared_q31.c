#include "cmsis_dsp_ref.h"

void arm_cmplx_mag_squared_q31(const q31_t *pSrc, q31_t *pDst, uint32_t numSamples) {
    for (uint32_t i = 0; i < numSamples; i++) {
        const q31_t re = pSrc[2u * i], im = pSrc[2u * i + 1u];
        pDst[i] = (q31_t)((q63_t)re * re >> 33) + (q31_t)((q63_t)im * im >> 33);
    }
}
