/* Dot products of int8: the inner loops of the convolutions. */
#ifndef PARITONE_DOT_H
#define PARITONE_DOT_H

#include <stdint.h>

#define DOT_LANES 4 /* output channels that share one pass over the input */

/* Sum of (input + offset) * weights over n. offset -127 .. 128; |sum| <= 255 * 128 * n, n < 65,000. */
int32_t paritone_dot(const int8_t *input, const int8_t *weights, int32_t offset, int32_t n);

/* The same of DOT_LANES channels, whose weights lie `apart`, added to `sums`. */
void paritone_dot_lanes(const int8_t *input, const int8_t *weights, int32_t apart, int32_t offset,
                        int32_t n, int32_t sums[DOT_LANES]);

#endif
