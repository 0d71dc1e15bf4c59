/*
 * Many frames at once, LANES at a time. The last block repeats its last frame to fill
 * its lanes; only the frames asked for are written.
 */
#include <string.h>

#include "frontend_lanes.h"
#include "frontend_stages.h"

enum {
    ALIGNMENT = 64, /* of every array: the width of the widest vectors */
    STREAMS = LANES < 8 ? LANES : 8 /* frames read at a time */
};

/* Pairs of samples (even, odd) that the window touches, and pairs of bins (k, M - k) in use. */
typedef struct {
    uint32_t half, first_samples, n_samples, first_bins, last_bins;
} pairs_t;

/* Tables of the whole call, then the values of one block of frames. */
typedef struct {
    pairs_t pairs;
    uint16_t *order;    /* [half + 1] where lanes_cfft leaves a point */
    int32_t *window;    /* [2 * n_samples] weights, 0 outside the window */
    samples_t *samples; /* [n_samples] */
    words_t *headroom;  /* [1] */
    points_t *points;   /* [half] */
    points_t *spectrum; /* [half] */
    words_t *magnitude; /* [half] */
    sums_t *mel;        /* [n_mels] */
} block_t;

static uint32_t smaller(uint32_t a, uint32_t b) { return a < b ? a : b; }

static pairs_t pairs_of(const paritone_frontend_t *f) {
    const uint32_t half = f->n_fft / 2u, end = (uint32_t)f->window_start + f->window_length;
    const uint32_t low = f->first_bin, high = low + f->n_bins - 1u;
    pairs_t p = {half, f->window_start / 2u, 0, 0, half / 2u};
    p.n_samples = (end + 1u) / 2u - p.first_samples;
    p.first_bins = smaller(low, half - high);
    if (high < p.last_bins || half - low < p.last_bins) { /* all bins on one side of the middle */
        p.last_bins = smaller(high, half - low);
    }
    return p;
}

/* Bytes of n values, rounded up so that the next array is aligned too. */
static size_t room(size_t n, size_t size) {
    return (n * size + ALIGNMENT - 1u) / ALIGNMENT * ALIGNMENT;
}

static void *take(uint8_t **free, size_t n, size_t size) {
    void *const taken = *free;
    *free += room(n, size);
    return taken;
}

size_t paritone_frontend_spectrogram_bytes(const paritone_frontend_t *f) {
    const pairs_t p = pairs_of(f);
    return ALIGNMENT + room(p.half + 1u, sizeof(uint16_t)) +
           room((size_t)p.n_samples * 2u, sizeof(int32_t)) + room(p.n_samples, sizeof(samples_t)) +
           room(1u, sizeof(words_t)) + 2u * room(p.half, sizeof(points_t)) +
           room(p.half, sizeof(words_t)) + room(f->n_mels, sizeof(sums_t));
}

static block_t lay_out(const paritone_frontend_t *f, void *scratch) {
    uint8_t *free = scratch;
    block_t b;
    free += (ALIGNMENT - (uintptr_t)scratch % ALIGNMENT) % ALIGNMENT;
    b.pairs = pairs_of(f);
    b.order = take(&free, b.pairs.half + 1u, sizeof *b.order);
    b.window = take(&free, (size_t)b.pairs.n_samples * 2u, sizeof *b.window);
    b.samples = take(&free, b.pairs.n_samples, sizeof *b.samples);
    b.headroom = take(&free, 1u, sizeof *b.headroom);
    b.points = take(&free, b.pairs.half, sizeof *b.points);
    b.spectrum = take(&free, b.pairs.half, sizeof *b.spectrum);
    b.magnitude = take(&free, b.pairs.half, sizeof *b.magnitude);
    b.mel = take(&free, f->n_mels, sizeof *b.mel);
    return b;
}

static void make_tables(const paritone_frontend_t *f, const block_t *b) {
    const paritone_cmsis_tables_t *tables = f->transform_tables;
    const uint32_t skipped = f->window_start - 2u * b->pairs.first_samples;
    memset(b->window, 0, (size_t)b->pairs.n_samples * 2u * sizeof *b->window);
    memcpy(b->window + skipped, tables->window, f->window_length * sizeof *b->window);
    for (uint32_t k = 0; k <= b->pairs.half; k++) {
        uint32_t place = 0; /* k's bits in reverse, modulo half */
        for (uint32_t bit = 1u; bit < b->pairs.half; bit *= 2u) {
            place = 2u * place + ((k & bit) != 0u ? 1u : 0u);
        }
        b->order[k] = (uint16_t)place;
    }
}

