/*
 * Square roots and logarithms. Half of the vectors walk through the numbers: 5,000 of 64 meet every
 * q15 and every 13,421st q31. A square root's outputs are the roots, then what it returned.
 */
#include "comparison.h"

enum { STEP_Q31 = 13421 };

static uint32_t walks(uint32_t vector) { return vector / KINDS % 2u; }

static uint32_t length(uint32_t vector) {
    return walks(vector) != 0u ? 64u : block_size(vector);
}

/* Number i of a vector that walks, counted through all of them. */
static uint32_t walked(uint32_t vector, uint32_t i) {
    return 64u * (vector / (2u * KINDS) * KINDS + vector % KINDS) + i;
}

static uint32_t fill_one_q15(uint32_t vector, void *input) {
    const uint32_t n = length(vector);
    q15_t *const in = input;
    fill_q15(vector, 0, vector % KINDS, n, in);
    for (uint32_t i = 0; walks(vector) != 0u && i < n; i++) {
        in[i] = (q15_t)walked(vector, i);
    }
    return n * sizeof *in;
}

static uint32_t fill_one_q31(uint32_t vector, void *input) {
    const uint32_t n = length(vector);
    q31_t *const in = input;
    fill_q31(vector, 0, vector % KINDS, n, in);
    for (uint32_t i = 0; walks(vector) != 0u && i < n; i++) {
        in[i] = (q31_t)(walked(vector, i) * STEP_Q31);
    }
    return n * sizeof *in;
}

static uint32_t run_sqrt_q15(uint32_t v, void *input, void *output) {
    const q15_t *const in = input;
    q15_t *const out = output;
    const uint32_t n = length(v);
    for (uint32_t i = 0; i < n; i++) {
        out[n + i] = (q15_t)arm_sqrt_q15(in[i], &out[i]);
    }
    return 2u * n;
}

static uint32_t run_sqrt_q31(uint32_t v, void *input, void *output) {
    const q31_t *const in = input;
    q31_t *const out = output;
    const uint32_t n = length(v);
    for (uint32_t i = 0; i < n; i++) {
        out[n + i] = (q31_t)arm_sqrt_q31(in[i], &out[i]);
    }
    return 2u * n;
}

static uint32_t run_vlog_q15(uint32_t v, void *input, void *output) {
    q15_t *const dst = destination(v, input, output);
    arm_vlog_q15(input, dst, length(v));
    deliver(dst, output, length(v) * sizeof *dst);
    return length(v);
}

static uint32_t run_vlog_q31(uint32_t v, void *input, void *output) {
    q31_t *const dst = destination(v, input, output);
    arm_vlog_q31(input, dst, length(v));
    deliver(dst, output, length(v) * sizeof *dst);
    return length(v);
}

const kernel_t KERNELS[] = {
    {"arm_sqrt_q15", 2, fill_one_q15, run_sqrt_q15},
    {"arm_sqrt_q31", 4, fill_one_q31, run_sqrt_q31},
    {"arm_vlog_q15", 2, fill_one_q15, run_vlog_q15},
    {"arm_vlog_q31", 4, fill_one_q31, run_vlog_q31},
    {0, 0, 0, 0},
};
