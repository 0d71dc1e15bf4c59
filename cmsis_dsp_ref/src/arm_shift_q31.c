#include "cmsis_dsp_ref.h"
#include "q31.h"

static q31_t saturate_q31(q63_t v) {
    return v > INT32_MAX ? INT32_MAX : v < INT32_MIN ? INT32_MIN : (q31_t)v;
}

void arm_shift_q31(const q31_t *pSrc, int8_t shiftBits, q31_t *pDst, uint32_t blockSize) {
    for (uint32_t i = 0; i < blockSize; i++) {
        pDst[i] = shiftBits < 0 ? pSrc[i] >> -shiftBits
                                : saturate_q31((q63_t)pSrc[i] * ((q63_t)1 << shiftBits));
    }
}
