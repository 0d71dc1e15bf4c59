/* The portable blocks of packed products: int16 values, plain sums of products. */
#include <string.h>

#include "fixed_point.h"
#include "products.h"

enum { AT_ONCE = 8 }; /* triples */

void products_pack_c(const int8_t *const pixels[PRODUCTS_TRIPLE], int32_t n, int32_t depth,
                     int32_t at, int32_t *triple)
{
    int16_t *to = (int16_t *)triple + at;
    for (int32_t pixel = 0; pixel < PRODUCTS_TRIPLE; pixel++) {
        for (int32_t i = 0; i < n; i++) {
            to[i] = pixels[pixel][i];
        }
        to += depth;
    }
}

void products_pack_line_c(const products_line_t *line, const int8_t *first, int32_t apart,
                          int32_t at, int32_t *packed)
{
    for (int32_t i = 0; i < line->triples; i++) {
        const int8_t *const pixels[PRODUCTS_TRIPLE] = {first, first + apart, first + 2 * apart};
        products_pack_c(pixels, line->n, line->depth, at, packed);
        first += PRODUCTS_TRIPLE * apart;
        packed += line->depth * PRODUCTS_WORDS;
    }
}

/* A channel's weights: a byte of each word, the first channel's the lowest. */
static void unpack(const int32_t *words, int32_t channel, int32_t n, int16_t *to)
{
    for (int32_t k = 0; k < n; k++) {
        const uint32_t byte = (uint32_t)words[k] >> 8 * channel & 255u;
        to[k] = (int16_t)((int32_t)(byte ^ 128u) - 128);
    }
}

void products_unpack_c(const int32_t *words, int32_t n, int32_t depth, int32_t at,
                       int32_t *scratch)
{
    for (int32_t channel = 0; channel < PRODUCTS_GROUP; channel++) {
        unpack(words, channel, n, (int16_t *)scratch + channel * depth + at);
    }
}

const int32_t *products_weights_c(const paritone_products_t *p, int32_t group, int32_t *scratch)
{
    if (p->wide != NULL) {
        return &p->wide[group * p->depth * PRODUCTS_WORDS];
    }
    products_unpack_c(&p->weights[group * p->depth], p->depth, p->depth, 0, scratch);
    return scratch;
}

/* Sums of n products with the two weights of each word a + b 2^21, words `apart` from each other. */
static void dot_lanes(const int16_t *values, const int32_t *lanes, int32_t apart, int32_t n,
                      int32_t sums[2])
{
    const int32_t one = 1 << PRODUCTS_LANE_BITS;
    int32_t sum_a = 0, sum_b = 0;
    for (int32_t k = 0; k < n; k++) {
        const int32_t word = lanes[k * apart];
        const int32_t b = (word + one / 2) >> PRODUCTS_LANE_BITS;
        sum_a += values[k] * (word - b * one);
        sum_b += values[k] * b;
    }
    sums[0] = sum_a;
    sums[1] = sum_b;
}

/* Four sums of n products. |value| <= 128 each. */
static void dot_group(const int16_t *values, const int16_t *weights, int32_t n,
                      int32_t sums[PRODUCTS_GROUP])
{
    const int16_t *a = weights, *b = a + n, *c = b + n, *d = c + n;
    int32_t sum_a = 0, sum_b = 0, sum_c = 0, sum_d = 0;
    for (int32_t k = 0; k < n; k++) {
        sum_a += values[k] * a[k];
        sum_b += values[k] * b[k];
        sum_c += values[k] * c[k];
        sum_d += values[k] * d[k];
    }
    sums[0] = sum_a;
    sums[1] = sum_b;
    sums[2] = sum_c;
    sums[3] = sum_d;
}

/* What a group's sums start at, and their requantization. */
typedef struct {
    int32_t start[PRODUCTS_GROUP];
    int32_t factor[PRODUCTS_GROUP], addend[PRODUCTS_GROUP], half[PRODUCTS_GROUP];
    int32_t right[PRODUCTS_GROUP];
} rescale_t;

