/* arm_cfft_q31 in place, LANES transforms in lockstep. */
#include "frontend_lanes.h"

/* What a stage does to the values that it reads and writes: arm_cfft_q31's scaling. */
typedef enum { FIRST, MIDDLE, LAST } stage_t;

/* A point of each frame. */
typedef struct {
    vector_t re, im;
} vectors_t;

static inline vectors_t load(const points_t *p, stage_t stage) {
    vectors_t v = {vector_load(p->re), vector_load(p->im)};
    if (stage == FIRST) {
        v.re = vector_shift_down(v.re, 4u);
        v.im = vector_shift_down(v.im, 4u);
    }
    return v;
}

static inline void store(points_t *p, vectors_t v) {
    vector_store(p->re, v.re);
    vector_store(p->im, v.im);
}

static inline vectors_t add(vectors_t a, vectors_t b) {
    const vectors_t sum = {vector_add(a.re, b.re), vector_add(a.im, b.im)};
    return sum;
}

static inline vectors_t sub(vectors_t a, vectors_t b) {
    const vectors_t difference = {vector_sub(a.re, b.re), vector_sub(a.im, b.im)};
    return difference;
}

/* a - jb */
static inline vectors_t sub_j(vectors_t a, vectors_t b) {
    const vectors_t sum = {vector_add(a.re, b.im), vector_sub(a.im, b.re)};
    return sum;
}

/* a + jb */
static inline vectors_t add_j(vectors_t a, vectors_t b) {
    const vectors_t sum = {vector_sub(a.re, b.im), vector_add(a.im, b.re)};
    return sum;
}

static inline vectors_t twice(vectors_t a) {
    const vectors_t doubled = {vector_shift_up(a.re, 1u), vector_shift_up(a.im, 1u)};
    return doubled;
}

static inline vectors_t over(vectors_t a, unsigned shift) {
    const vectors_t part = {vector_shift_down(a.re, shift), vector_shift_down(a.im, shift)};
    return part;
}

/* a (cos - j sin): turn_point, then the stage's scaling. */
static inline vectors_t turn(vectors_t a, const int32_t *cos_sin, stage_t stage) {
    const int32_t cos = cos_sin[0], sin = cos_sin[1];
    const vectors_t half = {
        vector_add(vector_high(vector_scale(a.re, cos)), vector_high(vector_scale(a.im, sin))),
        vector_sub(vector_high(vector_scale(a.im, cos)), vector_high(vector_scale(a.re, sin)))};
    return stage == FIRST ? twice(half) : over(half, 1u);
}

/* Butterfly k of a block, its legs a, b, c, d; LAST turns nothing. */
static inline void butterflies(points_t *x, size_t step, const int32_t *twiddle, size_t k,
                               stage_t stage) {
    const vectors_t a = load(x, stage), b = load(x + step, stage);
    const vectors_t c = load(x + 2u * step, stage), d = load(x + 3u * step, stage);
    const vectors_t even = add(a, c), odd = add(b, d), crossed = sub(a, c), turned = sub(b, d);
    if (stage == LAST) {
        store(x, add(even, odd));
        store(x + step, sub(even, odd));
        store(x + 2u * step, sub_j(crossed, turned));
        store(x + 3u * step, add_j(crossed, turned));
    } else {
        store(x, stage == FIRST ? add(even, odd) : over(add(even, odd), 2u));
        store(x + step, turn(sub(even, odd), &twiddle[4u * k], stage));
        store(x + 2u * step, turn(sub_j(crossed, turned), &twiddle[2u * k], stage));
        store(x + 3u * step, turn(add_j(crossed, turned), &twiddle[6u * k], stage));
    }
}

/* n = 4^s >= 16 points; twiddle[2 k stride] holds the angle 2 pi k / n. */
static void radix4(points_t *x, uint32_t n, const int32_t *twiddle, uint32_t stride) {
    uint32_t q = n / 4u;
    for (uint32_t k = 0; k < q; k++) {
        butterflies(&x[k], q, twiddle, (size_t)k * stride, FIRST);
    }
    for (q /= 4u; q > 1u; q /= 4u) {
        stride *= 4u;
        for (uint32_t k = 0; k < q; k++) {
            for (uint32_t i = k; i < n; i += 4u * q) {
                butterflies(&x[i], q, twiddle, (size_t)k * stride, MIDDLE);
            }
        }
    }
    for (uint32_t i = 0; i < n; i += 4u) {
        butterflies(&x[i], 1u, twiddle, 0u, LAST);
    }
}

/* The radix-2 step of arm_cfft_q31: half a sum, and half a difference, turned. */
static inline void halve(points_t *low, points_t *high, const int32_t *cos_sin) {
    const int32_t cos = cos_sin[0], sin = cos_sin[1];
    const vectors_t a = over(load(low, LAST), 2u), b = over(load(high, LAST), 2u), d = sub(a, b);
    const vectors_t turned = {vector_add(vector_round_high(vector_scale(d.re, cos)),
                                         vector_round_high(vector_scale(d.im, sin))),
                              vector_add(vector_round_high(vector_scale(d.im, cos)),
                                         vector_round_high_negative(vector_scale(d.re, sin)))};
    store(low, add(a, b));
    store(high, twice(turned));
}

void lanes_cfft(const int32_t *twiddle, uint32_t n, points_t *x) {
    const uint32_t powers_of_four = 0x1550u; /* 16, 64, 256, 1024, 4096 */
    if ((n & powers_of_four) != 0u) {
        radix4(x, n, twiddle, 1u);
        return;
    }
    const uint32_t half = n / 2u;
    for (uint32_t k = 0; k < half; k++) {
        halve(&x[k], &x[k + half], &twiddle[2u * k]);
    }
    radix4(x, half, twiddle, 2u);
    radix4(x + half, half, twiddle, 2u);
    for (uint32_t k = 0; k < n; k++) {
        store(&x[k], twice(load(&x[k], LAST)));
    }
}
