/*
 * FULLY_CONNECTED: int8, per-channel or per-tensor weights. TensorFlow Lite's reference rescales
 * this operator in double precision, so it rounds once (tflite-micro: twice, as convolutions do).
 */
#include "fixed_point.h"
#include "operands.h"

/* Sum of (input + offset) * weights. |sum| <= 255 * 128 * n, n < 65,000. */
static int32_t dot(const int8_t *input, const int8_t *weights, int32_t offset, int32_t n)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < n; i++) {
        sum += (input[i] + offset) * weights[i];
    }
    return sum;
}

static void dense_row(const paritone_fully_connected_t *p, const int8_t *input, int8_t *output)
{
    for (int32_t i = 0; i < p->outputs; i++) {
        const int32_t sum = dot(input, &p->weights[i * p->depth], p->input_offset, p->depth);
        const int32_t scaled =
            multiply_rounding_once(add_wrapping(sum, p->bias[i]), p->multiplier[i], p->shift[i]);
        output[i] = (int8_t)clamp(add_wrapping(scaled, p->output_offset), p->minimum, p->maximum);
    }
}

void paritone_fully_connected(const paritone_step_t *step, int32_t first_row, int32_t rows,
                              uint8_t *arena)
{
    (void)first_row; /* called once, for all of it */
    (void)rows;
    const paritone_fully_connected_t *p = step->params;
    const int8_t *input = input_of(step, arena, 0);
    int8_t *output = output_of(step, arena);
    for (int32_t row = 0; row < p->rows; row++) {
        dense_row(p, &input[row * p->depth], &output[row * p->outputs]);
    }
}
