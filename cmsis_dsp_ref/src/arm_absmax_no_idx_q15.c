#include "cmsis_dsp_ref.h"
#include "q15.h"

void arm_absmax_no_idx_q15(const q15_t *pSrc, uint32_t blockSize, q15_t *pResult) {
    q15_t largest = 0;
    for (uint32_t i = 0; i < blockSize; i++) {
        const q15_t magnitude = absolute_q15(pSrc[i]);
        largest = magnitude > largest ? magnitude : largest;
    }
    *pResult = largest;
}
