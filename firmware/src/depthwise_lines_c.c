/* The blocks of depthwise_lines.h in C: lines [slot][channel][column], for any vector unit. */
#include "depthwise_lines.h"

#include "fixed_point.h"

/* The nine weights of a channel, by slot and column. */
typedef struct {
    int16_t of[DEPTHWISE_SLOTS][3];
} taps9_t;

static int16_t *line_of(const depthwise_lines_t *l, uint32_t slot, uint32_t channel)
{
    return &l->lines[(slot * DEPTHWISE_CHANNELS + channel) * l->columns];
}

void depthwise_lines_load_c(const depthwise_lines_t *l, const int8_t *from, uint32_t pitch,
                            uint32_t slot)
{
    const int8_t zero_point = (int8_t)l->zero_points;
    const uint32_t tiles = l->tiles + (l->rest < 4u ? 1u : 0u);
    const uint32_t end = 4u * l->tiles + l->rest % 4u; /* of the row's own columns */
    for (uint32_t channel = 0; channel < DEPTHWISE_CHANNELS; channel++) {
        int16_t *line = line_of(l, slot, channel);
        if (l->left != 0u) {
            line[0] = zero_point;
        }
        for (uint32_t x = l->left; x < end; x++) {
            line[x] = from[(x - l->left) * pitch + channel];
        }
        for (uint32_t x = end; x < 4u * tiles; x++) {
            line[x] = zero_point;
        }
    }
}

static int16_t half(uint32_t word) { return (int16_t)(uint16_t)(word & 0xFFFFu); }

static taps9_t taps_of(const depthwise_channel_t *channel, uint32_t first)
{
    taps9_t taps;
    for (uint32_t slot = 0; slot < DEPTHWISE_SLOTS; slot++) {
        const uint32_t *words = channel->weights[first + slot];
        taps.of[slot][0] = half(words[0]);
        taps.of[slot][1] = half(words[1]);
        taps.of[slot][2] = half(words[1] >> 16);
    }
    return taps;
}

/* Outputs of one channel. Sums stay within 32 bits. */
static void outputs(const depthwise_lines_t *l, const depthwise_channel_t *c, uint32_t first,
                    uint32_t channel, int8_t *out)
{
    const taps9_t taps = taps_of(c, first);
    const uint32_t stride = l->stride, pitch = l->pitch, width = l->width;
    const int32_t start = c->sum[0].start, addend = c->scale[0].addend;
    const int64_t factor = c->scale[0].factor;
    const int16_t *a = line_of(l, 0, channel);
    const int16_t *b = line_of(l, 1, channel);
    const int16_t *d = line_of(l, 2, channel);
    for (uint32_t x = 0; x < width; x++) {
        int32_t sum = start;
        for (uint32_t k = 0; k < 3u; k++) {
            const uint32_t at = x * stride + k;
            sum += taps.of[0][k] * a[at] + taps.of[1][k] * b[at] + taps.of[2][k] * d[at];
        }
        const int32_t scaled = (int32_t)((sum * factor) >> 32) + addend;
        out[x * pitch + channel] = sat8(scaled >> DEPTHWISE_SHIFT);
    }
}

void depthwise_lines_row_c(const depthwise_lines_t *l, const depthwise_channel_t *channels,
                           uint32_t first, int8_t *out)
{
    for (uint32_t channel = 0; channel < DEPTHWISE_CHANNELS; channel++) {
        outputs(l, &channels[channel], first, channel, out);
    }
}
