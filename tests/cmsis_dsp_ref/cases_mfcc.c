/*
 * Cepstral coefficients with tables of every block of 32 vectors' own: FFT length, bands and
 * outputs vary; window, filters and cosines are plausible or, one time in four each, any signal.
 */
#include "comparison.h"

enum { BLOCK = 2 * KINDS, LONGEST = 4096, BANDS = 40, OUTPUTS = 13 };

typedef struct {
    uint32_t block, length, bands, outputs;
    uint32_t position[BANDS], width[BANDS];
    q31_t window[LONGEST], filters[LONGEST], cosines[OUTPUTS * BANDS];
    q15_t window_q15[LONGEST], filters_q15[LONGEST], cosines_q15[OUTPUTS * BANDS];
} tables_t;

static tables_t tables = {.block = UINT32_MAX};

static uint32_t any(uint32_t block, uint32_t what) { return mix(block * GOLDEN + 77u + what); }

static q31_t ratio_q31(uint64_t part, uint64_t whole) {
    const uint64_t v = (part << 31) / whole;
    return v > INT32_MAX ? INT32_MAX : (q31_t)v;
}

/* A parabola, 0 at the ends. */
static void make_window(void) {
    const uint64_t n = tables.length;
    for (uint32_t i = 0; i < n; i++) {
        tables.window[i] = ratio_q31(4u * i * (n - i), n * n);
    }
}

/* Filter i spans the points i .. i + 2 of a quadratic scale that ends at the last bin. */
static uint32_t mel_point(uint32_t i) {
    const uint32_t last = tables.bands + 1u;
    return 1u + i * (i + last) * (tables.length / 2u - 1u) / (2u * last * last);
}

/* Triangles; two neighbours share each bin, so that all fit in one FFT length. */
static void make_filters(void) {
    q31_t *coef = tables.filters;
    for (uint32_t i = 0; i < tables.bands; i++) {
        const uint32_t low = mel_point(i), peak = mel_point(i + 1u), high = mel_point(i + 2u);
        tables.position[i] = low;
        tables.width[i] = high - low;
        for (uint32_t k = low; k < high; k++) {
            *coef++ = k < peak ? ratio_q31(k - low + 1u, peak - low)
                               : ratio_q31(high - k, high - peak);
        }
    }
}

/* Sines of any frequency, small enough that few sums saturate. */
static void make_cosines(uint32_t block) {
    const unsigned shift = tables.bands < 4u ? 0u : tables.bands < 16u ? 2u : 3u;
    for (uint32_t row = 0; row < tables.outputs; row++) {
        q31_t *values = &tables.cosines[row * tables.bands];
        fill_q31(block, 10u + row, 9, tables.bands, values);
        for (uint32_t i = 0; i < tables.bands; i++) {
            values[i] >>= shift;
        }
    }
}

static void any_signal_instead(uint32_t block, uint32_t what, q31_t *values, uint32_t count) {
    if (any(block, what) % 4u == 0u) {
        fill_q31(block, what, any(block, what) / 4u % KINDS, count, values);
    }
}

static void halve(const q31_t *values, uint32_t count, q15_t *out) {
    for (uint32_t i = 0; i < count; i++) {
        out[i] = (q15_t)(values[i] >> 16);
    }
}

static void make_tables(uint32_t vector) {
    const uint32_t block = vector / BLOCK;
    if (block == tables.block) {
        return;
    }
    tables.block = block;
    tables.length = fft_length(vector);
    tables.bands = 1u + any(block, 0) % (tables.length / 4u > BANDS ? BANDS : tables.length / 4u);
    tables.outputs = 1u + any(block, 1) % OUTPUTS;
    make_window();
    make_filters();
    make_cosines(block);
    any_signal_instead(block, 2, tables.window, tables.length);
    any_signal_instead(block, 3, tables.filters, tables.length);
    any_signal_instead(block, 4, tables.cosines, tables.outputs * tables.bands);
    halve(tables.window, LONGEST, tables.window_q15);
    halve(tables.filters, LONGEST, tables.filters_q15);
    halve(tables.cosines, OUTPUTS * BANDS, tables.cosines_q15);
}

