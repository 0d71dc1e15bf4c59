/* The pixels of packed products, block by block, and where their outputs go: products_blocks.h. */
#include <string.h>

#include "fixed_point.h"
#include "products_blocks.h"

/* The run of taps at column x of row y; what lies outside is padding. */
static const int8_t *run_of(const products_gather_t *g, int32_t y, int32_t x, int8_t *edge)
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
    if (begin >= end) {
        return g->padding;
    }
    if (begin > 0) {
        memset(edge, g->p->padding, (size_t)(begin * w->in_channels));
    }
    if (end < g->taps) {
        memset(&edge[end * w->in_channels], g->p->padding,
               (size_t)((g->taps - end) * w->in_channels));
    }
    memcpy(&edge[begin * w->in_channels], &row[(x + begin) * w->in_channels],
           (size_t)((end - begin) * w->in_channels));
    return edge;
}

/* First pixel of a triple; the last triple of a call may repeat pixels of the one before. */
static int32_t pixel_of(const products_gather_t *g, int32_t first, int32_t triple)
{
    const int32_t pixel = first + triple * (g->step == 0 ? 1 : PRODUCTS_TRIPLE);
    const int32_t last = g->pixels - PRODUCTS_TRIPLE;
    return g->step == 0 || pixel < last ? pixel : last;
}

/* Any triple. */
static void pack_triple(const products_gather_t *g, int32_t pixel, int32_t *triple)
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
static void pack_line(const products_gather_t *g, int32_t row, int32_t x, int32_t triples, int32_t *packed)
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
static void pack_block(const products_gather_t *g, const products_block_t *b)
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

int32_t products_run(const products_call_t *call, int32_t group, products_run_t *run)
{
    const products_block_t *b = &call->block;
    const products_gather_t *g = &call->gather;
    const paritone_products_t *p = g->p;
    const int32_t channels = p->window.out_channels, first = group * PRODUCTS_GROUP;
    const int32_t done = run->done;
    if (done == b->triples) {
        return 0;
    }
    run->packed = &b->packed[done * p->depth * PRODUCTS_WORDS];
    run->to.sums = b->sums;
    if (first + PRODUCTS_GROUP > channels) {
        run->triples = b->triples - done;
        run->to.output = call->rest;
        run->to.apart = PRODUCTS_GROUP;
    } else if (done < b->in_line) {
        run->triples = b->in_line - done;
        run->to.output = &call->output[b->first * channels + first];
        run->to.apart = channels;
    } else {
        run->triples = 1;
        run->to.output = &call->output[pixel_of(g, b->first, done) * channels + first];
        run->to.apart = g->step * channels;
    }
    run->done += run->triples;
    return run->triples;
}

/* The channels that do not fill a group, from where products_run had them written. */
static void scatter(const products_call_t *call)
{
    const products_gather_t *g = &call->gather;
    const int32_t channels = g->p->window.out_channels, partial = channels % PRODUCTS_GROUP;
    const int8_t *from = call->rest;
    for (int32_t i = 0; i < call->block.triples; i++) {
        int32_t pixel = pixel_of(g, call->block.first, i);
        for (int32_t n = 0; n < PRODUCTS_TRIPLE; n++, pixel += g->step) {
            memcpy(&call->output[(pixel + 1) * channels - partial], from, (size_t)partial);
            from += PRODUCTS_GROUP;
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
static void scratch_layout(products_call_t *call, void *scratch)
{
    products_gather_t *g = &call->gather;
    products_block_t *b = &call->block;
    const paritone_products_t *p = g->p;
    const int32_t words = p->depth * PRODUCTS_WORDS;
    b->packed = scratch;
    b->weights = b->packed + p->block * words;
    b->sums = b->weights + (p->wide == NULL ? words : 0);
    call->rest = (int8_t *)(b->sums + (p->chunks != NULL ? p->block * PRODUCTS_SUMS : 0));
    const int32_t partial = p->window.out_channels % PRODUCTS_GROUP != 0;
    g->padding = call->rest + partial * p->block * PRODUCTS_TRIPLE * PRODUCTS_GROUP;
    for (int32_t i = 0; i < PRODUCTS_TRIPLE; i++) {
        g->edge[i] = g->padding + (i + 1) * g->run;
    }
}

void products_begin(products_call_t *call, const paritone_step_t *step, int32_t first_row,
                    int32_t rows, uint8_t *arena)
{
    const paritone_products_t *p = step->params;
    const paritone_window_t *w = &p->window;
    const int32_t pixels = rows * w->out_width;
    const int32_t taps = w->dilation_width == 1 ? w->width : 1;
    const products_gather_t gather = {p, image_of(step, w, arena), first_row, pixels,
                                      pixels >= PRODUCTS_TRIPLE, taps, taps * w->in_channels,
                                      NULL, {NULL, NULL, NULL}};
    call->gather = gather;
    call->output = output_row(step, first_row, arena);
    call->groups = (w->out_channels + PRODUCTS_GROUP - 1) / PRODUCTS_GROUP;
    call->block.first = call->block.triples = 0;
    scratch_layout(call, scratch_of(step, arena));
    if (p->padded) {
        memset(call->gather.padding, p->padding, (size_t)gather.run);
    }
}

int32_t products_next_block(products_call_t *call)
{
    const products_gather_t *g = &call->gather;
    const paritone_products_t *p = g->p;
    products_block_t *b = &call->block;
    const int32_t per_triple = g->step == 0 ? 1 : PRODUCTS_TRIPLE;
    if (b->triples > 0) {
        if (p->window.out_channels % PRODUCTS_GROUP != 0) {
            scatter(call);
        }
        b->first += p->block * per_triple;
    }
    if (b->first >= g->pixels) {
        return 0;
    }
    const int32_t left = (g->pixels - b->first + per_triple - 1) / per_triple;
    const int32_t whole = g->step == 0 ? 0 : (g->pixels - b->first) / PRODUCTS_TRIPLE;
    b->triples = left < p->block ? left : p->block;
    b->in_line = whole < p->block ? whole : p->block;
    pack_block(g, b);
    return 1;
}

void products_end(const products_call_t *call)
{
    const paritone_products_t *p = call->gather.p;
    clamp_all(call->output, call->gather.pixels * p->window.out_channels, p->minimum, p->maximum);
}
