/* The stages of the fused transform in portable C; frontend_fused.h says what they do. */
#include "frontend_fused.h"

#include "frontend_points.h"

static const uint32_t reversed[4] = {0u, 2u, 1u, 3u};

static point_t load(const int32_t *x, uint32_t place) {
    const point_t p = {x[2u * place], x[2u * place + 1u]};
    return p;
}

static void store(int32_t *x, uint32_t place, point_t p) {
    x[2u * place] = p.re;
    x[2u * place + 1u] = p.im;
}

/* Where a stage's results go: leg j of butterfly k of the next stage, `step` points apart. */
typedef struct {
    uint32_t place, step;
} target_t;

static target_t target(uint32_t k, uint32_t quarter, uint32_t blocks, uint32_t b) {
    const uint32_t next = quarter / 4u;
    const target_t t = {4u * (k % next * 4u * blocks + b) + k / next, 4u * blocks};
    return t;
}

/* The results to their places, all but the first turned by 2k, k and 3k. */
static void turn_and_store(const point_t result[4], const int32_t *twiddle, target_t t,
                           int32_t *out) {
    store(out, t.place, result[0]);
    for (uint32_t d = 1; d < 4u; d++) {
        const int32_t *cos_sin = &twiddle[2u * (d - 1u)];
        store(out, t.place + t.step * reversed[d], turn_point(result[d], cos_sin[0], cos_sin[1]));
    }
}

/* One leg of the first stage: the windowed samples i and i + 1 over 16. */
static point_t windowed(const paritone_frontend_t *f, const int16_t *pcm, uint32_t i,
                        unsigned headroom, fused_weights_t *weights) {
    point_t p = {0, 0};
    if (i >= f->window_start && i < (uint32_t)f->window_start + f->window_length) {
        const int16_t *sample = &pcm[i - f->window_start];
        const int32_t *const weight = fused_weights(weights);
        p.re = mul_high32(weight[0], shift_up32(sample[0], 16u));
        p.im = mul_high32(weight[1], shift_up32(sample[1], 16u));
    }
    return scale_point(p, headroom + 1u, 4u);
}

void frontend_fused_first_c(const paritone_frontend_t *f, const int16_t *pcm, unsigned headroom,
                          int32_t *out) {
    const paritone_fused_tables_t *tables = f->transform_tables;
    fused_weights_t weights = {tables->window, tables->fourth, 0};
    const uint32_t quarter = f->n_fft / 8u;
    for (uint32_t k = 0; k < quarter; k++) {
        point_t leg[4], result[4];
        for (uint32_t l = 0; l < 4u; l++) {
            leg[l] = windowed(f, pcm, 2u * (k + l * quarter), headroom, &weights);
        }
        butterfly4(leg, result);
        turn_and_store(result, weights.row + 2 * FUSED_LEGS, target(k, quarter, 1u, 0u), out);
        fused_next_row(&weights);
    }
}

/* The legs of butterfly i of all, scaled. */
static void load_legs(const int32_t *in, uint32_t i, unsigned left, unsigned right,
                      point_t leg[4]) {
    for (uint32_t l = 0; l < 4u; l++) {
        leg[l] = scale_point(load(in, 4u * i + l), left, right);
    }
}

void frontend_fused_middle_c(const int32_t *twiddle, uint32_t row, uint32_t quarter,
                             uint32_t blocks, const int32_t *in, int32_t *out) {
    const unsigned left = blocks == 4u ? 1u : 0u; /* of turned ones after the first stage */
    const unsigned right = blocks == 4u ? 0u : 1u;
    for (uint32_t k = 0; k < quarter; k++) {
        for (uint32_t b = 0; b < blocks; b++) {
            point_t leg[4], result[4];
            if (b < blocks / 4u) {
                load_legs(in, k * blocks + b, 0u, 2u * right, leg);
            } else {
                load_legs(in, k * blocks + b, left, right, leg);
            }
            butterfly4(leg, result);
            turn_and_store(result, &twiddle[row * k], target(k, quarter, blocks, b), out);
        }
    }
}

void frontend_fused_last_c(uint32_t groups, const int32_t *in, int32_t *out) {
    for (uint32_t g = 0; g < groups; g++) {
        point_t leg[4], result[4];
        load_legs(in, g, 0u, g < groups / 4u ? 2u : 1u, leg);
        butterfly4(leg, result);
        for (uint32_t d = 0; d < 4u; d++) {
            store(out, g + groups * reversed[d], result[d]);
        }
    }
}