static void rescale_of(const paritone_products_t *p, int32_t group, rescale_t *r)
{
    const int32_t chunks = products_chunks(p, group);
    const int line = p->addend != NULL;
    int32_t channel = group * PRODUCTS_GROUP;
    for (int32_t i = 0; i < PRODUCTS_GROUP; i++, channel++) {
        r->start[i] = chunks * PRODUCTS_LANE_START + (line ? p->start[channel] : 0);
        r->factor[i] = p->factor[channel];
        r->addend[i] = line ? products_line_addend(p, channel, chunks) : p->correction[channel];
        r->half[i] = line ? 0 : products_half(p, channel);
        r->right[i] = line ? p->shift : p->right[channel];
    }
}

/* Sums of `pixels` pixels and a group's channels, pixel by pixel, as outputs. */
static void requantize_lines(const rescale_t *r, const int32_t *sums, int32_t pixels, int8_t *to)
{
    const int32_t shift = r->right[0];
    for (int32_t n = 0; n < pixels; n++) {
        for (int32_t i = 0; i < PRODUCTS_GROUP; i++) {
            const int32_t at = n * PRODUCTS_GROUP + i;
            to[at] = requantize_line(sums[at] + r->start[i], r->factor[i], r->addend[i], shift);
        }
    }
}

static void requantize_each_twice(const rescale_t *r, const int32_t *sums, int32_t pixels,
                                  int8_t *to)
{
    for (int32_t n = 0; n < pixels; n++) {
        for (int32_t i = 0; i < PRODUCTS_GROUP; i++) {
            const int32_t at = n * PRODUCTS_GROUP + i;
            to[at] = requantize_twice(sums[at] + r->start[i], r->factor[i], r->addend[i],
                                      r->half[i], r->right[i]);
        }
    }
}

/* Sums of one pixel's products. */
static void sum_pixel(const paritone_products_t *p, const int32_t *weights, const int16_t *values,
                      int32_t sums[PRODUCTS_GROUP])
{
    if (p->wide == NULL) {
        dot_group(values, (const int16_t *)weights, p->depth, sums);
    } else {
        const int32_t apart = p->pairs ? 1 : PRODUCTS_WORDS;
        dot_lanes(values, weights, apart, p->depth, sums);
        dot_lanes(values, weights + (p->pairs ? p->depth : 1), apart, p->depth, sums + 2);
    }
}

/* Some triples at a time, so that compilers see many sums to requantize at once. */
void products_multiply_c(const paritone_products_t *p, int32_t group, const int32_t *weights,
                         const int32_t *packed, int32_t triples, products_output_t to)
{
    int32_t sums[AT_ONCE * PRODUCTS_SUMS];
    int8_t outputs[AT_ONCE * PRODUCTS_SUMS];
    rescale_t rescale;
    rescale_of(p, group, &rescale);
    for (int32_t n; triples > 0; triples -= n) {
        n = triples < AT_ONCE ? triples : AT_ONCE;
        for (int32_t i = 0; i < n * PRODUCTS_TRIPLE; i++) {
            const int32_t triple = i / PRODUCTS_TRIPLE, pixel = i - triple * PRODUCTS_TRIPLE;
            const int16_t *values = (const int16_t *)&packed[triple * p->depth * PRODUCTS_WORDS];
            sum_pixel(p, weights, &values[pixel * p->depth], &sums[i * PRODUCTS_GROUP]);
        }
        packed += n * p->depth * PRODUCTS_WORDS;
        if (p->addend != NULL) {
            requantize_lines(&rescale, sums, n * PRODUCTS_TRIPLE, outputs);
        } else {
            requantize_each_twice(&rescale, sums, n * PRODUCTS_TRIPLE, outputs);
        }
        for (int32_t i = 0; i < n * PRODUCTS_TRIPLE; i++, to.output += to.apart) {
            memcpy(to.output, &outputs[i * PRODUCTS_GROUP], PRODUCTS_GROUP);
        }
    }
}
