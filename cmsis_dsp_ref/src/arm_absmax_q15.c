#include "cmsis_dsp_ref.h"
#include "q15.h"

void arm_absmax_q15(const q15_t *pSrc, uint32_t blockSize, q15_t *pResult, uint32_t *pIndex) {
    q15_t largest = -1;
    uint32_t place = 0;
    for (uint32_t i = 0; i < blockSize; i++) {
        const q15_t magnitude = absolute_q15(pSrc[i]);
        if (magnitude > largest) {
            largest = magnitude;
            place = i;
        }
    }
    *pResult = largest;
    *pIndex = place;
}
