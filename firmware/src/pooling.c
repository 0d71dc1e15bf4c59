/* AVERAGE_POOL_2D: int8, input and output with one scale. */
#include "fixed_point.h"
#include "operands.h"
#include "window.h"

/* sum / count to the nearest, ties away from zero. |sum| <= 128 * count, count > 0. */
static int32_t rounded_average(int32_t sum, int32_t count)
{
    return (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
}

static int32_t average(const paritone_window_t *w, const image_t *input, int32_t channel,
                       taps_t rows, taps_t columns)
{
    int32_t sum = 0;
    for (int32_t y = rows.origin + rows.begin; y < rows.origin + rows.end; y++) {
        const int8_t *line = image_row(input, y) + channel;
        for (int32_t x = columns.origin + columns.begin; x < columns.origin + columns.end; x++) {
            sum += line[x * w->in_channels];
        }
    }
    return rounded_average(sum, (rows.end - rows.begin) * (columns.end - columns.begin));
}

void paritone_average_pool_2d(const paritone_step_t *step, int32_t first_row, int32_t rows,
                              uint8_t *arena)
{
    const paritone_pool_2d_t *p = step->params;
    const paritone_window_t *w = &p->window;
    const image_t input = image_of(step, w, arena);
    int8_t *output = output_row(step, first_row, arena);
    for (int32_t y = first_row; y < first_row + rows; y++) {
        const taps_t taps = window_rows(w, y);
        for (int32_t x = 0; x < w->out_width; x++) {
            const taps_t columns = window_columns(w, x);
            for (int32_t c = 0; c < w->in_channels; c++) {
                const int32_t value = average(w, &input, c, taps, columns);
                *output++ = (int8_t)clamp(value, p->minimum, p->maximum);
            }
        }
    }
}
