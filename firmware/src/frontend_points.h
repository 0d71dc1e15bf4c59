/*
 * Complex points of the radix-4 FFT and what arm_cfft_q31 does to them, without its
 * scaling. Sums wrap modulo 2^32, as the core's instructions do; right shifts of
 * negative values floor.
 */
#ifndef PARITONE_FRONTEND_POINTS_H
#define PARITONE_FRONTEND_POINTS_H

#include "frontend_fixed.h"

typedef struct {
    int32_t re, im;
} point_t;

static inline int32_t add32(int32_t a, int32_t b) { return (int32_t)((uint32_t)a + (uint32_t)b); }

static inline int32_t sub32(int32_t a, int32_t b) { return (int32_t)((uint32_t)a - (uint32_t)b); }

static inline point_t add_points(point_t a, point_t b) {
    const point_t sum = {add32(a.re, b.re), add32(a.im, b.im)};
    return sum;
}

static inline point_t sub_points(point_t a, point_t b) {
    const point_t difference = {sub32(a.re, b.re), sub32(a.im, b.im)};
    return difference;
}

/* a - jb */
static inline point_t sub_j_points(point_t a, point_t b) {
    const point_t sum = {add32(a.re, b.im), sub32(a.im, b.re)};
    return sum;
}

/* a + jb */
static inline point_t add_j_points(point_t a, point_t b) {
    const point_t sum = {sub32(a.re, b.im), add32(a.im, b.re)};
    return sum;
}

/* p (cos - j sin) / 2 with cos, sin in q31: each product floored by itself. */
static inline point_t turn_point(point_t p, int32_t cos, int32_t sin) {
    const point_t turned = {add32(mul_high32(p.re, cos), mul_high32(p.im, sin)),
                            sub32(mul_high32(p.im, cos), mul_high32(p.re, sin))};
    return turned;
}

/* (p << left) >> right: doubled modulo 2^32, or halved. */
static inline point_t scale_point(point_t p, unsigned left, unsigned right) {
    const point_t scaled = {shift_up32(p.re, left) >> right, shift_up32(p.im, left) >> right};
    return scaled;
}

/* The four results of four legs, in arm_cfft_q31's order, not turned yet:
 * a + b + c + d, a - b + c - d, a - jb - c + jd, a + jb - c - jd. */
static inline void butterfly4(const point_t leg[4], point_t result[4]) {
    const point_t even = add_points(leg[0], leg[2]), odd = add_points(leg[1], leg[3]);
    const point_t even_difference = sub_points(leg[0], leg[2]);
    const point_t odd_difference = sub_points(leg[1], leg[3]);
    result[0] = add_points(even, odd);
    result[1] = sub_points(even, odd);
    result[2] = sub_j_points(even_difference, odd_difference);
    result[3] = add_j_points(even_difference, odd_difference);
}

/* The real spectrum's bin from the packed one's points p = Z[k] and m = Z[M - k], with
 * arm_rfft_q31's tables' a and real part of b: the products rounded one by one. */
static inline int32_t round_high32(int64_t product) {
    return (int32_t)((product + INT64_C(0x80000000)) >> 32);
}

static inline point_t split_point(point_t p, point_t m, point_t a, int32_t b) {
    const int64_t pr = p.re, pi = p.im, mr = m.re, mi = m.im;
    const int32_t re_p = add32(round_high32(pr * a.re), round_high32(-pi * a.im));
    const int32_t re_m = add32(round_high32(-mi * a.im), round_high32(mr * b));
    const int32_t im_p = add32(round_high32(pr * a.im), round_high32(pi * a.re));
    const int32_t im_m = add32(round_high32(-mi * b), round_high32(-mr * a.im));
    const point_t bin = {add32(re_p, re_m), add32(im_p, im_m)};
    return bin;
}

#endif
