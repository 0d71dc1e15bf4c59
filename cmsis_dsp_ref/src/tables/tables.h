/*
 * What the files of tables share. Those with a length in their name are generated
 * (paritone.generate.cmsis_dsp_tables): a program that calls the init function of one length
 * links the tables of that length only.
 */
#ifndef CMSIS_DSP_REF_TABLES_H
#define CMSIS_DSP_REF_TABLES_H

#include "cmsis_dsp_ref.h"

/* Instance and init function of the complex FFT of n points; `twiddle` and `bit_reverse` are
 * arrays. One instance serves both directions. */
#define CFFT_OF_LENGTH(n, format, twiddle, bit_reverse)                                       \
    const arm_cfft_instance_##format arm_cfft_sR_##format##_len##n = {                        \
        n, twiddle, bit_reverse, sizeof(bit_reverse) / sizeof(bit_reverse)[0]};               \
    arm_status arm_cfft_init_##n##_##format(arm_cfft_instance_##format *S) {                  \
        *S = arm_cfft_sR_##format##_len##n;                                                   \
        return ARM_MATH_SUCCESS;                                                              \
    }

/* Init function of the real FFT of n points on the complex one of half. */
#define RFFT_OF_LENGTH(n, half, format, a, b)                                                 \
    arm_status arm_rfft_init_##n##_##format(arm_rfft_instance_##format *S,                    \
                                            uint32_t ifftFlagR, uint32_t bitReverseFlag) {    \
        S->fftLenReal = n;                                                                    \
        S->ifftFlagR = (uint8_t)ifftFlagR;                                                    \
        S->bitReverseFlagR = (uint8_t)bitReverseFlag;                                         \
        S->twidCoefRModifier = 1;                                                             \
        S->pTwiddleAReal = a;                                                                 \
        S->pTwiddleBReal = b;                                                                 \
        S->pCfft = &arm_cfft_sR_##format##_len##half;                                         \
        return ARM_MATH_SUCCESS;                                                              \
    }

extern const uint16_t cmsis_dsp_ref_bit_reverse_16[12];
extern const uint16_t cmsis_dsp_ref_bit_reverse_32[24];
extern const uint16_t cmsis_dsp_ref_bit_reverse_64[56];
extern const uint16_t cmsis_dsp_ref_bit_reverse_128[112];
extern const uint16_t cmsis_dsp_ref_bit_reverse_256[240];
extern const uint16_t cmsis_dsp_ref_bit_reverse_512[480];
extern const uint16_t cmsis_dsp_ref_bit_reverse_1024[992];
extern const uint16_t cmsis_dsp_ref_bit_reverse_2048[1984];
extern const uint16_t cmsis_dsp_ref_bit_reverse_4096[4032];

#endif
