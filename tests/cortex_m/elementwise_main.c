/*
 * The element-wise kernels' assembly against their twins, on the bytes of inputs.bin: 2^16 pairs of
 * values, then 64 tables, then weights and start of each sum. different.bin gets what differs:
 * kernel, index, expected, found. counts.bin gets each kernel's SysTick ticks for MEASURED values.
 */
#include <string.h>

#include "channel_lookup.h"
#include "channel_sums.h"
#include "lookup.h"
#include "max_pool.h"
#include "semihosting.h"
#include "weighted_sum.h"

#if !PARITONE_SIMD
#error "this core has no DSP extension: there is nothing to compare"
#endif

enum { SUM, LOOKUP, CHANNEL_LOOKUP, CHANNEL_SUMS, MAXIMUM, KERNELS };
enum { POISON = 0x5A, VALUES = 1 << 16, CHANNELS = 64, MEASURED = 4096 };

static struct {
    int8_t a[VALUES], b[VALUES];
    uint8_t tables[CHANNELS * 256];
} given;
static union {
    int8_t bytes[VALUES + 4];
    int16_t sums[CHANNELS];
    int32_t aligned;
} expected, found;
static uint32_t ticks[KERNELS];
static int results;

#define SYST_CSR (*(volatile uint32_t *)0xE000E010u)
#define SYST_RVR (*(volatile uint32_t *)0xE000E014u)
#define SYST_CVR (*(volatile uint32_t *)0xE000E018u)

static uint32_t started;

static void start(void)
{
    memset(&found, POISON, sizeof found);
    memset(&expected, POISON, sizeof expected);
    started = SYST_CVR;
}

static void stop(uint32_t kernel) { ticks[kernel] = (started - SYST_CVR) & 0xFFFFFFu; }

/* The first `n` bytes, and that nothing was written after them. */
static void compare(uint32_t kernel, uint32_t n)
{
    for (uint32_t i = 0; i < n + 4u; i++) {
        if (expected.bytes[i] != found.bytes[i]) {
            const uint32_t report[4] = {kernel, i, (uint8_t)expected.bytes[i],
                                        (uint8_t)found.bytes[i]};
            file_write(results, report, sizeof report);
        }
    }
}

static void sum(const paritone_weighted_sum_t *p, int32_t words)
{
    start();
    paritone_weighted_sum_simd(given.a, given.b, found.bytes, words, p);
    stop(SUM);
    paritone_weighted_sum_c(given.a, given.b, expected.bytes, 4 * words, p);
    compare(SUM, 4u * (uint32_t)words);
}

static void sum_in_place(const paritone_weighted_sum_t *p)
{
    start();
    paritone_weighted_sum_c(given.a, given.b, expected.bytes, VALUES, p);
    memcpy(found.bytes, given.a, VALUES);
    paritone_weighted_sum_simd(found.bytes, given.b, found.bytes, VALUES / 4, p);
    compare(SUM, VALUES);
    memcpy(found.bytes, given.b, VALUES);
    paritone_weighted_sum_simd(given.a, found.bytes, found.bytes, VALUES / 4, p);
    compare(SUM, VALUES);
}

static void look_up(int32_t words)
{
    const uint8_t *in = (const uint8_t *)given.a;
    start();
    paritone_lookup_simd(in, (uint8_t *)found.bytes, given.tables, words);
    stop(LOOKUP);
    paritone_lookup_c(in, (uint8_t *)expected.bytes, given.tables, 4 * words);
    compare(LOOKUP, 4u * (uint32_t)words);
}

static void look_up_channels(int32_t pixels)
{
    const uint8_t *in = (const uint8_t *)given.a;
    uint8_t *out = (uint8_t *)found.bytes;
    start();
    for (int32_t c = 0; c < CHANNELS; c += 16) {
        paritone_channel_lookup_16_simd(&in[c], &out[c], &given.tables[c * 256], pixels, CHANNELS);
    }
    stop(CHANNEL_LOOKUP);
    paritone_channel_lookup_c(in, (uint8_t *)expected.bytes, given.tables, pixels, CHANNELS,
                              CHANNELS);
    compare(CHANNEL_LOOKUP, (uint32_t)pixels * CHANNELS);
    for (int32_t c = 0; c < CHANNELS; c += 4) {
        paritone_channel_lookup_4_simd(&in[c], &out[c], &given.tables[c * 256], pixels, CHANNELS);
    }
    compare(CHANNEL_LOOKUP, (uint32_t)pixels * CHANNELS);
}

static void add_up(int32_t pixels)
{
    start();
    for (int32_t c = 0; c < CHANNELS; c += CHANNEL_SUMS_LANES) {
        paritone_channel_sums_simd(&given.a[c], pixels, CHANNELS, &found.sums[c]);
    }
    stop(CHANNEL_SUMS);
    for (int32_t c = 0; c < CHANNELS; c += CHANNEL_SUMS_LANES) {
        paritone_channel_sums_c(&given.a[c], pixels, CHANNELS, &expected.sums[c]);
    }
    compare(CHANNEL_SUMS, 2 * CHANNELS);
}

static void take_largest(int32_t words)
{
    const int8_t *tables = (const int8_t *)given.tables;
    start();
    paritone_max_3_simd(given.a, given.b, tables, found.bytes, words);
    stop(MAXIMUM);
    paritone_max_3_c(given.a, given.b, tables, expected.bytes, 4 * words);
    compare(MAXIMUM, 4u * (uint32_t)words);
    start();
    memcpy(found.bytes, tables, (size_t)words * 4u);
    paritone_max_2_simd(given.a, found.bytes, found.bytes, words);
    paritone_max_3_c(given.a, tables, tables, expected.bytes, 4 * words);
    compare(MAXIMUM, 4u * (uint32_t)words);
}

int main(void)
{
    const int inputs = file_open("inputs.bin", MODE_READ);
    paritone_weighted_sum_t p;

    results = file_open("different.bin", MODE_WRITE);
    SYST_RVR = 0xFFFFFFu;
    SYST_CVR = 0;
    SYST_CSR = 5; /* the core's clock */
    file_read(inputs, &given, sizeof given);
    while (file_read(inputs, &p, sizeof p) == sizeof p) {
        sum(&p, VALUES / 4);
        sum_in_place(&p);
    }
    for (int32_t words = 0; words < 6; words++) {
        sum(&p, words);
        look_up(words);
        take_largest(words);
    }
    look_up(VALUES / 4);
    for (int32_t pixels = 1; pixels < 7; pixels++) {
        look_up_channels(pixels);
        add_up(pixels);
    }
    add_up(CHANNEL_SUMS_PIXELS);
    sum(&p, MEASURED / 4);
    look_up(MEASURED / 4);
    look_up_channels(MEASURED / CHANNELS);
    add_up(MEASURED / CHANNELS);
    take_largest(MEASURED / 4);
    file_write(file_open("counts.bin", MODE_WRITE), ticks, sizeof ticks);
    return 0;
}
