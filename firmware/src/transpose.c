/* TRANSPOSE: up to four axes, elements of one or four bytes. */
#include <string.h>

#include "operands.h"

/* One output row of `n` elements, read `stride` elements apart. */
static void gather(const uint8_t *input, int32_t stride, int32_t n, int32_t bytes, uint8_t *output)
{
    for (int32_t i = 0; i < n; i++) {
        if (bytes == 1) {
            output[i] = input[i * stride];
        } else {
            memcpy(&output[i * bytes], &input[i * stride * bytes], (size_t)bytes);
        }
    }
}

void paritone_transpose(const paritone_step_t *step, uint8_t *arena)
{
    const paritone_transpose_t *p = step->params;
    const int32_t *n = p->shape;
    const uint8_t *input = input_of(step, arena, 0);
    uint8_t *output = output_of(step, arena);
    for (int32_t i = 0; i < n[0]; i++) {
        for (int32_t j = 0; j < n[1]; j++) {
            for (int32_t k = 0; k < n[2]; k++) {
                const int32_t from = i * p->stride[0] + j * p->stride[1] + k * p->stride[2];
                gather(&input[from * p->element_bytes], p->stride[3], n[3], p->element_bytes,
                       output);
                output += n[3] * p->element_bytes;
            }
        }
    }
}
