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
    for (int32_t i = 0; i < PRODUCTS_PAIR; i++) {
        t->rescale[i][0] = p->factor[first + i];
    }
    if (p->addend != NULL) {
        for (int32_t i = 0; i < PRODUCTS_PAIR; i++) {
            t->rescale[i][1] = products_line_addend(p, first + i, chunks);
        }
        t->rounding[0][1] = p->shift;
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

/* Chunk after chunk, as products_multiply does: a pair of channels from `first` on. */
static void multiply_pair(const paritone_products_t *p, int32_t first, int32_t chunks,
                          const products_run_t *run, int32_t repeated, products_pair_t *t)
{
    static const int16_t none[PRODUCTS_PAIR];
    const int32_t words = p->depth * PRODUCTS_WORDS;
    const int32_t *packed = run->packed, *end = packed + run->triples * words;
    const int32_t *repeated_end = end + (repeated != 0 ? words : 0);
    requantization_of(p, first, chunks, t);
    products_start_lanes(none, t->start);
    t->repeated = 0;
    for (int32_t chunk = 0, begin = 0; chunk < chunks; chunk++, begin += t->depth) {
        t->depth = products_chunk(p->depth, chunk + 1, chunks) - begin;
        t->weights_end = t->weights + t->depth;
        t->gap = (p->depth - t->depth) * PRODUCTS_WORDS * (int32_t)sizeof *packed;
        t->packed_end = repeated_end + begin * PRODUCTS_WORDS;
        t->tail = products_tail_of(p, chunk, chunks);
        if (chunk + 1 == chunks) {
            products_start_lanes(products_start(p, first, chunk, chunks), t->start);
            t->repeated = repeated;
            t->repeated_end = t->packed_end;
            t->packed_end = end + begin * PRODUCTS_WORDS;
        }
        products_multiply_pair_simd(t, packed + begin * PRODUCTS_WORDS);
        t->weights = t->weights_end;
    }
}

/* Both pairs of a group. */
static void multiply_group(const paritone_products_t *p, int32_t group, const int32_t *weights,
                           const products_run_t *run, int32_t repeated)
{
    const int32_t first = group * PRODUCTS_GROUP, chunks = products_chunks(p, group);
    products_pair_t t;
    t.weights = weights; /* the second pair's follow the first's */
    t.apart = run->to.apart;
    t.apart_thrice = PRODUCTS_TRIPLE * run->to.apart;
    t.minus_lane = -(1 << PRODUCTS_LANE_BITS);
    t.sums = run->to.sums;
    for (int32_t pair = 0; pair < PRODUCTS_GROUP; pair += PRODUCTS_PAIR) {
        t.output = run->to.output + pair;
        multiply_pair(p, first + pair, chunks, run, repeated, &t);
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
                multiply_group(p, group, weights, &run, repeated);
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
