/* CHANNEL_LOOKUP: a function of one value for each channel, such as a normalisation, by tables. */
#include "channel_lookup.h"

#include "operands.h"

void paritone_channel_lookup_c(const uint8_t *input, uint8_t *output, const uint8_t *table,
                               int32_t pixels, int32_t channels, int32_t neighbours)
{
    for (int32_t pixel = 0; pixel < pixels; pixel++) {
        for (int32_t i = 0; i < neighbours; i++) {
            output[pixel * channels + i] = table[i * 256 + input[pixel * channels + i]];
        }
    }
}

/* Channels that are dealt with four or sixteen at a time; the others are left. */
static int32_t look_up_words(const uint8_t *input, uint8_t *output, const uint8_t *table,
                             int32_t pixels, int32_t channels)
{
    int32_t done = 0;
#if PARITONE_SIMD
    if ((((uintptr_t)input | (uintptr_t)output | (uintptr_t)channels) & 3U) != 0U) {
        return 0;
    }
    for (; channels - done >= 16; done += 16) {
        paritone_channel_lookup_16_simd(&input[done], &output[done], &table[done * 256], pixels,
                                        channels);
    }
    for (; done < channels; done += 4) {
        paritone_channel_lookup_4_simd(&input[done], &output[done], &table[done * 256], pixels,
                                       channels);
    }
#else
    (void)input;
    (void)output;
    (void)table;
    (void)pixels;
    (void)channels;
#endif
    return done;
}

void paritone_channel_lookup(const paritone_step_t *step, int32_t first_row, int32_t rows,
                             uint8_t *arena)
{
    const paritone_channel_lookup_t *p = step->params;
    const int32_t end = first_row + rows, channels = p->channels;
    const int32_t there = (int32_t)step->input[0].rows;
    for (int32_t y = first_row, n; y < end; y += n) {
        const uint8_t *input = row_of(step->input[0], y, step->row_bytes, arena);
        uint8_t *output = output_row(step, y, arena);
        n = there - y % there; /* rows behind each other */
        n = n < end - y ? n : end - y;
        const int32_t pixels = n * (int32_t)step->row_bytes / channels;
        const int32_t done = look_up_words(input, output, p->table, pixels, channels);
        paritone_channel_lookup_c(&input[done], &output[done], &p->table[done * 256], pixels,
                                  channels, channels - done);
    }
}
