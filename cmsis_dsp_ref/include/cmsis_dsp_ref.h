/*
 * cmsis_dsp_ref: kernels of CMSIS-DSP under upstream's names and signatures, with upstream's
 * results to the last bit: those of its variant with the DSP extension, which is what a
 * Cortex-M4, M7 or M33 computes. Portable C99, no state, no memory but the caller's.
 *
 * Genuine CMSIS-DSP takes this library's place at link time: the structs have upstream's layout
 * (all cores but those with Helium or Neon). In a source file, include either this header or
 * upstream's arm_math.h, not both.
 *
 * Q-formats: a value in q15 or q31 counts 2^-15 or 2^-31, -1.0 <= value < 1.0. Other formats
 * are given as bits before and after the binary point: q2.14 is an int16 that counts 2^-14.
 * "Floored" means that right shifts round down, "saturated" that results which do not fit
 * become the nearest that does, "wraps" that they are taken modulo 2^16 or 2^32.
 *
 * Pointers must not be null; blocks may be empty (blockSize 0) but for arm_absmax_*. Unless
 * said otherwise, inputs are left alone and must not overlap outputs in part; "in place" says
 * that an output may be the input itself.
 *
 * The magnitudes of 512 samples' spectrum, each half of |X| / 512:
 *
 *     static q31_t samples[512], spectrum[1024], magnitudes[257];
 *     arm_rfft_instance_q31 fft;
 *     arm_rfft_init_512_q31(&fft, 0, 1);           tables of this length are linked, no others
 *     arm_rfft_q31(&fft, samples, spectrum);       samples are destroyed
 *     arm_cmplx_mag_q31(spectrum, magnitudes, 257);
 *
 * Sections below:
 *
 *     Basic          arm_mult, arm_scale, arm_shift, arm_dot_prod
 *     Complex        arm_cmplx_mag, arm_cmplx_mag_squared
 *     Statistics     arm_absmax, arm_absmax_no_idx
 *     Fast           arm_sqrt, arm_vlog
 *     Complex FFT    arm_cfft, arm_cfft_init
 *     Real FFT       arm_rfft, arm_rfft_init
 *     MFCC           arm_mfcc, arm_mfcc_init
 */
#ifndef CMSIS_DSP_REF_H
#define CMSIS_DSP_REF_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef int16_t q15_t;
typedef int32_t q31_t;
typedef int64_t q63_t;

typedef enum {
    ARM_MATH_SUCCESS = 0,
    ARM_MATH_ARGUMENT_ERROR = -1 /* a length that is not supported, a negative number's root */
} arm_status;

/* ---- Basic -------------------------------------------------------------------------------- */

/* pDst = pSrcA * pSrcB, floored and saturated (only -1.0 * -1.0 saturates). In place.
 * q31: the product's upper word, doubled: bit 0 is always 0, and -1.0 * -1.0 is 0x7FFFFFFE. */
void arm_mult_q15(const q15_t *pSrcA, const q15_t *pSrcB, q15_t *pDst, uint32_t blockSize);
void arm_mult_q31(const q31_t *pSrcA, const q31_t *pSrcB, q31_t *pDst, uint32_t blockSize);

/* pDst = pSrc * scaleFract * 2^shift, floored and saturated. In place.
 *   shift  q15: -16 .. 15; q31: -32 .. 31
 * q31: the product is cut to its upper word before it is shifted: shift + 1 low bits are 0.
 * A shift of 31 saturates anything but 0, as the core does; upstream's C leaves it undefined. */
void arm_scale_q15(const q15_t *pSrc, q15_t scaleFract, int8_t shift, q15_t *pDst,
                   uint32_t blockSize);
void arm_scale_q31(const q31_t *pSrc, q31_t scaleFract, int8_t shift, q31_t *pDst,
                   uint32_t blockSize);

/* pDst = pSrc * 2^shiftBits, saturated (up) or floored (down). In place.
 *   shiftBits  q15: -31 .. 16; q31: -31 .. 31 */
void arm_shift_q15(const q15_t *pSrc, int8_t shiftBits, q15_t *pDst, uint32_t blockSize);
void arm_shift_q31(const q31_t *pSrc, int8_t shiftBits, q31_t *pDst, uint32_t blockSize);

/* *result = sum of pSrcA * pSrcB.
 * q15: q34.30, exact. q31: q16.48, each product floored to it; wraps past 2^15, which takes
 * more than 2^15 products. */
