/* The blocks of depthwise_lines.h in C. */
#include "depthwise_lines.h"

#include <string.h>

#include "fixed_point.h"

#define ROW_VALUES (DEPTHWISE_CHANNELS * DEPTHWISE_VALUES)
#define HALF 4u /* columns */
#define HALF_VALUES (DEPTHWISE_CHANNELS * HALF)

/* Four columns of a row from `column` on, those before and behind it zero points. */
static void load_half(const depthwise_lines_t *l, const int8_t *from, uint32_t column, uint32_t end,
                      int16_t *to)
{
    for (uint32_t i = 0; i < HALF; i++, column++) {
        const int inside = column >= l->left && column < end;
        for (uint32_t channel = 0; channel < DEPTHWISE_CHANNELS; channel++) {
            to[channel * HALF + i] =
                inside ? from[(column - l->left) * l->pitch + channel] : (int8_t)l->zero_points;
        }
    }
}

static void load_row(const depthwise_lines_t *l, const int8_t *from, uint32_t row)
{
    const uint32_t pair = l->rest > 4u ? 1u : 0u;
    const uint32_t halves = l->halves + (l->rest > 0u ? 1u : 0u);
    const uint32_t end = 4u * (l->halves - pair) + l->rest;
    int16_t *to = &l->lines[row * ROW_VALUES], *before = NULL;
    for (uint32_t half = 0; half < halves; half++) {
        int16_t *at = &to[half % 2u * HALF_VALUES];
        if (half == 2u * l->tiles) {
            load_half(l, from, HALF * half, end, before);
            return;
        }
        load_half(l, from, HALF * half, end, at);
        if (before != NULL && half % 2u == 0u) {
            memcpy(before, at, HALF_VALUES * sizeof *at);
        }
        if (half % 2u == 1u) {
            before = &to[2u * HALF_VALUES];
            to += l->tile_bytes / 2u;
        }
    }
}

void depthwise_lines_load_c(const depthwise_lines_t *l, const int8_t *from, uint32_t row,
                            uint32_t rows)
{
    for (uint32_t i = 0; i < rows; i++) {
        load_row(l, &from[i * l->row_bytes], row + i);
    }
}

void depthwise_lines_pad_c(const depthwise_lines_t *l, uint32_t row)
{
    int16_t *to = &l->lines[row * ROW_VALUES];
    for (uint32_t i = 0; i < l->tiles; i++, to += l->tile_bytes / 2u) {
        for (uint32_t k = 0; k < ROW_VALUES; k++) {
            to[k] = (int8_t)l->zero_points;
        }
    }
}

void depthwise_lines_keep_c(const depthwise_lines_t *l, uint32_t row, uint32_t rows)
{
    int16_t *tile = l->lines;
    for (uint32_t i = 0; i < l->tiles; i++, tile += l->tile_bytes / 2u) {
        memmove(tile, &tile[row * ROW_VALUES], rows * ROW_VALUES * sizeof *tile);
    }
}

/* Outputs that start in a tile: DEPTHWISE_TILE / stride of them. */
static inline void tile_outputs(const depthwise_channel_t *c, const int32_t *weights,
                                const int16_t *lines, uint32_t stride, uint32_t n, int8_t *out)
{
    int32_t sums[DEPTHWISE_TILE];
    for (uint32_t i = 0; i < n; i++) {
        sums[i] = c->start;
    }
    for (uint32_t row = 0; row < 3u; row++) {
        int16_t line[DEPTHWISE_VALUES];
        for (uint32_t half = 0; half < 3u; half++) {
            memcpy(&line[HALF * half], &lines[row * ROW_VALUES + half * HALF_VALUES],
                   HALF * sizeof *line);
        }
        for (uint32_t i = 0; i < n; i++) {
            const int16_t *at = &line[i * stride];
            const int32_t *w = &weights[3u * row];
            sums[i] += w[0] * at[0] + w[1] * at[1] + w[2] * at[2];
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        const int32_t scaled = (int32_t)((sums[i] * (int64_t)c->factor) >> 32) + c->addend;
        out[i * DEPTHWISE_CHANNELS] = sat8(scaled >> DEPTHWISE_SHIFT);
    }
}

static void row_outputs(const depthwise_lines_t *l, const depthwise_channel_t *c,
                        const int32_t *weights, const int16_t *lines, int8_t *out)
{
    const uint32_t n = l->width;
    for (uint32_t x = 0; x < n; lines += l->tile_bytes / 2u) {
        int8_t *to = &out[x * DEPTHWISE_CHANNELS];
        const uint32_t most = DEPTHWISE_TILE / l->stride;
        tile_outputs(c, weights, lines, l->stride, n - x < most ? n - x : most, to);
        x += most;
    }
}

void depthwise_lines_rows_c(const depthwise_lines_t *l, uint32_t rows)
{
    const uint32_t pitch = (l->width + 3u) / 4u * 4u * DEPTHWISE_CHANNELS;
    for (uint32_t channel = 0; channel < DEPTHWISE_CHANNELS; channel++) {
        const int16_t *lines = &l->lines[channel * HALF];
        int32_t weights[DEPTHWISE_TAPS];
        for (uint32_t i = 0; i < DEPTHWISE_TAPS; i++) {
            weights[i] = l->weights[channel * DEPTHWISE_TAPS + i] * (1 << l->scale);
        }
        for (uint32_t y = 0; y < rows; y++) {
            row_outputs(l, &l->channels[channel], weights, lines, &l->outputs[y * pitch + channel]);
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
