/*
 * In a file of their own: inlined, their pointers and sums would not all find
 * a register on a Cortex-M4, and the loops take twice the instructions.
 */
#include "dot.h"

int32_t paritone_dot(const int8_t *input, const int8_t *weights, int32_t offset, int32_t n)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < n; i++) {
        sum += (input[i] + offset) * weights[i];
    }
    return sum;
}

void paritone_dot_lanes(const int8_t *input, const int8_t *weights, int32_t apart, int32_t offset,
                        int32_t n, int32_t sums[DOT_LANES])
{
    const int8_t *w0 = weights, *w1 = w0 + apart, *w2 = w1 + apart, *w3 = w2 + apart;
    const int8_t *end = input + n;
    int32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
    while (input != end) {
        const int32_t value = *input++ + offset;
        s0 += value * *w0++;
        s1 += value * *w1++;
        s2 += value * *w2++;
        s3 += value * *w3++;
    }
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
}
