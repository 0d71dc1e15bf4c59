/*
 * PRODUCTS: CONV_2D without groups, and FULLY_CONNECTED of several rows, block by block: the
 * windows of a block of output pixels are packed into scratch memory, then each group of channels
 * is multiplied with all of them. See products.h.
 *
 * Scratch: [block] packed triples, a group's weights (none if they are stored wide), sums of
 * chunks, the channels of a last group of less than four, and where windows leave the input a run
 * of padding and one of each pixel of a triple.
 */
#include <string.h>

#include "fixed_point.h"
#include "operands.h"
#include "products.h"
#include "products_decode.h"
#include "window.h"

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
} gather_t;

/* Triples of pixels that are there packed. */
typedef struct {
    int32_t first; /* pixel of the call */
    int32_t next;  /* and of the next block */
    int32_t triples;
    int32_t in_line; /* of these, before the ones that repeat pixels */
    int32_t *packed;
    int32_t *weights; /* room for them */
    int32_t *sums;
    int8_t *rest; /* outputs of the channels that do not fill a group */
} block_t;

/* The run of taps at column x of row y; what lies outside is padding. */
static const int8_t *run_of(const gather_t *g, int32_t y, int32_t x, int8_t *edge)
{
    const paritone_window_t *w = &g->p->window;
    if (y < 0 || y >= w->in_height) {
        return g->padding;
    }
    const int8_t *row = image_row(&g->input, y);
    if (x >= 0 && x + g->taps <= w->in_width) {
        return &row[x * w->in_channels];
    }
    const int32_t begin = x < 0 ? -x : 0;
    const int32_t end = x + g->taps > w->in_width ? w->in_width - x : g->taps;
    memset(edge, g->p->padding, (size_t)g->run);
    if (begin < end) {
        memcpy(&edge[begin * w->in_channels], &row[(x + begin) * w->in_channels],
               (size_t)((end - begin) * w->in_channels));
    }
    return edge;
}

/* First pixel of a triple; the last triple of a call may repeat pixels of the one before. */
static int32_t pixel_of(const gather_t *g, int32_t first, int32_t triple)
{
    const int32_t pixel = first + triple * (g->step == 0 ? 1 : PRODUCTS_TRIPLE);
    const int32_t last = g->pixels - PRODUCTS_TRIPLE;
    return g->step == 0 || pixel < last ? pixel : last;
}

/* Any triple. */
static void pack_triple(const gather_t *g, int32_t pixel, int32_t *triple)
{
    const paritone_window_t *w = &g->p->window;
    int32_t y[PRODUCTS_TRIPLE], x[PRODUCTS_TRIPLE], at = 0;
    for (int32_t i = 0; i < PRODUCTS_TRIPLE; i++) {
        y[i] = (g->first_row + pixel / w->out_width) * w->stride_height - w->pad_top;
        x[i] = pixel % w->out_width * w->stride_width - w->pad_left;
        pixel += g->step;
    }
    for (int32_t ky = 0; ky < w->height; ky++) {
        for (int32_t kx = 0; kx < w->width; kx += g->taps) {
            const int8_t *runs[PRODUCTS_TRIPLE];
            for (int32_t i = 0; i < PRODUCTS_TRIPLE; i++) {
                runs[i] = run_of(g, y[i] + ky * w->dilation_height,
                                 x[i] + kx * w->dilation_width, g->edge[i]);
            }
            products_pack(runs, g->run, g->p->depth, at, triple);
            at += g->run;
        }
    }
}

/* Triples of one row of pixels, from column x on, whose windows stay within the columns. */
static void pack_line(const gather_t *g, int32_t row, int32_t x, int32_t triples, int32_t *packed)
{
    const paritone_window_t *w = &g->p->window;
    const products_line_t line = {g->run, g->p->depth, triples};
    const int32_t apart = w->stride_width * w->in_channels;
    const int32_t from = (x * w->stride_width - w->pad_left) * w->in_channels;
    int32_t y = (g->first_row + row) * w->stride_height - w->pad_top, at = 0;
    for (int32_t ky = 0; ky < w->height; ky++, y += w->dilation_height) {
        const int32_t inside = y >= 0 && y < w->in_height;
        const int8_t *first = inside ? image_row(&g->input, y) + from : g->padding;
        for (int32_t kx = 0; kx < w->width; kx += g->taps) {
            products_pack_line(&line, first, inside ? apart : 0, at, packed);
            first += inside ? w->dilation_width * w->in_channels : 0;
            at += g->run;
        }
    }
}

