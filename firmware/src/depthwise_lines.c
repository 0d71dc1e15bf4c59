/* DEPTHWISE_CONV_2D, 3 x 3, four channels and a few rows at a time by lines of int16. */
#include "depthwise_lines.h"

#include "fixed_point.h"
#include "window.h"

#define ROW_BYTES (2u * DEPTHWISE_CHANNELS * DEPTHWISE_VALUES)

#if PARITONE_SIMD
#define load depthwise_lines_load_simd
#define pad depthwise_lines_pad_simd
#define keep depthwise_lines_keep_simd
#define compute depthwise_lines_rows_simd
#define store depthwise_lines_store_simd
#else
#define load depthwise_lines_load_c
#define pad depthwise_lines_pad_c
#define keep depthwise_lines_keep_c
#define compute depthwise_lines_rows_c
#define store depthwise_lines_store_c
#endif

/* Everything is scaled so that DEPTHWISE_SHIFT is right: the floors stay where they were. */
static void prepare(const paritone_depthwise_lines_t *p, uint32_t channel, depthwise_lines_t *l)
{
    const int32_t *factor = &p->factor[channel], base = p->base, one = 1 << l->scale;
    const uint16_t *addend = &p->addend[channel];
    const int16_t *start = &p->start[channel];
    l->weights = &p->weights[channel * DEPTHWISE_TAPS];
    for (depthwise_channel_t *c = l->channels; c < &l->channels[DEPTHWISE_CHANNELS]; c++) {
        c->factor = *factor++;
        c->addend = (base + *addend++) * one;
        c->start = *start++ * one;
    }
}

/* The lines and outputs for at most `rows` rows of output at a time. */
static depthwise_lines_t lines_of(const paritone_depthwise_lines_t *p, uint32_t rows, void *memory)
{
    const paritone_window_t *w = &p->window;
    const uint32_t stride = (uint32_t)w->stride_width, width = (uint32_t)w->out_width;
    const uint32_t tiles = (stride * width + DEPTHWISE_TILE - 1u) / DEPTHWISE_TILE;
    const uint32_t row = (uint32_t)(w->in_width + w->pad_left);
    const uint32_t end = DEPTHWISE_TILE * tiles; /* behind it a row has two at most */
    depthwise_lines_t l;
    l.scale = (uint32_t)(DEPTHWISE_SHIFT - p->shift);
    l.zero_points = UINT32_C(0x01010101) * (uint8_t)p->input_zero_point;
    l.left = (uint32_t)w->pad_left;
    l.halves = (row < end ? row : end) / 4u;
    l.rest = row <= end ? row % 4u : 4u + row - end;
    l.pitch = (uint32_t)w->out_channels;
    l.tile_bytes = (stride * (rows - 1u) + 3u) * ROW_BYTES;
    l.tiles = tiles;
    l.stride = stride;
    l.width = width;
    l.row_bytes = (uint32_t)(w->in_width * w->in_channels);
    l.lines = memory;
    l.outputs = (int8_t *)memory + tiles * l.tile_bytes;
    return l;
}

/* Rows of the input from `y` on, one behind the other in the lines, from `row` up to `end`. */
static void load_rows(const depthwise_lines_t *l, const image_t *input, int32_t height,
                      int32_t channel, int32_t y, uint32_t row, uint32_t end)
{
    while (row < end) {
        uint32_t n = 1;
        if (y < 0 || y >= height) {
            pad(l, row);
        } else {
            const uint32_t ring = input->place.rows;
            const uint32_t place = (uint32_t)y < ring ? (uint32_t)y : (uint32_t)y % ring;
            n = ring - place; /* up to where the ring begins again */
            n = n < end - row ? n : end - row;
            n = n < (uint32_t)(height - y) ? n : (uint32_t)(height - y);
            load(l, image_row(input, y) + channel, row, n);
        }
        row += n;
        y += (int32_t)n;
    }
}

static void store_rows(const depthwise_lines_t *l, const paritone_depthwise_lines_t *p,
                       uint32_t rows, int8_t *out)
{
    const uint32_t columns = (l->width + 3u) / 4u * 4u, n = rows * columns * DEPTHWISE_CHANNELS;
    if (p->minimum > INT8_MIN || p->maximum < INT8_MAX) {
        for (uint32_t i = 0; i < n; i++) {
            l->outputs[i] = (int8_t)clamp(l->outputs[i], p->minimum, p->maximum);
        }
    }
    if (columns == l->width) {
        store(l->outputs, out, l->pitch, rows * columns);
        return;
    }
    for (uint32_t y = 0; y < rows; y++) {
        store(&l->outputs[y * columns * DEPTHWISE_CHANNELS], out, l->pitch, l->width);
        out += l->pitch * l->width;
    }
}

/* Rows of four channels; each row of the input is loaded once. */
static void convolve(const paritone_step_t *step, const depthwise_lines_t *l, int32_t channel,
                     int32_t first_row, int32_t rows, uint8_t *arena)
{
    const paritone_depthwise_lines_t *p = step->params;
    const paritone_window_t *w = &p->window;
    const image_t input = image_of(step, w, arena);
    const int32_t stride = w->stride_height, end = first_row + rows;
    uint32_t loaded = 0;
    for (int32_t y = first_row; y < end; y += p->rows) {
        const uint32_t n = (uint32_t)(end - y < p->rows ? end - y : p->rows);
        const int32_t in_y = y * stride - w->pad_top + (int32_t)loaded;
        load_rows(l, &input, w->in_height, channel, in_y, loaded, l->stride * (n - 1u) + 3u);
        compute(l, n);
        store_rows(l, p, n, (int8_t *)output_row(step, y, arena) + channel);
        if (y + p->rows < end) {
            loaded = 3u - l->stride; /* rows that the next ones read too */
            keep(l, n * l->stride, loaded);
        }
    }
}

void paritone_depthwise_lines(const paritone_step_t *step, int32_t first_row, int32_t rows,
                              uint8_t *arena)
{
    const paritone_depthwise_lines_t *p = step->params;
    const uint32_t at_once = (uint32_t)(rows < p->rows ? rows : p->rows);
    depthwise_lines_t l = lines_of(p, at_once, scratch_of(step, arena));
    if (l.rest == 0u) { /* columns may be read that no row fills */
        for (uint32_t row = 0; row < l.stride * (at_once - 1u) + 3u; row++) {
            pad(&l, row);
        }
    }
    for (int32_t channel = 0; channel < p->window.out_channels; channel += DEPTHWISE_CHANNELS) {
        prepare(p, (uint32_t)channel, &l);
        convolve(step, &l, channel, first_row, rows, arena);
    }
}
