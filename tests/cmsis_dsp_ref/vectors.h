/*
 * Test signals made from a vector's number: the same on the board, on the host and in NumPy
 * (tests/cmsis_dsp_vectors.py), so that no vector travels.
 *
 * A signal is defined in q31; q15 is its upper half. With s = mix(vector * GOLDEN + stream):
 *    0 zeros                       8 ramp of one LSB a step, zero in the middle
 *    1 impulse of +full scale      9 sine of full scale, any frequency and phase
 *    2 impulse of -full scale     10 the same, 1 to 14 (30) bits smaller
 *    3 +full scale                11-15 noise at five levels: full scale, then each a
 *    4 -full scale                      quarter of the bits smaller, the last of about 2 bits
 *    5 square of full scale, half a period of 1 to 16 samples
 *    6 alternating full scale
 *    7 ramp from -full scale to +full scale
 */
#ifndef VECTORS_H
#define VECTORS_H

#include <stdint.h>

enum { KINDS = 16 };

#define GOLDEN 0x9E3779B9u

/* 32 bits in, 32 well-mixed bits out, one to one. */
uint32_t mix(uint32_t x);

/* `count` samples of a kind; two signals of one vector differ in `stream`. */
void fill_q31(uint32_t vector, uint32_t stream, uint32_t kind, uint32_t count, int32_t *out);
void fill_q15(uint32_t vector, uint32_t stream, uint32_t kind, uint32_t count, int16_t *out);

/* Length of a vector's blocks: 1 to 64. */
uint32_t block_size(uint32_t vector);

/* FFTs: every kind in both directions in each run of 32 vectors, which have one length. Each
 * length (32, 64 ... 4096) comes half as often as the one before. */
uint32_t fft_kind(uint32_t vector);
uint32_t fft_inverse(uint32_t vector);
uint32_t fft_length(uint32_t vector);

#endif
