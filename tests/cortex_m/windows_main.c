/*
 * Kernels with a window on the steps of steps.bin: for each a header, its tables and its input,
 * every part in whole words. outputs.bin gets their outputs, counts.bin the SysTick ticks of each.
 * The input is there as a whole or in a ring, the output behind it or in its place; a byte written
 * anywhere else ends the run with failure.
 */
#include <string.h>

#include "paritone_kernels.h"
#include "semihosting.h"

enum { LINES, AVERAGE };
enum { GUARD = 64, POISON = 0x5A, MOST = 1 << 20, VALUES = 1 << 14 };

typedef struct {
    int32_t kernel;
    paritone_window_t window;
    int32_t rows_at_once, zero_point, base, shift, minimum, maximum;
    int32_t ring, rows, in_place; /* rows of input, rows a call; rows 0: the input as a whole */
    int32_t scratch_bytes;
} header_t;

static uint8_t arena[MOST] __attribute__((aligned(16)));
static int32_t weights[VALUES], start[VALUES], factor[VALUES], addend[VALUES];
static int32_t input[MOST / 4];
static header_t h;
static paritone_depthwise_lines_t lines;
static paritone_pool_2d_t pool;

#ifdef __arm__
#define SYST_CSR (*(volatile uint32_t *)0xE000E010u)
#define SYST_RVR (*(volatile uint32_t *)0xE000E014u)
#define SYST_CVR (*(volatile uint32_t *)0xE000E018u)
#else
static uint32_t SYST_CSR, SYST_RVR, SYST_CVR;
#endif

static void read(int file, void *to, size_t bytes) {
    const size_t whole = (bytes + 3u) & ~(size_t)3u;
    if (file_read(file, to, whole) != whole) {
        finish(0);
    }
}

static void tables(int in) {
    const size_t channels = (size_t)h.window.out_channels;
    if (h.kernel != LINES) {
        pool = (paritone_pool_2d_t){h.window, h.minimum, h.maximum};
        return;
    }
    read(in, weights, 9u * channels);
    read(in, start, 2u * channels);
    read(in, factor, 4u * channels);
    read(in, addend, 2u * channels);
    lines = (paritone_depthwise_lines_t){
        h.window, (uint16_t)h.rows_at_once, (int8_t)h.zero_point, (uint8_t)h.shift, h.base,
        (int8_t)h.minimum, (int8_t)h.maximum,
        (const int8_t *)weights, (const int16_t *)start, factor, (const uint16_t *)addend};
}

/* Bring into the ring the input rows that output rows `y` .. `y + rows - 1` read, and no others. */
static void fill_ring(const paritone_step_t *step, int32_t y, int32_t rows) {
    const paritone_window_t *w = &h.window;
    const size_t bytes = (size_t)(w->in_width * w->in_channels);
    const int32_t first = y * w->stride_height - w->pad_top;
    const int32_t end = first + (rows - 1) * w->stride_height + w->height;
    memset(arena + step->input[0].offset, POISON, (size_t)h.ring * bytes);
    for (int32_t row = first < 0 ? 0 : first; row < end && row < w->in_height; row++) {
        memcpy(arena + step->input[0].offset + (size_t)(row % h.ring) * bytes,
               (const int8_t *)input + (size_t)row * bytes, bytes);
    }
}

static void call(const paritone_step_t *step, int32_t first, int32_t rows) {
    if (h.kernel == LINES) {
        paritone_depthwise_lines(step, first, rows, arena);
    } else {
        paritone_average_pool_2d(step, first, rows, arena);
    }
}

static void expect_poison(uint32_t from, uint32_t to) {
    for (; from < to; from++) {
        if (arena[from] != POISON) {
            finish(0);
        }
    }
}

static uint32_t aligned(uint32_t at) { return (at + 15u) & ~15u; }

static uint32_t run(int out) {
    const paritone_window_t *w = &h.window;
    const uint32_t in_bytes = (uint32_t)(w->in_width * w->in_channels);
    const uint32_t row_bytes = (uint32_t)(w->out_width * w->out_channels);
    const uint32_t scratch_end = GUARD + (uint32_t)h.scratch_bytes;
    const uint32_t in_at = aligned(scratch_end + GUARD), in_end = in_at + (uint32_t)h.ring * in_bytes;
    const uint32_t out_at = h.in_place ? in_at : aligned(in_end + GUARD);
    const uint32_t out_end = out_at + (uint32_t)w->out_height * row_bytes;
    const uint32_t end = (out_end > in_end ? out_end : in_end) + GUARD;
    const void *params = h.kernel == LINES ? (const void *)&lines : &pool;
    const paritone_step_t step = {PARITONE_KERNEL_DEPTHWISE_LINES, w->out_height, params,
                                  {{in_at, (uint32_t)h.ring}, {0, 1}},
                                  {out_at, (uint32_t)w->out_height}, GUARD, row_bytes};
    uint32_t ticks = 0;
    if (end > MOST) {
        finish(0);
    }
    memset(arena, POISON, end);
    memcpy(arena + in_at, input, (size_t)h.ring * in_bytes);
    for (int32_t y = 0; y < w->out_height; y += h.rows) {
        const int32_t rows = w->out_height - y < h.rows ? w->out_height - y : h.rows;
        if (h.ring < w->in_height) {
            fill_ring(&step, y, rows);
        }
        const uint32_t started = SYST_CVR;
        call(&step, y, rows);
        ticks += (started - SYST_CVR) & 0xFFFFFFu;
    }
    expect_poison(0, GUARD);
    expect_poison(scratch_end, in_at);
    if (!h.in_place) {
        expect_poison(in_end, out_at);
    }
    expect_poison(end - GUARD, end);
    file_write(out, arena + out_at, out_end - out_at);
    return ticks;
}

int main(void) {
    const int in = file_open("steps.bin", MODE_READ);
    const int out = file_open("outputs.bin", MODE_WRITE), counts = file_open("counts.bin", MODE_WRITE);
    SYST_RVR = 0xFFFFFFu;
    SYST_CVR = 0;
    SYST_CSR = 5u;
    while (file_read(in, &h, sizeof h) == sizeof h) {
        tables(in);
        read(in, input, (size_t)(h.window.in_height * h.window.in_width * h.window.in_channels));
        const uint32_t ticks = run(out);
        file_write(counts, &ticks, sizeof ticks);
    }
    return 0;
}
