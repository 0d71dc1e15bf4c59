/*
 * The one place that knows whether the core has the DSP extension, and the inner
 * blocks that are written in assembly for it: firmware/src/frontend_*.S.
 *
 * A stage `name` calls the blocks here where the core has them (frontend_simd.c,
 * frontend_fused_simd.c), and its portable twin `name_c` elsewhere: Cortex-M4, M7 and M33 take
 * the assembly; M0, M3, M23, the host and -DPARITONE_PLAIN_C the C. Both give the same bits.
 * Ranges and results are the stages', in frontend_stages.h and frontend_fused.h.
 */
#ifndef PARITONE_SIMD_H
#define PARITONE_SIMD_H

#if defined(__ARM_FEATURE_DSP) && defined(__ARM_ARCH_PROFILE) && !defined(PARITONE_PLAIN_C)
#if __ARM_ARCH_PROFILE == 'M'
#define PARITONE_SIMD 1
#endif
#endif

#ifndef PARITONE_SIMD
#define PARITONE_SIMD 0
#endif

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

/* frontend_window.S, for frontend_headroom. Bits i and i + 16, i = 1..15: whether bits i and i - 1
 * differ in any even, in any odd sample. Bits 0 and 16 say nothing.
 *   pcm  [2 * words], aligned to 4 */
uint32_t frontend_sign_bits_simd(const int16_t *pcm, size_t words);

/* frontend_copy.S: frontend_copy. */
void frontend_copy_simd(int16_t *to, const int16_t *from, size_t n);

/* frontend_fused_first.S: frontend_fused_first.
 *   window, fourth  of paritone_fused_tables_t
 *   lead     zero pairs before the window, as many after it; at most quarter
 *   quarter  M/4 */
void frontend_fused_first_simd(const int32_t *window, const int16_t *pcm, int32_t *out,
                               unsigned headroom, uint32_t lead, uint32_t quarter,
                               const int32_t *fourth);

/* frontend_fused_middle.S: frontend_fused_middle with 4, with 16 and with more blocks.
 *   row_bytes  from one butterfly's cos and sin to the next one's */
void frontend_fused_middle_4_simd(const int32_t *twiddle, uint32_t quarter, const int32_t *in,
                                  int32_t *out, uint32_t row_bytes);
void frontend_fused_middle_16_simd(const int32_t *twiddle, uint32_t quarter, const int32_t *in,
                                   int32_t *out, uint32_t row_bytes);
void frontend_fused_middle_far_simd(const int32_t *twiddle, uint32_t quarter, uint32_t blocks,
                                    const int32_t *in, int32_t *out, uint32_t row_bytes);

/* frontend_fused_last.S: frontend_fused_last; groups is a multiple of 16. */
void frontend_fused_last_simd(uint32_t groups, const int32_t *in, int32_t *out);

/* frontend_fused_split.S: n magnitudes of bins k, k + 1.. (low), or n of each of these and of
 * bins M - k, M - k - 1.. (pairs).
 *   low, high  Z[k] and Z[M - k]
 *   split      [3 n] of bin k
 *   to_low, to_high  magnitude[k] and magnitude[M - k] */
void frontend_magnitude_low_simd(const int32_t *low, const int32_t *high, const int32_t *split,
                                 const uint32_t *root, uint32_t *to_low, size_t n);
void frontend_magnitude_pairs_simd(const int32_t *low, const int32_t *high, const int32_t *split,
                                   const uint32_t *root, uint32_t *to_low, uint32_t *to_high,
                                   size_t n);

/* frontend_mel.S: bands of frontend_mel_magnitude before their gain.
 *   one  2^rise_bits */
void frontend_mel_segments_simd(const uint16_t *length, const uint32_t *rise,
                                const uint32_t *magnitude, uint64_t *mel, size_t n_mels,
                                uint32_t one);

/* frontend_input.S: frontend_codes_wide, codes of n mel sums, of which each + offset is 2^32 at least.
 *   base   (62 - octave of the first cell) << 23
 *   shift  23 - code_bits
 *   ends   code_ends */
void frontend_codes_simd(const uint8_t *codes, const uint64_t *mel, uint8_t *column, size_t n,
                         uint64_t offset, uint32_t base, uint32_t shift, const uint32_t *ends);
#endif

#endif