void arm_dot_prod_q15(const q15_t *pSrcA, const q15_t *pSrcB, uint32_t blockSize, q63_t *result);
void arm_dot_prod_q31(const q31_t *pSrcA, const q31_t *pSrcB, uint32_t blockSize, q63_t *result);

/* ---- Complex ------------------------------------------------------------------------------ */

/* pDst[numSamples] = sqrt(re^2 + im^2) of pSrc[2 * numSamples], re and im interleaved.
 * In place (a magnitude is written after its pair was read).
 * q15 in, q2.14 out: arm_sqrt_q31 of half the exact sum, its upper 16 bits.
 * q31 in, q2.30 out: the squares are floored to multiples of 2^-29 first, so that an re or im
 * below 2^-14.5 counts as 0. */
void arm_cmplx_mag_q15(const q15_t *pSrc, q15_t *pDst, uint32_t numSamples);
void arm_cmplx_mag_q31(const q31_t *pSrc, q31_t *pDst, uint32_t numSamples);

/* pDst[numSamples] = re^2 + im^2 of pSrc[2 * numSamples]. In place as above.
 * q15 in, q3.13 out, the sum floored; re = im = -1.0 wraps to -2.0.
 * q31 in, q3.29 out, each square floored. */
void arm_cmplx_mag_squared_q15(const q15_t *pSrc, q15_t *pDst, uint32_t numSamples);
void arm_cmplx_mag_squared_q31(const q31_t *pSrc, q31_t *pDst, uint32_t numSamples);

/* ---- Statistics --------------------------------------------------------------------------- */

/* *pResult = the largest |pSrc[i]| (of -1.0: the largest positive value), *pIndex = the first
 * i that has it. blockSize >= 1. */
void arm_absmax_q15(const q15_t *pSrc, uint32_t blockSize, q15_t *pResult, uint32_t *pIndex);
void arm_absmax_q31(const q31_t *pSrc, uint32_t blockSize, q31_t *pResult, uint32_t *pIndex);
void arm_absmax_no_idx_q15(const q15_t *pSrc, uint32_t blockSize, q15_t *pResult);
void arm_absmax_no_idx_q31(const q31_t *pSrc, uint32_t blockSize, q31_t *pResult);

/* ---- Fast --------------------------------------------------------------------------------- */

/* *pOut = sqrt(in), by three Newton steps for 1 / sqrt. A negative number gives 0 and
 * ARM_MATH_ARGUMENT_ERROR. */
arm_status arm_sqrt_q15(q15_t in, q15_t *pOut);
arm_status arm_sqrt_q31(q31_t in, q31_t *pOut);

/* pDst = ln(pSrc), by Turner's algorithm: one bit of log2 a squaring, every product floored.
 * In place. q15 in, q5.11 out; q31 in, q6.26 out. The input is taken as unsigned: negative
 * numbers stand for 1.0 .. 2.0. 0 gives ln(2^-16), in q31 ln(2^-32). */
void arm_vlog_q15(const q15_t *pSrc, q15_t *pDst, uint32_t blockSize);
void arm_vlog_q31(const q31_t *pSrc, q31_t *pDst, uint32_t blockSize);

/* ---- Complex FFT -------------------------------------------------------------------------- */

/* fftLen = 16, 32, 64 ... 4096 points. An instance is made by arm_cfft_init_*, is one of the
 * constants below, or is filled in by hand. */
typedef struct {
    uint16_t fftLen;
    const q15_t *pTwiddle;        /* [3 * fftLen / 2]: cos, sin of 2 pi k / fftLen, k < 3/4 fftLen */
    const uint16_t *pBitRevTable; /* [bitRevLength]: offsets 8 * k of pairs to swap */
    uint16_t bitRevLength;
} arm_cfft_instance_q15;

typedef struct {
    uint16_t fftLen;
    const q31_t *pTwiddle;        /* [3 * fftLen / 2]: cos, sin of 2 pi k / fftLen, k < 3/4 fftLen */
    const uint16_t *pBitRevTable; /* [bitRevLength]: offsets 8 * k of pairs to swap */
    uint16_t bitRevLength;
} arm_cfft_instance_q31;

/* Complex FFT in place, divided by fftLen.
 *   p1              [2 * fftLen], re and im interleaved. Where |re| or |im| of a partial sum
 *                   passes 1.0, q31 wraps and q15 saturates or, in the last step of 32, 128,
 *                   512 and 2048 points, wraps: they cannot for sqrt(re^2 + im^2) < 1.0.
 *   ifftFlag        1: inverse, divided by fftLen too
 *   bitReverseFlag  1: output in natural order; 0: place k holds the bin with k's bits reversed */
