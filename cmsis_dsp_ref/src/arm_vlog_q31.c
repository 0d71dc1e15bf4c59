/*
 * ln(x) = log2(x) ln(2). C. Turner's log2 makes a bit of the fraction a step: the number,
 * 1.0 <= x < 2.0, is squared; where the square reaches 2.0 the bit is 1 and x is halved.
 */
#include "cmsis_dsp_ref.h"
#include "q31.h"

#define LN_2_Q31 0x58B90BFB /* floor */

/* x in q2.30; the fraction's bits go to 2^25 and below, of which 26 stay. */
static uint32_t log2_fraction_q26(uint32_t x) {
    uint32_t fraction = 0;
    for (uint32_t bit = 1u << 25; bit != 0u; bit >>= 1) {
        x = (uint32_t)((uint64_t)x * x >> 30);
        if (x >> 31 != 0u) {
            fraction += bit;
            x >>= 1;
        }
    }
    return fraction;
}

static q31_t ln_q26(uint32_t x) {
    const uint32_t zeros = leading_zeros(x);
    const uint32_t mantissa = zeros == 0u ? x >> 1 : x << (zeros - 1u);
    /* 32 zeros, of x = 0, wrap to -2^31. */
    const q31_t log2 = (q31_t)(log2_fraction_q26(mantissa) - (zeros << 26));
    return (q31_t)((q63_t)log2 * LN_2_Q31 >> 31);
}

void arm_vlog_q31(const q31_t *pSrc, q31_t *pDst, uint32_t blockSize) {
    for (uint32_t i = 0; i < blockSize; i++) {
        pDst[i] = ln_q26((uint32_t)pSrc[i]);
    }
}