/* Columns of pixels whose windows stay within the input's. */
static void columns_inside(const paritone_window_t *w, int32_t *begin, int32_t *end)
{
    const int32_t reach = (w->width - 1) * w->dilation_width;
    const int32_t last = w->in_width - 1 - reach + w->pad_left;
    *begin = (w->pad_left + w->stride_width - 1) / w->stride_width;
    *end = last < 0 ? 0 : last / w->stride_width + 1;
    *end = *end < w->out_width ? *end : w->out_width;
}

/* The block's triples, as many at once as can be. */
static void pack_block(const gather_t *g, const block_t *b)
{
    const paritone_window_t *w = &g->p->window;
    int32_t begin, end, done = 0;
    columns_inside(w, &begin, &end);
    while (done < b->triples) {
        const int32_t pixel = pixel_of(g, b->first, done);
        const int32_t row = pixel / w->out_width, x = pixel - row * w->out_width;
        const int32_t whole = (g->pixels - pixel) / PRODUCTS_TRIPLE; /* before the repeated ones */
        int32_t *packed = &b->packed[done * g->p->depth * PRODUCTS_WORDS];
        int32_t triples = x < begin || g->step == 0 ? 0 : (end - x) / PRODUCTS_TRIPLE;
        triples = triples < b->triples - done ? triples : b->triples - done;
        triples = triples < whole ? triples : whole;
        if (triples > 0) {
            pack_line(g, row, x, triples, packed);
            done += triples;
        } else {
            pack_triple(g, pixel, packed);
            done++;
        }
    }
}

/* A group of four channels; output: of the call's first pixel. */
static void multiply_whole(const gather_t *g, const block_t *b, int32_t group,
                           const int32_t *weights, int8_t *output)
{
    const paritone_products_t *p = g->p;
    const int32_t apart = p->window.out_channels, words = p->depth * PRODUCTS_WORDS;
    if (b->in_line > 0) {
        const products_output_t to = {&output[b->first * apart], apart, b->sums};
        products_multiply(p, group, weights, b->packed, b->in_line, to);
    }
    for (int32_t i = b->in_line; i < b->triples; i++) {
        const products_output_t to = {&output[pixel_of(g, b->first, i) * apart],
                                      g->step * apart, b->sums};
        products_multiply(p, group, weights, &b->packed[i * words], 1, to);
    }
}

/* The channels that do not fill a group, by way of scratch memory. */
static void multiply_rest(const gather_t *g, const block_t *b, int32_t group,
                          const int32_t *weights, int8_t *output)
{
    const int32_t channels = g->p->window.out_channels, done = group * PRODUCTS_GROUP;
    int8_t *scratch = b->rest;
    const products_output_t to = {scratch, PRODUCTS_GROUP, b->sums};
    products_multiply(g->p, group, weights, b->packed, b->triples, to);
    for (int32_t i = 0; i < b->triples; i++) {
        int32_t pixel = pixel_of(g, b->first, i);
        for (int32_t n = 0; n < PRODUCTS_TRIPLE; n++, pixel += g->step) {
            memcpy(&output[pixel * channels + done], scratch, (size_t)(channels - done));
            scratch += PRODUCTS_GROUP;
        }
    }
}

/* To a fused activation's range. */
static void clamp_all(int8_t *values, int32_t n, int32_t minimum, int32_t maximum)
{
    if (minimum > INT8_MIN || maximum < INT8_MAX) {
        for (int32_t i = 0; i < n; i++) {
            values[i] = (int8_t)clamp(values[i], minimum, maximum);
        }
    }
}

