/* The pixel that threes leave over: products_alone.h. */
#include "products_alone.h"

#include "fixed_point.h"

#if PARITONE_SIMD
int32_t products_alone(const products_call_t *call)
{
    const products_gather_t *g = &call->gather;
    const int32_t triples = g->pixels / PRODUCTS_TRIPLE;
    return g->step != 0 && g->pixels - triples * PRODUCTS_TRIPLE == 1 &&
           triples % g->p->block != 0;
}

/* As a triple of that pixel thrice, of which the lowest bytes are left. */
const int32_t *products_alone_pack(products_call_t *call)
{
    const products_block_t block = call->block;
    const int32_t depth = call->gather.p->depth;
    int32_t *packed = &block.packed[block.triples * depth * PRODUCTS_WORDS];
    call->block.first = call->gather.pixels++;
    call->block.triples = call->gather.step = 0;
    call->block.packed = packed;
    (void)products_next_block(call);
    for (int32_t i = 0; i < depth; i++) {
        packed[i] = (int8_t)packed[i * PRODUCTS_WORDS];
    }
    call->block = block;
    call->gather.pixels--;
    call->gather.step = 1;
    return packed;
}

static int8_t requantize(const paritone_products_t *p, int32_t channel, int32_t chunks, int32_t sum)
{
    const int32_t factor = p->factor[channel];
    sum += chunks * PRODUCTS_LANE_START;
    if (p->addend != NULL) {
        return requantize_line(sum + p->start[channel], factor,
                               products_line_addend(p, channel, chunks), p->shift);
    }
    return requantize_twice(sum, factor, p->correction[channel], products_half(p, channel),
                            p->right[channel]);
}

void products_alone_multiply(const products_call_t *call, int32_t group, const int32_t *weights,
                             const int32_t *values)
{
    const products_gather_t *g = &call->gather;
    const paritone_products_t *p = g->p;
    const int32_t chunks = products_chunks(p, group), channels = p->window.out_channels;
    const int32_t first = group * PRODUCTS_GROUP, left = channels - first;
    int8_t *output = &call->output[g->pixels * channels + first];
    int32_t sums[PRODUCTS_GROUP];
    products_alone_simd(values, weights, p->depth, sums);
    for (int32_t i = 0; i < (left < PRODUCTS_GROUP ? left : PRODUCTS_GROUP); i++) {
        output[i] = requantize(p, first + i, chunks, sums[i]);
    }
}
#endif
