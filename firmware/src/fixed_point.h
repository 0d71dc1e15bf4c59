/*
 * Fixed-point arithmetic of the int8 kernels, rounding as TensorFlow Lite's
 * reference kernels do. A real factor is multiplier * 2^(shift - 31) with
 * multiplier 0 or 2^30 .. 2^31 - 1 and shift -31 .. 30.
 */
#ifndef PARITONE_FIXED_POINT_H
#define PARITONE_FIXED_POINT_H

#include <stdint.h>

/* value within minimum .. maximum. Any int32; minimum <= maximum. */
static inline int32_t clamp(int32_t value, int32_t minimum, int32_t maximum)
{
    if (value < minimum) {
        return minimum;
    }
    return value > maximum ? maximum : value;
}

/* int32 to int8, saturating. */
static inline int8_t sat8(int32_t value)
{
    return (int8_t)clamp(value, INT8_MIN, INT8_MAX);
}

/* int64 to int32, saturating. */
static inline int32_t sat32(int64_t value)
{
    if (value > INT32_MAX) {
        return INT32_MAX;
    }
    return value < INT32_MIN ? INT32_MIN : (int32_t)value;
}

/* a + b modulo 2^32: what the reference's overflowing sums come to. Any int32. */
static inline int32_t add_wrapping(int32_t a, int32_t b)
{
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

/* a * 2^exponent modulo 2^32. Any int32; exponent 0 .. 31. */
static inline int32_t shift_left_wrapping(int32_t a, int32_t exponent)
{
    return (int32_t)((uint32_t)a << exponent);
}

/*
 * a * b / 2^31 to the nearest, ties up. Any int32; INT32_MIN * INT32_MIN
 * saturates to INT32_MAX. The reference nudges a negative product by 1 - 2^30
 * and truncates toward zero: that is the floor taken here, at a shift's cost.
 */
static inline int32_t saturating_doubling_high_mul(int32_t a, int32_t b)
{
    if (a == INT32_MIN && b == INT32_MIN) {
        return INT32_MAX;
    }
    return (int32_t)(((int64_t)a * b + (INT64_C(1) << 30)) >> 31);
}

/* value / 2^exponent to the nearest, ties away from zero. Any int32; exponent 0 .. 31. */
static inline int32_t rounding_divide_by_pot(int32_t value, int32_t exponent)
{
    const uint32_t mask = (UINT32_C(1) << exponent) - 1U;
    const uint32_t remainder = (uint32_t)value & mask;
    const uint32_t threshold = (mask >> 1) + (value < 0 ? 1U : 0U);
    return (value >> exponent) + (remainder > threshold ? 1 : 0);
}

/* value * 2^exponent, saturating. Any int32; exponent 0 .. 31. */
static inline int32_t saturating_multiply_by_pot(int32_t value, int32_t exponent)
{
    return sat32((int64_t)value * (INT64_C(1) << exponent));
}

/*
 * value * multiplier * 2^(shift - 31), rounded twice: after the high multiply
 * and after the right shift. Any int32; a left shift wraps, as the reference's does.
 */
static inline int32_t multiply_by_quantized_multiplier(int32_t value, int32_t multiplier,
                                                       int32_t shift)
{
    const int32_t left = shift > 0 ? shift : 0;
    const int32_t right = shift > 0 ? 0 : -shift;
    const int32_t product =
        saturating_doubling_high_mul(shift_left_wrapping(value, left), multiplier);
    return rounding_divide_by_pot(product, right);
}

/*
 * value * multiplier * 2^(shift - 31), rounded once, ties away from zero, saturating. Any int32.
 * A negative product is nudged by one less than a half before the flooring shift.
 */
static inline int32_t multiply_rounding_once(int32_t value, int32_t multiplier, int32_t shift)
{
    const int32_t right = 31 - shift; /* 1 .. 62 */
    const int64_t half = INT64_C(1) << (right - 1);
    const int64_t product = (int64_t)value * multiplier;
    return sat32((product + half - (product < 0 ? 1 : 0)) >> right);
}

/*
 * Requantization along one line: floors (sum * factor / 2^32 + addend) / 2^shift, saturating.
 * factor 1 .. 2^31 - 1, shift 0 .. 6; |addend| and the quotient by 2^32 below 2^30.
 */
static inline int8_t requantize_line(int32_t sum, int32_t factor, int32_t addend, int32_t shift)
{
    return sat8(((int32_t)(((int64_t)sum * factor) >> 32) + addend) >> shift);
}

/*
 * Requantization that rounds twice, as multiply_by_quantized_multiplier does: the tie of the
 * second rounding is moved by the sum's sign. twice = 2 * sum + correction and `half` are below
 * 2^31 in size, multiplier 0 .. 2^31 - 1, right 1 .. 20.
 */
static inline int8_t requantize_twice(int32_t sum, int32_t multiplier, int32_t correction,
                                      int32_t half, int32_t right)
{
    const int32_t twice = 2 * sum + correction;
    const int64_t product = (int64_t)twice * multiplier + (INT64_C(1) << 31);
    return sat8(((int32_t)(product >> 32) + half + (twice >> 31)) >> right);
}

#endif