#define PER_LENGTH(n, type)                                                             \
    case n:                                                                             \
        return arm_mfcc_init_##n##_##type(s, t->bands, t->outputs, t->cosines_##type,   \
                                          t->position, t->width, t->filters_##type,     \
                                          t->window_##type);

/* The length's own init function and the general one by turns. */
#define INIT(type)                                                                           \
    static arm_status init_##type(arm_mfcc_instance_##type *s, uint32_t vector) {            \
        const tables_t *const t = &tables;                                                   \
        make_tables(vector);                                                                 \
        switch (vector / 5u % 2u * t->length) {                                              \
            PER_LENGTH(32, type)                                                             \
            PER_LENGTH(64, type)                                                             \
            PER_LENGTH(128, type)                                                            \
            PER_LENGTH(256, type)                                                            \
            PER_LENGTH(512, type)                                                            \
            PER_LENGTH(1024, type)                                                           \
            PER_LENGTH(2048, type)                                                           \
            PER_LENGTH(4096, type)                                                           \
        default:                                                                             \
            return arm_mfcc_init_##type(s, t->length, t->bands, t->outputs,                  \
                                        t->cosines_##type, t->position, t->width,            \
                                        t->filters_##type, t->window_##type);                \
        }                                                                                    \
    }

#define window_q31 window
#define filters_q31 filters
#define cosines_q31 cosines
INIT(q15)
INIT(q31)

/* What the init function says to a length that is none. */
#define UNUSABLE(type)                                                                       \
    static arm_status unusable_##type(uint32_t v) {                                          \
        arm_mfcc_instance_##type s;                                                          \
        return arm_mfcc_init_##type(&s, tables.length + v % 3u + 1u, 1, 1, 0, 0, 0, 0, 0);   \
    }

UNUSABLE(q15)
UNUSABLE(q31)

static q31_t scratch[2 * LONGEST];

static uint32_t fill_mfcc_q15(uint32_t vector, void *input) {
    fill_q15(vector, 0, fft_kind(vector), fft_length(vector), input);
    return fft_length(vector) * sizeof(q15_t);
}

static uint32_t fill_mfcc_q31(uint32_t vector, void *input) {
    fill_q31(vector, 0, fft_kind(vector), fft_length(vector), input);
    return fft_length(vector) * sizeof(q31_t);
}

/* Samples of -1, 0 and 1: scaling them up shifts by 32 bits in all, which C leaves undefined. */
static uint32_t fill_faintest_q31(uint32_t vector, void *input) {
    const uint32_t bytes = fill_mfcc_q31(vector, input);
    q31_t *const values = input;
    for (uint32_t i = 0; i < fft_length(vector); i++) {
        values[i] = values[i] > 0 ? 1 : values[i] < 0 ? -1 : 0;
    }
    return bytes;
}

static uint32_t run_mfcc_q15(uint32_t v, void *input, void *output) {
    arm_mfcc_instance_q15 s;
    q15_t *const out = output;
    const arm_status made = init_q15(&s, v);
    const arm_status done = arm_mfcc_q15(&s, input, out, scratch);
    out[tables.outputs] = (q15_t)(made * 100 + done);
    out[tables.outputs + 1u] = (q15_t)unusable_q15(v);
    return tables.outputs + 2u;
}

static uint32_t run_mfcc_q31(uint32_t v, void *input, void *output) {
    arm_mfcc_instance_q31 s;
    q31_t *const out = output;
    const arm_status made = init_q31(&s, v);
    const arm_status done = arm_mfcc_q31(&s, input, out, scratch);
    out[tables.outputs] = made * 100 + done;
    out[tables.outputs + 1u] = unusable_q31(v);
    return tables.outputs + 2u;
}

const kernel_t KERNELS[] = {
    {"arm_mfcc_q15", 2, fill_mfcc_q15, run_mfcc_q15},
    {"arm_mfcc_q31", 4, fill_mfcc_q31, run_mfcc_q31},
    {"arm_mfcc_q31, faintest", 4, fill_faintest_q31, run_mfcc_q31},
    {0, 0, 0, 0},
};
