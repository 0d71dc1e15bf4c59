/* Magnitudes of complex numbers: re and im interleaved, of one kind or of two. */
#include "comparison.h"

static uint32_t fill_complex_q15(uint32_t vector, void *input) {
    const uint32_t n = block_size(vector), second = vector / KINDS % KINDS;
    q15_t *a = input, im[64];
    fill_q15(vector, 0, vector % KINDS, 2u * n, a);
    fill_q15(vector, 1, second, n, im);
    for (uint32_t i = 0; second != 0u && i < n; i++) {
        a[2u * i + 1u] = im[i];
    }
    return 2u * n * sizeof *a;
}

static uint32_t fill_complex_q31(uint32_t vector, void *input) {
    const uint32_t n = block_size(vector), second = vector / KINDS % KINDS;
    q31_t *a = input, im[64];
    fill_q31(vector, 0, vector % KINDS, 2u * n, a);
    fill_q31(vector, 1, second, n, im);
    for (uint32_t i = 0; second != 0u && i < n; i++) {
        a[2u * i + 1u] = im[i];
    }
    return 2u * n * sizeof *a;
}

static uint32_t run_mag_q15(uint32_t v, void *input, void *output) {
    arm_cmplx_mag_q15(input, output, block_size(v));
    return block_size(v);
}

static uint32_t run_mag_q31(uint32_t v, void *input, void *output) {
    arm_cmplx_mag_q31(input, output, block_size(v));
    return block_size(v);
}

static uint32_t run_mag_squared_q15(uint32_t v, void *input, void *output) {
    arm_cmplx_mag_squared_q15(input, output, block_size(v));
    return block_size(v);
}

static uint32_t run_mag_squared_q31(uint32_t v, void *input, void *output) {
    arm_cmplx_mag_squared_q31(input, output, block_size(v));
    return block_size(v);
}

const kernel_t KERNELS[] = {
    {"arm_cmplx_mag_q15", 2, fill_complex_q15, run_mag_q15},
    {"arm_cmplx_mag_q31", 4, fill_complex_q31, run_mag_q31},
    {"arm_cmplx_mag_squared_q15", 2, fill_complex_q15, run_mag_squared_q15},
    {"arm_cmplx_mag_squared_q31", 4, fill_complex_q31, run_mag_squared_q31},
    {0, 0, 0, 0},
};
