/*
 * The only file that knows CMSIS-DSP. The instances are made from the frontend's
 * own tables, so genuine CMSIS-DSP runs on them too when it is linked instead.
 */
#include "cmsis_dsp_ref.h"
#include "frontend_stages.h"

void frontend_spectrum(const paritone_cmsis_tables_t *tables, uint16_t n_fft, int32_t *fft,
                       int32_t *spectrum) {
    const arm_cfft_instance_q31 cfft = {.fftLen = (uint16_t)(n_fft / 2u),
                                        .pTwiddle = tables->twiddle,
                                        .pBitRevTable = tables->bit_reverse,
                                        .bitRevLength = tables->bit_reverse_length};
    const arm_rfft_instance_q31 rfft = {.fftLenReal = n_fft,
                                        .ifftFlagR = 0,
                                        .bitReverseFlagR = 1,
                                        .twidCoefRModifier = 1,
                                        .pTwiddleAReal = tables->split_a,
                                        .pTwiddleBReal = tables->split_b,
                                        .pCfft = &cfft};
    arm_rfft_q31(&rfft, fft, spectrum);
}
