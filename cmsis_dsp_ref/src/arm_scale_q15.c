#include "cmsis_dsp_ref.h"
#include "q15.h"

void arm_scale_q15(const q15_t *pSrc, q15_t scaleFract, int8_t shift, q15_t *pDst,
                   uint32_t blockSize) {
    for (uint32_t i = 0; i < blockSize; i++) {
        pDst[i] = saturate_q15(pSrc[i] * scaleFract >> (15 - shift));
    }
}
