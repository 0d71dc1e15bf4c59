/* The blocks of packed products, by products_*.S where the core has the DSP extension. */
#include <string.h>

#include "products.h"

#if PARITONE_SIMD
void products_pack(const int8_t *const pixels[PRODUCTS_TRIPLE], int32_t n, int32_t depth,
                   int32_t at, int32_t *triple)
{
    (void)depth;
    products_pack_simd(pixels, n, &triple[at * PRODUCTS_WORDS]);
}

void products_pack_line(const products_line_t *line, const int8_t *first, int32_t apart,
                        int32_t at, int32_t *packed)
{
    products_pack_line_simd(line, first, apart, &packed[at * PRODUCTS_WORDS]);
}

const int32_t *products_weights(const paritone_products_t *p, int32_t group, int32_t *scratch)
{
    if (p->wide != NULL) {
        return &p->wide[group * p->depth * PRODUCTS_WORDS];
    }
    products_unpack_simd(&p->weights[group * p->depth], p->depth, scratch);
    return scratch;
}

static void line_of(const paritone_products_t *p, int32_t first, int32_t chunks,
                    products_tiles_t *t)
{
    for (int32_t i = 0; i < PRODUCTS_GROUP; i++) {
        t->rescale[i][0] = p->factor[first + i];
        t->rescale[i][1] = products_line_addend(p, first + i, chunks);
    }
    t->rounding[0][1] = p->shift;
}

#ifndef PARITONE_ROUNDS_ONCE
static void twice_of(const paritone_products_t *p, int32_t first, products_tiles_t *t)
{
    for (int32_t i = 0; i < PRODUCTS_GROUP; i++) {
        t->rescale[i][0] = p->factor[first + i];
        t->rescale[i][1] = products_half(p, first + i);
        t->rounding[i][0] = p->correction[first + i];
        t->rounding[i][1] = p->right[first + i];
    }
}
#endif

/* The tail that products_multiply.S has: all, or the two that can stand for two others. */
static products_tail_t tail_of(const paritone_products_t *p, int32_t chunk, int32_t chunks)
{
#ifdef PARITONE_SMALL_CODE
    if (chunk < chunks - 1) {
        return PRODUCTS_CHUNK;
    }
    return p->addend == NULL ? PRODUCTS_TWICE : PRODUCTS_LINE;
#else
    return products_tail_of(p, chunk, chunks);
#endif
}

/* Chunk after chunk, so that each is one run through all triples. */
void products_multiply(const paritone_products_t *p, int32_t group, const int32_t *weights,
                       const int32_t *packed, int32_t triples, products_output_t to)
{
    const int32_t first = group * PRODUCTS_GROUP, chunks = products_chunks(p, group);
    products_tiles_t t;
#ifndef PARITONE_ROUNDS_ONCE
    if (p->addend == NULL) {
        twice_of(p, first, &t);
    } else
#endif
    {
        line_of(p, first, chunks, &t);
    }
    t.output = to.output;
    t.apart = to.apart;
    t.apart_thrice = PRODUCTS_TRIPLE * to.apart;
    t.minus_lane = -(1 << PRODUCTS_LANE_BITS);
    t.sums = to.sums;
#ifdef PARITONE_SMALL_CODE
    if (chunks > 1) { /* the first one adds, too */
        memset(to.sums, 0, (size_t)(triples * PRODUCTS_SUMS) * sizeof *to.sums);
    }
#endif
    for (int32_t chunk = 0; chunk < chunks; chunk++) {
        const int32_t begin = products_chunk(p->depth, chunk, chunks);
        const int32_t end = products_chunk(p->depth, chunk + 1, chunks);
        const int16_t *start = products_start(p, first, chunk, chunks);
        products_start_lanes(start, t.start[0]);
        products_start_lanes(start + 2, t.start[1]);
        t.weights = &weights[begin * PRODUCTS_WORDS];
        t.weights_end = &weights[end * PRODUCTS_WORDS];
        t.depth = end - begin;
        t.gap = (p->depth - t.depth) * PRODUCTS_WORDS * (int32_t)sizeof *packed;
        t.packed_end = &packed[(triples * p->depth + begin) * PRODUCTS_WORDS];
        t.tail = tail_of(p, chunk, chunks);
        products_multiply_simd(&t, &packed[begin * PRODUCTS_WORDS]);
    }
}
#else
void products_pack(const int8_t *const pixels[PRODUCTS_TRIPLE], int32_t n, int32_t depth,
                   int32_t at, int32_t *triple)
{
    products_pack_c(pixels, n, depth, at, triple);
}

void products_pack_line(const products_line_t *line, const int8_t *first, int32_t apart,
                        int32_t at, int32_t *packed)
{
    products_pack_line_c(line, first, apart, at, packed);
}

const int32_t *products_weights(const paritone_products_t *p, int32_t group, int32_t *scratch)
{
    return products_weights_c(p, group, scratch);
}

void products_multiply(const paritone_products_t *p, int32_t group, const int32_t *weights,
                       const int32_t *packed, int32_t triples, products_output_t to)
{
    products_multiply_c(p, group, weights, packed, triples, to);
}
#endif
