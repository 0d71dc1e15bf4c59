/*
 * Packed products: what paritone_products consists of.
 *
 * Output pixels are taken in triples, channels in groups of four. The window of each pixel, its
 * padding filled in, becomes `depth` values in a row; `depth` values of each channel are its
 * weights. On cores with the DSP extension (products_simd.c and its .S files) both are packed, two
 * values a word at distance 2^21, so that one SMLAL makes three products:
 *
 *   (p + q 2^21) (a + b 2^21) = pa + (pb + qa) 2^21 + qb 2^42
 *   (q + r 2^21) (a + b 2^21) = qa + (qb + ra) 2^21 + rb 2^42
 *
 * which are twelve products of three pixels p, q, r and four channels a .. d in four SMLAL. Sums
 * of such products fall apart into sums of single ones as long as those stay within 0 .. 2^21 - 1
 * for any input: qa lies lowest in the second, so pb and qb come out of the first less qa 2^21,
 * and then ra and rb likewise. Each sum starts at 2^20, and the generator splits the depth into
 * chunks that keep it from going out of that range. Elsewhere
 * (products_c.c) the same values lie as int16 in the same memory, for loops that a compiler makes
 * vectors of.
 *
 * Bounds: depth * 128 * 128 < 2^30.
 */
#ifndef PARITONE_PRODUCTS_H
#define PARITONE_PRODUCTS_H

#include "paritone_kernels.h"
#include "simd.h"

enum {
    PRODUCTS_TRIPLE = 3,
    PRODUCTS_GROUP = 4,
    PRODUCTS_SUMS = PRODUCTS_TRIPLE * PRODUCTS_GROUP,
    PRODUCTS_LANE_BITS = 21,
    PRODUCTS_LANE_START = 1 << 20,
    PRODUCTS_WORDS = 2 /* of a packed value of a triple, of the weights of a group */
};

/* `n` values of each of three pixels, from value `at` on of a packed triple.
 *   pixels  any int8, any alignment
 *   triple  [depth * PRODUCTS_WORDS] */
void products_pack(const int8_t *const pixels[PRODUCTS_TRIPLE], int32_t n, int32_t depth,
                   int32_t at, int32_t *triple);

/* `n` values of each of three pixels, and so on for neighbouring triples. */
typedef struct {
    int32_t n;
    int32_t depth;
    int32_t triples;
} products_line_t;

/* The same for triples of a line of pixels.
 *   first   the first pixel's values
 *   apart   bytes from one pixel's to the next one's
 *   packed  [triples * depth * PRODUCTS_WORDS] */
void products_pack_line(const products_line_t *line, const int8_t *first, int32_t apart,
                        int32_t at, int32_t *packed);

/* Chunks of a group. */
static inline int32_t products_chunks(const paritone_products_t *p, int32_t group)
{
    return p->chunks == NULL ? 1 : p->chunks[group];
}

/* What a channel adds to its product along its line. */
static inline int32_t products_line_addend(const paritone_products_t *p, int32_t channel,
                                           int32_t chunks)
{
    return p->base + p->addend[channel] - chunks * (p->factor[channel] >> 12);
}

/* `half` of a channel that is rounded twice. */
static inline int32_t products_half(const paritone_products_t *p, int32_t channel)
{
    return (2 * p->base + 1) * (1 << (p->right[channel] - 1));
}

/* Weights of a group of channels as products_multiply reads them: in `scratch`
 * [depth * PRODUCTS_WORDS], or where they lie. */
const int32_t *products_weights(const paritone_products_t *p, int32_t group, int32_t *scratch);

/* Where products_multiply writes: four bytes a pixel, three pixels a triple.
 *   apart  bytes from pixel to pixel; 0: one triple, whose pixels are the same one
 *   sums   [triples * PRODUCTS_SUMS] where a group has several chunks */
typedef struct {
    int8_t *output;
    int32_t apart;
    int32_t *sums;
} products_output_t;

/* A group's channels of packed triples, requantized, not clamped to a narrower range than int8.
 *   weights  of products_weights
 *   packed   [triples * depth * PRODUCTS_WORDS] */
void products_multiply(const paritone_products_t *p, int32_t group, const int32_t *weights,
                       const int32_t *packed, int32_t triples, products_output_t to);

/* Where chunk number `chunk` of a group begins, or the last one ends: at a multiple of four, so that
 * values may be taken by fours. */
static inline int32_t products_chunk(int32_t depth, int32_t chunk, int32_t chunks)
{
    return chunk == chunks ? depth : depth * chunk / chunks / 4 * 4;
}

