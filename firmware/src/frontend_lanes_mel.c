/* Mel bands of LANES frames in lockstep: see frontend_mel.c. */
#include "frontend_fixed.h"
#include "frontend_lanes.h"

typedef struct {
    sums_t rising, whole;
} segment_t;

static inline void add_power(uint32_t rise, uint32_t one, const points_t *bin, segment_t *sums) {
    for (size_t i = 0; i < LANES; i++) {
        const int64_t re = bin->re[i], im = bin->im[i];
        const uint64_t power = (uint64_t)(re * re) + (uint64_t)(im * im);
        sums->rising.lane[i] += mul_high96(rise, power);
        sums->whole.lane[i] += mul_high96(one, power);
    }
}

/* Segment s, from the first on: the end of band s - 1 and the start of band s. */
static void add_segment(const paritone_frontend_t *f, uint32_t s, const segment_t *sums,
                        sums_t *mel) {
    for (size_t i = 0; s > 0u && i < LANES; i++) {
        mel[s - 1u].lane[i] += sums->whole.lane[i] - sums->rising.lane[i];
    }
    if (s < f->n_mels) {
        mel[s] = sums->rising;
    }
}

static void scale(const paritone_frontend_t *f, sums_t *mel) {
    for (uint32_t j = 0; f->gain != NULL && j < f->n_mels; j++) {
        for (size_t i = 0; i < LANES; i++) {
            mel[j].lane[i] = mul_high96(f->gain[j], mel[j].lane[i]);
        }
    }
}

void lanes_mel(const paritone_frontend_t *f, const words_t *magnitude, sums_t *mel) {
    wide_t before = wide_zero(); /* the rise of band s - 1 */
    size_t k = 0;
    for (uint32_t s = 0; s <= f->n_mels; s++) {
        wide_t rising = wide_zero(), whole = wide_zero();
        for (const size_t end = k + f->segment_length[s]; k < end; k++) {
            const vector_t m = vector_load(magnitude[k].lane);
            rising = wide_add_product(rising, m, f->rise[k]);
            whole = wide_add(whole, m);
        }
        if (s > 0u) {
            wide_store(mel[s - 1u].lane, wide_sum(before, wide_sub(whole, f->rise_bits, rising)));
        }
        before = rising;
    }
    scale(f, mel);
}

void lanes_mel_power(const paritone_frontend_t *f, const points_t *spectrum, sums_t *mel) {
    const uint32_t one = (uint32_t)1 << f->rise_bits;
    size_t k = 0;
    for (uint32_t s = 0; s <= f->n_mels; s++) {
        segment_t sums = {{{0}}, {{0}}};
        for (const size_t end = k + f->segment_length[s]; k < end; k++) {
            add_power(f->rise[k], one, &spectrum[k], &sums);
        }
        add_segment(f, s, &sums, mel);
    }
    scale(f, mel);
}