/* What the scratch memory holds, in this order; host/paritone/engine/params.py adds it up. */
static block_t scratch_layout(gather_t *g, void *scratch)
{
    const paritone_products_t *p = g->p;
    const int32_t words = p->depth * PRODUCTS_WORDS;
    int32_t *weights = (int32_t *)scratch + p->block * words;
    int32_t *sums = weights + (p->wide == NULL ? words : 0);
    int8_t *rest = (int8_t *)(sums + (p->chunks != NULL ? p->block * PRODUCTS_SUMS : 0));
    const block_t block = {0, 0, 0, 0, scratch, weights, sums, rest};
    const int32_t partial = p->window.out_channels % PRODUCTS_GROUP != 0;
    g->padding = rest + partial * p->block * PRODUCTS_TRIPLE * PRODUCTS_GROUP;
    for (int32_t i = 0; i < PRODUCTS_TRIPLE; i++) {
        g->edge[i] = g->padding + (i + 1) * g->run;
    }
    return block;
}

/* Everything of a call that comes before its first block. */
static gather_t begin(const paritone_step_t *step, int32_t first_row, int32_t rows,
                      uint8_t *arena, block_t *block)
{
    const paritone_products_t *p = step->params;
    const paritone_window_t *w = &p->window;
    const int32_t pixels = rows * w->out_width, taps = w->dilation_width == 1 ? w->width : 1;
    gather_t g = {p, image_of(step, w, arena), first_row, pixels, pixels >= PRODUCTS_TRIPLE,
                  taps, taps * w->in_channels, NULL, {NULL, NULL, NULL}};
    *block = scratch_layout(&g, scratch_of(step, arena));
    if (p->padded) {
        memset(g.padding, p->padding, (size_t)g.run);
    }
    return g;
}

/* A block's triples, packed; false behind the last one. */
static int next_block(const gather_t *g, block_t *b)
{
    const int32_t per_triple = g->step == 0 ? 1 : PRODUCTS_TRIPLE;
    b->first = b->next;
    const int32_t left = (g->pixels - b->first + per_triple - 1) / per_triple;
    if (left <= 0) {
        return 0;
    }
    const int32_t whole = g->step == 0 ? 0 : (g->pixels - b->first) / PRODUCTS_TRIPLE;
    b->triples = left < g->p->block ? left : g->p->block;
    b->in_line = whole < g->p->block ? whole : g->p->block;
    b->next += g->p->block * per_triple;
    pack_block(g, b);
    return 1;
}

/* A group of channels; output: of the call's first pixel. */
static void multiply_group(const gather_t *g, const block_t *b, int32_t group,
                           const int32_t *weights, int8_t *output)
{
    const int32_t first = group * PRODUCTS_GROUP;
    if (first + PRODUCTS_GROUP <= g->p->window.out_channels) {
        multiply_whole(g, b, group, weights, &output[first]);
    } else {
        multiply_rest(g, b, group, weights, output);
    }
}

/* Everything that comes behind the last block. */
static void end(const paritone_step_t *step, int32_t first_row, int32_t rows, uint8_t *arena)
{
    const paritone_products_t *p = step->params;
    clamp_all(output_row(step, first_row, arena), rows * (int32_t)step->row_bytes, p->minimum,
              p->maximum);
}

static int32_t groups_of(const paritone_products_t *p)
{
    return (p->window.out_channels + PRODUCTS_GROUP - 1) / PRODUCTS_GROUP;
}

void paritone_products(const paritone_step_t *step, int32_t first_row, int32_t rows, uint8_t *arena)
{
    const paritone_products_t *p = step->params;
    int8_t *output = output_row(step, first_row, arena);
    block_t block;
    const gather_t g = begin(step, first_row, rows, arena, &block);
    while (next_block(&g, &block)) {
        for (int32_t group = 0; group < groups_of(p); group++) {
            multiply_group(&g, &block, group, products_weights(p, group, block.weights), output);
        }
    }
    end(step, first_row, rows, arena);
}

/* The same for a model some of whose layers have coded weights: only it links their decoding. */
void paritone_products_coded(const paritone_step_t *step, int32_t first_row, int32_t rows,
                             uint8_t *arena)
{
    const paritone_products_t *p = step->params;
    int8_t *output = output_row(step, first_row, arena);
    block_t block;
    const gather_t g = begin(step, first_row, rows, arena, &block);
    while (next_block(&g, &block)) {
        products_reader_t reader = products_reader(p);
        for (int32_t group = 0; group < groups_of(p); group++) {
            const int32_t *weights = p->coded != NULL
                                         ? products_decoded(p, &reader, block.weights)
                                         : products_weights(p, group, block.weights);
            multiply_group(&g, &block, group, weights, output);
        }
    }
    end(step, first_row, rows, arena);
}
