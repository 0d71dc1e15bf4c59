/* Kernels of two or one vector in, one out; odd vectors run in place. */
#include "comparison.h"

/* Two operands: every kind meets every kind. */
static uint32_t fill_two_q15(uint32_t vector, void *input) {
    const uint32_t n = block_size(vector);
    q15_t *a = input;
    fill_q15(vector, 0, vector % KINDS, n, a);
    fill_q15(vector, 1, vector / KINDS % KINDS, n, a + n);
    return 2u * n * sizeof *a;
}

static uint32_t fill_two_q31(uint32_t vector, void *input) {
    const uint32_t n = block_size(vector);
    q31_t *a = input;
    fill_q31(vector, 0, vector % KINDS, n, a);
    fill_q31(vector, 1, vector / KINDS % KINDS, n, a + n);
    return 2u * n * sizeof *a;
}

/* A factor or shift beside the samples: any value of its range. */
static uint32_t any(uint32_t vector) { return mix(vector ^ 0x5CA1E000u); }

static int8_t shift_of(uint32_t vector, int lowest, int highest) {
    return (int8_t)(lowest + (int)(any(vector) % (uint32_t)(highest - lowest + 1)));
}

#define ELEMENTWISE(type, name, call)                                                         \
    static uint32_t run_##name(uint32_t v, void *input, void *output) {                       \
        const uint32_t n = block_size(v);                                                     \
        const type *const a = input, *const b = a + n;                                        \
        type *const dst = destination(v, input, output);                                      \
        (void)b;                                                                              \
        call;                                                                                 \
        deliver(dst, output, n * sizeof *dst);                                                \
        return n;                                                                             \
    }

ELEMENTWISE(q15_t, mult_q15, arm_mult_q15(a, b, dst, n))
ELEMENTWISE(q31_t, mult_q31, arm_mult_q31(a, b, dst, n))
ELEMENTWISE(q15_t, scale_q15, arm_scale_q15(a, b[0], shift_of(v, -16, 15), dst, n))
ELEMENTWISE(q31_t, scale_q31, arm_scale_q31(a, b[0], shift_of(v, -32, 30), dst, n))
ELEMENTWISE(q15_t, shift_q15, arm_shift_q15(a, shift_of(v, -31, 16), dst, n))
ELEMENTWISE(q31_t, shift_q31, arm_shift_q31(a, shift_of(v, -31, 31), dst, n))

static uint32_t run_dot_prod_q15(uint32_t v, void *input, void *output) {
    const q15_t *a = input;
    arm_dot_prod_q15(a, a + block_size(v), block_size(v), output);
    return 1;
}

static uint32_t run_dot_prod_q31(uint32_t v, void *input, void *output) {
    const q31_t *a = input;
    arm_dot_prod_q31(a, a + block_size(v), block_size(v), output);
    return 1;
}

const kernel_t KERNELS[] = {
    {"arm_mult_q15", 2, fill_two_q15, run_mult_q15},
    {"arm_mult_q31", 4, fill_two_q31, run_mult_q31},
    {"arm_scale_q15", 2, fill_two_q15, run_scale_q15},
    {"arm_scale_q31", 4, fill_two_q31, run_scale_q31},
    {"arm_shift_q15", 2, fill_two_q15, run_shift_q15},
    {"arm_shift_q31", 4, fill_two_q31, run_shift_q31},
    {"arm_dot_prod_q15", 8, fill_two_q15, run_dot_prod_q15},
    {"arm_dot_prod_q31", 8, fill_two_q31, run_dot_prod_q31},
    {0, 0, 0, 0},
};
