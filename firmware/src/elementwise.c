/* ADD, SUB, MUL, MAXIMUM, MINIMUM and PRELU with broadcasting: int8; an operand may be constant. */
#include "fixed_point.h"
#include "operands.h"

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

/* Values and their slopes: |value * slope| <= 255^2. */
static void prelu_row(const paritone_binary_t *p, const int8_t *a, const int8_t *slope,
                      int8_t *output)
{
    const int32_t step_a = p->stride[0][PARITONE_MAX_RANK - 1];
    const int32_t step_slope = p->stride[1][PARITONE_MAX_RANK - 1];
    for (int32_t i = 0; i < p->shape[PARITONE_MAX_RANK - 1]; i++) {
        const int32_t value = a[i * step_a] + p->input_offset[0];
        const int32_t product = value * (slope[i * step_slope] + p->input_offset[1]);
        const int32_t scaled =
            value >= 0 ? multiply_by_quantized_multiplier(value, p->input_multiplier[0],
                                                          p->input_shift[0])
                       : multiply_by_quantized_multiplier(product, p->multiplier, p->shift);
        output[i] = (int8_t)clamp(add_wrapping(scaled, p->output_offset), p->minimum, p->maximum);
    }
}

/* Rows along the last axis, one of the output and of both operands at a time. */
typedef struct {
    const int8_t *a, *b;
    int8_t *output;
} row_t;

/* Where row [i][y][k] of operand `index` begins; in a ring lies only what has one i. */
static const int8_t *operand_at(const paritone_step_t *step, const uint8_t *arena, int index,
                                int32_t i, int32_t y, int32_t k)
{
    const paritone_binary_t *p = step->params;
    const int32_t *stride = p->stride[index];
    const int32_t aside = i * stride[0] + k * stride[2];
    if (p->constant[index] != NULL) {
        return p->constant[index] + aside + y * stride[1];
    }
    const int8_t *line = row_of(step->input[index], y, (uint32_t)stride[1], arena);
    return line + aside;
}

/* Row `number` of those of this call. */
static row_t row_at(const paritone_step_t *step, uint8_t *arena, int32_t first_row, int32_t number)
{
    const paritone_binary_t *p = step->params;
    const int32_t k = number % p->shape[2];
    const int32_t line = first_row + number / p->shape[2];
    const int32_t i = line / p->shape[1];
    const int32_t y = line % p->shape[1];
    const row_t row = {
        .a = operand_at(step, arena, 0, i, y, k),
        .b = operand_at(step, arena, 1, i, y, k),
        .output = (int8_t *)output_row(step, line, arena) + k * p->shape[3],
    };
    return row;
}

void paritone_add(const paritone_step_t *step, int32_t first_row, int32_t rows, uint8_t *arena)
{
    const paritone_binary_t *p = step->params;
    for (int32_t i = 0; i < rows * p->shape[2]; i++) {
        const row_t row = row_at(step, arena, first_row, i);
        add_row(p, 1, row.a, row.b, row.output);
    }
}

void paritone_sub(const paritone_step_t *step, int32_t first_row, int32_t rows, uint8_t *arena)
{
    const paritone_binary_t *p = step->params;
    for (int32_t i = 0; i < rows * p->shape[2]; i++) {
        const row_t row = row_at(step, arena, first_row, i);
        add_row(p, -1, row.a, row.b, row.output);
    }
}

void paritone_mul(const paritone_step_t *step, int32_t first_row, int32_t rows, uint8_t *arena)
{
    const paritone_binary_t *p = step->params;
    for (int32_t i = 0; i < rows * p->shape[2]; i++) {
        const row_t row = row_at(step, arena, first_row, i);
        mul_row(p, row.a, row.b, row.output);
    }
}

void paritone_maximum(const paritone_step_t *step, int32_t first_row, int32_t rows, uint8_t *arena)
{
    const paritone_binary_t *p = step->params;
    for (int32_t i = 0; i < rows * p->shape[2]; i++) {
        const row_t row = row_at(step, arena, first_row, i);
        select_row(p, 1, row.a, row.b, row.output);
    }
}

void paritone_minimum(const paritone_step_t *step, int32_t first_row, int32_t rows, uint8_t *arena)
{
    const paritone_binary_t *p = step->params;
    for (int32_t i = 0; i < rows * p->shape[2]; i++) {
        const row_t row = row_at(step, arena, first_row, i);
        select_row(p, -1, row.a, row.b, row.output);
    }
}

void paritone_prelu(const paritone_step_t *step, int32_t first_row, int32_t rows, uint8_t *arena)
{
    const paritone_binary_t *p = step->params;
    for (int32_t i = 0; i < rows * p->shape[2]; i++) {
        const row_t row = row_at(step, arena, first_row, i);
        prelu_row(p, row.a, row.b, row.output);
    }
}
