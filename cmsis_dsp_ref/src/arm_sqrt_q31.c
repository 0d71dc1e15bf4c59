/*
 * sqrt(x) = x / sqrt(x), where 1 / sqrt(x) comes from a first guess and three Newton steps
 * v <- v (3 - x v^2) / 2. x is shifted to [1/4, 1) first, by an even number of bits.
 */
#include "cmsis_dsp_ref.h"
#include "q31.h"

/* 1 / sqrt((8 + i) / 32) in q4.28, rounded */
static const q31_t seed[24] = {
    536870912, 506166750, 480191942, 457845052, 438353264, 421156193, 405836263, 392075079,
    379625062, 368290407, 357913941, 348367849, 339546978, 331363921, 323745341, 316629190,
    309962566, 303700050, 297802400, 292235509, 286969573, 281978417, 277238947, 272730696};

/* x: [2^29, 2^31), q31; v: q4.28, 1.0 to 2.0; every product is floored. */
static q31_t newton_step(q31_t x, q31_t v) {
    const q31_t square = (q31_t)((q63_t)v * v >> 28);
    const q31_t rest = (3 << 28) - (q31_t)((q63_t)x * square >> 31);
    return (q31_t)((q63_t)v * rest >> 29);
}

arm_status arm_sqrt_q31(q31_t in, q31_t *pOut) {
    if (in <= 0) {
        *pOut = 0;
        return in == 0 ? ARM_MATH_SUCCESS : ARM_MATH_ARGUMENT_ERROR;
    }
    const uint32_t half_shift = (leading_zeros((uint32_t)in) - 1u) / 2u;
    const q31_t x = in << 2u * half_shift;
    q31_t v = seed[(x >> 26) - 8];
    for (int step = 0; step < 3; step++) {
        v = newton_step(x, v);
    }
    *pOut = (q31_t)((q63_t)x * v >> 28) >> half_shift;
    return ARM_MATH_SUCCESS;
}
