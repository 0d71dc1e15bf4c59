#include "cmsis_dsp_ref.h"
#include "q31.h"

void arm_absmax_q31(const q31_t *pSrc, uint32_t blockSize, q31_t *pResult, uint32_t *pIndex) {
    q31_t largest = -1;
    uint32_t place = 0;
    for (uint32_t i = 0; i < blockSize; i++) {
        const q31_t magnitude = absolute_q31(pSrc[i]);
        if (magnitude > largest) {
            largest = magnitude;
            place = i;
        }
    }
    *pResult = largest;
    *pIndex = place;
}
