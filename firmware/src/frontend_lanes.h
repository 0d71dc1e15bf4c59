/*
 * LANES frames in lockstep, for hosts: every value of a frame is an array of LANES, and
 * every step does all of them (frontend_vectors.h). The same numbers as one frame at a
 * time, to the bit; only the order of work differs. Inner functions trust
 * frontend_spectrogram.c.
 */
#ifndef PARITONE_FRONTEND_LANES_H
#define PARITONE_FRONTEND_LANES_H

#include "frontend_vectors.h"
#include "paritone.h"

typedef struct {
    int32_t re[LANES], im[LANES];
} points_t;

/* Two neighbouring samples of each frame: the first in the low half. */
typedef struct {
    uint32_t pair[LANES];
} samples_t;

/* One 32-bit or 64-bit value of each frame. */
typedef struct {
    uint32_t lane[LANES];
} words_t;

typedef struct {
    uint64_t lane[LANES];
} sums_t;

/* Of each frame's samples: as frontend_headroom. */
void lanes_headroom(const samples_t *samples, size_t n, words_t *headroom);

/* out = (floor(w sample / 2^16) << (headroom + 1)): as frontend_window.
 *   window   [2 * n] q31
 *   samples  [n]
 *   out      [n] even and odd samples as re and im */
void lanes_window(const int32_t *window, const samples_t *samples, const words_t *headroom,
                  size_t n, points_t *out);

/* As arm_cfft_q31, forward, its results in bit-reversed order.
 *   twiddle  [3 * n / 2]
 *   x        [n] in place */
void lanes_cfft(const int32_t *twiddle, uint32_t n, points_t *x);

/* Bins k and M - k of the pairs k = first..last: as arm_rfft_q31's last step.
 *   order     [half + 1] places of the points 0..M in z; M is 0
 *   z         [half] of lanes_cfft
 *   spectrum  [half], by bin number */
void lanes_split(const paritone_cmsis_tables_t *tables, uint32_t half, uint32_t first,
                 uint32_t last, const uint16_t *order, const points_t *z, points_t *spectrum);

/* As frontend_magnitude, of n bins. */
void lanes_magnitude(const uint32_t *root, const points_t *spectrum, size_t n, words_t *magnitude);

/* As frontend_mel_magnitude, of all bins. */
void lanes_mel(const paritone_frontend_t *f, const words_t *magnitude, sums_t *mel);

/* As frontend_mel_power of frontend_power, of all bins. */
void lanes_mel_power(const paritone_frontend_t *f, const points_t *spectrum, sums_t *mel);

/* What each frame's headroom makes of the logarithm's constants. */
typedef struct {
    sums_t offset, floor;
    words_t shift; /* headroom, twice for powers */
} shifted_t;

void lanes_shift(const paritone_frontend_t *f, const words_t *headroom, shifted_t *shifted);

/* The model's input of one band, as paritone_input_codes or paritone_input_log.
 *   mel     of the band
 *   n       frames, of LANES, whose values are wanted
 *   values  [n] of f->dtype */
void lanes_input(const paritone_frontend_t *f, const sums_t *mel, const shifted_t *shifted,
                 size_t n, void *values);

#endif
