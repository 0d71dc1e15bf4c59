#include "cmsis_dsp_ref.h"
#include "q31.h"

void arm_scale_q31(const q31_t *pSrc, q31_t scaleFract, int8_t shift, q31_t *pDst,
                   uint32_t blockSize) {
    const int up = shift + 1; /* an upper word counts 2^-30 */
    for (uint32_t i = 0; i < blockSize; i++) {
        const q31_t high = mul_high_q31(pSrc[i], scaleFract);
        pDst[i] = up < 0 ? high >> -up : saturate_q31((q63_t)high * ((q63_t)1 << up));
    }
}
