/*
 * Radix-4 decimation in frequency; an odd power of two takes one radix-2 step
 * first. The first radix-4 stage divides by 16, the middle ones by 4, the last
 * by 1: by the length in all.
 *
 * The inverse transform is the forward one with the roles of re and im
 * exchanged: `re` and `im` below are the places (0 and 1) of the two.
 */
#include "cmsis_dsp_ref.h"
#include "q31.h"

typedef struct {
    q31_t re, im;
} complex_q31_t;

/* What one stage does to its values. */
typedef enum { FIRST, MIDDLE } stage_t;

static complex_q31_t load(const q31_t *x, uint32_t i, uint32_t re, stage_t stage) {
    const unsigned shift = stage == FIRST ? 4u : 0u;
    complex_q31_t v = {x[2u * i + re] >> shift, x[2u * i + 1u - re] >> shift};
    return v;
}

static void store(q31_t *x, uint32_t i, uint32_t re, complex_q31_t v) {
    x[2u * i + re] = v.re;
    x[2u * i + 1u - re] = v.im;
}

static complex_q31_t add(complex_q31_t a, complex_q31_t b) {
    complex_q31_t v = {add_q31(a.re, b.re), add_q31(a.im, b.im)};
    return v;
}

static complex_q31_t sub(complex_q31_t a, complex_q31_t b) {
    complex_q31_t v = {sub_q31(a.re, b.re), sub_q31(a.im, b.im)};
    return v;
}

/* a - jb */
static complex_q31_t sub_j(complex_q31_t a, complex_q31_t b) {
    complex_q31_t v = {add_q31(a.re, b.im), sub_q31(a.im, b.re)};
    return v;
}

/* a + jb */
static complex_q31_t add_j(complex_q31_t a, complex_q31_t b) {
    complex_q31_t v = {sub_q31(a.re, b.im), add_q31(a.im, b.re)};
    return v;
}

/* A sum of four: as it is from 4 guard bits, a quarter later on. */
static complex_q31_t scale_sum(complex_q31_t a, stage_t stage) {
    const unsigned shift = stage == FIRST ? 0u : 2u;
    complex_q31_t v = {a.re >> shift, a.im >> shift};
    return v;
}

/* a (cos - j sin), scaled as scale_sum. */
static complex_q31_t rotate(complex_q31_t a, const q31_t *cos_sin, stage_t stage) {
    const q31_t re = add_q31(mul_high_q31(a.re, cos_sin[0]), mul_high_q31(a.im, cos_sin[1]));
    const q31_t im = sub_q31(mul_high_q31(a.im, cos_sin[0]), mul_high_q31(a.re, cos_sin[1]));
    complex_q31_t v = {stage == FIRST ? twice_q31(re) : re >> 1,
                       stage == FIRST ? twice_q31(im) : im >> 1};
    return v;
}

/* Four points `quarter` apart from `i` on; the second and third results change places. */
static void butterfly(q31_t *x, uint32_t i, uint32_t quarter, const q31_t *twiddle, uint32_t k,
                      uint32_t re, stage_t stage) {
    const complex_q31_t a = load(x, i, re, stage);
    const complex_q31_t b = load(x, i + quarter, re, stage);
    const complex_q31_t c = load(x, i + 2u * quarter, re, stage);
    const complex_q31_t d = load(x, i + 3u * quarter, re, stage);
    const complex_q31_t even = add(a, c), odd = add(b, d);
    const complex_q31_t even_diff = sub(a, c), odd_diff = sub(b, d);
    store(x, i, re, scale_sum(add(even, odd), stage));
    store(x, i + quarter, re, rotate(sub(even, odd), &twiddle[4u * k], stage));
    store(x, i + 2u * quarter, re, rotate(sub_j(even_diff, odd_diff), &twiddle[2u * k], stage));
    store(x, i + 3u * quarter, re, rotate(add_j(even_diff, odd_diff), &twiddle[6u * k], stage));
}

/* The last stage: neighbours, no rotation, no scaling. */
static void last_stage(q31_t *x, uint32_t n, uint32_t re) {
    for (uint32_t i = 0; i < n; i += 4u) {
        const complex_q31_t a = load(x, i, re, MIDDLE), b = load(x, i + 1u, re, MIDDLE);
        const complex_q31_t c = load(x, i + 2u, re, MIDDLE), d = load(x, i + 3u, re, MIDDLE);
        store(x, i, re, add(add(a, c), add(b, d)));
        store(x, i + 1u, re, sub(add(a, c), add(b, d)));
        store(x, i + 2u, re, sub_j(sub(a, c), sub(b, d)));
        store(x, i + 3u, re, add_j(sub(a, c), sub(b, d)));
    }
}

/* n = 4^s >= 16 points; twiddle[2 k stride] holds the angle 2 pi k / n. */
static void radix4(q31_t *x, uint32_t n, const q31_t *twiddle, uint32_t stride, uint32_t re) {
    for (uint32_t i = 0; i < n / 4u; i++) {
        butterfly(x, i, n / 4u, twiddle, i * stride, re, FIRST);
    }
    for (uint32_t size = n / 4u; size > 4u; size /= 4u) {
        stride *= 4u;
        for (uint32_t k = 0; k < size / 4u; k++) {
            for (uint32_t i = k; i < n; i += size) {
                butterfly(x, i, size / 4u, twiddle, k * stride, re, MIDDLE);
            }
        }
    }
    last_stage(x, n, re);
}

/* The radix-2 step of one pair: half their sum, and half their difference, rotated. */
static void split_pair(q31_t *x, uint32_t low, uint32_t high, const q31_t *cos_sin, uint32_t re) {
    const complex_q31_t a = {x[2u * low + re] >> 2, x[2u * low + 1u - re] >> 2};
    const complex_q31_t b = {x[2u * high + re] >> 2, x[2u * high + 1u - re] >> 2};
    const complex_q31_t d = sub(a, b);
    complex_q31_t rotated = {
        mac_round_q31(mul_round_q31(d.re, cos_sin[0]), d.im, cos_sin[1]),
        msub_round_q31(mul_round_q31(d.im, cos_sin[0]), d.re, cos_sin[1])};
    rotated.re = twice_q31(rotated.re);
    rotated.im = twice_q31(rotated.im);
    store(x, low, re, add(a, b));
    store(x, high, re, rotated);
}

static void radix4_by_2(q31_t *x, uint32_t n, const q31_t *twiddle, uint32_t re) {
    const uint32_t half = n / 2u;
    for (uint32_t i = 0; i < half; i++) {
        split_pair(x, i, i + half, &twiddle[2u * i], re);
    }
    radix4(x, half, twiddle, 2u, re);
    radix4(x + n, half, twiddle, 2u, re);
    for (uint32_t i = 0; i < 2u * n; i++) {
        x[i] = twice_q31(x[i]);
    }
}

static void swap_pairs(q31_t *x, const uint16_t *table, uint32_t length) {
    for (uint32_t i = 0; i < length; i += 2u) {
        q31_t *a = &x[table[i] / 4u], *b = &x[table[i + 1u] / 4u];
        const q31_t re = a[0], im = a[1];
        a[0] = b[0];
        a[1] = b[1];
        b[0] = re;
        b[1] = im;
    }
}

void arm_cfft_q31(const arm_cfft_instance_q31 *S, q31_t *p1, uint8_t ifftFlag,
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