/* Sample i of a frame, 0 outside the window. */
static uint32_t sample(const paritone_frontend_t *f, const int16_t *frame, uint32_t i) {
    const uint32_t end = (uint32_t)f->window_start + f->window_length;
    return i >= f->window_start && i < end ? (uint16_t)frame[i] : 0u;
}

/* Two samples, the first in the low half; as one word, which memory holds so on most machines. */
static uint32_t sample_pair(const int16_t *pcm) {
    const uint16_t low_first[2] = {1u, 0u};
    uint32_t pair, one;
    memcpy(&pair, pcm, sizeof pair);
    memcpy(&one, low_first, sizeof one);
    return one == 1u ? pair : pair << 16 | pair >> 16;
}

/* The samples of frames that begin at start[i], side by side. */
static void gather(const paritone_frontend_t *f, const int16_t *const start[LANES],
                   const block_t *b) {
    const uint32_t first = b->pairs.first_samples, last = b->pairs.n_samples - 1u;
    for (size_t part = 0; part < LANES; part += STREAMS) {
        for (uint32_t p = 1; p < last; p++) {
            for (size_t i = part; i < part + STREAMS; i++) {
                b->samples[p].pair[i] = sample_pair(&start[i][2u * (first + p)]);
            }
        }
    }
    for (size_t i = 0; i < LANES; i++) { /* the window may begin and end within a pair */
        const uint32_t low = 2u * first, high = 2u * (first + last);
        b->samples[0].pair[i] = sample(f, start[i], low) | sample(f, start[i], low + 1u) << 16;
        b->samples[last].pair[i] = sample(f, start[i], high) | sample(f, start[i], high + 1u) << 16;
    }
}

static void transform(const paritone_frontend_t *f, const block_t *b) {
    const paritone_cmsis_tables_t *tables = f->transform_tables;
    const pairs_t *p = &b->pairs;
    const uint32_t behind = p->first_samples + p->n_samples;
    memset(b->points, 0, p->first_samples * sizeof *b->points);
    memset(b->points + behind, 0, (p->half - behind) * sizeof *b->points);
    lanes_headroom(b->samples, p->n_samples, b->headroom);
    lanes_window(b->window, b->samples, b->headroom, p->n_samples, b->points + p->first_samples);
    lanes_cfft(tables->twiddle, p->half, b->points);
    lanes_split(tables, p->half, p->first_bins, p->last_bins, b->order, b->points, b->spectrum);
}

static void make_bands(const paritone_frontend_t *f, const block_t *b) {
    const paritone_cmsis_tables_t *tables = f->transform_tables;
    const points_t *bins = b->spectrum + f->first_bin;
    if (f->power == 2u) {
        lanes_mel_power(f, bins, b->mel);
    } else {
        lanes_magnitude(tables->root, bins, f->n_bins, b->magnitude);
        lanes_mel(f, b->magnitude, b->mel);
    }
}

int paritone_frontend_spectrogram(const paritone_frontend_t *f, const int16_t *pcm, size_t n,
                                  void *scratch, void *spectrogram) {
    if (f == NULL || pcm == NULL || scratch == NULL || spectrogram == NULL) {
        return PARITONE_E_ARGUMENT;
    }
    if (f->format != PARITONE_FORMAT) {
        return PARITONE_E_FORMAT;
    }
    if (f->transform != paritone_transform_cmsis) {
        return PARITONE_E_ARGUMENT;
    }
    const block_t b = lay_out(f, scratch);
    const size_t bytes = frontend_value_bytes(f);
    make_tables(f, &b);
    for (size_t t = 0; t < n; t += LANES) {
        const size_t count = n - t < LANES ? n - t : LANES;
        const int16_t *start[LANES];
        for (size_t i = 0; i < LANES; i++) {
            start[i] = pcm + (t + (i < count ? i : count - 1u)) * f->hop_length;
        }
        gather(f, start, &b);
        transform(f, &b);
        make_bands(f, &b);
        shifted_t shifted;
        lanes_shift(f, b.headroom, &shifted);
        for (size_t j = 0; j < f->n_mels; j++) {
            lanes_input(f, &b.mel[j], &shifted, count, (uint8_t *)spectrogram + (j * n + t) * bytes);
        }
    }
    return PARITONE_OK;
}
