/*
 * MAX_POOL_2D: int8. The rows of a window are brought down to one, then that row's columns to each
 * output pixel. Scratch: that row, and a pixel of padding.
 */
#include "max_pool.h"

#include "copy.h"
#include "fixed_point.h"
#include "operands.h"
#include "window.h"

void paritone_max_3_c(const int8_t *a, const int8_t *b, const int8_t *c, int8_t *output, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        const int8_t larger = a[i] > b[i] ? a[i] : b[i];
        output[i] = larger > c[i] ? larger : c[i];
    }
}

static void max_3(const int8_t *a, const int8_t *b, const int8_t *c, int8_t *output, int32_t n)
{
    int32_t done = 0;
#if PARITONE_SIMD
    const uintptr_t bits = (uintptr_t)a | (uintptr_t)b | (uintptr_t)c | (uintptr_t)output;
    if ((bits & 3U) == 0U) {
        done = n & ~3;
        if (b == c) {
            paritone_max_2_simd(a, b, output, n / 4);
        } else {
            paritone_max_3_simd(a, b, c, output, n / 4);
        }
    }
#endif
    paritone_max_3_c(&a[done], &b[done], &c[done], &output[done], n - done);
}

/* The rows of a window as one, in `line` or, of a single one, where it lies. */
static const int8_t *row_of_rows(const image_t *input, taps_t rows, int8_t *line)
{
    const int32_t n = (int32_t)input->row_bytes;
    const int32_t last = rows.origin + rows.end - 1;
    int32_t y = rows.origin + rows.begin;
    const int8_t *found = image_row(input, y);
    while (y < last) {
        const int32_t next = y + 1, after = y + 2 < last ? y + 2 : last;
        max_3(found, image_row(input, next), image_row(input, after), line, n);
        found = line;
        y = after;
    }
    return found;
}

/* One output pixel: the columns of a window, of `line`. */
static void max_columns(const int8_t *line, taps_t columns, int32_t channels, int8_t *output)
{
    const int32_t last = columns.origin + columns.end - 1;
    int32_t x = columns.origin + columns.begin;
    const int8_t *found = &line[x * channels];
    do {
        const int32_t next = x + 1 < last ? x + 1 : last, after = x + 2 < last ? x + 2 : last;
        max_3(found, &line[next * channels], &line[after * channels], output, channels);
        found = output;
        x = after;
    } while (x < last);
}

static void pool_row(const paritone_max_pool_2d_t *p, const image_t *input, int32_t y,
                     int8_t *scratch, int8_t *output)
{
    const paritone_window_t *w = &p->window;
    const int32_t channels = w->in_channels;
    const taps_t rows = window_rows(w, y);
    const int8_t *padding = scratch + input->row_bytes;
    const int8_t *line = row_of_rows(input, rows, scratch);
    const int32_t padded_row = rows.end - rows.begin < w->height;
    int32_t first = -w->pad_left;
    for (int32_t x = 0; x < w->out_width; x++) {
        taps_t columns = {first, 0, w->width};
        const int32_t padded = first < 0 || first + w->width > w->in_width;
        if (padded) {
            columns = window_columns(w, x);
        }
        max_columns(line, columns, channels, output);
        if (p->padding > INT8_MIN && (padded || padded_row)) {
            max_3(output, padding, padding, output, channels);
        }
        output += channels;
        first += w->stride_width;
    }
}

void paritone_max_pool_2d(const paritone_step_t *step, int32_t first_row, int32_t rows,
                          uint8_t *arena)
{
    const paritone_max_pool_2d_t *p = step->params;
    const image_t input = image_of(step, &p->window, arena);
    int8_t *output = output_row(step, first_row, arena);
    int8_t *scratch = scratch_of(step, arena);
    fill_bytes((uint8_t *)scratch + input.row_bytes, (uint8_t)p->padding, p->window.in_channels);
    for (int32_t y = first_row; y < first_row + rows; y++) {
        pool_row(p, &input, y, scratch, output);
        if (p->minimum > INT8_MIN || p->maximum < INT8_MAX) {
            for (uint32_t i = 0; i < step->row_bytes; i++) {
                output[i] = (int8_t)clamp(output[i], p->minimum, p->maximum);
            }
        }
        output += step->row_bytes;
    }
}
