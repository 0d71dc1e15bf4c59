/* arm_vlog_q31's method in 16 bits. */
#include "cmsis_dsp_ref.h"
#include "q31.h"

#define LN_2_Q15 0x58B9 /* rounded */

/* x in q2.14; the fraction's bits go to 2^10 and below, of which 11 stay. */
static q31_t log2_fraction_q11(uint32_t x) {
    q31_t fraction = 0;
    for (q31_t bit = 1 << 10; bit != 0; bit >>= 1) {
        x = x * x >> 14;
        if (x >> 15 != 0u) {
            fraction += bit;
            x >>= 1;
        }
    }
    return fraction;
}

static q15_t ln_q11(uint16_t x) {
    const uint32_t zeros = leading_zeros(x) - 16u;
    const uint32_t mantissa = zeros == 0u ? (uint32_t)x >> 1 : (uint32_t)x << (zeros - 1u);
    const q31_t log2 = log2_fraction_q11(mantissa) - (q31_t)(zeros << 11);
    return (q15_t)(log2 * LN_2_Q15 >> 15);
}

void arm_vlog_q15(const q15_t *pSrc, q15_t *pDst, uint32_t blockSize) {
    for (uint32_t i = 0; i < blockSize; i++) {
        pDst[i] = ln_q11((uint16_t)pSrc[i]);
    }
}