void arm_cfft_q15(const arm_cfft_instance_q15 *S, q15_t *p1, uint8_t ifftFlag,
                  uint8_t bitReverseFlag);
void arm_cfft_q31(const arm_cfft_instance_q31 *S, q31_t *p1, uint8_t ifftFlag,
                  uint8_t bitReverseFlag);

/* Fill in an instance. Those of one length link the tables of that length only; those that take
 * the length link all and return ARM_MATH_ARGUMENT_ERROR for a length that is not supported. */
arm_status arm_cfft_init_q15(arm_cfft_instance_q15 *S, uint16_t fftLen);
arm_status arm_cfft_init_16_q15(arm_cfft_instance_q15 *S);
arm_status arm_cfft_init_32_q15(arm_cfft_instance_q15 *S);
arm_status arm_cfft_init_64_q15(arm_cfft_instance_q15 *S);
arm_status arm_cfft_init_128_q15(arm_cfft_instance_q15 *S);
arm_status arm_cfft_init_256_q15(arm_cfft_instance_q15 *S);
arm_status arm_cfft_init_512_q15(arm_cfft_instance_q15 *S);
arm_status arm_cfft_init_1024_q15(arm_cfft_instance_q15 *S);
arm_status arm_cfft_init_2048_q15(arm_cfft_instance_q15 *S);
arm_status arm_cfft_init_4096_q15(arm_cfft_instance_q15 *S);
arm_status arm_cfft_init_q31(arm_cfft_instance_q31 *S, uint16_t fftLen);
arm_status arm_cfft_init_16_q31(arm_cfft_instance_q31 *S);
arm_status arm_cfft_init_32_q31(arm_cfft_instance_q31 *S);
arm_status arm_cfft_init_64_q31(arm_cfft_instance_q31 *S);
arm_status arm_cfft_init_128_q31(arm_cfft_instance_q31 *S);
arm_status arm_cfft_init_256_q31(arm_cfft_instance_q31 *S);
arm_status arm_cfft_init_512_q31(arm_cfft_instance_q31 *S);
arm_status arm_cfft_init_1024_q31(arm_cfft_instance_q31 *S);
arm_status arm_cfft_init_2048_q31(arm_cfft_instance_q31 *S);
arm_status arm_cfft_init_4096_q31(arm_cfft_instance_q31 *S);

/* The instances themselves. */
extern const arm_cfft_instance_q15 arm_cfft_sR_q15_len16, arm_cfft_sR_q15_len32,
    arm_cfft_sR_q15_len64, arm_cfft_sR_q15_len128, arm_cfft_sR_q15_len256, arm_cfft_sR_q15_len512,
    arm_cfft_sR_q15_len1024, arm_cfft_sR_q15_len2048, arm_cfft_sR_q15_len4096;
extern const arm_cfft_instance_q31 arm_cfft_sR_q31_len16, arm_cfft_sR_q31_len32,
    arm_cfft_sR_q31_len64, arm_cfft_sR_q31_len128, arm_cfft_sR_q31_len256, arm_cfft_sR_q31_len512,
    arm_cfft_sR_q31_len1024, arm_cfft_sR_q31_len2048, arm_cfft_sR_q31_len4096;

/* ---- Real FFT ----------------------------------------------------------------------------- */

/* fftLenReal = 32, 64 ... 8192 points (init functions: to 4096); pCfft has half of them. */
typedef struct {
    uint32_t fftLenReal;
    uint8_t ifftFlagR;          /* 1: inverse */
    uint8_t bitReverseFlagR;    /* 1: output in natural order; anything else is of no use */
    uint32_t twidCoefRModifier; /* step in the next two tables; 1 for tables of this length */
    const q15_t *pTwiddleAReal; /* [fftLenReal]: (1 - sin) / 2, -cos / 2 of 2 pi k / fftLenReal */
    const q15_t *pTwiddleBReal; /* [fftLenReal]: (1 + sin) / 2,  cos / 2 */
    const arm_cfft_instance_q15 *pCfft;
} arm_rfft_instance_q15;

