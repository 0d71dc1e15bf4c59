/* PAD and PADV2: up to four axes, elements of one or four bytes. */
#include <string.h>

#include "copy.h"
#include "operands.h"

static uint8_t *fill(const paritone_pad_t *p, int32_t count, uint8_t *output)
{
    if (p->element_bytes == 1) {
        fill_bytes(output, p->value[0], count);
        return output + count;
    }
    for (int32_t i = 0; i < count; i++) {
        memcpy(output, p->value, (size_t)p->element_bytes);
        output += p->element_bytes;
    }
    return output;
}

/* One row of the output that holds a row of the input: [width][channels]. */
static void pad_row(const paritone_pad_t *p, const uint8_t *input, uint8_t *output)
{
    const int32_t run = p->in_shape[3] * p->element_bytes;
    const int32_t pixel = p->before[3] + p->in_shape[3] + p->after[3];
    output = fill(p, p->before[2] * pixel, output);
    for (int32_t k = 0; k < p->in_shape[2]; k++) {
        output = fill(p, p->before[3], output);
        copy_bytes(output, input, run);
        output += run;
        input += run;
        output = fill(p, p->after[3], output);
    }
    fill(p, p->after[2] * pixel, output);
}

void paritone_pad(const paritone_step_t *step, int32_t first_row, int32_t rows, uint8_t *arena)
{
    const paritone_pad_t *p = step->params;
    const int32_t *n = p->in_shape;
    const int32_t height = p->before[1] + n[1] + p->after[1];
    const uint32_t row_bytes = (uint32_t)(n[2] * n[3] * p->element_bytes);
    for (int32_t y = first_row; y < first_row + rows; y++) {
        const int32_t i = y / height - p->before[0];
        const int32_t j = y % height - p->before[1];
        uint8_t *output = output_row(step, y, arena);
        if (i >= 0 && i < n[0] && j >= 0 && j < n[1]) {
            pad_row(p, row_of(step->input[0], i * n[1] + j, row_bytes, arena), output);
        } else {
            fill(p, (int32_t)step->row_bytes / p->element_bytes, output);
        }
    }
}
