/* The pixel that threes leave over, times the weights of pairs of channels: products_pairs.c. */
#ifndef PARITONE_PRODUCTS_ALONE_H
#define PARITONE_PRODUCTS_ALONE_H

#include "products_blocks.h"

#if PARITONE_SIMD
/* Whether the call's last pixel is dealt with by itself: the one that is over, if it finds room
 * behind a block's last triple. */
int32_t products_alone(const products_call_t *call);

/* Its values, a word each, behind the triples of the block, which is the call's last. */
const int32_t *products_alone_pack(products_call_t *call);

/* A group's channels of it.
 *   weights  by pairs of channels: products_pairs.h
 *   values   of products_alone_pack */
void products_alone_multiply(const products_call_t *call, int32_t group, const int32_t *weights,
                             const int32_t *values);

/* Sums of products of values with a group's weights.
 *   values, weights  [depth] and [PRODUCTS_PAIR][depth], a + b 2^21; depth in multiples of four
 *   sums             [PRODUCTS_GROUP] */
void products_alone_simd(const int32_t *values, const int32_t *weights, int32_t depth,
                         int32_t *sums);
#endif

#endif
