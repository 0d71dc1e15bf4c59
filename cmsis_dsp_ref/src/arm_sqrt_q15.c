/* arm_sqrt_q31's method in 16 bits. */
#include "cmsis_dsp_ref.h"
#include "q31.h"

/* 1 / sqrt((4 + i) / 16) in q4.12, rounded */
static const q15_t seed[12] = {
    8192, 7327, 6689, 6193, 5793, 5461, 5181, 4940, 4730, 4544, 4379, 4230};

/* x: [2^13, 2^15), q15; v: q4.12, 1.0 to 2.0; every product is floored. */
static q31_t newton_step(q31_t x, q31_t v) {
    const q31_t square = v * v >> 12;
    const q31_t rest = (3 << 12) - (x * square >> 15);
    return v * rest >> 13;
}

arm_status arm_sqrt_q15(q15_t in, q15_t *pOut) {
    if (in <= 0) {
        *pOut = 0;
        return in == 0 ? ARM_MATH_SUCCESS : ARM_MATH_ARGUMENT_ERROR;
    }
    const uint32_t half_shift = (leading_zeros((uint32_t)in) - 17u) / 2u;
    const q31_t x = in << 2u * half_shift;
    q31_t v = seed[(x >> 11) - 4];
    for (int step = 0; step < 3; step++) {
        v = newton_step(x, v);
    }
    *pOut = (q15_t)((q15_t)(x * v >> 12) >> half_shift);
    return ARM_MATH_SUCCESS;
}
