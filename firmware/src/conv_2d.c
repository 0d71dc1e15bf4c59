/* CONV_2D: int8, per-channel weights, groups, any stride and dilation. */
#include "dot.h"
#include "fixed_point.h"
#include "operands.h"
#include "window.h"

/*
 * `lanes` output values, one or DOT_LANES, before their bias; `input` and `weights`
 * point at the group's first input channel and the first lane's weights.
 */
static void convolve(const paritone_conv_2d_t *p, const int8_t *input, const int8_t *weights,
                     taps_t rows, taps_t columns, int32_t lanes, int32_t sums[DOT_LANES])
{
    const paritone_window_t *w = &p->window;
    const int32_t depth = w->in_channels / p->groups;
    const int32_t apart = w->height * w->width * depth;
    /* Neighbouring pixels of an ungrouped, undilated window are one run in memory. */
    const int32_t joined = p->groups == 1 && w->dilation_width == 1;
    const int32_t per_run = joined ? columns.end - columns.begin : 1;
    for (int32_t ky = rows.begin; ky < rows.end; ky++) {
        const int32_t y = rows.origin + ky * w->dilation_height;
        for (int32_t kx = columns.begin; kx < columns.end; kx += per_run) {
            const int32_t x = columns.origin + kx * w->dilation_width;
            const int8_t *from = &input[(y * w->in_width + x) * w->in_channels];
            const int8_t *by = &weights[(ky * w->width + kx) * depth];
            if (lanes == DOT_LANES) {
                paritone_dot_lanes(from, by, apart, p->input_offset, per_run * depth, sums);
            } else {
                sums[0] += paritone_dot(from, by, p->input_offset, per_run * depth);
            }
        }
    }
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
    const int32_t apart = w->height * w->width * depth;
    int32_t lanes;
    for (int32_t channel = 0; channel < w->out_channels; channel += lanes) {
        const int32_t left_in_group = per_group - channel % per_group;
        const int8_t *group = &input[channel / per_group * depth];
        int32_t sums[DOT_LANES] = {0};
        lanes = left_in_group < DOT_LANES ? 1 : DOT_LANES;
        convolve(p, group, &p->weights[channel * apart], rows, columns, lanes, sums);
        for (int32_t lane = 0; lane < lanes; lane++) {
            output[channel + lane] = requantize_channel(p, sums[lane], channel + lane);
        }
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
