/*
 * The stages of one frame, each in the file of its name. Inner functions trust
 * their callers; the public boundary (frontend.c, frontend_stream.c) checks.
 */
#ifndef PARITONE_FRONTEND_STAGES_H
#define PARITONE_FRONTEND_STAGES_H

#include "paritone.h"

/* Largest shift that leaves every sample within int16: 0..15, 15 for silence. */
unsigned frontend_headroom(const int16_t *pcm, size_t n);

/* fft[window_start + i] = floor(pcm[i] * 2^headroom * window[i] / 2^15), zeros around.
 *   out: [n_fft], |fft| < 2^31, and the FFT's partial sums cannot wrap */
void frontend_window(const paritone_frontend_t *f, const int16_t *pcm, unsigned headroom,
                     int32_t *fft);

/* The spectrum divided by n_fft: arm_rfft_q31.
 *   fft       [n_fft] of frontend_window, destroyed
 *   spectrum  [2 * n_fft], of which n_fft + 2 are the spectrum; |re|, |im| <= 2^30, as the
 *             window's values have a mean of 1/2 at most (a guard bit sees to it) */
void frontend_spectrum(const paritone_frontend_t *f, int32_t *fft, int32_t *spectrum);

/* 2 |X| rounded, relative error below 2e-5, for the bins in use.
 *   spectrum   of frontend_spectrum
 *   magnitude  [n_bins], below 2^32 */
void frontend_magnitude(const paritone_frontend_t *f, const int32_t *spectrum,
                        uint32_t *magnitude);

/* |X|^2, exactly, for the bins in use; at most 2^63. */
void frontend_power(const paritone_frontend_t *f, const int32_t *spectrum, uint64_t *power);

/* mel[j] = sum of weight * magnitude over the band's bins, exactly.
 *   out: below 2^63, as no band's weights sum to more than 2^31 */
void frontend_mel_magnitude(const paritone_frontend_t *f, const uint32_t *magnitude,
                            uint64_t *mel);

/* mel[j] = sum of floor(weight * power / 2^32); below 2^63 as above. */
void frontend_mel_power(const paritone_frontend_t *f, const uint64_t *power, uint64_t *mel);

/* log[j] = ln(mel / 2^(mel_exponent + power * headroom) + 1e-4) in q24, within 2e-6. */
void frontend_log(const paritone_frontend_t *f, const uint64_t *mel, unsigned headroom,
                  int32_t *log);

/* The model's input: rounded, clipped to its dtype; float32 is log / 2^24. */
void frontend_input(const paritone_frontend_t *f, const int32_t *log, void *column);

/* Bytes of one value of a patch. */
size_t frontend_value_bytes(const paritone_frontend_t *f);

#endif
