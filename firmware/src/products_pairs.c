/*
 * PRODUCTS_PAIRS: PRODUCTS of windows of a multiple of four values, a pair of channels at a time.
 * Cores without the DSP extension know no such difference.
 */
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

/* Of a pair of channels from `first` on. */
static void requantization_of(const paritone_products_t *p, int32_t first, int32_t chunks,
                              products_pair_t *t)
{
    t->rounding[0][1] = p->shift;
    for (int32_t i = 0; i < PRODUCTS_PAIR; i++) {
        t->rescale[i][0] = p->factor[first + i];
        if (p->addend != NULL) {
            t->rescale[i][1] = products_line_addend(p, first + i, chunks);
        } else {
            t->rescale[i][1] = products_half(p, first + i);
            t->rounding[i][0] = p->correction[first + i];
            t->rounding[i][1] = p->right[first + i];
        }
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

/* Where the products of `triples` with values from `begin` on end. */
static const int32_t *end_of(const products_run_t *run, int32_t triples, int32_t depth, int32_t begin)
{
    return &run->packed[(triples * depth + begin) * PRODUCTS_WORDS];
}

/* Chunk after chunk, as products_multiply does; `pair`: 0 or 1 of the group. */
static void multiply_pair(const paritone_products_t *p, int32_t group, int32_t pair,
                          const int32_t *weights, const products_run_t *run, int32_t repeated)
{
    const int32_t first = group * PRODUCTS_GROUP + pair * PRODUCTS_PAIR;
    const int32_t chunks = products_chunks(p, group);
    products_pair_t t;
    requantization_of(p, first, chunks, &t);
    t.output = run->to.output + pair * PRODUCTS_PAIR;
    t.apart = run->to.apart;
    t.apart_thrice = PRODUCTS_TRIPLE * run->to.apart;
    t.minus_lane = -(1 << PRODUCTS_LANE_BITS);
    t.sums = run->to.sums;
    for (int32_t chunk = 0; chunk < chunks; chunk++) {
        const int32_t begin = products_chunk(p->depth, chunk, chunks);
        t.depth = products_chunk(p->depth, chunk + 1, chunks) - begin;
        products_start_lanes(products_start(p, first, chunk, chunks), t.start);
        t.weights = &weights[pair * p->depth + begin];
        t.weights_end = t.weights + t.depth;
        t.gap = (p->depth - t.depth) * PRODUCTS_WORDS * (int32_t)sizeof *t.weights;
        t.repeated_end = end_of(run, run->triples + (repeated != 0), p->depth, begin);
        t.repeated = chunk + 1 == chunks ? repeated : 0;
        t.packed_end = t.repeated == 0 ? t.repeated_end
                                       : end_of(run, run->triples, p->depth, begin);
        t.tail = products_tail_of(p, chunk, chunks);
        products_multiply_pair_simd(&t, &run->packed[begin * PRODUCTS_WORDS]);
    }
}

void paritone_products_pairs(const paritone_step_t *step, int32_t first_row, int32_t rows,
                             uint8_t *arena)
{
    const paritone_products_t *p = step->params;
    products_call_t call;
    products_begin(&call, step, first_row, rows, arena);
    while (products_next_block(&call)) {
        for (int32_t group = 0; group < call.groups; group++) {
            const int32_t *weights = weights_of(p, group, call.block.weights);
            products_run_t run;
            run.done = 0;
            while (products_run(&call, group, &run)) {
                const int32_t repeated = repeated_after(&call, &run);
                multiply_pair(p, group, 0, weights, &run, repeated);
                multiply_pair(p, group, 1, weights, &run, repeated);
                run.done += repeated != 0;
            }
        }
    }
    products_end(&call);
}
#else
void paritone_products_pairs(const paritone_step_t *step, int32_t first_row, int32_t rows,
                             uint8_t *arena)
{
    paritone_products(step, first_row, rows, arena);
}
#endif