typedef struct {
    uint32_t fftLenReal;
    uint8_t ifftFlagR;          /* 1: inverse */
    uint8_t bitReverseFlagR;    /* 1: output in natural order; anything else is of no use */
    uint32_t twidCoefRModifier; /* step in the next two tables; 1 for tables of this length */
    const q31_t *pTwiddleAReal; /* [fftLenReal]: (1 - sin) / 2, -cos / 2 of 2 pi k / fftLenReal */
    const q31_t *pTwiddleBReal; /* [fftLenReal]: (1 + sin) / 2,  cos / 2 */
    const arm_cfft_instance_q31 *pCfft;
} arm_rfft_instance_q31;

/* Real FFT, divided by fftLenReal.
 *   pSrc  forward: [fftLenReal] samples, destroyed; none beyond +-0.7: no sum passes 1.0;
 *         inverse: [fftLenReal + 2], the spectrum's bins 0 .. fftLenReal / 2
 *   pDst  forward: [2 * fftLenReal]: the spectrum, then its mirror image;
 *         inverse: [fftLenReal] samples, of a spectrum divided by fftLenReal
 *   pSrc and pDst must not overlap. */
void arm_rfft_q15(const arm_rfft_instance_q15 *S, q15_t *pSrc, q15_t *pDst);
void arm_rfft_q31(const arm_rfft_instance_q31 *S, q31_t *pSrc, q31_t *pDst);

/* Fill in an instance, as arm_cfft_init_* do; fftLenReal = 32 .. 4096. */
arm_status arm_rfft_init_q15(arm_rfft_instance_q15 *S, uint32_t fftLenReal, uint32_t ifftFlagR,
                             uint32_t bitReverseFlag);
arm_status arm_rfft_init_32_q15(arm_rfft_instance_q15 *S, uint32_t ifftFlagR,
                                uint32_t bitReverseFlag);
arm_status arm_rfft_init_64_q15(arm_rfft_instance_q15 *S, uint32_t ifftFlagR,
                                uint32_t bitReverseFlag);
arm_status arm_rfft_init_128_q15(arm_rfft_instance_q15 *S, uint32_t ifftFlagR,
                                 uint32_t bitReverseFlag);
arm_status arm_rfft_init_256_q15(arm_rfft_instance_q15 *S, uint32_t ifftFlagR,
                                 uint32_t bitReverseFlag);
arm_status arm_rfft_init_512_q15(arm_rfft_instance_q15 *S, uint32_t ifftFlagR,
                                 uint32_t bitReverseFlag);
arm_status arm_rfft_init_1024_q15(arm_rfft_instance_q15 *S, uint32_t ifftFlagR,
                                  uint32_t bitReverseFlag);
arm_status arm_rfft_init_2048_q15(arm_rfft_instance_q15 *S, uint32_t ifftFlagR,
                                  uint32_t bitReverseFlag);
arm_status arm_rfft_init_4096_q15(arm_rfft_instance_q15 *S, uint32_t ifftFlagR,
                                  uint32_t bitReverseFlag);
arm_status arm_rfft_init_q31(arm_rfft_instance_q31 *S, uint32_t fftLenReal, uint32_t ifftFlagR,
                             uint32_t bitReverseFlag);
arm_status arm_rfft_init_32_q31(arm_rfft_instance_q31 *S, uint32_t ifftFlagR,
                                uint32_t bitReverseFlag);
arm_status arm_rfft_init_64_q31(arm_rfft_instance_q31 *S, uint32_t ifftFlagR,
                                uint32_t bitReverseFlag);
arm_status arm_rfft_init_128_q31(arm_rfft_instance_q31 *S, uint32_t ifftFlagR,
                                 uint32_t bitReverseFlag);
arm_status arm_rfft_init_256_q31(arm_rfft_instance_q31 *S, uint32_t ifftFlagR,
                                 uint32_t bitReverseFlag);
arm_status arm_rfft_init_512_q31(arm_rfft_instance_q31 *S, uint32_t ifftFlagR,
                                 uint32_t bitReverseFlag);
arm_status arm_rfft_init_1024_q31(arm_rfft_instance_q31 *S, uint32_t ifftFlagR,
                                  uint32_t bitReverseFlag);
arm_status arm_rfft_init_2048_q31(arm_rfft_instance_q31 *S, uint32_t ifftFlagR,
                                  uint32_t bitReverseFlag);
arm_status arm_rfft_init_4096_q31(arm_rfft_instance_q31 *S, uint32_t ifftFlagR,
                                  uint32_t bitReverseFlag);

/* ---- MFCC ---------------------------------------------------------------------------------- */

