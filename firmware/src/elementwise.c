/* ADD and MUL with broadcasting: int8; either operand may be constant. */
#include "fixed_point.h"
#include "operands.h"

static const int8_t *operand(const paritone_step_t *step, const uint8_t *arena, int index)
{
    const paritone_binary_t *p = step->params;
    return p->constant[index] != NULL ? p->constant[index] : input_of(step, arena, index);
}

/* Operand `index`, shifted left and scaled to the larger input's scale: |value| < 2^29. */
static int32_t scaled_operand(const paritone_binary_t *p, int32_t value, int index)
{
    const int32_t shifted = (value + p->input_offset[index]) * (1 << p->left_shift);
    return multiply_by_quantized_multiplier(shifted, p->input_multiplier[index],
                                            p->input_shift[index]);
}

static void add_row(const paritone_binary_t *p, const int8_t *a, const int8_t *b, int8_t *output)
{
    const int32_t step_a = p->stride[0][PARITONE_MAX_RANK - 1];
    const int32_t step_b = p->stride[1][PARITONE_MAX_RANK - 1];
    for (int32_t i = 0; i < p->shape[PARITONE_MAX_RANK - 1]; i++) {
        const int32_t sum =
            scaled_operand(p, a[i * step_a], 0) + scaled_operand(p, b[i * step_b], 1);
        const int32_t scaled = multiply_by_quantized_multiplier(sum, p->multiplier, p->shift);
        output[i] = (int8_t)clamp(add_wrapping(scaled, p->output_offset), p->minimum, p->maximum);
    }
}

static void mul_row(const paritone_binary_t *p, const int8_t *a, const int8_t *b, int8_t *output)
{
    const int32_t step_a = p->stride[0][PARITONE_MAX_RANK - 1];
    const int32_t step_b = p->stride[1][PARITONE_MAX_RANK - 1];
    for (int32_t i = 0; i < p->shape[PARITONE_MAX_RANK - 1]; i++) {
        const int32_t product =
            (a[i * step_a] + p->input_offset[0]) * (b[i * step_b] + p->input_offset[1]);
        const int32_t scaled = multiply_by_quantized_multiplier(product, p->multiplier, p->shift);
        output[i] = (int8_t)clamp(add_wrapping(scaled, p->output_offset), p->minimum, p->maximum);
    }
}

/* Where row (i, j, k) of operand `index` starts. */
static int32_t row_offset(const paritone_binary_t *p, int index, int32_t i, int32_t j, int32_t k)
{
    const int32_t *stride = p->stride[index];
    return i * stride[0] + j * stride[1] + k * stride[2];
}

void paritone_add(const paritone_step_t *step, uint8_t *arena)
{
    const paritone_binary_t *p = step->params;
    const int8_t *a = operand(step, arena, 0);
    const int8_t *b = operand(step, arena, 1);
    int8_t *output = output_of(step, arena);
    for (int32_t i = 0; i < p->shape[0]; i++) {
        for (int32_t j = 0; j < p->shape[1]; j++) {
            for (int32_t k = 0; k < p->shape[2]; k++) {
                add_row(p, &a[row_offset(p, 0, i, j, k)], &b[row_offset(p, 1, i, j, k)], output);
                output += p->shape[3];
            }
        }
    }
}

void paritone_mul(const paritone_step_t *step, uint8_t *arena)
{
    const paritone_binary_t *p = step->params;
    const int8_t *a = operand(step, arena, 0);
    const int8_t *b = operand(step, arena, 1);
    int8_t *output = output_of(step, arena);
    for (int32_t i = 0; i < p->shape[0]; i++) {
        for (int32_t j = 0; j < p->shape[1]; j++) {
            for (int32_t k = 0; k < p->shape[2]; k++) {
                mul_row(p, &a[row_offset(p, 0, i, j, k)], &b[row_offset(p, 1, i, j, k)], output);
                output += p->shape[3];
            }
        }
    }
}
