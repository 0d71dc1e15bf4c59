/*
 * The fused transform, stage by stage: PCM to magnitudes with the bits of
 * window, arm_rfft_q31 and magnitude, for n_fft = 2 M, M = 4^S >= 64.
 *
 * Points are complex: a pair (even sample, odd sample), then (re, im), two
 * int32 side by side. Stage t = 1..S of the complex FFT has B = 4^(t-1) blocks of
 * q = M / 4^t butterflies; butterfly k of block b has its four legs side by side,
 * from point 4 (k B + b) on. The first stage reads PCM and window instead: leg l
 * of butterfly k is the pair of samples 2 (k + l M/4).
 *
 * Scaling is the reader's. A butterfly's results are stored as formed, before the
 * division that arm_cfft_q31 does there:
 *
 *   result  what it is                        held after the   held after a
 *                                             first stage      middle stage
 *   d = 0   a + b + c + d                     value            4 value
 *   d = 1   (a - b + c - d) turned by 2k      value / 2        2 value
 *   d = 2   (a - jb - c + jd) turned by k     value / 2        2 value
 *   d = 3   (a + jb - c - jd) turned by 3k    value / 2        2 value
 *
 * "Turned": re = floor(re cos / 2^32) + floor(im sin / 2^32),
 *           im = floor(im cos / 2^32) - floor(re sin / 2^32).
 * Doubling wraps, halving floors (<< 1, >> 2, >> 1 of an int32). All four legs of a
 * butterfly share their scale: blocks b < B/4 hold results d = 0, the others
 * rotated ones.
 *
 * Result d of butterfly (k, b) goes to point 4 (k' 4B + B rev(d) + b) + j' of the
 * other buffer, rev = (0, 2, 1, 3), k = j' q' + k', q' = q / 4: there it is leg j' of
 * butterfly k' of block B rev(d) + b of the next stage. The last stage has M/4 blocks of
 * one butterfly; its results are not turned, and go to Z[b + (M/4) rev(d)]: natural order.
 *
 * Sums wrap modulo 2^32; with the generator's guard bit none does.
 *
 * On cores with the DSP extension (simd.h) the stages are frontend_fused_*.S, elsewhere the
 * portable functions of the same names with _c. Buffers are aligned to 8 and never overlap.
 */
#ifndef PARITONE_FRONTEND_FUSED_H
#define PARITONE_FRONTEND_FUSED_H

#include "paritone.h"

enum { FUSED_LEGS = 3, FUSED_ROW = 2 * FUSED_LEGS + 6 }; /* of a row of the first stage's table */

/* The weights of a butterfly's legs, from first to last: three in its row, the fourth apart. */
typedef struct {
    const int32_t *row, *fourth;
    uint32_t leg;
} fused_weights_t;

/* Those of the next leg within the window: even and odd sample. */
static inline const int32_t *fused_weights(fused_weights_t *w) {
    const int32_t *const weights = w->leg < FUSED_LEGS ? w->row + 2u * w->leg : w->fourth;
    w->fourth += w->leg < FUSED_LEGS ? 0 : 2;
    w->leg++;
    return weights;
}

/* The next butterfly's. */
static inline void fused_next_row(fused_weights_t *w) {
    w->row += FUSED_ROW;
    w->leg = 0;
}

/* Stage 1 on x[i] = (floor(w pcm / 2^16) << (headroom + 1)) >> 4, zeros outside the window.
 *   pcm       [f->window_length] from sample f->window_start of the frame on, aligned to 2;
 *             at most 15 - headroom bits and a sign each
 *   headroom  0..15
 *   out       [n_fft], |value| < 2^29
 * Window of paritone_fused_tables_t, in the order of reading; samples outside of it are
 * never read. f->window_start and f->window_length are even, window_length >= n_fft / 2: so
 * legs 1 and 2 are within the window, leg 0 from butterfly window_start / 2 on. */
