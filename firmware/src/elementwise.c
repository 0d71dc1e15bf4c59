/* ADD, SUB, MUL, MAXIMUM and MINIMUM with broadcasting: int8; either operand may be constant. */
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

/* sign 1: a + b, -1: a - b; |sum| < 2^30. */
static void add_row(const paritone_binary_t *p, int32_t sign, const int8_t *a, const int8_t *b,
                    int8_t *output)
{
    const int32_t step_a = p->stride[0][PARITONE_MAX_RANK - 1];
    const int32_t step_b = p->stride[1][PARITONE_MAX_RANK - 1];
    for (int32_t i = 0; i < p->shape[PARITONE_MAX_RANK - 1]; i++) {
        const int32_t sum =
            scaled_operand(p, a[i * step_a], 0) + sign * scaled_operand(p, b[i * step_b], 1);
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

/* sign 1: the larger, -1: the smaller. */
static void select_row(const paritone_binary_t *p, int32_t sign, const int8_t *a, const int8_t *b,
                       int8_t *output)
{
    const int32_t step_a = p->stride[0][PARITONE_MAX_RANK - 1];
    const int32_t step_b = p->stride[1][PARITONE_MAX_RANK - 1];
    for (int32_t i = 0; i < p->shape[PARITONE_MAX_RANK - 1]; i++) {
        const int8_t x = a[i * step_a];
        const int8_t y = b[i * step_b];
        output[i] = sign * (x - y) > 0 ? x : y;
    }
}

/* Row `number` of the output and of both operands. */
typedef struct {
    const int8_t *a, *b;
    int8_t *output;
} row_t;

static int32_t row_offset(const paritone_binary_t *p, int index, int32_t number)
{
    const int32_t *stride = p->stride[index];
    const int32_t k = number % p->shape[2];
    const int32_t j = number / p->shape[2] % p->shape[1];
    const int32_t i = number / p->shape[2] / p->shape[1];
    return i * stride[0] + j * stride[1] + k * stride[2];
}

static row_t row_of(const paritone_step_t *step, uint8_t *arena, int32_t number)
{
    const paritone_binary_t *p = step->params;
    const row_t row = {
        .a = operand(step, arena, 0) + row_offset(p, 0, number),
        .b = operand(step, arena, 1) + row_offset(p, 1, number),
        .output = (int8_t *)output_of(step, arena) + number * p->shape[3],
    };
    return row;
}

void paritone_add(const paritone_step_t *step, uint8_t *arena)
{
    const paritone_binary_t *p = step->params;
    for (int32_t i = 0; i < p->shape[0] * p->shape[1] * p->shape[2]; i++) {
        const row_t row = row_of(step, arena, i);
        add_row(p, 1, row.a, row.b, row.output);
    }
}

void paritone_sub(const paritone_step_t *step, uint8_t *arena)
{
    const paritone_binary_t *p = step->params;
    for (int32_t i = 0; i < p->shape[0] * p->shape[1] * p->shape[2]; i++) {
        const row_t row = row_of(step, arena, i);
        add_row(p, -1, row.a, row.b, row.output);
    }
}

void paritone_mul(const paritone_step_t *step, uint8_t *arena)
{
    const paritone_binary_t *p = step->params;
    for (int32_t i = 0; i < p->shape[0] * p->shape[1] * p->shape[2]; i++) {
        const row_t row = row_of(step, arena, i);
        mul_row(p, row.a, row.b, row.output);
    }
}

void paritone_maximum(const paritone_step_t *step, uint8_t *arena)
{
    const paritone_binary_t *p = step->params;
    for (int32_t i = 0; i < p->shape[0] * p->shape[1] * p->shape[2]; i++) {
        const row_t row = row_of(step, arena, i);
        select_row(p, 1, row.a, row.b, row.output);
    }
}

void paritone_minimum(const paritone_step_t *step, uint8_t *arena)
{
    const paritone_binary_t *p = step->params;
    for (int32_t i = 0; i < p->shape[0] * p->shape[1] * p->shape[2]; i++) {
        const row_t row = row_of(step, arena, i);
        select_row(p, -1, row.a, row.b, row.output);
    }
}
