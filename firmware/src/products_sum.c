/* PRODUCTS_SUM: PRODUCTS, then ADD or SUB of a second operand and what was made. */
#include "operands.h"
#include "weighted_sum.h"

static void add_rows(const paritone_step_t *step, int32_t first_row, int32_t rows, uint8_t *arena)
{
    const paritone_products_t *p = step->params;
    const paritone_weighted_sum_t sum = {{p->sum[0], p->sum[1]}, p->sum[2]};
    for (int32_t y = first_row; y < first_row + rows; y++) {
        int8_t *output = output_row(step, y, arena);
        paritone_sum_row(row_of(step->input[1], y, step->row_bytes, arena), output, output,
                         (int32_t)step->row_bytes, &sum);
    }
}

void paritone_products_sum(const paritone_step_t *step, int32_t first_row, int32_t rows,
                           uint8_t *arena)
{
    paritone_products(step, first_row, rows, arena);
    add_rows(step, first_row, rows, arena);
}

void paritone_products_coded_sum(const paritone_step_t *step, int32_t first_row, int32_t rows,
                                 uint8_t *arena)
{
    paritone_products_coded(step, first_row, rows, arena);
    add_rows(step, first_row, rows, arena);
}

void paritone_products_pairs_sum(const paritone_step_t *step, int32_t first_row, int32_t rows,
                                 uint8_t *arena)
{
    paritone_products_pairs(step, first_row, rows, arena);
    add_rows(step, first_row, rows, arena);
}
