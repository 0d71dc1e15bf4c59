/* Magnitudes of complex numbers: re and im interleaved, of one kind or of two; odd vectors in place. */
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

#define MAGNITUDE(type, name)                                                                 \
    static uint32_t run_##name(uint32_t v, void *input, void *output) {                       \
        type *const dst = destination(v, input, output);                                      \
        arm_cmplx_##name(input, dst, block_size(v));                                          \
        deliver(dst, output, block_size(v) * sizeof *dst);                                    \
        return block_size(v);                                                                 \
    }

MAGNITUDE(q15_t, mag_q15)
MAGNITUDE(q31_t, mag_q31)
MAGNITUDE(q15_t, mag_squared_q15)
MAGNITUDE(q31_t, mag_squared_q31)

const kernel_t KERNELS[] = {
    {"arm_cmplx_mag_q15", 2, fill_complex_q15, run_mag_q15},
    {"arm_cmplx_mag_q31", 4, fill_complex_q31, run_mag_q31},
    {"arm_cmplx_mag_squared_q15", 2, fill_complex_q15, run_mag_squared_q15},
    {"arm_cmplx_mag_squared_q31", 4, fill_complex_q31, run_mag_squared_q31},
    {0, 0, 0, 0},
};
