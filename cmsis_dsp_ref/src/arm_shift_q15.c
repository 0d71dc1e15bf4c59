#include "cmsis_dsp_ref.h"
#include "q15.h"

void arm_shift_q15(const q15_t *pSrc, int8_t shiftBits, q15_t *pDst, uint32_t blockSize) {
    for (uint32_t i = 0; i < blockSize; i++) {
        const q31_t v = pSrc[i];
        pDst[i] = saturate_q15(shiftBits < 0 ? v >> -shiftBits : v * (1 << shiftBits));
    }
}
