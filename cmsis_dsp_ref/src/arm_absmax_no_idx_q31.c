#include "cmsis_dsp_ref.h"
#include "q31.h"

void arm_absmax_no_idx_q31(const q31_t *pSrc, uint32_t blockSize, q31_t *pResult) {
    q31_t largest = 0;
    for (uint32_t i = 0; i < blockSize; i++) {
        const q31_t magnitude = absolute_q31(pSrc[i]);
        largest = magnitude > largest ? magnitude : largest;
    }
    *pResult = largest;
}
