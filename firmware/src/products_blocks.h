/*
 * What kernels by packed products share: the windows of a block of output pixels are packed into
 * scratch memory, then each group of channels is multiplied with all of them.
 *
 * Scratch: [block] packed triples, a group's weights (none if they are stored wide), sums of
 * chunks, the channels of a last group of less than four, and where windows leave the input a run
 * of padding and one of each pixel of a triple.
 */
#ifndef PARITONE_PRODUCTS_BLOCKS_H
#define PARITONE_PRODUCTS_BLOCKS_H

#include "operands.h"
#include "products.h"
#include "window.h"

/* Where windows are taken from. */
typedef struct {
    const paritone_products_t *p;
    image_t input;
    int32_t first_row;
    int32_t pixels; /* of the call */
    int32_t step;   /* from pixel to pixel of a triple: 0, one pixel three times, if there are less */
    int32_t taps;   /* of the window that are one run in memory */
    int32_t run;    /* values of these */
    int8_t *padding;
    int8_t *edge[PRODUCTS_TRIPLE];
} products_gather_t;

/* Triples of pixels that are there packed. */
typedef struct {
    int32_t first; /* pixel of the call */
    int32_t triples;
    int32_t in_line; /* of these, before the ones that repeat pixels */
    int32_t *packed;
    int32_t *weights; /* room for them */
    int32_t *sums;
} products_block_t;

/* A call of a kernel, and its block of pixels. */
typedef struct {
    products_gather_t gather;
    products_block_t block;
    int32_t groups; /* of channels, the last of which may be filled up */
    int8_t *output; /* of the first pixel */
    int8_t *rest;   /* the last group's, in fours, if it is filled up */
} products_call_t;

/* Triples of a block whose outputs are evenly apart. `done`: 0 before a group's first. */
typedef struct {
    int32_t done;
    int32_t triples;
    const int32_t *packed;
    products_output_t to;
} products_run_t;

void products_begin(products_call_t *call, const paritone_step_t *step, int32_t first_row,
                    int32_t rows, uint8_t *arena);

/* Packs the next block of pixels; 0 if there is none. */
int32_t products_next_block(products_call_t *call);

/* The next triples of a group; 0 if there are none. */
int32_t products_run(const products_call_t *call, int32_t group, products_run_t *run);

/* What follows on the products: a fused activation's range. */
void products_end(const products_call_t *call);

#endif
