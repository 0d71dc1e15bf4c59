/*
 * The only file that knows CMSIS-DSP. The instances are made from the frontend's
 * own tables, so genuine CMSIS-DSP runs on them too when it is linked instead.
 */
#include "cmsis_dsp_ref.h"
#include "frontend_stages.h"

void frontend_spectrum(const paritone_frontend_t *f, int32_t *fft, int32_t *spectrum) {
    const arm_cfft_instance_q31 cfft = {.fftLen = (uint16_t)(f->n_fft / 2u),
                                        .pTwiddle = f->twiddle,
                                        .pBitRevTable = f->bit_reverse,
                                        .bitRevLength = f->bit_reverse_length};
    const arm_rfft_instance_q31 rfft = {.fftLenReal = f->n_fft,
                                        .ifftFlagR = 0,
                                        .bitReverseFlagR = 1,
                                        .twidCoefRModifier = 1,
                                        .pTwiddleAReal = f->split_a,
                                        .pTwiddleBReal = f->split_b,
                                        .pCfft = &cfft};
    arm_rfft_q31(&rfft, fft, spectrum);
}
