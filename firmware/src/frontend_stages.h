/*
 * The stages of one frame, each in the file of its name. Inner functions trust
 * their callers; the public boundary (frontend.c, frontend_stream.c) checks.
 */
#ifndef PARITONE_FRONTEND_STAGES_H
#define PARITONE_FRONTEND_STAGES_H

#include "paritone.h"

/* Largest shift that leaves every sample within int16: 0..15, 15 for silence. */
unsigned frontend_headroom(const int16_t *pcm, size_t n);

/* The same of one window after the other, each `hop` samples on from the last. */
void frontend_headroom_start(paritone_headroom_t *h, uint32_t hop, uint32_t window_length);
unsigned frontend_headroom_next(paritone_headroom_t *h, const int16_t *pcm);

/* fft[window_start + i] = floor(pcm[i] * window[i] / 2^16) * 2^(headroom + 1), zeros around.
 *   window  [f->window_length] q31
 *   out     [n_fft], -2^31 <= fft < 2^31, and the FFT's partial sums cannot wrap */
void frontend_window(const paritone_frontend_t *f, const int32_t *window, const int16_t *pcm,
                     unsigned headroom, int32_t *fft);

/* The spectrum divided by n_fft: arm_rfft_q31.
 *   fft       [n_fft] of frontend_window, destroyed
 *   spectrum  [2 * n_fft], of which n_fft + 2 are the spectrum; |X| <= 2^30, as the
 *             window's values have a mean of 1/2 at most (guard bits see to it) */
void frontend_spectrum(const paritone_cmsis_tables_t *tables, uint16_t n_fft, int32_t *fft,
                       int32_t *spectrum);

/* |X|, relative error below 2e-5, then rounded: n bins.
 *   root       [257] table of square roots, 1..31 not read
 *   spectrum   [n][2] re and im
 *   magnitude  [n], below 2^32; elsewhere */
void frontend_magnitude(const uint32_t *root, const int32_t *spectrum, size_t n,
                        uint32_t *magnitude);

/* |X|^2, exactly, of n bins; at most 2^63. Elsewhere. */
void frontend_power(const int32_t *spectrum, size_t n, uint64_t *power);

/* paritone_mel_magnitude before the gain: mel[j] = sum of weight * magnitude over the band's bins.
 *   magnitude  [n_bins], at most 2^30 (1 + 2^-14)
 *   out        below 2^62: the generator chooses rise_bits for it */
void frontend_mel_magnitude(const paritone_frontend_t *f, const uint32_t *magnitude,
                            uint64_t *mel);

/* paritone_mel_power: that with floor(weight * power / 2^32) for each bin; power at most
 * 2^60 (1 + 2^-13).
 *
 * paritone_log: log[j] = ln(mel / 2^(mel_exponent + power * headroom) + 1e-4) in q24, within
 * 2e-6; or decibels above the reference, not below the floor, in q20 within 2e-5.
 *
 * paritone_input_log: the model's input from it, rounded, clipped to its dtype; float32 is the
 * logarithm's value.
 *
 * paritone_level: the sum of all bands in units of 2^-10, floored, headroom undone; at most
 * 2^32 - 1. */

/* paritone_input_codes: the same bytes for int8 and uint8 by the table of codes. */
void frontend_codes_c(const paritone_frontend_t *f, const uint64_t *mel, unsigned headroom,
                      uint8_t *column);

/* paritone_input_codes_wide: for f->floor 0 and f->offset >= 2^32. */
void frontend_codes_wide(const paritone_frontend_t *f, const uint64_t *mel, unsigned headroom,
                         uint8_t *column);

/* One frame's column, and its level unless that is null.
 *   headroom  of the frame's samples */
void frontend_column(const paritone_frontend_t *f, const int16_t *pcm, unsigned headroom,
                     void *scratch, void *column, uint32_t *level);

/* The bands' gains, of which there are some, in place. */
void frontend_mel_gain(const paritone_frontend_t *f, uint64_t *mel);

/* n samples, from first to last: `to` may be within `from` where it lies below it. */
void frontend_copy(int16_t *to, const int16_t *from, size_t n);

/* Bytes of one value of a patch. */
size_t frontend_value_bytes(const paritone_frontend_t *f);

/* In portable C on every core, beside the assembly that simd.h may put in their place. */
unsigned frontend_headroom_c(const int16_t *pcm, size_t n);
void frontend_copy_c(int16_t *to, const int16_t *from, size_t n);
void frontend_mel_magnitude_c(const paritone_frontend_t *f, const uint32_t *magnitude,
                              uint64_t *mel);

#endif
