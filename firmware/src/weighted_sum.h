/* ADD and SUB of two tensors of one shape: the inner loop in its two forms. */
#ifndef PARITONE_WEIGHTED_SUM_H
#define PARITONE_WEIGHTED_SUM_H

#include "paritone_kernels.h"
#include "simd.h"

/* output[i] = sat8(weight[0] * a[i] + weight[1] * b[i] + start), 2^24 and 2^16 being one: each
 * product is floored to 2^-16, and no sum of them leaves int32. output may be a or b. */
void paritone_weighted_sum_c(const int8_t *a, const int8_t *b, int8_t *output, int32_t n,
                             const paritone_weighted_sum_t *p);

/* The same, by the faster form where that can be. */
void paritone_sum_row(const int8_t *a, const int8_t *b, int8_t *output, int32_t n,
                      const paritone_weighted_sum_t *p);

#if PARITONE_SIMD
/* The same for n = 4 * words; a, b and output aligned to 4. */
void paritone_weighted_sum_simd(const int8_t *a, const int8_t *b, int8_t *output, int32_t words,
                                const paritone_weighted_sum_t *p);
#endif

#endif
