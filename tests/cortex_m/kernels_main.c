/*
 * Every stage that has assembly against its portable twin, on the words of inputs.bin: blocks
 * of n_fft words, each in turn the samples and the stages' inputs. different.bin gets what
 * differs: stage, index, expected, found. counts.bin gets each stage's SysTick ticks.
 */
#include <string.h>

#include "frontend_fused.h"
#include "frontend_stages.h"
#include "semihosting.h"
#include "simd.h"

#if !PARITONE_SIMD
#error "this core has no DSP extension: there is nothing to compare"
#endif

extern const paritone_frontend_t paritone_frontend_fused;
static const paritone_frontend_t *const f = &paritone_frontend_fused;

enum { HEADROOM, COPY, FIRST, MIDDLE_4, MIDDLE_16, LAST, MAGNITUDE, MEL, CODES, STAGES };
enum { POISON = 0x5A, MOST = 4096 };

static int32_t words[MOST], expected[2 * MOST], found[2 * MOST];
static uint32_t ticks[STAGES];
static int results;

#define SYST_CSR (*(volatile uint32_t *)0xE000E010u)
#define SYST_RVR (*(volatile uint32_t *)0xE000E014u)
#define SYST_CVR (*(volatile uint32_t *)0xE000E018u)

static uint32_t started;

static void start(void) {
    memset(found, POISON, sizeof found);
    memset(expected, POISON, sizeof expected);
    started = SYST_CVR;
}

static void stop(uint32_t stage) { ticks[stage] = (started - SYST_CVR) & 0xFFFFFFu; }

/* Words `from` to `to`; nothing may be written after them. */
static void compare(uint32_t stage, uint32_t from, uint32_t to, uint32_t end) {
    const int32_t poison = (int32_t)0x5A5A5A5A;
    for (uint32_t i = from; i < to; i++) {
        if (expected[i] != found[i]) {
            const uint32_t report[4] = {stage, i, (uint32_t)expected[i], (uint32_t)found[i]};
            file_write(results, report, sizeof report);
        }
    }
    if (found[end] != poison) {
        const uint32_t report[4] = {stage, end, (uint32_t)poison, (uint32_t)found[end]};
        file_write(results, report, sizeof report);
    }
}

static void samples(const int16_t *pcm, unsigned headroom) {
    const uint32_t n = f->n_fft;
    start();
    found[0] = (int32_t)frontend_headroom(pcm, f->window_length);
    stop(HEADROOM);
    expected[0] = (int32_t)frontend_headroom_c(pcm, f->window_length);
    compare(HEADROOM, 0, 1, 1);
    for (uint32_t shift = 1; shift < 8u; shift++) { /* within itself and from elsewhere */
        start();
        frontend_copy((int16_t *)found, pcm + shift - 1, n - shift);
        stop(COPY);
        memcpy(expected, pcm + shift - 1, 2u * (n - shift));
        compare(COPY, 0, n / 2u, n / 2u);
        memmove(expected, (int16_t *)expected + shift, 2u * (n - 2u * shift));
        frontend_copy((int16_t *)found, (int16_t *)found + shift, n - 2u * shift);
        compare(COPY, 0, n / 2u, n / 2u);
    }
    start();
    frontend_fused_first(f, pcm, headroom, found);
    stop(FIRST);
    frontend_fused_first_c(f, pcm, headroom, expected);
    compare(FIRST, 0, n, n);
}

static void stages(void) {
    const paritone_fused_tables_t *tables = f->transform_tables;
    const uint32_t n = f->n_fft, groups = n / 8u;
    uint32_t row = 4u * FUSED_ROW;
    const int32_t *twiddle = tables->window + 2 * FUSED_LEGS;
    for (uint32_t blocks = 4; blocks < groups; blocks *= 4u) {
        const uint32_t stage = blocks == 4u ? MIDDLE_4 : MIDDLE_16;
        start();
        fused_middle_t *const middle =
            blocks > FUSED_NEAR_BLOCKS ? frontend_fused_middle_far : frontend_fused_middle;
        middle(twiddle, row, groups / blocks, blocks, words, found);
        stop(stage);
        frontend_fused_middle_c(twiddle, row, groups / blocks, blocks, words, expected);
        compare(stage, 0, n, n);
        row *= 4u;
    }
    start();
    frontend_fused_last(groups, words, found);
    stop(LAST);
    frontend_fused_last_c(groups, words, expected);
    compare(LAST, 0, n, n);
    if (f->power != 1u) {
        return;
    }
    start();
    frontend_fused_magnitude(f, words, (uint32_t *)found);
    stop(MAGNITUDE);
    frontend_fused_magnitude_c(f, words, (uint32_t *)expected);
    compare(MAGNITUDE, f->first_bin, (uint32_t)f->first_bin + f->n_bins, n / 2u);
}

/* Magnitudes of 30 bits at most, as the spectrum has them. */
static void bands(unsigned headroom) {
    const uint32_t column_words = (f->n_mels + 3u) / 4u;
    if (f->power != 1u) {
        return;
    }
    for (uint32_t i = 0; i < f->n_bins; i++) {
        words[i] = (int32_t)((uint32_t)words[i] >> 2);
    }
    start();
    frontend_mel_magnitude(f, (uint32_t *)words, (uint64_t *)(void *)found);
    stop(MEL);
    frontend_mel_magnitude_c(f, (uint32_t *)words, (uint64_t *)(void *)expected);
    compare(MEL, 0, 2u * f->n_mels, 2u * f->n_mels);
    if (f->input == paritone_input_codes_wide) {
        if (f->gain != NULL) {
            frontend_mel_gain(f, (uint64_t *)(void *)expected);
        }
        memcpy(words, expected, 8u * f->n_mels);
        start();
        frontend_codes_wide(f, (uint64_t *)(void *)words, headroom, (uint8_t *)found);
        stop(CODES);
        frontend_codes_c(f, (uint64_t *)(void *)words, headroom, (uint8_t *)expected);
        compare(CODES, 0, column_words, column_words);
    }
}

int main(void) {
    const int in = file_open("inputs.bin", MODE_READ);
    const size_t bytes = 4u * (size_t)f->n_fft;
    results = file_open("different.bin", MODE_WRITE);
    SYST_RVR = 0xFFFFFFu;
    SYST_CVR = 0;
    SYST_CSR = 5u;
    if (f->n_fft + 2u > MOST) {
        return 1;
    }
    for (unsigned i = 0; file_read(in, words, bytes) == bytes; i++) {
        const int16_t *pcm = (const int16_t *)words + (i / 2u) % 2u; /* any alignment */
        const unsigned headroom = frontend_headroom_c(pcm, f->window_length);
        samples(pcm, i % 4u == 3u ? 0u : headroom);
        stages();
        bands(headroom);
    }
    file_write(file_open("counts.bin", MODE_WRITE), ticks, sizeof ticks);
    return 0;
}