void frontend_fused_first(const paritone_frontend_t *f, const int16_t *pcm, unsigned headroom,
                          int32_t *out);

/* A stage between the first and the last: `blocks` = 4, 16; _far: more, to M/16 blocks.
 *   twiddle   of this stage: rows of cos, sin of 2k, k, 3k for k < quarter
 *   row       words from one row to the next, 6 at least
 *   quarter   M / (4 blocks) butterflies a block
 *   in        [8 blocks quarter], of the first stage where blocks is 4, else of a middle one
 *   out       [8 blocks quarter]; |scaled value| <= 2^29 */
typedef void fused_middle_t(const int32_t *twiddle, uint32_t row, uint32_t quarter,
                            uint32_t blocks, const int32_t *in, int32_t *out);
fused_middle_t frontend_fused_middle, frontend_fused_middle_far;

/* The last stage, after a middle one: Z[g + groups rev(d)] of butterfly g.
 *   groups    M/4
 *   in, out   [8 groups]; no part of Z wraps */
void frontend_fused_last(uint32_t groups, const int32_t *in, int32_t *out);

/* The real spectrum's bins k and M - k from Z[k] and Z[M - k], and their magnitudes
 * as frontend_magnitude, for the pairs k of the tables.
 *   z          [n_fft], of frontend_fused_last
 *   magnitude  [M], by bin number from 0 on; bins not in use hold anything */
void frontend_fused_magnitude(const paritone_frontend_t *f, const int32_t *z,
                              uint32_t *magnitude);

/* The same bins themselves, for other powers and to look at; in C on every core.
 *   spectrum  [n_fft], re and im by bin number from 0 on */
void frontend_fused_spectrum(const paritone_frontend_t *f, const int32_t *z, int32_t *spectrum);

/* A transform under way. */
typedef struct {
    int32_t *in, *out; /* [n_fft] each: the last results, and where the next ones go */
    uint32_t row;      /* words between butterflies' cos and sin in the first stage's table */
    uint32_t blocks;   /* of the next stage */
    uint32_t quarter;  /* and butterflies of a block */
} fused_t;

/* The next stage; its angles are every fourth of those of the stage before. */
static inline void frontend_fused_stage(const paritone_frontend_t *f, fused_middle_t *middle,
                                        fused_t *state) {
    const paritone_fused_tables_t *tables = f->transform_tables;
    int32_t *const done = state->in;
    state->row *= 4u;
    middle(tables->window + 2 * FUSED_LEGS, state->row, state->quarter, state->blocks, state->in,
           state->out);
    state->blocks *= 4u;
    state->quarter /= 4u;
    state->in = state->out;
    state->out = done;
}

enum { FUSED_NEAR_BLOCKS = 16 };

/* The first stage's inputs before its division by 16, in the samples' order: [n_fft]. */
void frontend_fused_window(const paritone_frontend_t *f, const int16_t *pcm, unsigned headroom,
                           int32_t *fft);

/* The first stage, and those of no more than FUSED_NEAR_BLOCKS.
 *   scratch  [2 n_fft] */
void frontend_fused_start(const paritone_frontend_t *f, const int16_t *pcm, unsigned headroom,
                          int32_t *scratch, fused_t *state);

/* The last stage, and bins to stage `last`: spectrum or magnitude. Returns where they are. */
const void *frontend_fused_end(const paritone_frontend_t *f, const fused_t *state,
                               paritone_stage_t last);

/* The stages in portable C, the same on every core. */
void frontend_fused_first_c(const paritone_frontend_t *f, const int16_t *pcm, unsigned headroom,
                            int32_t *out);
fused_middle_t frontend_fused_middle_c;
void frontend_fused_last_c(uint32_t groups, const int32_t *in, int32_t *out);
void frontend_fused_magnitude_c(const paritone_frontend_t *f, const int32_t *z,
                                uint32_t *magnitude);

#endif
