/*
 * Radix-4 decimation in frequency; an odd power of two takes one radix-2 step
 * first. The first radix-4 stage divides by 8, the middle ones by 4, the last by 2,
 * and a radix-2 step by 4, made good by a doubling at the end: by the length in all.
 * Sums that leave 16 bits saturate.
 *
 * The inverse transform is the forward one with the roles of re and im
 * exchanged: `re` below is the place (0 or 1) of the real part.
 */
#include "cmsis_dsp_ref.h"
#include "q15_complex.h"

static complex_q15_t load(const q15_t *x, uint32_t i, uint32_t re) {
    const complex_q15_t v = {x[2u * i + re], x[2u * i + 1u - re]};
    return v;
}

static void store(q15_t *x, uint32_t i, uint32_t re, complex_q15_t v) {
    x[2u * i + re] = v.re;
    x[2u * i + 1u - re] = v.im;
}

/* Where the four points of a butterfly lie, and the twiddles of its angle. */
typedef struct {
    uint32_t first, quarter, re;
    const q15_t *once, *twice, *thrice;
} butterfly_t;

static butterfly_t butterfly(uint32_t first, uint32_t quarter, uint32_t re, const q15_t *twiddle,
                             uint32_t k) {
    const butterfly_t b = {first,           quarter, re, &twiddle[2u * k], &twiddle[4u * k],
                           &twiddle[6u * k]};
    return b;
}

/* Two guard bits first: no sum saturates. The second and third results change places. */
static void first_stage(q15_t *x, butterfly_t at) {
    const uint32_t i = at.first, q = at.quarter;
    const complex_q15_t a = shift_down(load(x, i, at.re), 2u);
    const complex_q15_t b = shift_down(load(x, i + q, at.re), 2u);
    const complex_q15_t c = shift_down(load(x, i + 2u * q, at.re), 2u);
    const complex_q15_t d = shift_down(load(x, i + 3u * q, at.re), 2u);
    const complex_q15_t even = add_sat(a, c), odd = add_sat(b, d);
    const complex_q15_t even_diff = sub_sat(a, c), odd_diff = sub_sat(b, d);
    store(x, i, at.re, half_add(even, odd));
    store(x, i + q, at.re, rotate_half(sub_sat(even, odd), at.twice));
    store(x, i + 2u * q, at.re, rotate_half(sub_j_sat(even_diff, odd_diff), at.once));
    store(x, i + 3u * q, at.re, rotate_half(add_j_sat(even_diff, odd_diff), at.thrice));
}

static void middle_stage(q15_t *x, butterfly_t at) {
    const uint32_t i = at.first, q = at.quarter;
    const complex_q15_t a = load(x, i, at.re), b = load(x, i + q, at.re);
    const complex_q15_t c = load(x, i + 2u * q, at.re), d = load(x, i + 3u * q, at.re);
    const complex_q15_t even = add_sat(a, c), odd = add_sat(b, d);
    const complex_q15_t even_diff = sub_sat(a, c), odd_diff = sub_sat(b, d);
    store(x, i, at.re, shift_down(half_add(even, odd), 1u));
    store(x, i + q, at.re, rotate_half(half_sub(even, odd), at.twice));
    store(x, i + 2u * q, at.re, rotate_half(half_sub_j(even_diff, odd_diff), at.once));
    store(x, i + 3u * q, at.re, rotate_half(half_add_j(even_diff, odd_diff), at.thrice));
}

/* Neighbours, no rotation. */
static void last_stage(q15_t *x, uint32_t i, uint32_t re) {
    const complex_q15_t a = load(x, i, re), b = load(x, i + 1u, re);
    const complex_q15_t c = load(x, i + 2u, re), d = load(x, i + 3u, re);
    const complex_q15_t even = add_sat(a, c), odd = add_sat(b, d);
    const complex_q15_t even_diff = sub_sat(a, c), odd_diff = sub_sat(b, d);
    store(x, i, re, half_add(even, odd));
    store(x, i + 1u, re, half_sub(even, odd));
    store(x, i + 2u, re, half_sub_j(even_diff, odd_diff));
    store(x, i + 3u, re, half_add_j(even_diff, odd_diff));
}

/* n = 4^s >= 16 points; twiddle[2 k stride] holds the angle 2 pi k / n. */
static void radix4(q15_t *x, uint32_t n, const q15_t *twiddle, uint32_t stride, uint32_t re) {
    for (uint32_t i = 0; i < n / 4u; i++) {
        first_stage(x, butterfly(i, n / 4u, re, twiddle, i * stride));
    }
    for (uint32_t size = n / 4u; size > 4u; size /= 4u) {
        stride *= 4u;
        for (uint32_t k = 0; k < size / 4u; k++) {
            for (uint32_t i = k; i < n; i += size) {
                middle_stage(x, butterfly(i, size / 4u, re, twiddle, k * stride));
            }
        }
    }
    for (uint32_t i = 0; i < n; i += 4u) {
        last_stage(x, i, re);
    }
}

static void radix4_by_2(q15_t *x, uint32_t n, const q15_t *twiddle, uint32_t re) {
    const uint32_t half = n / 2u;
    for (uint32_t i = 0; i < half; i++) {
        const complex_q15_t a = shift_down(load(x, i, re), 1u);
        const complex_q15_t b = shift_down(load(x, i + half, re), 1u);
        store(x, i, re, half_add(a, b));
        store(x, i + half, re, rotate_half(sub_sat(a, b), &twiddle[2u * i]));
    }
    radix4(x, half, twiddle, 2u, re);
    radix4(x + n, half, twiddle, 2u, re);
    for (uint32_t i = 0; i < 2u * n; i++) {
        x[i] = (q15_t)((q31_t)x[i] * 2); /* wraps */
    }
}

static void swap_pairs(q15_t *x, const uint16_t *table, uint32_t length) {
    for (uint32_t i = 0; i < length; i += 2u) {
        q15_t *a = &x[table[i] / 4u], *b = &x[table[i + 1u] / 4u];
        const complex_q15_t v = {a[0], a[1]};
        a[0] = b[0];
        a[1] = b[1];
        b[0] = v.re;
        b[1] = v.im;
    }
}

void arm_cfft_q15(const arm_cfft_instance_q15 *S, q15_t *p1, uint8_t ifftFlag,
                  uint8_t bitReverseFlag) {
    const uint32_t n = S->fftLen;
    const uint32_t re = ifftFlag == 1u ? 1u : 0u;
    const uint32_t powers_of_four = 0x1550u; /* 16, 64, 256, 1024, 4096 */
    if ((n & powers_of_four) != 0u) {
        radix4(p1, n, S->pTwiddle, 1u, re);
    } else {
        radix4_by_2(p1, n, S->pTwiddle, re);
    }
    if (bitReverseFlag != 0u) {
        swap_pairs(p1, S->pBitRevTable, S->bitRevLength);
    }
}
