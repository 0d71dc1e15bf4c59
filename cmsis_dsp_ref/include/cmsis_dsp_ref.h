/*
 * The functions of CMSIS-DSP that the frontend calls, under upstream's names
 * and signatures, with upstream's results to the last bit (the variant with
 * the DSP extension: Cortex-M4, M7, M33).
 *
 * Genuine CMSIS-DSP takes this library's place at link time: the structs have
 * upstream's layout (all cores but those with Helium or Neon). In a source
 * file, include either this header or upstream's arm_math.h, not both.
 *
 * The tables that an instance points at come from the caller; paritone.features.tables
 * makes upstream's tables from their formulas, those of one length only.
 */
#ifndef CMSIS_DSP_REF_H
#define CMSIS_DSP_REF_H

#include <stdint.h>

typedef int32_t q31_t;
typedef int64_t q63_t;

/* Complex FFT of fftLen = 16, 32, 64, ... 4096 points. */
typedef struct {
    uint16_t fftLen;
    const q31_t *pTwiddle;        /* [3 * fftLen / 2]: cos, sin of 2 pi k / fftLen, k < 3/4 fftLen */
    const uint16_t *pBitRevTable; /* [bitRevLength]: byte-like offsets 8 * k of pairs to swap */
    uint16_t bitRevLength;
} arm_cfft_instance_q31;

/* Real FFT of fftLenReal = 32, 64, ... 8192 points; pCfft has half of them. */
typedef struct {
    uint32_t fftLenReal;
    uint8_t ifftFlagR;          /* 1: inverse */
    uint8_t bitReverseFlagR;    /* 1: output in natural order */
    uint32_t twidCoefRModifier; /* step in the next two tables; 1 for tables of this length */
    const q31_t *pTwiddleAReal; /* [fftLenReal]: (1 - sin) / 2, -cos / 2 of 2 pi k / fftLenReal */
    const q31_t *pTwiddleBReal; /* [fftLenReal]: (1 + sin) / 2,  cos / 2 */
    const arm_cfft_instance_q31 *pCfft;
} arm_rfft_instance_q31;

/* Complex FFT in place, divided by fftLen.
 *   p1  [2 * fftLen] q31, re and im interleaved. Sums wrap where |re| or |im| of a
 *       partial sum passes 1.0: they cannot for sqrt(re^2 + im^2) < 1.0.
 * The inverse (ifftFlag 1) is divided by fftLen too. */
void arm_cfft_q31(const arm_cfft_instance_q31 *S, q31_t *p1, uint8_t ifftFlag,
                  uint8_t bitReverseFlag);

/* Real FFT, divided by fftLenReal.
 *   pSrc  forward: [fftLenReal] q31, destroyed; inverse: [fftLenReal + 2], spectrum
 *   pDst  forward: [2 * fftLenReal]: the spectrum, then its mirror image;
 *         inverse: [fftLenReal] samples, of a spectrum divided by fftLenReal
 *   pSrc and pDst must not overlap. */
void arm_rfft_q31(const arm_rfft_instance_q31 *S, q31_t *pSrc, q31_t *pDst);

/* pDst = pSrc * 2^shiftBits, saturated (up) or floored (down); -31 <= shiftBits <= 31.
 * In place is fine. */
void arm_shift_q31(const q31_t *pSrc, int8_t shiftBits, q31_t *pDst, uint32_t blockSize);

#endif
