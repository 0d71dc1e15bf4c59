/* DEPTHWISE_CONV_2D, 3 x 3, four channels at a time by lines of int16. */
#include "depthwise_lines.h"

#include "fixed_point.h"
#include "window.h"

#define TAPS 9

#if PARITONE_SIMD
#define load depthwise_lines_load_simd
#define outputs depthwise_lines_row_simd
#else
#define load depthwise_lines_load_c
#define outputs depthwise_lines_row_c
#endif

/* a in the low half, b in the high one, both times 2^shift. |a|, |b| <= 128, shift <= 6. */
static uint32_t pair_of(int32_t a, int32_t b, int32_t shift)
{
    const uint32_t low = (uint32_t)a << shift, high = (uint32_t)b << shift;
    return (low & 0xFFFFu) | high << 16;
}

/* Everything is scaled so that DEPTHWISE_SHIFT is right: the floors stay where they were. */
static void prepare_channel(const paritone_depthwise_lines_t *p, int32_t channel,
                            depthwise_channel_t *c)
{
    const int8_t *w = &p->weights[channel * TAPS];
    const int32_t shift = DEPTHWISE_SHIFT - p->shift;
    const int32_t start = p->start[channel] * (1 << shift);
    const int32_t addend = (p->base + p->addend[channel]) * (1 << shift);
    for (int32_t row = 0; row < DEPTHWISE_SLOTS; row++, w += 3) {
        c->weights[row][0] = pair_of(w[0], w[1], shift);
        c->weights[row][1] = pair_of(w[1], w[2], shift);
        c->scale[row].factor = p->factor[channel];
        c->scale[row].addend = addend;
        c->sum[row].start = start;
        if (row < 2) {
            c->weights[row + 3][0] = c->weights[row][0];
            c->weights[row + 3][1] = c->weights[row][1];
        }
    }
}

static void clamp_row(const paritone_depthwise_lines_t *p, int8_t *out)
{
    const paritone_window_t *w = &p->window;
    for (int32_t x = 0; x < w->out_width; x++, out += w->out_channels) {
        for (int32_t channel = 0; channel < DEPTHWISE_CHANNELS; channel++) {
            out[channel] = (int8_t)clamp(out[channel], p->minimum, p->maximum);
        }
    }
}

/* Rows of four channels. Each row of the input is brought into its slot once. */
static void convolve(const paritone_step_t *step, const depthwise_lines_t *l,
                     const depthwise_channel_t *channels, int32_t channel, int32_t first_row,
                     int32_t rows, uint8_t *arena)
{
    const paritone_depthwise_lines_t *p = step->params;
    const paritone_window_t *w = &p->window;
    const image_t input = image_of(step, w, arena);
    const int clamped = p->minimum > INT8_MIN || p->maximum < INT8_MAX;
    const int32_t end_row = first_row + rows;
    int32_t in_y = first_row * w->stride_height - w->pad_top;
    uint32_t slot = 0, first = 0;
    for (int32_t y = first_row, missing = 3; y < end_row; y++) {
        for (; missing > 0; missing--, in_y++) {
            if (in_y >= 0 && in_y < w->in_height) {
                load(l, image_row(&input, in_y) + channel, l->pitch, slot);
            } else { /* a row of padding: one column again and again */
                load(l, (const int8_t *)&l->zero_points, 0, slot);
            }
            slot = slot == 2u ? 0u : slot + 1u;
        }
        int8_t *out = (int8_t *)output_row(step, y, arena) + channel;
        outputs(l, channels, first, out);
        if (clamped) {
            clamp_row(p, out);
        }
        missing = w->stride_height;
        first = (first + 2u * (uint32_t)missing) % 3u;
    }
}

static depthwise_lines_t lines_of(const paritone_depthwise_lines_t *p, void *memory)
{
    const paritone_window_t *w = &p->window;
    const uint32_t row = (uint32_t)(w->in_width + w->pad_left);
    const uint32_t needed = (uint32_t)((w->out_width - 1) * w->stride_width + 3);
    const uint32_t tiles = (needed + 3u) / 4u, whole = row / 4u < tiles ? row / 4u : tiles;
    depthwise_lines_t l;
    l.zero_points = UINT32_C(0x01010101) * (uint8_t)p->input_zero_point;
    l.left = (uint32_t)w->pad_left;
    l.tiles = whole;
    l.rest = 4u * whole < needed ? row - 4u * whole : 4u;
    l.stride = (uint32_t)w->stride_width;
    l.width = (uint32_t)w->out_width;
    l.pitch = (uint32_t)w->out_channels;
    l.columns = 4u * (l.stride * ((l.width + 3u) / 4u) + 1u);
    l.lines = memory;
    return l;
}

void paritone_depthwise_lines(const paritone_step_t *step, int32_t first_row, int32_t rows,
                              uint8_t *arena)
{
    const paritone_depthwise_lines_t *p = step->params;
    depthwise_channel_t *channels = scratch_of(step, arena);
    const depthwise_lines_t l = lines_of(p, &channels[DEPTHWISE_CHANNELS]);
    for (int32_t channel = 0; channel < p->window.out_channels; channel += DEPTHWISE_CHANNELS) {
        for (int32_t lane = 0; lane < DEPTHWISE_CHANNELS; lane++) {
            prepare_channel(p, channel + lane, &channels[lane]);
        }
        convolve(step, &l, channels, channel, first_row, rows, arena);
    }
}
