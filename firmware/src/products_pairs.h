/* Packed products by pairs of channels, where speed is worth more code: products_pairs.S. */
#ifndef PARITONE_PRODUCTS_PAIRS_H
#define PARITONE_PRODUCTS_PAIRS_H

#include "products.h"

#if PARITONE_SIMD
enum { PRODUCTS_PAIR = 2 };

/* Packed triples times a chunk of a pair's weights; products_pairs.S knows the offsets. */
typedef struct {
    const int32_t *weights;            /* of the chunk */
    uint32_t start[4];                 /* lanes that the sums start at */
    int32_t depth;                     /* of the chunk, a multiple of 4 */
    int32_t apart;                     /* bytes from pixel to pixel */
    int8_t *output;
    int32_t minus_lane;                /* -2^21 */
    int32_t rescale[PRODUCTS_PAIR][2]; /* factor, and addend or half */
    int32_t apart_thrice;
    const int32_t *packed_end;         /* where the chunk of the triple after the last begins */
    uint32_t tail;                     /* products_tail_t */
    int32_t free;
    const int32_t *weights_end;
    int32_t gap;                       /* bytes from a chunk's end to its next beginning */
    int32_t rounding[PRODUCTS_PAIR][2]; /* correction and right, or the first's: shift */
    int32_t *sums;
    int32_t repeated;                  /* bytes that one more triple's output is back; 0: none */
    const int32_t *repeated_end;       /* packed_end with it */
    int32_t rest; /* to a whole number of the copy's words */
} products_pair_t;

void products_multiply_pair_simd(const products_pair_t *pair, const int32_t *packed);

/* Four weights of a word to a + b 2^21 and, `n` words further, c + d 2^21; n in multiples of 4. */
void products_unpack_pairs_simd(const int32_t *weights, int32_t n, int32_t *unpacked);
#endif

#endif