/* Tables of the caller's; filter i weighs the filterLengths[i] magnitudes from bin filterPos[i] on,
 * its weights follow those of filter i - 1. nbMelFilters * nbDctOutputs < 65536. */
typedef struct {
    const q15_t *dctCoefs;         /* [nbDctOutputs][nbMelFilters] */
    const q15_t *filterCoefs;      /* [sum of filterLengths] */
    const q15_t *windowCoefs;      /* [fftLen] */
    const uint32_t *filterPos;     /* [nbMelFilters], within 0 .. fftLen / 2 */
    const uint32_t *filterLengths; /* [nbMelFilters] */
    uint32_t fftLen, nbMelFilters, nbDctOutputs;
    arm_rfft_instance_q15 rfft;
} arm_mfcc_instance_q15;

typedef struct {
    const q31_t *dctCoefs;         /* [nbDctOutputs][nbMelFilters] */
    const q31_t *filterCoefs;      /* [sum of filterLengths] */
    const q31_t *windowCoefs;      /* [fftLen] */
    const uint32_t *filterPos;     /* [nbMelFilters], within 0 .. fftLen / 2 */
    const uint32_t *filterLengths; /* [nbMelFilters] */
    uint32_t fftLen, nbMelFilters, nbDctOutputs;
    arm_rfft_instance_q31 rfft;
} arm_mfcc_instance_q31;

/* Mel-frequency cepstral coefficients of one frame: scaled to full scale, windowed, arm_rfft,
 * arm_cmplx_mag, filters, the scaling undone, natural logarithm of (sum + 1e-6), cosines.
 *   pSrc  [fftLen], destroyed
 *   pDst  [nbDctOutputs]: q9.7 (q15) or q9.23 (q31); q15 saturates, q31 wraps
 *   pTmp  q15: [fftLen], nbMelFilters at least; q31: [2 * fftLen]
 * A filter's sum saturates above 2^11 (2^11 of magnitude 1.0 at weight 1.0). pTmp must be aligned
 * as a q31_t is. Always returns ARM_MATH_SUCCESS. */
arm_status arm_mfcc_q15(const arm_mfcc_instance_q15 *S, q15_t *pSrc, q15_t *pDst, q31_t *pTmp);
arm_status arm_mfcc_q31(const arm_mfcc_instance_q31 *S, q31_t *pSrc, q31_t *pDst, q31_t *pTmp);

/* Fill in an instance, as arm_rfft_init_* do; fftLen = 32 .. 4096. */
arm_status arm_mfcc_init_q15(arm_mfcc_instance_q15 *S, uint32_t fftLen, uint32_t nbMelFilters,
                             uint32_t nbDctOutputs, const q15_t *dctCoefs,
                             const uint32_t *filterPos, const uint32_t *filterLengths,
                             const q15_t *filterCoefs, const q15_t *windowCoefs);
arm_status arm_mfcc_init_32_q15(arm_mfcc_instance_q15 *S, uint32_t nbMelFilters,
                                uint32_t nbDctOutputs, const q15_t *dctCoefs,
                                const uint32_t *filterPos, const uint32_t *filterLengths,
                                const q15_t *filterCoefs, const q15_t *windowCoefs);
arm_status arm_mfcc_init_64_q15(arm_mfcc_instance_q15 *S, uint32_t nbMelFilters,
                                uint32_t nbDctOutputs, const q15_t *dctCoefs,
                                const uint32_t *filterPos, const uint32_t *filterLengths,
                                const q15_t *filterCoefs, const q15_t *windowCoefs);
arm_status arm_mfcc_init_128_q15(arm_mfcc_instance_q15 *S, uint32_t nbMelFilters,
                                 uint32_t nbDctOutputs, const q15_t *dctCoefs,
                                 const uint32_t *filterPos, const uint32_t *filterLengths,
                                 const q15_t *filterCoefs, const q15_t *windowCoefs);
arm_status arm_mfcc_init_256_q15(arm_mfcc_instance_q15 *S, uint32_t nbMelFilters,
                                 uint32_t nbDctOutputs, const q15_t *dctCoefs,
                                 const uint32_t *filterPos, const uint32_t *filterLengths,
                                 const q15_t *filterCoefs, const q15_t *windowCoefs);
arm_status arm_mfcc_init_512_q15(arm_mfcc_instance_q15 *S, uint32_t nbMelFilters,
                                 uint32_t nbDctOutputs, const q15_t *dctCoefs,
                                 const uint32_t *filterPos, const uint32_t *filterLengths,
                                 const q15_t *filterCoefs, const q15_t *windowCoefs);
