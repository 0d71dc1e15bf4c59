/* CONV_2D: int8, per-channel weights, groups, any stride and dilation. */
#include "fixed_point.h"
#include "operands.h"
#include "window.h"

/* Sum of (input + offset) * weights. |sum| <= 255 * 128 * n, n < 65,000. */
static int32_t dot(const int8_t *input, const int8_t *weights, int32_t offset, int32_t n)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < n; i++) {
        sum += (input[i] + offset) * weights[i];
    }
    return sum;
}

/* One output value before its bias; `input` and `weights` point at its group's first channel. */
static int32_t convolve(const paritone_conv_2d_t *p, const int8_t *input, const int8_t *weights,
                        taps_t rows, taps_t columns)
{
    const paritone_window_t *w = &p->window;
    const int32_t depth = w->in_channels / p->groups;
    /* Neighbouring pixels of an ungrouped, undilated window are one run in memory. */
    const int32_t joined = p->groups == 1 && w->dilation_width == 1;
    const int32_t per_run = joined ? columns.end - columns.begin : 1;
    int32_t sum = 0;
    for (int32_t ky = rows.begin; ky < rows.end; ky++) {
        const int32_t y = rows.origin + ky * w->dilation_height;
        for (int32_t kx = columns.begin; kx < columns.end; kx += per_run) {
            const int32_t x = columns.origin + kx * w->dilation_width;
            sum += dot(&input[(y * w->in_width + x) * w->in_channels],
                       &weights[(ky * w->width + kx) * depth], p->input_offset, per_run * depth);
        }
    }
    return sum;
}

static int8_t requantize_channel(const paritone_conv_2d_t *p, int32_t sum, int32_t channel)
{
    const int32_t scaled = multiply_by_quantized_multiplier(
        add_wrapping(sum, p->bias[channel]), p->multiplier[channel], p->shift[channel]);
    return (int8_t)clamp(add_wrapping(scaled, p->output_offset), p->minimum, p->maximum);
}

static void conv_pixel(const paritone_conv_2d_t *p, const int8_t *input, taps_t rows,
                       taps_t columns, int8_t *output)
{
    const paritone_window_t *w = &p->window;
    const int32_t depth = w->in_channels / p->groups;
    const int32_t per_group = w->out_channels / p->groups;
    const int8_t *weights = p->weights;
    for (int32_t channel = 0; channel < w->out_channels; channel++) {
        const int8_t *group = &input[channel / per_group * depth];
        output[channel] =
            requantize_channel(p, convolve(p, group, weights, rows, columns), channel);
        weights += w->height * w->width * depth;
    }
}

void paritone_conv_2d(const paritone_step_t *step, uint8_t *arena)
{
    const paritone_conv_2d_t *p = step->params;
    const paritone_window_t *w = &p->window;
    const int8_t *input = input_of(step, arena, 0);
    int8_t *output = output_of(step, arena);
    for (int32_t y = 0; y < w->out_height; y++) {
        const taps_t rows = window_rows(w, y);
        for (int32_t x = 0; x < w->out_width; x++) {
            conv_pixel(p, input, rows, window_columns(w, x), output);
            output += w->out_channels;
        }
    }
}
