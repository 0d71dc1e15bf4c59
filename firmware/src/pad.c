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

/* Elements in one step along `axis` of the padded tensor. */
static int32_t padded_stride(const paritone_pad_t *p, int axis)
{
    int32_t stride = 1;
    for (int a = axis + 1; a < PARITONE_MAX_RANK; a++) {
        stride *= p->before[a] + p->in_shape[a] + p->after[a];
    }
    return stride;
}

void paritone_pad(const paritone_step_t *step, int32_t first_row, int32_t rows, uint8_t *arena)
{
    (void)first_row; /* called once, for all of it */
    (void)rows;
    const paritone_pad_t *p = step->params;
    const int32_t *n = p->in_shape;
    const size_t row_bytes = (size_t)n[3] * (size_t)p->element_bytes;
    const uint8_t *input = input_of(step, arena, 0);
    uint8_t *output = fill(p, p->before[0] * padded_stride(p, 0), output_of(step, arena));
    for (int32_t i = 0; i < n[0]; i++) {
        output = fill(p, p->before[1] * padded_stride(p, 1), output);
        for (int32_t j = 0; j < n[1]; j++) {
            output = fill(p, p->before[2] * padded_stride(p, 2), output);
            for (int32_t k = 0; k < n[2]; k++) {
                output = fill(p, p->before[3], output);
                copy_bytes(output, input, (int32_t)row_bytes);
                output += row_bytes;
                input += row_bytes;
                output = fill(p, p->after[3], output);
            }
            output = fill(p, p->after[2] * padded_stride(p, 2), output);
        }
        output = fill(p, p->after[1] * padded_stride(p, 1), output);
    }
    fill(p, p->after[0] * padded_stride(p, 0), output);
}
