#include "cmsis_dsp_ref.h"
#include "q31.h"

void arm_shift_q31(const q31_t *pSrc, int8_t shiftBits, q31_t *pDst, uint32_t blockSize) {
    for (uint32_t i = 0; i < blockSize; i++) {
        pDst[i] = shiftBits < 0 ? pSrc[i] >> -shiftBits
                                : saturate_q31((q63_t)pSrc[i] * ((q63_t)1 << shiftBits));
    }
}
