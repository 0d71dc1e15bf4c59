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

/* The first stage's inputs before its division by 16, in the samples' order. */
static void window(const paritone_frontend_t *f, const int16_t *pcm, unsigned headroom,
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

/* Z, in one of the two buffers; *other is the one that is free then. */
static const int32_t *transform(const paritone_frontend_t *f, const int16_t *pcm,
                                unsigned headroom, int32_t *scratch, int32_t **other) {
    const paritone_fused_tables_t *tables = f->transform_tables;
    const uint32_t butterflies = f->n_fft / 8u;
    uint32_t row = FUSED_ROW; /* words from butterfly to butterfly of the first stage */
    int32_t *in = scratch, *out = scratch + f->n_fft;
    frontend_fused_first(f, pcm, headroom, in);
    for (uint32_t blocks = 4u; blocks < butterflies; blocks *= 4u) {
        int32_t *const done = in;
        row *= 4u; /* a stage's angles are every fourth of those of the stage before */
        frontend_fused_middle(tables->window + 2 * FUSED_LEGS, row, butterflies / blocks, blocks, in,
                              out);
        in = out;
        out = done;
    }
    frontend_fused_last(butterflies, in, out);
    *other = in;
    return out;
}

const void *paritone_transform_fused(const paritone_frontend_t *f, const int16_t *pcm,
                                     unsigned headroom, void *scratch, paritone_stage_t last) {
    if (last == PARITONE_STAGE_WINDOW) {
        window(f, pcm, headroom, scratch);
        return scratch;
    }
    int32_t *other;
    const int32_t *z = transform(f, pcm, headroom, scratch, &other);
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
    uint64_t *power = z == scratch ? scratch : (uint64_t *)(void *)((int32_t *)scratch + f->n_fft);
    frontend_power(bins, f->n_bins, power);
    return power;
}
