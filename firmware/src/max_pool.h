/* MAX_POOL_2D: the inner loop in its two forms. */
#ifndef PARITONE_MAX_POOL_H
#define PARITONE_MAX_POOL_H

#include <stdint.h>

#include "simd.h"

/* output[i] = the largest of a[i], b[i] and c[i], i < n. Any of them may be output. */
void paritone_max_3_c(const int8_t *a, const int8_t *b, const int8_t *c, int8_t *output, int32_t n);

#if PARITONE_SIMD
/* The same for n = 4 * words; all aligned to 4. */
void paritone_max_3_simd(const int8_t *a, const int8_t *b, const int8_t *c, int8_t *output,
                         int32_t words);

/* And of two. */
void paritone_max_2_simd(const int8_t *a, const int8_t *b, int8_t *output, int32_t words);
#endif

#endif
