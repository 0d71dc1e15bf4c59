/*
 * PRODUCTS: CONV_2D without groups, and FULLY_CONNECTED of several rows, block by block, a group of
 * four channels at a time. See products.h.
 */
#include "products_blocks.h"
#include "products_decode.h"

static void multiply_group(const products_call_t *call, int32_t group, const int32_t *weights)
{
    products_run_t run;
    run.done = 0;
    while (products_run(call, group, &run)) {
        products_multiply(call->gather.p, group, weights, run.packed, run.triples, run.to);
    }
}

void paritone_products(const paritone_step_t *step, int32_t first_row, int32_t rows, uint8_t *arena)
{
    const paritone_products_t *p = step->params;
    products_call_t call;
    products_begin(&call, step, first_row, rows, arena);
    while (products_next_block(&call)) {
        for (int32_t group = 0; group < call.groups; group++) {
            multiply_group(&call, group, products_weights(p, group, call.block.weights));
        }
    }
    products_end(&call);
}

/* The same for a model some of whose layers have coded weights: only it links their decoding. */
void paritone_products_coded(const paritone_step_t *step, int32_t first_row, int32_t rows,
                             uint8_t *arena)
{
    const paritone_products_t *p = step->params;
    products_call_t call;
    products_begin(&call, step, first_row, rows, arena);
    while (products_next_block(&call)) {
        products_reader_t reader = products_reader(p);
        for (int32_t group = 0; group < call.groups; group++) {
            const int32_t *weights = p->coded != NULL
                                         ? products_decoded(p, &reader, call.block.weights)
                                         : products_weights(p, group, call.block.weights);
            multiply_group(&call, group, weights);
        }
    }
    products_end(&call);
}
