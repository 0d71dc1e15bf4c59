/*
 * The fixed-point steps of the q15 FFTs, one function each: what one lane of the
 * DSP extension's packed instructions does.
 *
 * Right shifts of negative values floor; sums of products wrap modulo 2^32 and
 * narrowing keeps the low 16 bits, as the core does.
 */
#ifndef CMSIS_DSP_REF_Q15_COMPLEX_H
#define CMSIS_DSP_REF_Q15_COMPLEX_H

#include "cmsis_dsp_ref.h"
#include "q15.h"

typedef struct {
    q15_t re, im;
} complex_q15_t;

/* QADD16, QSUB16 */
static inline q15_t add_sat_q15(q15_t a, q15_t b) { return saturate_q15((q31_t)a + b); }
static inline q15_t sub_sat_q15(q15_t a, q15_t b) { return saturate_q15((q31_t)a - b); }

/* SHADD16, SHSUB16: floor((a +- b) / 2) always fits. */
static inline q15_t half_add_q15(q15_t a, q15_t b) { return (q15_t)(((q31_t)a + b) >> 1); }
static inline q15_t half_sub_q15(q15_t a, q15_t b) { return (q15_t)(((q31_t)a - b) >> 1); }

/* ab + cd and ab - cd: SMUAD and SMUSD, exchanged SMUADX and SMUSDX */
static inline uint32_t mul_add_q15(q15_t a, q15_t b, q15_t c, q15_t d) {
    return (uint32_t)((q31_t)a * b) + (uint32_t)((q31_t)c * d);
}

static inline uint32_t mul_sub_q15(q15_t a, q15_t b, q15_t c, q15_t d) {
    return (uint32_t)((q31_t)a * b) - (uint32_t)((q31_t)c * d);
}

/* The upper half of such a sum. */
static inline q15_t high_half_q15(uint32_t v) { return (q15_t)((q31_t)v >> 16); }

/* Two lanes at once. */
static inline complex_q15_t add_sat(complex_q15_t a, complex_q15_t b) {
    const complex_q15_t v = {add_sat_q15(a.re, b.re), add_sat_q15(a.im, b.im)};
    return v;
}

static inline complex_q15_t sub_sat(complex_q15_t a, complex_q15_t b) {
    const complex_q15_t v = {sub_sat_q15(a.re, b.re), sub_sat_q15(a.im, b.im)};
    return v;
}

static inline complex_q15_t half_add(complex_q15_t a, complex_q15_t b) {
    const complex_q15_t v = {half_add_q15(a.re, b.re), half_add_q15(a.im, b.im)};
    return v;
}

static inline complex_q15_t half_sub(complex_q15_t a, complex_q15_t b) {
    const complex_q15_t v = {half_sub_q15(a.re, b.re), half_sub_q15(a.im, b.im)};
    return v;
}

/* a - jb and a + jb: QSAX, QASX and, halved, SHSAX, SHASX */
static inline complex_q15_t sub_j_sat(complex_q15_t a, complex_q15_t b) {
    const complex_q15_t v = {add_sat_q15(a.re, b.im), sub_sat_q15(a.im, b.re)};
    return v;
}

static inline complex_q15_t add_j_sat(complex_q15_t a, complex_q15_t b) {
    const complex_q15_t v = {sub_sat_q15(a.re, b.im), add_sat_q15(a.im, b.re)};
    return v;
}

static inline complex_q15_t half_sub_j(complex_q15_t a, complex_q15_t b) {
    const complex_q15_t v = {half_add_q15(a.re, b.im), half_sub_q15(a.im, b.re)};
    return v;
}

static inline complex_q15_t half_add_j(complex_q15_t a, complex_q15_t b) {
    const complex_q15_t v = {half_sub_q15(a.re, b.im), half_add_q15(a.im, b.re)};
    return v;
}

/* v / 2^shift, floored; SHADD16 with zero for one bit */
static inline complex_q15_t shift_down(complex_q15_t v, unsigned shift) {
    const complex_q15_t w = {(q15_t)(v.re >> shift), (q15_t)(v.im >> shift)};
    return w;
}

/* v (cos - j sin) / 2, floored */
static inline complex_q15_t rotate_half(complex_q15_t v, const q15_t *cos_sin) {
    const q15_t c = cos_sin[0], s = cos_sin[1];
    const complex_q15_t w = {high_half_q15(mul_add_q15(v.re, c, v.im, s)),
                             high_half_q15(mul_sub_q15(v.im, c, v.re, s))};
    return w;
}

#endif
