/* LOOKUP: an activation on its own, one stored value for each, from a table. */
#include "operands.h"

void paritone_lookup(const paritone_step_t *step, int32_t first_row, int32_t rows, uint8_t *arena)
{
    const paritone_lookup_t *p = step->params;
    for (int32_t y = first_row; y < first_row + rows; y++) {
        const uint8_t *input = row_of(step->input[0], y, step->row_bytes, arena);
        uint8_t *output = output_row(step, y, arena);
        for (uint32_t i = 0; i < step->row_bytes; i++) {
            output[i] = p->table[input[i]];
        }
    }
}
