/* TRANSPOSE, STRIDED_SLICE, SPLIT, CONCATENATION: up to four axes, elements of any size. */
#include <string.h>

#include "copy.h"
#include "operands.h"

/* One row of `n` elements, a stride of elements apart on either side. */
static void copy_row(const paritone_strided_copy_t *p, const uint8_t *input, int32_t from,
                     uint8_t *output, int32_t to)
{
    const int32_t bytes = p->element_bytes;
    const int32_t n = p->shape[3];
    const int32_t read = p->in_stride[3];
    const int32_t write = p->out_stride[3];
    if (read == 1 && write == 1) {
        copy_bytes(&output[to * bytes], &input[from * bytes], n * bytes);
    } else if (bytes == 1) {
        output += to;
        input += from;
        for (int32_t left = n; left > 0; left--) {
            *output = *input;
            output += write;
            input += read;
        }
    } else {
        for (int32_t i = 0; i < n; i++) {
            memcpy(&output[(to + i * write) * bytes], &input[(from + i * read) * bytes],
                   (size_t)bytes);
        }
    }
}

void paritone_strided_copy(const paritone_step_t *step, int32_t first_row, int32_t rows,
                           uint8_t *arena)
{
    (void)first_row; /* called once, for all of it */
    (void)rows;
    const paritone_strided_copy_t *p = step->params;
    const int32_t *n = p->shape;
    const int32_t *read = p->in_stride;
    const int32_t *write = p->out_stride;
    const uint8_t *input = input_of(step, arena, 0);
    uint8_t *output = output_of(step, arena);
    for (int32_t i = 0; i < n[0]; i++) {
        for (int32_t j = 0; j < n[1]; j++) {
            for (int32_t k = 0; k < n[2]; k++) {
                const int32_t from = p->in_start + i * read[0] + j * read[1] + k * read[2];
                const int32_t to = p->out_start + i * write[0] + j * write[1] + k * write[2];
                copy_row(p, input, from, output, to);
            }
        }
    }
}
