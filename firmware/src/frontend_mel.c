/*
 * The n_mels + 2 mel points cut the bins into n_mels + 1 segments. In each of them one band
 * falls while the next rises, and the two weights add up to 1: a product with `rise` and
 * one with 1 make both.
 */
#include "frontend_fixed.h"
#include "frontend_stages.h"

typedef struct {
    uint64_t rising, whole;
} sums_t;

static sums_t sum_magnitude(const uint32_t *rise, uint32_t one, const uint32_t *magnitude,
                            size_t n) {
    sums_t sums = {0, 0};
    for (size_t k = 0; k < n; k++) {
        sums.rising += (uint64_t)rise[k] * magnitude[k];
        sums.whole += (uint64_t)one * magnitude[k];
    }
    return sums;
}

static sums_t sum_power(const uint32_t *rise, uint32_t one, const uint64_t *power, size_t n) {
    sums_t sums = {0, 0};
    for (size_t k = 0; k < n; k++) {
        sums.rising += mul_high96(rise[k], power[k]);
        sums.whole += mul_high96(one, power[k]);
    }
    return sums;
}

/* Segment s, from the first on: the end of band s - 1 and the start of band s. */
static void add_segment(const paritone_frontend_t *f, uint32_t s, sums_t sums, uint64_t *mel) {
    if (s > 0u) {
        mel[s - 1u] += sums.whole - sums.rising;
    }
    if (s < f->n_mels) {
        mel[s] = sums.rising;
    }
}

void frontend_mel_gain(const paritone_frontend_t *f, uint64_t *mel) {
    for (uint32_t j = 0; j < f->n_mels; j++) {
        mel[j] = mul_high96(f->gain[j], mel[j]);
    }
}

void frontend_mel_magnitude_c(const paritone_frontend_t *f, const uint32_t *magnitude,
                              uint64_t *mel) {
    const uint32_t one = (uint32_t)1 << f->rise_bits;
    size_t k = 0;
    for (uint32_t s = 0; s <= f->n_mels; s++) {
        const size_t n = f->segment_length[s];
        add_segment(f, s, sum_magnitude(f->rise + k, one, magnitude + k, n), mel);
        k += n;
    }
}

void paritone_mel_magnitude(const paritone_frontend_t *f, const void *bins, uint64_t *mel) {
    frontend_mel_magnitude(f, bins, mel);
    if (f->gain != NULL) {
        frontend_mel_gain(f, mel);
    }
}

void paritone_mel_power(const paritone_frontend_t *f, const void *bins, uint64_t *mel) {
    const uint64_t *power = bins;
    const uint32_t one = (uint32_t)1 << f->rise_bits;
    size_t k = 0;
    for (uint32_t s = 0; s <= f->n_mels; s++) {
        const size_t n = f->segment_length[s];
        add_segment(f, s, sum_power(f->rise + k, one, power + k, n), mel);
        k += n;
    }
    if (f->gain != NULL) {
        frontend_mel_gain(f, mel);
    }
}
