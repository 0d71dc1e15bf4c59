/* LOOKUP: an activation on its own, one stored value for each, from a table. */
#include "operands.h"

void paritone_lookup(const paritone_step_t *step, uint8_t *arena)
{
    const paritone_lookup_t *p = step->params;
    const uint8_t *input = input_of(step, arena, 0);
    uint8_t *output = output_of(step, arena);
    for (int32_t i = 0; i < p->size; i++) {
        output[i] = p->table[input[i]];
    }
}
