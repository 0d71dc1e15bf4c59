/* Square roots and logarithms. A square root's outputs are the roots, then what it returned. */
#include "comparison.h"

static uint32_t fill_one_q15(uint32_t vector, void *input) {
    fill_q15(vector, 0, vector % KINDS, block_size(vector), input);
    return block_size(vector) * sizeof(q15_t);
}

static uint32_t fill_one_q31(uint32_t vector, void *input) {
    fill_q31(vector, 0, vector % KINDS, block_size(vector), input);
    return block_size(vector) * sizeof(q31_t);
}

static uint32_t run_sqrt_q15(uint32_t v, void *input, void *output) {
    const q15_t *const in = input;
    q15_t *const out = output;
    const uint32_t n = block_size(v);
    for (uint32_t i = 0; i < n; i++) {
        out[n + i] = (q15_t)arm_sqrt_q15(in[i], &out[i]);
    }
    return 2u * n;
}

static uint32_t run_sqrt_q31(uint32_t v, void *input, void *output) {
    const q31_t *const in = input;
    q31_t *const out = output;
    const uint32_t n = block_size(v);
    for (uint32_t i = 0; i < n; i++) {
        out[n + i] = (q31_t)arm_sqrt_q31(in[i], &out[i]);
    }
    return 2u * n;
}

static uint32_t run_vlog_q15(uint32_t v, void *input, void *output) {
    arm_vlog_q15(input, output, block_size(v));
    return block_size(v);
}

static uint32_t run_vlog_q31(uint32_t v, void *input, void *output) {
    arm_vlog_q31(input, output, block_size(v));
    return block_size(v);
}

const kernel_t KERNELS[] = {
    {"arm_sqrt_q15", 2, fill_one_q15, run_sqrt_q15},
    {"arm_sqrt_q31", 4, fill_one_q31, run_sqrt_q31},
    {"arm_vlog_q15", 2, fill_one_q15, run_vlog_q15},
    {"arm_vlog_q31", 4, fill_one_q31, run_vlog_q31},
    {0, 0, 0, 0},
};
