/* CONV_2D: int8, per-channel weights, groups, any stride and dilation. */
#include "dot.h"
#include "fixed_point.h"
#include "operands.h"
#include "window.h"

/*
 * `lanes` output values, one or DOT_LANES, before their bias; `first` is the group's first
 * input channel, `weights` point at the first lane's.
 */
static void convolve(const paritone_conv_2d_t *p, const image_t *input, int32_t first,
                     const int8_t *weights, taps_t rows, taps_t columns, int32_t lanes,
                     int32_t sums[DOT_LANES])
{
    const paritone_window_t *w = &p->window;
    const int32_t depth = w->in_channels / p->groups;
    const int32_t apart = w->height * w->width * depth;
    /* Neighbouring pixels of an ungrouped, undilated window are one run in memory. */
    const int32_t joined = p->groups == 1 && w->dilation_width == 1;
    const int32_t per_run = joined ? columns.end - columns.begin : 1;
    for (int32_t ky = rows.begin; ky < rows.end; ky++) {
        const int8_t *line = image_row(input, rows.origin + ky * w->dilation_height) + first;
        for (int32_t kx = columns.begin; kx < columns.end; kx += per_run) {
            const int32_t x = columns.origin + kx * w->dilation_width;
            const int8_t *from = &line[x * w->in_channels];
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

static void conv_pixel(const paritone_conv_2d_t *p, const image_t *input, taps_t rows,
                       taps_t columns, int8_t *output)
{
    const paritone_window_t *w = &p->window;
    const int32_t depth = w->in_channels / p->groups;
    const int32_t per_group = w->out_channels / p->groups;
    const int32_t apart = w->height * w->width * depth;
    int32_t lanes;
    for (int32_t channel = 0; channel < w->out_channels; channel += lanes) {
        const int32_t left_in_group = per_group - channel % per_group;
        const int32_t first = channel / per_group * depth;
        int32_t sums[DOT_LANES] = {0};
        lanes = left_in_group < DOT_LANES ? 1 : DOT_LANES;
        convolve(p, input, first, &p->weights[channel * apart], rows, columns, lanes, sums);
        for (int32_t lane = 0; lane < lanes; lane++) {
            output[channel + lane] = requantize_channel(p, sums[lane], channel + lane);
        }
    }
}

void paritone_conv_2d(const paritone_step_t *step, int32_t first_row, int32_t rows, uint8_t *arena)
{
    const paritone_conv_2d_t *p = step->params;
    const paritone_window_t *w = &p->window;
    const image_t input = image_of(step, w, arena);
    int8_t *output = output_row(step, first_row, arena);
    for (int32_t y = first_row; y < first_row + rows; y++) {
        const taps_t taps = window_rows(w, y);
        for (int32_t x = 0; x < w->out_width; x++) {
            conv_pixel(p, &input, taps, window_columns(w, x), output);
            output += w->out_channels;
        }
    }
}
