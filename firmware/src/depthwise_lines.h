/*
 * Inner blocks of the depthwise 3 x 3 convolution (depthwise_lines.c): one row of four neighbouring
 * channels at a time, each channel's values in a line of int16.
 *
 * The rows that a window covers lie in three slots, row y of the input in slot y % 3 or
 * so: only the weights' order turns with the rows. How a block arranges its lines is its own:
 * assembly and C differ, and what one has loaded only the same can read.
 */
#ifndef PARITONE_DEPTHWISE_LINES_H
#define PARITONE_DEPTHWISE_LINES_H

#include "simd.h"

#define DEPTHWISE_CHANNELS 4 /* at a time */
#define DEPTHWISE_SLOTS 3
#define DEPTHWISE_SHIFT 6 /* of a sum when it is an output */

/* One channel, as the assembly finds it in memory. The weights of a row are (left, middle) and
 * (middle, right), the first of each in the low half; rows 0, 1, 2, 0, 1, of which three from any
 * of the first three on are taken. Every member that follows them stands there three times, once
 * for each of these places, at the same distance from it. */
typedef struct {
    uint32_t weights[5][2];
    struct {
        int32_t factor, addend;
    } scale[DEPTHWISE_SLOTS];
    struct {
        int32_t start, unused;
    } sum[DEPTHWISE_SLOTS];
} depthwise_channel_t;

/* What all rows of a layer share; the offsets are the assembly's. */
typedef struct {
    uint32_t zero_points; /*  0  input's zero point in each byte */
    uint32_t left;        /*  4  columns of padding before a row: 0 or 1 */
    uint32_t tiles;       /*  8  of four columns of row and padding: those that the row fills */
    uint32_t rest;        /* 12  columns of the row in one more tile, 0 .. 3; 4: there is none */
    uint32_t stride;      /* 16  of the window: 1 or 2 */
    uint32_t width;       /* 20  of the output */
    uint32_t pitch;       /* 24  channels: from a column's value to the next's */
    int16_t *lines;       /* 28  [DEPTHWISE_SLOTS * DEPTHWISE_CHANNELS * columns] */
    uint32_t columns;     /* 32  multiple of 4, past all that is read */
} depthwise_lines_t;

/* Bring four channels of a row into a slot.
 *   from   the first column's, those of the next ones `pitch` bytes away */
void depthwise_lines_load_c(const depthwise_lines_t *l, const int8_t *from, uint32_t pitch,
                            uint32_t slot);
void depthwise_lines_load_simd(const depthwise_lines_t *l, const int8_t *from, uint32_t pitch,
                               uint32_t slot);

/* Four channels of an output row from the three slots:
 *   out = sat8(((start + dot) * factor >> 32) + addend >> DEPTHWISE_SHIFT)
 *   channels  [4]
 *   first     row of the weights that is for slot 0
 * The generator keeps (start + dot) and the sum before its shift within 32 bits. */
void depthwise_lines_row_c(const depthwise_lines_t *l, const depthwise_channel_t *channels,
                           uint32_t first, int8_t *out);
void depthwise_lines_row_simd(const depthwise_lines_t *l, const depthwise_channel_t *channels,
                              uint32_t first, int8_t *out);

#endif
