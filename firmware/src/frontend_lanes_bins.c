/* PCM and bins of LANES frames in lockstep: window, the real spectrum's last step, magnitude. */
#include "frontend_lanes.h"

#include "frontend_points.h"
#include "frontend_root.h"

void lanes_headroom(const samples_t *samples, size_t n, words_t *headroom) {
    uint32_t changes[LANES] = {0}; /* of both samples' signs; the high one's bit 0 is odd, and idle */
    for (size_t k = 0; k < n; k++) {
        for (size_t i = 0; i < LANES; i++) {
            changes[i] |= samples[k].pair[i] ^ (samples[k].pair[i] << 1);
        }
    }
    for (size_t i = 0; i < LANES; i++) {
        headroom->lane[i] = clz32((changes[i] >> 16) | (changes[i] & 0xffffu) | 1u) - 16u;
    }
}

void lanes_window(const int32_t *window, const samples_t *samples, const words_t *headroom,
                  size_t n, points_t *out) {
    for (size_t k = 0; k < n; k++) {
        const int32_t even = window[2u * k], odd = window[2u * k + 1u];
        points_t windowed;
        for (size_t i = 0; i < LANES; i++) {
            const uint32_t pair = samples[k].pair[i];
            const unsigned shift = headroom->lane[i] + 1u;
            windowed.re[i] = shift_up32(mul_high32(even, (int32_t)(pair << 16)), shift);
            windowed.im[i] = shift_up32(mul_high32(odd, (int32_t)(pair & 0xffff0000u)), shift);
        }
        out[k] = windowed;
    }
}

/* Rounded high words of a product and of its negative. */
static inline int32_t plus(int64_t product) { return round_high32(product); }

static inline int32_t minus(int64_t product) { return round_high32(-product); }

static inline int32_t sum4(int32_t a, int32_t b, int32_t c, int32_t d) {
    return add32(add32(a, b), add32(c, d));
}

/* split_point of (p, m) with a, b and of (m, p) with a's conjugate; 12 products in all. */
static inline void split_lanes(const points_t *p, const points_t *m, point_t a, int32_t b,
                               points_t *bin, points_t *mirror) {
    for (size_t i = 0; i < LANES; i++) {
        const int64_t pr = p->re[i], pi = p->im[i], mr = m->re[i], mi = m->im[i];
        const int64_t pi_a = pi * a.im, mi_a = mi * a.im, pi_b = pi * b, mi_b = mi * b;
        const int32_t crossed = add32(plus(pr * a.im), minus(mr * a.im));
        bin->re[i] = sum4(plus(pr * a.re), minus(pi_a), minus(mi_a), plus(mr * b));
        bin->im[i] = sum4(crossed, plus(pi * a.re), minus(mi_b), 0);
        mirror->re[i] = sum4(plus(mr * a.re), plus(mi_a), plus(pi_a), plus(pr * b));
        mirror->im[i] = sum4(crossed, plus(mi * a.re), minus(pi_b), 0);
    }
}

void lanes_split(const paritone_cmsis_tables_t *tables, uint32_t half, uint32_t first,
                 uint32_t last, const uint16_t *order, const points_t *z, points_t *spectrum) {
    for (uint32_t k = first; k <= last; k++) {
        const point_t a = {tables->split_a[2u * k], tables->split_a[2u * k + 1u]};
        points_t bin, mirror;
        split_lanes(&z[order[k]], &z[order[half - k]], a, tables->split_b[2u * k], &bin, &mirror);
        spectrum[k] = bin;
        spectrum[half - k] = mirror;
    }
}
