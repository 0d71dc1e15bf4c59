/* Largest absolute value, with and without its place. */
#include "comparison.h"

static uint32_t fill_one_q15(uint32_t vector, void *input) {
    fill_q15(vector, 0, vector % KINDS, block_size(vector), input);
    return block_size(vector) * sizeof(q15_t);
}

static uint32_t fill_one_q31(uint32_t vector, void *input) {
    fill_q31(vector, 0, vector % KINDS, block_size(vector), input);
    return block_size(vector) * sizeof(q31_t);
}

/* The value and its place as two outputs of four bytes. */
static uint32_t run_absmax_q15(uint32_t v, void *input, void *output) {
    int32_t *const out = output;
    q15_t value;
    uint32_t place;
    arm_absmax_q15(input, block_size(v), &value, &place);
    out[0] = value;
    out[1] = (int32_t)place;
    return 2;
}

static uint32_t run_absmax_q31(uint32_t v, void *input, void *output) {
    int32_t *const out = output;
    uint32_t place;
    arm_absmax_q31(input, block_size(v), &out[0], &place);
    out[1] = (int32_t)place;
    return 2;
}

static uint32_t run_absmax_no_idx_q15(uint32_t v, void *input, void *output) {
    arm_absmax_no_idx_q15(input, block_size(v), output);
    return 1;
}

static uint32_t run_absmax_no_idx_q31(uint32_t v, void *input, void *output) {
    arm_absmax_no_idx_q31(input, block_size(v), output);
    return 1;
}

const kernel_t KERNELS[] = {
    {"arm_absmax_q15", 4, fill_one_q15, run_absmax_q15},
    {"arm_absmax_q31", 4, fill_one_q31, run_absmax_q31},
    {"arm_absmax_no_idx_q15", 2, fill_one_q15, run_absmax_no_idx_q15},
    {"arm_absmax_no_idx_q31", 4, fill_one_q31, run_absmax_no_idx_q31},
    {0, 0, 0, 0},
};
