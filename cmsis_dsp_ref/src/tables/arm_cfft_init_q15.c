#include "cmsis_dsp_ref.h"

arm_status arm_cfft_init_q15(arm_cfft_instance_q15 *S, uint16_t fftLen) {
    switch (fftLen) {
    case 16:
        return arm_cfft_init_16_q15(S);
    case 32:
        return arm_cfft_init_32_q15(S);
    case 64:
        return arm_cfft_init_64_q15(S);
    case 128:
        return arm_cfft_init_128_q15(S);
    case 256:
        return arm_cfft_init_256_q15(S);
    case 512:
        return arm_cfft_init_512_q15(S);
    case 1024:
        return arm_cfft_init_1024_q15(S);
    case 2048:
        return arm_cfft_init_2048_q15(S);
    case 4096:
        return arm_cfft_init_4096_q15(S);
    default:
        return ARM_MATH_ARGUMENT_ERROR;
    }
}