/* Their portable twins, in a format of their own. */
void products_pack_c(const int8_t *const pixels[PRODUCTS_TRIPLE], int32_t n, int32_t depth,
                     int32_t at, int32_t *triple);
void products_pack_line_c(const products_line_t *line, const int8_t *first, int32_t apart,
                          int32_t at, int32_t *packed);
void products_unpack_c(const int32_t *words, int32_t n, int32_t depth, int32_t at,
                       int32_t *scratch); /* words at .. at + n - 1 of a group */
const int32_t *products_weights_c(const paritone_products_t *p, int32_t group, int32_t *scratch);
void products_multiply_c(const paritone_products_t *p, int32_t group, const int32_t *weights,
                         const int32_t *packed, int32_t triples, products_output_t to);

#if PARITONE_SIMD
#define PRODUCTS_USUAL_SHIFT 4 /* what the generator tries first */

/* What products_multiply_simd does once its sums are there. */
typedef enum {
    PRODUCTS_LINE = 0,
    PRODUCTS_LINE_USUAL = 1, /* one chunk, PRODUCTS_USUAL_SHIFT */
    PRODUCTS_TWICE = 2,
    PRODUCTS_CHUNK = 3,      /* adds them to what earlier chunks summed up to */
    PRODUCTS_FIRST_CHUNK = 4 /* keeps them */
} products_tail_t;

/* Packed triples times a chunk of a group's weights; products_multiply.S knows the offsets. */
typedef struct {
    const int32_t *weights;                /* of the chunk */
    uint32_t start[2][4];                  /* lanes that the sums start at */
    int32_t depth;                         /* of the chunk */
    const int32_t *weights_end;
    int32_t minus_lane;                    /* -2^21 */
    int32_t rescale[PRODUCTS_GROUP][2];    /* factor, and addend or half */
    int8_t *output;
    int32_t apart, apart_thrice;
    const int32_t *packed_end;             /* where the chunk of the triple after the last begins */
    uint32_t tail;                         /* products_tail_t */
    int32_t gap;                           /* bytes from a chunk's end to its next beginning */
    int32_t rounding[PRODUCTS_GROUP][2];   /* correction and right, or the first's: shift */
    int32_t *sums;
    int32_t free;
} products_tiles_t;

/* A pair of channels' start as the lanes of both accumulators that hold the pair. Starts are
 * |start| <= 2^15 beside PRODUCTS_LANE_START: first + (first + second) 2^21 + second 2^42. */
static inline void products_start_lanes(const int16_t start[2], uint32_t lanes[4])
{
    const uint32_t first = (uint32_t)(PRODUCTS_LANE_START + start[0]);
    const uint32_t second = (uint32_t)(PRODUCTS_LANE_START + start[1]);
    lanes[0] = lanes[2] = first + ((first + second) << PRODUCTS_LANE_BITS); /* no carry */
    lanes[1] = lanes[3] = ((first + second) >> (32 - PRODUCTS_LANE_BITS)) +
                          (second << (2 * PRODUCTS_LANE_BITS - 32));
}

/* What the sums of channels from `first` on start with in a chunk, beside PRODUCTS_LANE_START. */
static inline const int16_t *products_start(const paritone_products_t *p, int32_t first,
                                            int32_t chunk, int32_t chunks)
{
    static const int16_t none[PRODUCTS_GROUP];
    return p->start != NULL && chunk == chunks - 1 ? &p->start[first] : none;
}

static inline products_tail_t products_tail_of(const paritone_products_t *p, int32_t chunk,
                                               int32_t chunks)
{
    if (chunk < chunks - 1) {
        return chunk == 0 ? PRODUCTS_FIRST_CHUNK : PRODUCTS_CHUNK;
    }
    if (p->addend == NULL) {
        return PRODUCTS_TWICE;
    }
    return chunks == 1 && p->shift == PRODUCTS_USUAL_SHIFT ? PRODUCTS_LINE_USUAL : PRODUCTS_LINE;
}

void products_multiply_simd(const products_tiles_t *tiles, const int32_t *packed);

/* products_pack and products_weights, from where they begin. */
void products_pack_simd(const int8_t *const pixels[PRODUCTS_TRIPLE], int32_t n, int32_t *words);
void products_pack_line_simd(const products_line_t *line, const int8_t *first, int32_t apart,
                             int32_t *words);
void products_unpack_simd(const int32_t *weights, int32_t n, int32_t *words);
#endif

#endif
