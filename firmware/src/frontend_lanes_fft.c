/* arm_cfft_q31 in place, LANES transforms in lockstep. */
#include "frontend_lanes.h"

#include "frontend_points.h"

/* What a stage does to the values that it reads and writes: arm_cfft_q31's scaling. */
typedef enum { FIRST, MIDDLE, LAST } stage_t;

static inline point_t load(const points_t *p, size_t lane, stage_t stage) {
    const point_t v = {p->re[lane], p->im[lane]};
    return scale_point(v, 0u, stage == FIRST ? 4u : 0u);
}

static inline void store(points_t *p, size_t lane, point_t v) {
    p->re[lane] = v.re;
    p->im[lane] = v.im;
}

static inline point_t turn(point_t p, const int32_t *cos_sin, stage_t stage) {
    return stage == FIRST ? scale_point(turn_point(p, cos_sin[0], cos_sin[1]), 1u, 0u)
                          : half_turn_point(p, cos_sin[0], cos_sin[1]);
}

/* Butterfly k of a block; the twiddles of 2k, k and 3k. The legs lie apart. */
static inline void turned_butterflies(points_t *restrict a, points_t *restrict b,
                                      points_t *restrict c, points_t *restrict d,
                                      const int32_t *twiddle, size_t k, stage_t stage) {
    const int32_t once[2] = {twiddle[2u * k], twiddle[2u * k + 1u]};
    const int32_t twice[2] = {twiddle[4u * k], twiddle[4u * k + 1u]};
    const int32_t thrice[2] = {twiddle[6u * k], twiddle[6u * k + 1u]};
    for (size_t i = 0; i < LANES; i++) {
        const point_t leg[4] = {load(a, i, stage), load(b, i, stage), load(c, i, stage),
                                load(d, i, stage)};
        point_t result[4];
        butterfly4(leg, result);
        store(a, i, scale_point(result[0], 0u, stage == FIRST ? 0u : 2u));
        store(b, i, turn(result[1], twice, stage));
        store(c, i, turn(result[2], once, stage));
        store(d, i, turn(result[3], thrice, stage));
    }
}

static inline void last_butterflies(points_t *restrict a, points_t *restrict b,
                                    points_t *restrict c, points_t *restrict d) {
    for (size_t i = 0; i < LANES; i++) {
        const point_t leg[4] = {load(a, i, LAST), load(b, i, LAST), load(c, i, LAST),
                                load(d, i, LAST)};
        point_t result[4];
        butterfly4(leg, result);
        store(a, i, result[0]);
        store(b, i, result[1]);
        store(c, i, result[2]);
        store(d, i, result[3]);
    }
}

/* n = 4^s >= 16 points; twiddle[2 k stride] holds the angle 2 pi k / n. */
static void radix4(points_t *x, uint32_t n, const int32_t *twiddle, uint32_t stride) {
    uint32_t q = n / 4u;
    for (uint32_t k = 0; k < q; k++) {
        turned_butterflies(&x[k], &x[k + q], &x[k + 2u * q], &x[k + 3u * q], twiddle,
                           (size_t)k * stride, FIRST);
    }
    for (q /= 4u; q > 1u; q /= 4u) {
        stride *= 4u;
        for (uint32_t k = 0; k < q; k++) {
            for (uint32_t i = k; i < n; i += 4u * q) {
                turned_butterflies(&x[i], &x[i + q], &x[i + 2u * q], &x[i + 3u * q], twiddle,
                                   (size_t)k * stride, MIDDLE);
            }
        }
    }
    for (uint32_t i = 0; i < n; i += 4u) {
        last_butterflies(&x[i], &x[i + 1u], &x[i + 2u], &x[i + 3u]);
    }
}

/* The radix-2 step of arm_cfft_q31, of points `half` apart. */
static inline void halve(points_t *restrict a, points_t *restrict b, int32_t cos, int32_t sin) {
    for (size_t i = 0; i < LANES; i++) {
        const point_t p = {a->re[i] >> 2, a->im[i] >> 2}, q = {b->re[i] >> 2, b->im[i] >> 2};
        const point_t d = sub_points(p, q);
        const int64_t re = d.re, im = d.im;
        const point_t turned = {add32(round_high32(re * cos), round_high32(im * sin)),
                                add32(round_high32(im * cos), round_high32(-re * sin))};
        store(a, i, add_points(p, q));
        store(b, i, scale_point(turned, 1u, 0u));
    }
}

static void twice(points_t *x, uint32_t n) {
    for (uint32_t k = 0; k < n; k++) {
        for (size_t i = 0; i < LANES; i++) {
            store(&x[k], i, scale_point(load(&x[k], i, LAST), 1u, 0u));
        }
    }
}

void lanes_cfft(const int32_t *twiddle, uint32_t n, points_t *x) {
    const uint32_t powers_of_four = 0x1550u; /* 16, 64, 256, 1024, 4096 */
    if ((n & powers_of_four) != 0u) {
        radix4(x, n, twiddle, 1u);
        return;
    }
    const uint32_t half = n / 2u;
    for (uint32_t k = 0; k < half; k++) {
        halve(&x[k], &x[k + half], twiddle[2u * k], twiddle[2u * k + 1u]);
    }
    radix4(x, half, twiddle, 2u);
    radix4(x + half, half, twiddle, 2u);
    twice(x, n);
}
