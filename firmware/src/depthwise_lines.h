/*
 * Inner blocks of the depthwise 3 x 3 convolution (depthwise_lines.c), on four neighbouring
 * channels at a time. Rows are brought from bytes, channel by channel in each column, into lines of
 * int16 for each channel, of which a load takes two values and a multiplication two products.
 *
 * Lines lie in tiles of eight columns, of all rows that are there, each row of a tile in groups of
 * four columns: [tile][row][3 groups][channel][4 values]. The third group repeats the first one of
 * the tile after it: a tile has all that the windows which start in it cover. Columns that are
 * padding in every row are filled once, before any row is loaded. The C blocks have a format of
 * their own in the same memory.
 */
#ifndef PARITONE_DEPTHWISE_LINES_H
#define PARITONE_DEPTHWISE_LINES_H

#include "simd.h"

#define DEPTHWISE_CHANNELS 4 /* at a time */
#define DEPTHWISE_SHIFT 6    /* of a sum when it is an output */
#define DEPTHWISE_TILE 8     /* columns */
#define DEPTHWISE_VALUES 12  /* in a tile, of a row and channel */
#define DEPTHWISE_TAPS 9

/* One channel; the order is the assembly's. */
typedef struct {
    int32_t factor, addend, start;
} depthwise_channel_t;

/* What all rows of a layer share; the offsets are the assembly's. Columns are of a row with its
 * padding. */
typedef struct {
    uint32_t zero_points; /*  0  input's zero point in each byte */
    uint32_t left;        /*  4  columns of padding before a row: 0 or 1 */
    uint32_t halves;      /*  8  of tiles, that a row fills whole */
    uint32_t rest;        /* 12  columns that it has in the half after them, 0 .. 3; 5 and 6: one and
                                 two behind the last tile */
    uint32_t pitch;       /* 16  channels: bytes from a column to the next */
    uint32_t row_bytes;   /* 20  from a row to the next */
    uint32_t tile_bytes;  /* 24 */
    uint32_t tiles;       /* 28 */
    uint32_t stride;      /* 32  of the window: 1 or 2 */
    uint32_t width;       /* 36  of the output */
    int16_t *lines;       /* 40 */
    int8_t *outputs;      /* 44  [rows][width, rounded up to 4][DEPTHWISE_CHANNELS] */
    const int8_t *weights; /* 48  of the four channels: [DEPTHWISE_CHANNELS][DEPTHWISE_TAPS] */
    uint32_t scale;       /* 52  bits by which they are shifted left, 0 .. 6 */
    depthwise_channel_t channels[DEPTHWISE_CHANNELS]; /* 56 */
} depthwise_lines_t;

/* Bring four channels of `rows` rows into the lines.
 *   from   the first row's and column's
 *   row    that this is in the lines
 *   rows   >= 1 */
void depthwise_lines_load_c(const depthwise_lines_t *l, const int8_t *from, uint32_t row,
                            uint32_t rows);
void depthwise_lines_load_simd(const depthwise_lines_t *l, const int8_t *from, uint32_t row,
                               uint32_t rows);

/* Fill a row of the lines with the zero point. */
void depthwise_lines_pad_c(const depthwise_lines_t *l, uint32_t row);
void depthwise_lines_pad_simd(const depthwise_lines_t *l, uint32_t row);

/* Move `rows` rows of the lines, row `row` and those after it, to their beginning. */
void depthwise_lines_keep_c(const depthwise_lines_t *l, uint32_t row, uint32_t rows);
void depthwise_lines_keep_simd(const depthwise_lines_t *l, uint32_t row, uint32_t rows);

/* The first `rows` rows of outputs from the lines, columns beyond the width undefined:
 *   sat8(((start + (dot << scale)) * factor >> 32) + addend >> DEPTHWISE_SHIFT)
 *   rows  >= 1
 * The generator keeps their sum and the sum before its shift within 32 bits. */
void depthwise_lines_rows_c(const depthwise_lines_t *l, uint32_t rows);
void depthwise_lines_rows_simd(const depthwise_lines_t *l, uint32_t rows);

/* Spread n columns of outputs over a row, `pitch` bytes apart. */
void depthwise_lines_store_c(const int8_t *from, int8_t *to, uint32_t pitch, uint32_t n);
void depthwise_lines_store_simd(const int8_t *from, int8_t *to, uint32_t pitch, uint32_t n);

#endif
