/* DEPTHWISE_CONV_2D: int8, per-channel weights, any multiplier, stride and dilation. */
#include "fixed_point.h"
#include "operands.h"
#include "window.h"

#define LANES 4 /* neighbouring channels that share one walk over the window */

/* One output value before its bias. |sum| <= 255 * 128 * taps, taps < 65,000. */
static int32_t convolve(const paritone_depthwise_conv_2d_t *p, const image_t *input,
                        int32_t channel, taps_t rows, taps_t columns)
{
    const paritone_window_t *w = &p->window;
    const int32_t first = channel / p->depth_multiplier;
    int32_t sum = 0;
    for (int32_t ky = rows.begin; ky < rows.end; ky++) {
        const int8_t *line = image_row(input, rows.origin + ky * w->dilation_height) + first;
        for (int32_t kx = columns.begin; kx < columns.end; kx++) {
            const int32_t x = columns.origin + kx * w->dilation_width;
            const int32_t value = line[x * w->in_channels] + p->input_offset;
            sum += value * p->weights[(ky * w->width + kx) * w->out_channels + channel];
        }
    }
    return sum;
}

/* LANES of them from `channel` on, for a multiplier of one. */
static void convolve_lanes(const paritone_depthwise_conv_2d_t *p, const image_t *input,
                           int32_t channel, taps_t rows, taps_t columns, int32_t sums[LANES])
{
    const paritone_window_t *w = &p->window;
    const int32_t offset = p->input_offset;
    const int32_t step = w->dilation_width * w->in_channels;
    int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    for (int32_t ky = rows.begin; ky < rows.end; ky++) {
        const int8_t *line = image_row(input, rows.origin + ky * w->dilation_height) + channel;
        int32_t from = (columns.origin + columns.begin * w->dilation_width) * w->in_channels;
        int32_t by = (ky * w->width + columns.begin) * w->out_channels + channel;
        for (int32_t kx = columns.begin; kx < columns.end; kx++) {
            s0 += (line[from] + offset) * p->weights[by];
            s1 += (line[from + 1] + offset) * p->weights[by + 1];
            s2 += (line[from + 2] + offset) * p->weights[by + 2];
            s3 += (line[from + 3] + offset) * p->weights[by + 3];
            from += step;
            by += w->out_channels;
        }
    }
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
}

static int8_t requantize_channel(const paritone_depthwise_conv_2d_t *p, int32_t sum,
                                 int32_t channel)
{
    const int32_t scaled = multiply_by_quantized_multiplier(
        add_wrapping(sum, p->bias[channel]), p->multiplier[channel], p->shift[channel]);
    return (int8_t)clamp(add_wrapping(scaled, p->output_offset), p->minimum, p->maximum);
}

static void conv_pixel(const paritone_depthwise_conv_2d_t *p, const image_t *input, taps_t rows,
                       taps_t columns, int8_t *output)
{
    const int32_t channels = p->window.out_channels;
    int32_t channel = 0;
    for (; p->depth_multiplier == 1 && channels - channel >= LANES; channel += LANES) {
        int32_t sums[LANES];
        convolve_lanes(p, input, channel, rows, columns, sums);
        for (int32_t lane = 0; lane < LANES; lane++) {
            output[channel + lane] = requantize_channel(p, sums[lane], channel + lane);
        }
    }
    for (; channel < channels; channel++) {
        const int32_t sum = convolve(p, input, channel, rows, columns);
        output[channel] = requantize_channel(p, sum, channel);
    }
}

void paritone_depthwise_conv_2d(const paritone_step_t *step, int32_t first_row, int32_t rows,
                                uint8_t *arena)
{
    const paritone_depthwise_conv_2d_t *p = step->params;
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
