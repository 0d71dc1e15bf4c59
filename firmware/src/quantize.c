/* QUANTIZE, REQUANTIZE and DEQUANTIZE: the only floats of the engine are here, at a model's ends. */
#include "fixed_point.h"
#include "operands.h"

/* To the nearest integer, ties away from zero, saturating at +-2^22; not a number gives 0. */
static int32_t round_float(float value)
{
    const float bound = 4194304.0F; /* below it a float holds every half */
    if (!(value > -bound && value < bound)) {
        return value > 0.0F ? 4194304 : value < 0.0F ? -4194304 : 0;
    }
    const int32_t whole = (int32_t)value;
    const float fraction = value - (float)whole;
    if (fraction >= 0.5F) {
        return whole + 1;
    }
    return fraction <= -0.5F ? whole - 1 : whole;
}

static int32_t load(const void *values, paritone_dtype_t dtype, int32_t index)
{
    return dtype == PARITONE_UINT8 ? ((const uint8_t *)values)[index]
                                   : ((const int8_t *)values)[index];
}

/* `value` within the type's range. */
static void store(void *values, paritone_dtype_t dtype, int32_t index, int32_t value)
{
    if (dtype == PARITONE_UINT8) {
        ((uint8_t *)values)[index] = (uint8_t)clamp(value, 0, UINT8_MAX);
    } else {
        ((int8_t *)values)[index] = sat8(value);
    }
}

void paritone_quantize(const paritone_step_t *step, int32_t first_row, int32_t rows, uint8_t *arena)
{
    const paritone_affine_t *p = step->params;
    const int32_t n = (int32_t)step->row_bytes;
    for (int32_t y = first_row; y < first_row + rows; y++) {
        const float *input = row_of(step->input[0], y, step->row_bytes * sizeof *input, arena);
        void *output = output_row(step, y, arena);
        for (int32_t i = 0; i < n; i++) {
            store(output, p->dtype, i, round_float(input[i] / p->scale) + p->zero_point);
        }
    }
}

void paritone_dequantize(const paritone_step_t *step, int32_t first_row, int32_t rows,
                         uint8_t *arena)
{
    const paritone_affine_t *p = step->params;
    const uint32_t n = step->row_bytes / sizeof(float);
    for (int32_t y = first_row; y < first_row + rows; y++) {
        const void *input = row_of(step->input[0], y, n, arena);
        float *output = output_row(step, y, arena);
        for (int32_t i = 0; i < (int32_t)n; i++) {
            output[i] = p->scale * (float)(load(input, p->dtype, i) - p->zero_point);
        }
    }
}

void paritone_requantize(const paritone_step_t *step, int32_t first_row, int32_t rows,
                         uint8_t *arena)
{
    const paritone_requantize_t *p = step->params;
    for (int32_t y = first_row; y < first_row + rows; y++) {
        const void *input = row_of(step->input[0], y, step->row_bytes, arena);
        void *output = output_row(step, y, arena);
        for (int32_t i = 0; i < (int32_t)step->row_bytes; i++) {
            const int32_t scaled = multiply_by_quantized_multiplier(
                load(input, p->input_dtype, i) + p->input_offset, p->multiplier, p->shift);
            const int32_t value = add_wrapping(scaled, p->output_offset);
            store(output, p->output_dtype, i, clamp(value, p->minimum, p->maximum));
        }
    }
}
