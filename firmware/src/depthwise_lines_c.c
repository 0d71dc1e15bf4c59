/* The blocks of depthwise_lines.h in C. */
#include "depthwise_lines.h"

#include <string.h>

#include "fixed_point.h"

#define ROW_VALUES (DEPTHWISE_CHANNELS * DEPTHWISE_VALUES)

/* The `columns` from `first` on, or fewer at the row's end, then zero points up to `columns`. */
static void load_columns(const depthwise_lines_t *l, const int8_t *from, uint32_t first,
                         uint32_t columns, uint32_t end, int16_t *to)
{
    for (uint32_t i = 0; i < columns; i++) {
        const uint32_t column = first + i;
        const int inside = column >= l->left && column < end;
        for (uint32_t channel = 0; channel < DEPTHWISE_CHANNELS; channel++) {
            to[channel * DEPTHWISE_VALUES + i] =
                inside ? from[(column - l->left) * l->pitch + channel] : (int8_t)l->zero_points;
        }
    }
}

static void load_row(const depthwise_lines_t *l, const int8_t *from, uint32_t row)
{
    const uint32_t pair = l->rest > 4u ? 2u : 0u;
    const uint32_t columns = 4u * l->halves + (l->rest < 4u ? 4u : pair);
    const uint32_t end = 4u * l->halves + (l->rest < 4u ? l->rest : pair != 0u ? l->rest - 5u : 0u);
    int16_t *to = &l->lines[row * ROW_VALUES];
    for (uint32_t first = 0; first + pair < columns; first += DEPTHWISE_TILE) {
        const uint32_t left = columns - first;
        load_columns(l, from, first, left < DEPTHWISE_VALUES ? left : DEPTHWISE_VALUES, end, to);
        to += l->tile_bytes / 2u;
    }
}

void depthwise_lines_load_c(const depthwise_lines_t *l, const int8_t *from, uint32_t row,
                            uint32_t rows)
{
    for (uint32_t i = 0; i < rows; i++) {
        load_row(l, &from[i * l->row_bytes], row + i);
    }
}

void depthwise_lines_keep_c(const depthwise_lines_t *l, uint32_t row, uint32_t rows)
{
    int16_t *tile = l->lines;
    for (uint32_t i = 0; i < l->tiles; i++, tile += l->tile_bytes / 2u) {
        memmove(tile, &tile[row * ROW_VALUES], rows * ROW_VALUES * sizeof *tile);
    }
}

static int32_t low(uint32_t word) { return (int16_t)(uint16_t)(word & 0xFFFFu); }

static int32_t high(uint32_t word) { return (int16_t)(uint16_t)(word >> 16); }

/* Outputs that start in a tile: DEPTHWISE_TILE / stride of them. */
static inline void tile_outputs(const depthwise_channel_t *c, const int16_t *lines,
                                uint32_t stride, uint32_t n, int8_t *out)
{
    int32_t sums[DEPTHWISE_TILE];
    for (uint32_t i = 0; i < n; i++) {
        sums[i] = c->start;
    }
    for (uint32_t row = 0; row < 3u; row++) {
        const int16_t *line = &lines[row * ROW_VALUES];
        const int32_t left = low(c->weights[row][0]), middle = high(c->weights[row][0]);
        const int32_t right = high(c->weights[row][1]);
        for (uint32_t i = 0; i < n; i++) {
            const int16_t *at = &line[i * stride];
            sums[i] += left * at[0] + middle * at[1] + right * at[2];
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        const int32_t scaled = (int32_t)((sums[i] * (int64_t)c->factor) >> 32) + c->addend;
        out[i * DEPTHWISE_CHANNELS] = sat8(scaled >> DEPTHWISE_SHIFT);
    }
}

static void row_outputs(const depthwise_lines_t *l, const depthwise_channel_t *c,
                        const int16_t *lines, int8_t *out)
{
    const uint32_t n = l->width;
    for (uint32_t x = 0; x < n; lines += l->tile_bytes / 2u) {
        int8_t *to = &out[x * DEPTHWISE_CHANNELS];
        if (l->stride == 2u) {
            tile_outputs(c, lines, 2, 4, to);
            x += 4u;
        } else if (n - x <= 4u) {
            tile_outputs(c, lines, 1, 4, to);
            x += 4u;
        } else {
            tile_outputs(c, lines, 1, 8, to);
            x += 8u;
        }
    }
}

void depthwise_lines_rows_c(const depthwise_lines_t *l, const depthwise_channel_t *channels,
                            uint32_t rows)
{
    const uint32_t pitch = (l->width + 3u) / 4u * 4u * DEPTHWISE_CHANNELS;
    for (uint32_t channel = 0; channel < DEPTHWISE_CHANNELS; channel++) {
        const int16_t *lines = &l->lines[channel * DEPTHWISE_VALUES];
        for (uint32_t y = 0; y < rows; y++) {
            row_outputs(l, &channels[channel], lines, &l->outputs[y * pitch + channel]);
            lines += l->stride * ROW_VALUES;
        }
    }
}

void depthwise_lines_store_c(const int8_t *from, int8_t *to, uint32_t pitch, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        memcpy(&to[i * pitch], &from[i * DEPTHWISE_CHANNELS], DEPTHWISE_CHANNELS);
    }
}
