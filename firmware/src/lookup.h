/* LOOKUP: the inner loop in its two forms. */
#ifndef PARITONE_LOOKUP_H
#define PARITONE_LOOKUP_H

#include <stdint.h>

#include "simd.h"

/* output[i] = table[input[i]], i < n; table [256]. output may be input. */
void paritone_lookup_c(const uint8_t *input, uint8_t *output, const uint8_t *table, int32_t n);

#if PARITONE_SIMD
/* The same for n = 4 * words; input and output aligned to 4. */
void paritone_lookup_simd(const uint8_t *input, uint8_t *output, const uint8_t *table,
                          int32_t words);
#endif

#endif
