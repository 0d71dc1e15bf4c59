/* ADD and SUB of two tensors of one shape, as the weighted sum that the generator has proven. */
#include "weighted_sum.h"

#include "fixed_point.h"
#include "operands.h"

/* weight * 256 * value / 2^16, floored: |result| < 2^30. Any weight; value -128 .. 127. */
static int32_t weigh(int32_t weight, int8_t value)
{
    return (int32_t)(((int64_t)weight * (value * 256)) >> 16);
}

void paritone_weighted_sum_c(const int8_t *a, const int8_t *b, int8_t *output, int32_t n,
                             const paritone_weighted_sum_t *p)
{
    for (int32_t i = 0; i < n; i++) {
        const int32_t sum = p->start + weigh(p->weight[0], a[i]) + weigh(p->weight[1], b[i]);
        output[i] = sat8(sum >> 16);
    }
}

void paritone_sum_row(const int8_t *a, const int8_t *b, int8_t *output, int32_t n,
                      const paritone_weighted_sum_t *p)
{
    int32_t done = 0;
#if PARITONE_SIMD
    if ((((uintptr_t)a | (uintptr_t)b | (uintptr_t)output) & 3U) == 0U) {
        done = n & ~3;
        paritone_weighted_sum_simd(a, b, output, n / 4, p);
    }
#endif
    paritone_weighted_sum_c(&a[done], &b[done], &output[done], n - done, p);
}

void paritone_weighted_sum(const paritone_step_t *step, int32_t first_row, int32_t rows,
                           uint8_t *arena)
{
    for (int32_t y = first_row; y < first_row + rows; y++) {
        paritone_sum_row(row_of(step->input[0], y, step->row_bytes, arena),
                         row_of(step->input[1], y, step->row_bytes, arena),
                         output_row(step, y, arena), (int32_t)step->row_bytes, step->params);
    }
}