arm_status arm_mfcc_init_1024_q15(arm_mfcc_instance_q15 *S, uint32_t nbMelFilters,
                                  uint32_t nbDctOutputs, const q15_t *dctCoefs,
                                  const uint32_t *filterPos, const uint32_t *filterLengths,
                                  const q15_t *filterCoefs, const q15_t *windowCoefs);
arm_status arm_mfcc_init_2048_q15(arm_mfcc_instance_q15 *S, uint32_t nbMelFilters,
                                  uint32_t nbDctOutputs, const q15_t *dctCoefs,
                                  const uint32_t *filterPos, const uint32_t *filterLengths,
                                  const q15_t *filterCoefs, const q15_t *windowCoefs);
arm_status arm_mfcc_init_4096_q15(arm_mfcc_instance_q15 *S, uint32_t nbMelFilters,
                                  uint32_t nbDctOutputs, const q15_t *dctCoefs,
                                  const uint32_t *filterPos, const uint32_t *filterLengths,
                                  const q15_t *filterCoefs, const q15_t *windowCoefs);
arm_status arm_mfcc_init_q31(arm_mfcc_instance_q31 *S, uint32_t fftLen, uint32_t nbMelFilters,
                             uint32_t nbDctOutputs, const q31_t *dctCoefs,
                             const uint32_t *filterPos, const uint32_t *filterLengths,
                             const q31_t *filterCoefs, const q31_t *windowCoefs);
arm_status arm_mfcc_init_32_q31(arm_mfcc_instance_q31 *S, uint32_t nbMelFilters,
                                uint32_t nbDctOutputs, const q31_t *dctCoefs,
                                const uint32_t *filterPos, const uint32_t *filterLengths,
                                const q31_t *filterCoefs, const q31_t *windowCoefs);
arm_status arm_mfcc_init_64_q31(arm_mfcc_instance_q31 *S, uint32_t nbMelFilters,
                                uint32_t nbDctOutputs, const q31_t *dctCoefs,
                                const uint32_t *filterPos, const uint32_t *filterLengths,
                                const q31_t *filterCoefs, const q31_t *windowCoefs);
arm_status arm_mfcc_init_128_q31(arm_mfcc_instance_q31 *S, uint32_t nbMelFilters,
                                 uint32_t nbDctOutputs, const q31_t *dctCoefs,
                                 const uint32_t *filterPos, const uint32_t *filterLengths,
                                 const q31_t *filterCoefs, const q31_t *windowCoefs);
arm_status arm_mfcc_init_256_q31(arm_mfcc_instance_q31 *S, uint32_t nbMelFilters,
                                 uint32_t nbDctOutputs, const q31_t *dctCoefs,
                                 const uint32_t *filterPos, const uint32_t *filterLengths,
                                 const q31_t *filterCoefs, const q31_t *windowCoefs);
arm_status arm_mfcc_init_512_q31(arm_mfcc_instance_q31 *S, uint32_t nbMelFilters,
                                 uint32_t nbDctOutputs, const q31_t *dctCoefs,
                                 const uint32_t *filterPos, const uint32_t *filterLengths,
                                 const q31_t *filterCoefs, const q31_t *windowCoefs);
arm_status arm_mfcc_init_1024_q31(arm_mfcc_instance_q31 *S, uint32_t nbMelFilters,
                                  uint32_t nbDctOutputs, const q31_t *dctCoefs,
                                  const uint32_t *filterPos, const uint32_t *filterLengths,
                                  const q31_t *filterCoefs, const q31_t *windowCoefs);
arm_status arm_mfcc_init_2048_q31(arm_mfcc_instance_q31 *S, uint32_t nbMelFilters,
                                  uint32_t nbDctOutputs, const q31_t *dctCoefs,
                                  const uint32_t *filterPos, const uint32_t *filterLengths,
                                  const q31_t *filterCoefs, const q31_t *windowCoefs);
arm_status arm_mfcc_init_4096_q31(arm_mfcc_instance_q31 *S, uint32_t nbMelFilters,
                                  uint32_t nbDctOutputs, const q31_t *dctCoefs,
                                  const uint32_t *filterPos, const uint32_t *filterLengths,
                                  const q31_t *filterCoefs, const q31_t *windowCoefs);

#ifdef __cplusplus
}
#endif

#endif
