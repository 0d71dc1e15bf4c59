#include "cmsis_dsp_ref.h"
#include "q15.h"

void arm_mult_q15(const q15_t *pSrcA, const q15_t *pSrcB, q15_t *pDst, uint32_t blockSize) {
    for (uint32_t i = 0; i < blockSize; i++) {
        pDst[i] = saturate_q15(pSrcA[i] * pSrcB[i] >> 15);
    }
}
