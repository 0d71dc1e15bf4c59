/*
 * SOFTMAX: int8, by fixed-point exponentials and one reciprocal, as TensorFlow
 * Lite's reference computes it. `_qN` has N integer bits and 31 - N fractional ones.
 */
#include "fixed_point.h"
#include "operands.h"

enum {
    DIFF_INTEGER_BITS = 5, /* of the scaled distance from the maximum */
    SUM_INTEGER_BITS = 12  /* of the sum of exponentials: up to 4,095 scores */
};

/*
 * exp(a) for a in [-1/4, 0), q0 in and out. Taylor's series to the fourth
 * order around -1/8: exp(-1/8) * (1 + x + x^2/2 + x^3/6 + x^4/24), x = a + 1/8.
 */
static int32_t exp_last_quarter_q0(int32_t a)
{
    const int32_t exp_minus_eighth = 1895147668; /* exp(-1/8) * 2^31 */
    const int32_t third = 715827883;             /* 2^31 / 3 */
    const int32_t x = a + (1 << 28);             /* 1/8 in q0 */
    const int32_t x2 = saturating_doubling_high_mul(x, x);
    const int32_t x3 = saturating_doubling_high_mul(x2, x);
    const int32_t x4 = saturating_doubling_high_mul(x2, x2);
    const int32_t x4_over_4 = rounding_divide_by_pot(x4, 2);
    const int32_t cubic = saturating_doubling_high_mul(x4_over_4 + x3, third);
    const int32_t tail = rounding_divide_by_pot(cubic + x2, 1);
    return exp_minus_eighth + saturating_doubling_high_mul(exp_minus_eighth, x + tail);
}

/* exp(a) for a in [-32, 0]: q5 in, q0 out. The last quarter by series, the rest bit by bit. */
static int32_t exp_negative_q5(int32_t a)
{
    /* exp(-2^i) * 2^31 for i = -2 .. 4 */
    static const int32_t factor[] = {1672461947, 1302514674, 790015084, 290630308,
                                     39332535,   720401,     242};
    const int32_t quarter = 1 << 24; /* in q5 */
    if (a == 0) {
        return INT32_MAX;
    }
    const int32_t last = (a & (quarter - 1)) - quarter; /* a modulo 1/4, in [-1/4, 0) */
    const int32_t remainder = last - a;
    int32_t result = exp_last_quarter_q0(saturating_multiply_by_pot(last, DIFF_INTEGER_BITS));
    for (int32_t i = 0; i < (int32_t)(sizeof factor / sizeof *factor); i++) {
        if (remainder & shift_left_wrapping(quarter, i)) {
            result = saturating_doubling_high_mul(result, factor[i]);
        }
    }
    return result;
}

/*
 * 1 / (1 + a) for a in [0, 1), q0 in and out. Newton's method for 1 / d with
 * d = (1 + a) / 2 from 48/17 - 32/17 d, three rounds.
 */
static int32_t one_over_one_plus_q0(int32_t a)
{
    const int32_t d = (int32_t)(((int64_t)a + INT32_MAX + 1) / 2);
    const int32_t one_q2 = 1 << 29;
    int32_t x_q2 = 1515870810 /* 48/17 */ + saturating_doubling_high_mul(d, -1010580540 /* -32/17 */);
    for (int32_t round = 0; round < 3; round++) {
        const int32_t error_q2 = one_q2 - saturating_doubling_high_mul(d, x_q2);
        const int32_t step_q4 = saturating_doubling_high_mul(x_q2, error_q2);
        x_q2 += saturating_multiply_by_pot(step_q4, 2);
    }
    return saturating_multiply_by_pot(x_q2, 1); /* x / 2, from q1 to q0 */
}

/* Number of leading zero bits; x > 0. */
static int32_t leading_zeros(uint32_t x)
{
    int32_t n = 0;
    while ((x & UINT32_C(0x80000000)) == 0) {
        x <<= 1;
        n++;
    }
    return n;
}

/* exp of a score that lies `diff` <= 0 steps from the maximum, diff >= diff_min; q0. */
static int32_t exp_of_diff_q0(const paritone_softmax_t *p, int32_t diff)
{
    const int32_t scaled_q5 = saturating_doubling_high_mul(
        shift_left_wrapping(diff, p->left_shift), p->multiplier);
    return exp_negative_q5(scaled_q5);
}

static void softmax_row(const paritone_softmax_t *p, const int8_t *input, int8_t *output)
{
    int32_t top = INT8_MIN;
    for (int32_t i = 0; i < p->depth; i++) {
        top = input[i] > top ? input[i] : top;
    }
    int32_t sum_q12 = 0;
    for (int32_t i = 0; i < p->depth; i++) {
        if (input[i] - top >= p->diff_min) {
            sum_q12 += rounding_divide_by_pot(exp_of_diff_q0(p, input[i] - top), SUM_INTEGER_BITS);
        }
    }
    const int32_t headroom = leading_zeros((uint32_t)sum_q12);
    const uint32_t mantissa = ((uint32_t)sum_q12 << headroom) & INT32_MAX;
    const int32_t scale_q0 = one_over_one_plus_q0((int32_t)mantissa);
    /* Beyond 31 every score rounds to nothing. */
    const int32_t exponent = SUM_INTEGER_BITS - headroom + 31 - 8;
    for (int32_t i = 0; i < p->depth; i++) {
        int32_t score = 0;
        if (input[i] - top >= p->diff_min && exponent <= 31) {
            const int32_t exp_q0 = exp_of_diff_q0(p, input[i] - top);
            score = rounding_divide_by_pot(saturating_doubling_high_mul(scale_q0, exp_q0), exponent);
        }
        output[i] = sat8(score + INT8_MIN);
    }
}

void paritone_softmax(const paritone_step_t *step, int32_t first_row, int32_t rows, uint8_t *arena)
{
    (void)first_row; /* called once, for all of it */
    (void)rows;
    const paritone_softmax_t *p = step->params;
    const int8_t *input = input_of(step, arena, 0);
    int8_t *output = output_of(step, arena);
    for (int32_t row = 0; row < p->rows; row++) {
        softmax_row(p, &input[row * p->depth], &output[row * p->depth]);
    }
}
