/* The portable blocks of packed products: int16 values, plain sums of products. */
#include "fixed_point.h"
#include "products.h"

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

/* Four weights from the bytes of a word, the first in its lowest. */
static void weights_of_word(int32_t word, int32_t depth, int16_t *to)
{
    for (int32_t channel = 0; channel < PRODUCTS_GROUP; channel++) {
        const uint32_t byte = (uint32_t)word >> 8 * channel & 255u;
        to[channel * depth] = (int16_t)((int32_t)(byte ^ 128u) - 128);
    }
}

void products_unpack_c(const int32_t *words, int32_t n, int32_t depth, int32_t at,
                       int32_t *scratch)
{
    for (int32_t k = 0; k < n; k++) {
        weights_of_word(words[k], depth, (int16_t *)scratch + at + k);
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

/* Sums of n products with the two weights of each word a + b 2^21, every other word. */
static void dot_lanes(const int16_t *values, const int32_t *lanes, int32_t n, int32_t sums[2])
{
    const int32_t one = 1 << PRODUCTS_LANE_BITS;
    int32_t sum_a = 0, sum_b = 0;
    for (int32_t k = 0; k < n; k++) {
        const int32_t word = lanes[k * PRODUCTS_WORDS];
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

static int8_t requantized(const paritone_products_t *p, int32_t channel, int32_t chunks,
                          int32_t sum)
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

void products_multiply_c(const paritone_products_t *p, int32_t group, const int32_t *weights,
                         const int32_t *packed, int32_t triples, products_output_t to)
{
    const int16_t *values = (const int16_t *)packed;
    const int32_t first = group * PRODUCTS_GROUP, chunks = products_chunks(p, group);
    for (int32_t triple = 0; triple < triples; triple++) {
        for (int32_t pixel = 0; pixel < PRODUCTS_TRIPLE; pixel++) {
            int32_t sums[PRODUCTS_GROUP];
            const int16_t *of_pixel = &values[pixel * p->depth];
            if (p->wide == NULL) {
                dot_group(of_pixel, (const int16_t *)weights, p->depth, sums);
            } else {
                dot_lanes(of_pixel, weights, p->depth, sums);
                dot_lanes(of_pixel, weights + 1, p->depth, sums + 2);
            }
            for (int32_t i = 0; i < PRODUCTS_GROUP; i++) {
                to.output[i] = requantized(p, first + i, chunks, sums[i]);
            }
            to.output += to.apart;
        }
        values += p->depth * PRODUCTS_GROUP;
    }
}
