/*
 * Weights of packed products that are entropy-coded in flash, decoded a group of channels at a
 * time.
 *
 * A weight w is a class 0 .. 3, the upper two bits of w's magnitude (of w, or ~w below 0), and six
 * bits that are stored as they are: the sign and the lower five. The classes of a word's four
 * weights, two bits each, make one quad. Quads are ranked, the largest first, and coded by a prefix
 * code of at most PRODUCTS_CODE_BITS bits, of which the first PRODUCTS_PEEK_BITS tell the length: a
 * code that they begin has the rank of what its bits say plus a base.
 *
 * p->coded is
 *   [PRODUCTS_CODES / 2]       of each PRODUCTS_PEEK_BITS bits: base << 8 | 32 - length, in halves
 *                              of words, the lower first
 *   [groups][depth / 4 * 3]    six bits of each weight, the sign inverted: those of four words, in
 *                              the lower bits of the bytes of three, the fourth's in the upper
 *   [...]                      codes of all groups, bit by bit from the highest of the lowest byte
 *                              of the first word on; less than a word of it is read past the last
 *
 * Bounds: depth a multiple of 4; bits of all codes < 2^31. Lengths are 1 .. PRODUCTS_CODE_BITS, a
 * rank is 0 .. 255 for any bits: the generator has seen to it.
 */
#ifndef PARITONE_PRODUCTS_DECODE_H
#define PARITONE_PRODUCTS_DECODE_H

#include "products.h"

enum {
    PRODUCTS_PEEK_BITS = 5,
    PRODUCTS_CODES = 1 << PRODUCTS_PEEK_BITS,
    PRODUCTS_CODE_BITS = 12,
    PRODUCTS_QUADS = 256,
    PRODUCTS_RUN = 4 /* words that are decoded at once */
};

/* Classes by rank: of larger weights first. */
extern const uint8_t products_quads[PRODUCTS_QUADS];

/* Where decoding goes on. */
typedef struct {
    const int32_t *lengths; /* p->coded */
    const int32_t *codes;
    const int32_t *sixes; /* of the group */
    uint32_t at;          /* bits of codes behind */
} products_reader_t;

/* Before the first group. */
products_reader_t products_reader(const paritone_products_t *p);

/* What products_weights gives, of the next group of channels: call it for one after the other.
 *   scratch  [depth * PRODUCTS_WORDS] */
const int32_t *products_decoded(const paritone_products_t *p, products_reader_t *reader,
                                int32_t *scratch);

/* The next PRODUCTS_RUN words of weights, as p->weights has them. */
void products_decode_c(products_reader_t *reader, int32_t words[PRODUCTS_RUN]);

#if PARITONE_SIMD
/* The next words up to `end`, a multiple of PRODUCTS_RUN. */
void products_decode_simd(products_reader_t *reader, int32_t *words, const int32_t *end);
#endif

#endif
