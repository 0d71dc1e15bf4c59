/*
 * PCM to magnitudes by the fused stages, from one buffer to the other and back. Scratch,
 * 8 n_fft bytes: the two buffers of n_fft / 2 points.
 */
#include <string.h>

#include "frontend_fused.h"
#include "frontend_points.h"
#include "frontend_stages.h"

static int32_t weigh(int32_t weight, int16_t sample, unsigned headroom) {
    return shift_up32(mul_high32(weight, shift_up32(sample, 16u)), headroom + 1u);
}

void frontend_fused_window(const paritone_frontend_t *f, const int16_t *pcm, unsigned headroom,
                           int32_t *fft) {
    const paritone_fused_tables_t *tables = f->transform_tables;
    fused_weights_t weights = {tables->window, tables->fourth, 0};
    const uint32_t quarter = f->n_fft / 8u; /* pairs of a leg */
    const uint32_t start = f->window_start, end = start + f->window_length;
    memset(fft, 0, 4u * (size_t)f->n_fft);
    for (uint32_t k = 0; k < quarter; k++) {
        for (uint32_t i = 2u * k; i < f->n_fft; i += 2u * quarter) {
            if (i >= start && i < end) {
                const int32_t *const weight = fused_weights(&weights);
                fft[i] = weigh(weight[0], pcm[i - start], headroom);
                fft[i + 1u] = weigh(weight[1], pcm[i - start + 1u], headroom);
            }
        }
        fused_next_row(&weights);
    }
}

void frontend_fused_start(const paritone_frontend_t *f, const int16_t *pcm, unsigned headroom,
                          int32_t *scratch, fused_t *state) {
    state->in = scratch;
    state->out = scratch + f->n_fft;
    state->row = FUSED_ROW;
    state->blocks = 4u;
    state->quarter = f->n_fft / 32u;
    frontend_fused_first(f, pcm, headroom, state->in);
    while (state->quarter > 1u && state->blocks <= FUSED_NEAR_BLOCKS) {
        frontend_fused_stage(f, frontend_fused_middle, state);
    }
}

const void *frontend_fused_end(const paritone_frontend_t *f, const fused_t *state,
                               paritone_stage_t last) {
    int32_t *const z = state->out, *const other = state->in;
    frontend_fused_last(f->n_fft / 8u, other, z);
    if (last == PARITONE_STAGE_MAGNITUDE && f->power == 1u) {
        uint32_t *magnitude = (uint32_t *)other;
        frontend_fused_magnitude(f, z, magnitude);
        return magnitude + f->first_bin;
    }
    frontend_fused_spectrum(f, z, other);
    const int32_t *bins = other + 2u * f->first_bin;
    if (last == PARITONE_STAGE_SPECTRUM) {
        return bins;
    }
    uint64_t *power = (uint64_t *)(void *)z;
    frontend_power(bins, f->n_bins, power);
    return power;
}

const void *paritone_transform_fused(const paritone_frontend_t *f, const int16_t *pcm,
                                     unsigned headroom, void *scratch, paritone_stage_t last) {
    fused_t state;
    if (last == PARITONE_STAGE_WINDOW) {
        frontend_fused_window(f, pcm, headroom, scratch);
        return scratch;
    }
    frontend_fused_start(f, pcm, headroom, scratch, &state);
    return frontend_fused_end(f, &state, last);
}
