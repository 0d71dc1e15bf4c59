/* MEAN and REDUCE_MAX over any axes: int8. */
#include "channel_sums.h"
#include "fixed_point.h"
#include "operands.h"

/* |sum| <= 128 * values reduced, fewer than 2^23. */
static int32_t sum_reduced(const paritone_reduce_t *p, const int8_t *input)
{
    const int32_t *n = p->reduced;
    const int32_t *stride = p->reduced_stride;
    int32_t sum = 0;
    for (int32_t i = 0; i < n[0]; i++) {
        for (int32_t j = 0; j < n[1]; j++) {
            for (int32_t k = 0; k < n[2]; k++) {
                const int8_t *run = &input[i * stride[0] + j * stride[1] + k * stride[2]];
                for (int32_t l = 0; l < n[3]; l++) {
                    sum += run[l * stride[3]];
                }
            }
        }
    }
    return sum;
}

static int8_t largest_reduced(const paritone_reduce_t *p, const int8_t *input)
{
    const int32_t *n = p->reduced;
    const int32_t *stride = p->reduced_stride;
    int8_t best = INT8_MIN;
    for (int32_t i = 0; i < n[0]; i++) {
        for (int32_t j = 0; j < n[1]; j++) {
            for (int32_t k = 0; k < n[2]; k++) {
                const int8_t *run = &input[i * stride[0] + j * stride[1] + k * stride[2]];
                for (int32_t l = 0; l < n[3]; l++) {
                    best = run[l * stride[3]] > best ? run[l * stride[3]] : best;
                }
            }
        }
    }
    return best;
}

/* Offset of output value `index` of the kept dimensions, in the input. */
static int32_t kept_offset(const paritone_reduce_t *p, int32_t index)
{
    int32_t offset = 0;
    for (int32_t axis = PARITONE_MAX_RANK - 1; axis >= 0; axis--) {
        offset += index % p->kept[axis] * p->kept_stride[axis];
        index /= p->kept[axis];
    }
    return offset;
}

static int32_t kept_count(const paritone_reduce_t *p)
{
    return p->kept[0] * p->kept[1] * p->kept[2] * p->kept[3];
}

/* The mean, or the sum, of which `sum` is that of stored values. */
static int8_t rescale(const paritone_reduce_t *p, int32_t sum)
{
    const int32_t scaled =
        multiply_by_quantized_multiplier(sum + p->input_sum_offset, p->multiplier, p->shift);
    return sat8(add_wrapping(scaled, p->output_offset));
}

/* Where only channels are kept, of most of them; returns how many. */
static int32_t reduce_pixels(const paritone_reduce_t *p, const int8_t *input, int8_t *output)
{
    int32_t done = 0;
#ifndef PARITONE_SMALL_CODE
    const int32_t channels = p->kept[3], pixels = p->reduced[3];
    if (kept_count(p) != channels || p->reduced_stride[3] != channels || p->reduced[2] != 1) {
        return 0;
    }
    for (; channels - done >= CHANNEL_SUMS_LANES; done += CHANNEL_SUMS_LANES) {
        int32_t sums[CHANNEL_SUMS_LANES];
        paritone_channel_sums(&input[done], pixels, channels, sums);
        for (int32_t i = 0; i < CHANNEL_SUMS_LANES; i++) {
            output[done + i] = rescale(p, sums[i]);
        }
    }
#else
    (void)p;
    (void)input;
    (void)output;
#endif
    return done;
}

void paritone_mean(const paritone_step_t *step, int32_t first_row, int32_t rows, uint8_t *arena)
{
    (void)first_row; /* called once, for all of it */
    (void)rows;
    const paritone_reduce_t *p = step->params;
    const int8_t *input = input_of(step, arena, 0);
    int8_t *output = output_of(step, arena);
    for (int32_t i = reduce_pixels(p, input, output); i < kept_count(p); i++) {
        output[i] = rescale(p, sum_reduced(p, &input[kept_offset(p, i)]));
    }
}

void paritone_reduce_max(const paritone_step_t *step, int32_t first_row, int32_t rows,
                         uint8_t *arena)
{
    (void)first_row; /* called once, for all of it */
    (void)rows;
    const paritone_reduce_t *p = step->params;
    const int8_t *input = input_of(step, arena, 0);
    int8_t *output = output_of(step, arena);
    for (int32_t i = 0; i < kept_count(p); i++) {
        output[i] = largest_reduced(p, &input[kept_offset(p, i)]);
    }
}
