/* Sums over pixels, channel by channel: in 16 bits as far as they hold, then in 32. */
#include "channel_sums.h"

void paritone_channel_sums_c(const int8_t *input, int32_t pixels, int32_t channels,
                             int16_t sums[CHANNEL_SUMS_LANES])
{
    for (int32_t i = 0; i < CHANNEL_SUMS_LANES; i++) {
        int32_t sum = 0;
        for (int32_t pixel = 0; pixel < pixels; pixel++) {
            sum += input[pixel * channels + i];
        }
        sums[i] = (int16_t)sum;
    }
}

static void sum_some(const int8_t *input, int32_t pixels, int32_t channels,
                     int16_t sums[CHANNEL_SUMS_LANES])
{
#if PARITONE_SIMD
    if ((((uintptr_t)input | (uintptr_t)channels) & 3U) == 0U) {
        paritone_channel_sums_simd(input, pixels, channels, sums);
        return;
    }
#endif
    paritone_channel_sums_c(input, pixels, channels, sums);
}

void paritone_channel_sums(const int8_t *input, int32_t pixels, int32_t channels,
                           int32_t sums[CHANNEL_SUMS_LANES])
{
    for (int32_t i = 0; i < CHANNEL_SUMS_LANES; i++) {
        sums[i] = 0;
    }
    while (pixels > 0) {
        const int32_t some = pixels < CHANNEL_SUMS_PIXELS ? pixels : CHANNEL_SUMS_PIXELS;
        union {
            int16_t sums[CHANNEL_SUMS_LANES];
            int32_t aligned;
        } part;
        sum_some(input, some, channels, part.sums);
        for (int32_t i = 0; i < CHANNEL_SUMS_LANES; i++) {
            sums[i] += part.sums[i];
        }
        input += some * channels;
        pixels -= some;
    }
}
