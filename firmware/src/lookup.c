/* LOOKUP: an activation on its own, one stored value for each, from a table. */
#include "lookup.h"

#include "operands.h"

void paritone_lookup_c(const uint8_t *input, uint8_t *output, const uint8_t *table, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        output[i] = table[input[i]];
    }
}

static void look_up(const uint8_t *input, uint8_t *output, const uint8_t *table, int32_t n)
{
    int32_t done = 0;
#if PARITONE_SIMD
    if ((((uintptr_t)input | (uintptr_t)output) & 3U) == 0U) {
        done = n & ~3;
        paritone_lookup_simd(input, output, table, n / 4);
    }
#endif
    paritone_lookup_c(&input[done], &output[done], table, n - done);
}

void paritone_lookup(const paritone_step_t *step, int32_t first_row, int32_t rows, uint8_t *arena)
{
    const paritone_lookup_t *p = step->params;
    for (int32_t y = first_row; y < first_row + rows; y++) {
        look_up(row_of(step->input[0], y, step->row_bytes, arena), output_row(step, y, arena),
                p->table, (int32_t)step->row_bytes);
    }
}
