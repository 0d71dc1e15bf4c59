/* PCM and bins of LANES frames in lockstep: window, the real spectrum's last step, magnitude. */
#include "frontend_lanes.h"

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
    words_t shift;
    for (size_t i = 0; i < LANES; i++) {
        shift.lane[i] = headroom->lane[i] + 1u;
    }
    const vector_t up = vector_load(shift.lane);
    for (size_t k = 0; k < n; k++) {
        const vector_t pair = vector_load(samples[k].pair);
        const vector_t even = vector_shift_up(pair, 16u), odd = vector_mask(pair, 0xffff0000u);
        const vector_t re = vector_high(vector_scale(even, window[2u * k]));
        const vector_t im = vector_high(vector_scale(odd, window[2u * k + 1u]));
        vector_store(out[k].re, vector_shift_up_each(re, up));
        vector_store(out[k].im, vector_shift_up_each(im, up));
    }
}

static inline vector_t sum4(vector_t a, vector_t b, vector_t c, vector_t d) {
    return vector_add(vector_add(a, b), vector_add(c, d));
}

static inline vector_t plus(products_t product) { return vector_round_high(product); }

static inline vector_t minus(products_t product) { return vector_round_high_negative(product); }

/* split_point of (p, m) with a, b and of (m, p) with a's conjugate; 12 products in all. */
static inline void split(const points_t *p, const points_t *m, point_t a, int32_t b,
                         points_t *bin, points_t *mirror) {
    const vector_t pr = vector_load(p->re), pi = vector_load(p->im);
    const vector_t mr = vector_load(m->re), mi = vector_load(m->im);
    const products_t pi_a = vector_scale(pi, a.im), mi_a = vector_scale(mi, a.im);
    const products_t pi_b = vector_scale(pi, b), mi_b = vector_scale(mi, b);
    const vector_t crossed =
        vector_add(plus(vector_scale(pr, a.im)), minus(vector_scale(mr, a.im)));
    const vector_t re = sum4(plus(vector_scale(pr, a.re)), minus(pi_a), minus(mi_a),
                             plus(vector_scale(mr, b)));
    const vector_t mirror_re = sum4(plus(vector_scale(mr, a.re)), plus(mi_a), plus(pi_a),
                                    plus(vector_scale(pr, b)));
    vector_store(bin->re, re);
    vector_store(bin->im, vector_add(crossed, vector_add(plus(vector_scale(pi, a.re)),
                                                         minus(mi_b))));
    vector_store(mirror->re, mirror_re);
    vector_store(mirror->im, vector_add(crossed, vector_add(plus(vector_scale(mi, a.re)),
                                                            minus(pi_b))));
}

void lanes_split(const paritone_cmsis_tables_t *tables, uint32_t half, uint32_t first,
                 uint32_t last, const uint16_t *order, const points_t *z, points_t *spectrum) {
    for (uint32_t k = first; k <= last; k++) {
        const point_t a = {tables->split_a[2u * k], tables->split_a[2u * k + 1u]};
        split(&z[order[k]], &z[order[half - k]], a, tables->split_b[2u * k], &spectrum[k],
              &spectrum[half - k]);
    }
}

void lanes_magnitude(const uint32_t *root, const points_t *spectrum, size_t n,
                     words_t *magnitude) {
    for (size_t k = 0; k < n; k++) {
        const vector_t re = vector_load(spectrum[k].re), im = vector_load(spectrum[k].im);
        vector_store(magnitude[k].lane, vector_magnitude(root, re, im));
    }
}
