#include "cmsis_dsp_ref.h"

arm_status arm_rfft_init_q15(arm_rfft_instance_q15 *S, uint32_t fftLenReal, uint32_t ifftFlagR,
                             uint32_t bitReverseFlag) {
    switch (fftLenReal) {
    case 32:
        return arm_rfft_init_32_q15(S, ifftFlagR, bitReverseFlag);
    case 64:
        return arm_rfft_init_64_q15(S, ifftFlagR, bitReverseFlag);
    case 128:
        return arm_rfft_init_128_q15(S, ifftFlagR, bitReverseFlag);
    case 256:
        return arm_rfft_init_256_q15(S, ifftFlagR, bitReverseFlag);
    case 512:
        return arm_rfft_init_512_q15(S, ifftFlagR, bitReverseFlag);
    case 1024:
        return arm_rfft_init_1024_q15(S, ifftFlagR, bitReverseFlag);
    case 2048:
        return arm_rfft_init_2048_q15(S, ifftFlagR, bitReverseFlag);
    case 4096:
        return arm_rfft_init_4096_q15(S, ifftFlagR, bitReverseFlag);
    default:
        return ARM_MATH_ARGUMENT_ERROR;
    }
}
