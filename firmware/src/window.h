/* What a convolution or pooling reads: its input, and the part of a window that lies inside. */
#ifndef PARITONE_WINDOW_H
#define PARITONE_WINDOW_H

#include "operands.h"

/* Taps begin .. end - 1 read the input at origin + tap * dilation. */
typedef struct {
    int32_t origin, begin, end;
} taps_t;

/*
 * The taps of `count` that fall on 0 .. size - 1 when the window starts at
 * `origin`; dilation >= 1. begin == end when none does.
 */
static inline taps_t taps_inside(int32_t origin, int32_t dilation, int32_t count, int32_t size)
{
    taps_t taps = {origin, 0, count};
    while (taps.begin < count && origin + taps.begin * dilation < 0) {
        taps.begin++;
    }
    while (taps.end > taps.begin && origin + (taps.end - 1) * dilation >= size) {
        taps.end--;
    }
    return taps;
}

/* The input of a step with a window: rows of int8 values. */
typedef struct {
    const uint8_t *arena;
    paritone_place_t place;
    uint32_t row_bytes;
} image_t;

static inline image_t image_of(const paritone_step_t *step, const paritone_window_t *w,
                               const uint8_t *arena)
{
    const image_t image = {arena, step->input[0], (uint32_t)(w->in_width * w->in_channels)};
    return image;
}

/* Row `y` of it. */
static inline const int8_t *image_row(const image_t *image, int32_t y)
{
    return row_of(image->place, y, image->row_bytes, image->arena);
}

/* Rows of the window at output row `out_y`. */
static inline taps_t window_rows(const paritone_window_t *w, int32_t out_y)
{
    return taps_inside(out_y * w->stride_height - w->pad_top, w->dilation_height, w->height,
                       w->in_height);
}

/* Columns of the window at output column `out_x`. */
static inline taps_t window_columns(const paritone_window_t *w, int32_t out_x)
{
    return taps_inside(out_x * w->stride_width - w->pad_left, w->dilation_width, w->width,
                       w->in_width);
}

#endif
