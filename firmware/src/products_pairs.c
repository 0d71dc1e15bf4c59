/*
 * PRODUCTS_PAIRS: PRODUCTS of windows of a multiple of four values, a pair of channels at a time.
 * Cores without the DSP extension know no such difference.
 */
#include "products_alone.h"
#include "products_blocks.h"
#include "products_pairs.h"

#if PARITONE_SIMD
/* Of a group, the first pair's and then the second's: there, or in `scratch`. */
static const int32_t *weights_of(const paritone_products_t *p, int32_t group, int32_t *scratch)
{
    if (p->wide != NULL) {
        return &p->wide[group * p->depth * PRODUCTS_WORDS];
    }
    products_unpack_pairs_simd(&p->weights[group * p->depth], p->depth, scratch);
    return scratch;
}

/* What the last chunk of a pair of channels from `first` on has of its own. */
static void requantization_of(const paritone_products_t *p, int32_t first, int32_t chunks,
                              products_pair_t *t)
{
    for (int32_t i = 0; i < PRODUCTS_PAIR; i++) {
        t->rescale[i][0] = p->factor[first + i];
    }
    if (p->addend != NULL) {
        for (int32_t i = 0; i < PRODUCTS_PAIR; i++) {
            t->rescale[i][1] = products_line_addend(p, first + i, chunks);
        }
        t->rounding[0][1] = p->shift;
        products_start_lanes(&p->start[first], t->start);
        return;
    }
    for (int32_t i = 0; i < PRODUCTS_PAIR; i++) {
        t->rescale[i][1] = products_half(p, first + i);
        t->rounding[i][0] = p->correction[first + i];
        t->rounding[i][1] = p->right[first + i];
    }
}

/* Bytes from a run's end back to the output of a triple that repeats pixels; 0 without one. */
static int32_t repeated_after(const products_call_t *call, const products_run_t *run)
{
    const products_gather_t *g = &call->gather;
    if (run->done == call->block.triples || g->step == 0) {
        return 0;
    }
    const int32_t end = call->block.first + run->done * PRODUCTS_TRIPLE;
    return (g->pixels - PRODUCTS_TRIPLE - end) * run->to.apart;
}

/* Where a chunk of values from `begin` on ends, and what follows on it. */
static void chunk_of(const paritone_products_t *p, int32_t chunk, int32_t chunks, int32_t begin,
                     const products_run_t *run, int32_t repeated, products_pair_t *t)
{
    const int32_t words = p->depth * PRODUCTS_WORDS;
    const int32_t *end = run->packed + run->triples * words + begin * PRODUCTS_WORDS;
    const int32_t *repeated_end = end + (repeated != 0 ? words : 0);
    const int32_t last = chunk + 1 == chunks;
    t->depth = products_chunk(p->depth, chunk + 1, chunks) - begin;
    t->gap = (p->depth - t->depth) * PRODUCTS_WORDS * (int32_t)sizeof *end;
    t->tail = products_tail_of(p, chunk, chunks);
    t->packed_end = last ? end : repeated_end;
    t->repeated_end = repeated_end;
    t->repeated = last ? repeated : 0;
}

/* Chunk after chunk of both pairs of a group, each one run through all triples. */
static void multiply_group(const paritone_products_t *p, int32_t group, const int32_t *weights,
                           const products_run_t *run, int32_t repeated)
{
    static const int16_t none[PRODUCTS_PAIR];
    const int32_t first = group * PRODUCTS_GROUP, chunks = products_chunks(p, group);
    const int32_t triples = run->triples + (repeated != 0);
    products_pair_t t;
    t.apart = run->to.apart;
    t.apart_thrice = PRODUCTS_TRIPLE * run->to.apart;
    t.minus_lane = -(1 << PRODUCTS_LANE_BITS);
    products_start_lanes(none, t.start);
    for (int32_t chunk = 0, begin = 0; chunk < chunks; chunk++, begin += t.depth) {
        chunk_of(p, chunk, chunks, begin, run, repeated, &t);
        for (int32_t pair = 0; pair < PRODUCTS_GROUP; pair += PRODUCTS_PAIR) {
            t.weights = &weights[begin + pair / PRODUCTS_PAIR * p->depth];
            t.weights_end = t.weights + t.depth;
            t.output = run->to.output + pair;
            t.sums = &run->to.sums[triples * pair * PRODUCTS_TRIPLE];
            if (chunk + 1 == chunks) {
                requantization_of(p, first + pair, chunks, &t);
            }
            products_multiply_pair_simd(&t, &run->packed[begin * PRODUCTS_WORDS]);
        }
    }
}

/* All channels of a block, and of the pixel behind it if its `alone` values are there. */
static void multiply_block(const products_call_t *call, const int32_t *alone)
{
    const paritone_products_t *p = call->gather.p;
    for (int32_t group = 0; group < call->groups; group++) {
        const int32_t *weights = weights_of(p, group, call->block.weights);
        products_run_t run;
        run.done = 0;
        while (products_run(call, group, &run)) {
            const int32_t repeated = repeated_after(call, &run);
            multiply_group(p, group, weights, &run, repeated);
            run.done += repeated != 0;
        }
        if (alone != NULL) {
            products_alone_multiply(call, group, weights, alone);
        }
    }
}

void paritone_products_pairs(const paritone_step_t *step, int32_t first_row, int32_t rows,
                             uint8_t *arena)
{
    products_call_t call;
    products_begin(&call, step, first_row, rows, arena);
    const int32_t alone = products_alone(&call);
    call.gather.pixels -= alone;
    while (products_next_block(&call)) {
        const int32_t end = call.block.first + call.block.triples * PRODUCTS_TRIPLE;
        const int32_t last = end == call.gather.pixels;
        multiply_block(&call, alone && last ? products_alone_pack(&call) : NULL);
    }
    call.gather.pixels += alone;
    products_end(&call);
}
#else
void paritone_products_pairs(const paritone_step_t *step, int32_t first_row, int32_t rows,
                             uint8_t *arena)
{
    paritone_products(step, first_row, rows, arena);
}
#endif
