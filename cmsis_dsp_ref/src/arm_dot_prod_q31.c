#include "cmsis_dsp_ref.h"

void arm_dot_prod_q31(const q31_t *pSrcA, const q31_t *pSrcB, uint32_t blockSize, q63_t *result) {
    uint64_t sum = 0; /* wraps */
    for (uint32_t i = 0; i < blockSize; i++) {
        sum += (uint64_t)((q63_t)pSrcA[i] * pSrcB[i] >> 14);
    }
    *result = (q63_t)sum;
}
