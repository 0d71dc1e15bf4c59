/*
 * The blocks of depthwise_lines.h in C. Their lines are no tiles but whole rows, each column's four
 * channels side by side, of a window that strides the even columns before the odd ones: outputs lie
 * next to each other and so does all that they are made of, which compilers make vectors of.
 */
#include "depthwise_lines.h"

#include <string.h>

#include "fixed_point.h"

enum { COLUMNS = 4, LANES = COLUMNS * DEPTHWISE_CHANNELS };

/* Of a row of lines; the channels of each column that a row of outputs reads are fewer. */
static uint32_t row_values(const depthwise_lines_t *l)
{
    return l->tiles * DEPTHWISE_VALUES * DEPTHWISE_CHANNELS;
}

/* Columns of outputs that are computed. */
static uint32_t columns_of(const depthwise_lines_t *l)
{
    return (l->width + COLUMNS - 1u) / COLUMNS * COLUMNS;
}

static void fill_columns(const depthwise_lines_t *l, uint32_t columns, int16_t *to)
{
    for (uint32_t i = 0; i < columns * DEPTHWISE_CHANNELS; i++) {
        to[i] = (int8_t)l->zero_points;
    }
}

static void load_columns(const int8_t *restrict from, uint32_t pitch, uint32_t columns,
                         int16_t *restrict to)
{
    for (uint32_t i = 0; i < columns; i++) {
        for (uint32_t channel = 0; channel < DEPTHWISE_CHANNELS; channel++) {
            to[i * DEPTHWISE_CHANNELS + channel] = from[i * pitch + channel];
        }
    }
}

/* Every `stride`-th column of a row from column `first` on, of which `there` are in it. */
static void load_line(const depthwise_lines_t *l, const int8_t *from, uint32_t first,
                      uint32_t columns, int16_t *to)
{
    const uint32_t there = l->row_bytes / l->pitch + l->left, left = first < l->left ? 1u : 0u;
    uint32_t end = there > first ? (there - first + l->stride - 1u) / l->stride : 0u;
    end = end < columns ? end : columns;
    fill_columns(l, left, to);
    if (left < end) {
        const uint32_t column = first + left * l->stride - l->left;
        load_columns(&from[column * l->pitch], l->stride * l->pitch, end - left,
                     &to[left * DEPTHWISE_CHANNELS]);
    }
    fill_columns(l, columns - end, &to[end * DEPTHWISE_CHANNELS]);
}

void depthwise_lines_load_c(const depthwise_lines_t *l, const int8_t *from, uint32_t row,
                            uint32_t rows)
{
    const uint32_t columns = columns_of(l);
    for (uint32_t i = 0; i < rows; i++, from += l->row_bytes) {
        int16_t *to = &l->lines[(row + i) * row_values(l)];
        if (l->stride == 2u) {
            load_line(l, from, 0, columns + 1u, to);
            load_line(l, from, 1, columns, &to[(columns + 1u) * DEPTHWISE_CHANNELS]);
        } else {
            load_line(l, from, 0, columns + 2u, to);
        }
    }
}

void depthwise_lines_pad_c(const depthwise_lines_t *l, uint32_t row)
{
    const uint32_t values = row_values(l);
    fill_columns(l, values / DEPTHWISE_CHANNELS, &l->lines[row * values]);
}

void depthwise_lines_keep_c(const depthwise_lines_t *l, uint32_t row, uint32_t rows)
{
    const uint32_t values = row_values(l);
    memmove(l->lines, &l->lines[row * values], rows * values * sizeof *l->lines);
}

/* Constants of the channels of COLUMNS columns. */
typedef struct {
    int32_t factor[LANES], addend[LANES], start[LANES];
    int16_t weights[DEPTHWISE_TAPS][LANES];
} constants_t;

static void constants_of(const depthwise_lines_t *l, constants_t *c)
{
    for (uint32_t i = 0; i < LANES; i++) {
        const uint32_t channel = i % DEPTHWISE_CHANNELS;
        c->factor[i] = l->channels[channel].factor;
        c->addend[i] = l->channels[channel].addend;
        c->start[i] = l->channels[channel].start;
        for (uint32_t tap = 0; tap < DEPTHWISE_TAPS; tap++) {
            const int32_t weight = l->weights[channel * DEPTHWISE_TAPS + tap];
            c->weights[tap][i] = (int16_t)(weight * (1 << l->scale));
        }
    }
}

/* Where the three columns of a window are in a row. */
typedef struct {
    const int16_t *left, *middle, *right;
} columns_t;

static int32_t dot(columns_t row, const int16_t (*weights)[LANES], uint32_t lane)
{
    return weights[0][lane] * row.left[lane] + weights[1][lane] * row.middle[lane] +
           weights[2][lane] * row.right[lane];
}

/* COLUMNS columns of outputs. */
static inline void outputs_of(const constants_t *c, const columns_t rows[3], int8_t *restrict out)
{
    for (uint32_t i = 0; i < LANES; i++) {
        const int32_t sum = c->start[i] + dot(rows[0], &c->weights[0], i) +
                            dot(rows[1], &c->weights[3], i) + dot(rows[2], &c->weights[6], i);
        out[i] = requantize_line(sum, c->factor[i], c->addend[i], DEPTHWISE_SHIFT);
    }
}

void depthwise_lines_rows_c(const depthwise_lines_t *l, uint32_t rows)
{
    const uint32_t values = row_values(l), n = columns_of(l) * DEPTHWISE_CHANNELS;
    const uint32_t odd = n + DEPTHWISE_CHANNELS; /* where the odd columns begin */
    const uint32_t middle = l->stride == 2u ? odd : DEPTHWISE_CHANNELS;
    const uint32_t right = l->stride == 2u ? DEPTHWISE_CHANNELS : 2u * DEPTHWISE_CHANNELS;
    constants_t c;
    constants_of(l, &c);
    for (uint32_t y = 0; y < rows; y++) {
        for (uint32_t x = 0; x < n; x += LANES) {
            const int16_t *at = &l->lines[y * l->stride * values + x];
            const columns_t window[3] = {
                {at, at + middle, at + right},
                {at + values, at + values + middle, at + values + right},
                {at + 2u * values, at + 2u * values + middle, at + 2u * values + right},
            };
            outputs_of(&c, window, &l->outputs[y * n + x]);
        }
    }
}

void depthwise_lines_store_c(const int8_t *from, int8_t *to, uint32_t pitch, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        memcpy(&to[i * pitch], &from[i * DEPTHWISE_CHANNELS], DEPTHWISE_CHANNELS);
    }
}
